"""One record's questions to a scripted model, and which of them count as answered, open or lost."""

from itertools import groupby

import pytest

from extractor.assembly.assemble import assemble_extraction
from extractor.concepts.parse import parse_record
from extractor.errors import AnswerMissing, AnswerRejected, ModelUnavailable
from extractor.formats import read_records
from extractor.model.asking.dialogue import dialogue
from extractor.model.asking.querying import converse
from extractor.model.asking.questions import ModelReply
from extractor.options import ExtractionOptions
from extractor.schemas import (
    AbsenceReason,
    FindingKind,
    Origin,
    Section,
    Source,
    Task,
    TrialRecord,
    Usage,
)

PARSED = parse_record(next(read_records("tests/records/study.json")))
SPENT = Usage(calls=1, prompt_tokens=100, output_tokens=10)


@pytest.fixture(autouse=True)
def the_fake_model_answers_questions(monkeypatch):
    """No call is made: what a model is asked, the fake one answers itself."""
    monkeypatch.setattr(
        "extractor.model.asking.querying.ask",
        lambda model, questions, render: model.complete(questions, render),
    )


class Scripted:
    """A fake ``Model``. ``answer`` returns the items of a reply as dicts, or raises."""

    name = "scripted"

    def __init__(self, answer):
        self._answer = answer

    async def complete(self, questions, render):
        call = render(questions)
        items = self._answer(questions)
        reply = call.reply_model.model_validate(
            {"items": items}, context=dict(call.context)
        )
        return ModelReply(tuple(reply.items), SPENT, self.name)


async def ask(parsed, model, options):
    return await converse(dialogue(parsed, options), model)


def dosing_record(text):
    return parse_record(
        TrialRecord(
            record_id="NCT90000060",
            source=Source(path="made.json", format="ctgov_json"),
            sections=(
                Section(name="title", text="Drugamab in hay fever"),
                Section(name="arms[0]", text=text),
            ),
        )
    )


async def test_an_item_without_its_fields_is_no_answer():
    def answer(questions):
        return [{"n": question.chunk.number} for question in questions]

    result = await ask(
        PARSED,
        Scripted(answer),
        ExtractionOptions(tasks={Task.ENDPOINTS}, effort="all"),
    )
    assert result.usage.open_questions == len(PARSED.outcomes)
    assert result.usage.calls == 1, (
        "what the rules are certain of is a finding, not a question"
    )


@pytest.mark.parametrize("introduced", [True, False])
async def test_the_line_that_a_model_names_introduces_a_criterion_where_the_rules_are_in_doubt(
    introduced,
):
    text = "Inclusion Criteria:\n\n* Evidence of allergy, shown by:\n* Asthma\n* Eczema"
    section = Section(name="eligibility", text=text)
    parsed = parse_record(
        TrialRecord(
            record_id="x", source=Source(path="x", format="flat"), sections=(section,)
        )
    )

    def answer(questions):
        (shown,) = (q.chunk.number for q in questions if q.chunk.text.endswith("by:"))
        named = {"under": shown} if introduced else {}
        return [
            {"n": q.chunk.number, "cat": "other"} | named
            for q in questions
            if "lead_in" in q.fields
        ]

    options = ExtractionOptions(tasks={Task.ELIGIBILITY})
    extraction = assemble_extraction(
        parsed, await ask(parsed, Scripted(answer), options), options.tasks
    )
    found = {
        criterion.quote: criterion.lead_in
        for criterion in extraction.eligibility.criteria
    }
    assert found["Asthma"] == "Evidence of allergy, shown by:"
    assert found["Eczema"] == (found["Asthma"] if introduced else None)


def _one_call_a_task(questions):
    return [
        tuple(group)
        for _, group in groupby(questions, key=lambda question: question.task)
    ]


async def test_a_failing_call_loses_only_its_own_questions(monkeypatch):
    def answer(questions):
        if questions[0].task is Task.ENDPOINTS:
            raise ModelUnavailable("HTTP 503", SPENT)
        return [{"n": q.chunk.number, "cat": "age"} for q in questions]

    tasks = {Task.ELIGIBILITY, Task.ENDPOINTS}
    monkeypatch.setattr(
        "extractor.model.asking.dialogue.pack_questions", _one_call_a_task
    )
    result = await ask(
        PARSED, Scripted(answer), ExtractionOptions(tasks=tasks, effort="all")
    )
    assert result.usage.calls == 2, "each task once"
    extraction = assemble_extraction(PARSED, result, tasks)
    lost = [
        finding
        for finding in extraction.findings
        if finding.kind is FindingKind.ANSWER_MISSING
    ]
    assert ["HTTP 503" in finding.message for finding in lost] == [True]
    origins = {
        piece.origin for c in extraction.eligibility.criteria for piece in c.evidence
    }
    assert origins & {Origin.MODEL, Origin.BOTH}


@pytest.mark.parametrize(
    "error", [ModelUnavailable("HTTP 503", SPENT), AnswerMissing("never recorded")]
)
async def test_an_error_of_every_call_is_raised_with_the_usage_of_all(
    error, monkeypatch
):
    def answer(questions):
        raise error

    monkeypatch.setattr(
        "extractor.model.asking.dialogue.pack_questions", _one_call_a_task
    )
    with pytest.raises(type(error)) as caught:
        await ask(
            PARSED,
            Scripted(answer),
            ExtractionOptions(tasks={Task.ELIGIBILITY, Task.ENDPOINTS}, effort="all"),
        )
    assert getattr(caught.value, "usage", None) in (None, SPENT + SPENT)


async def test_a_refused_answer_leaves_its_questions_open_and_says_why():
    def answer(questions):
        raise AnswerRejected("the model refused: I cannot read this", SPENT)

    result = await ask(
        PARSED,
        Scripted(answer),
        ExtractionOptions(tasks={Task.ENDPOINTS}, effort="all"),
    )
    assert result.usage.open_questions == result.usage.questions
    extraction = assemble_extraction(PARSED, result, {Task.ENDPOINTS})
    assert "I cannot read this" in extraction.findings[0].message


async def test_an_invented_regimen_is_left_out_and_reported():
    parsed = dosing_record("Study product 5 mg twice daily")

    def answer(questions):
        invented = {
            "quote": "99 mg of fantasin",
            "agent": "fantasin",
            "dose": ["99 mg"],
        }
        return [
            {"n": question.chunk.number, **invented}
            for question in questions
            if "5 mg" in question.chunk.text
        ]

    result = await ask(parsed, Scripted(answer), ExtractionOptions(tasks={Task.DOSING}))
    extraction = assemble_extraction(parsed, result, {Task.DOSING})
    assert extraction.dosing == ()
    assert [a.reason for a in extraction.absences if a.field == "dosing"] == [
        AbsenceReason.UNSUPPORTED_ANSWER
    ]
    assert result.usage.open_questions == 1
    assert {finding.kind for finding in extraction.findings} == {
        FindingKind.QUOTE_NOT_FOUND,
        FindingKind.QUOTE_CONFLICT,
        FindingKind.DOSE_UNREAD,
    }


async def test_a_regimen_found_only_by_the_model_has_evidence():
    parsed = dosing_record("Study product 5 mg twice daily")

    def answer(questions):
        dose = {
            "quote": "5 mg twice daily",
            "agent": "Study product",
            "dose": ["5 mg"],
            "freq": "BID",
        }
        (candidate,) = (
            question.chunk for question in questions if "5 mg" in question.chunk.text
        )
        return [{"n": candidate.number, **dose, "cycle": "5 month"}]

    result = await ask(parsed, Scripted(answer), ExtractionOptions(tasks={Task.DOSING}))
    extraction = assemble_extraction(parsed, result, {Task.DOSING})
    (regimen,) = extraction.dosing
    assert regimen.agent == "Study product"
    assert regimen.quote == "5 mg twice daily"
    assert regimen.frequency == "BID"
    assert {piece.field: piece.quote for piece in regimen.evidence}[
        "amounts[0]"
    ] == "5 mg"
    origins = {piece.field: piece.origin for piece in regimen.evidence}
    assert origins["agent"] == Origin.MODEL
    assert origins["amounts[0]"] == Origin.BOTH  # the rules link the dose to it
    reasons = {absence.field: absence.reason for absence in extraction.absences}
    assert reasons["dosing[0].cycle"] is AbsenceReason.UNSUPPORTED_ANSWER
    assert reasons["dosing[0].route"] is not AbsenceReason.NOT_ASKED
