"""What the text contradicts is refused without another question, and becomes a finding."""

from dataclasses import replace
from enum import StrEnum

import pytest

from extractor import Extractor
from extractor.assembly.check import ground_answer
from extractor.concepts.parse import parse_record
from extractor.evidence.drafts import Reading
from extractor.model.asking.prompt import load_prompt
from extractor.model.asking.reply_models import Reply, read_values
from extractor.schemas import AbsenceReason, CriterionGroup, FindingKind, Task
from tests.llm.stub import serve
from tests.trust import answering, trial

RECORD = trial(
    title="Examplumab in hay fever",
    eligibility="Inclusion Criteria:\n\n* Ferritin of 40 to 90 ug/L or thereabouts at the "
    "screening visit\n* Consent",
)
LINE = "Ferritin"
WRONG = "Ferritin: 40-95 ug/L"


def extract(script, record=RECORD, tasks=("eligibility",)):
    """The extraction by a model that answers so, and the requests it got."""
    with serve(script) as stub:
        extraction = Extractor(stub.spec, effort="all", tasks=tasks).extract(record)
    return extraction, stub.requests


@pytest.fixture(autouse=True)
def _model_decides(monkeypatch):
    """The rules know nothing of limits here, so that the answers are all there is."""

    def forget(record, *_):
        parsed = parse_record(record)
        forgotten = {"constraints": Reading.open_()}
        return replace(
            parsed,
            criteria=tuple(
                replace(criterion, rules={**criterion.rules, **forgotten})
                for criterion in parsed.criteria
            ),
        )

    monkeypatch.setattr("extractor.pipeline.parse_record", forget)


def test_what_is_refused_is_kept_out_and_listed_with_the_text():
    extraction, requests = extract(answering({LINE: {"limits": [WRONG]}}))
    assert len(requests) == 1
    assert extraction.eligibility.criteria[0].constraints == ()
    (finding,) = extraction.findings
    assert finding.kind is FindingKind.QUOTE_CONFLICT
    assert WRONG in finding.message
    (citation,) = finding.citations
    assert (
        RECORD.section(citation.section).text[citation.start : citation.end]
        == citation.quote
    )
    reasons = {absence.field: absence.reason for absence in extraction.absences}
    assert (
        reasons["eligibility.criteria[0].constraints"]
        is AbsenceReason.UNSUPPORTED_ANSWER
    )


def test_a_refused_member_takes_no_other_of_its_list_with_it():
    text = "Inclusion Criteria:\n\n* Ferritin of 40 to 90 ug/L, weight below 50 kg\n* Consent"
    script = answering({LINE: {"limits": [WRONG, "weight: < 50 kg"]}})

    extraction, _ = extract(script, trial(title="A trial", eligibility=text))

    limits = extraction.eligibility.criteria[0].constraints
    assert [(limit.quantity, limit.value) for limit in limits] == [("weight", 50)]
    assert FindingKind.QUOTE_CONFLICT in [
        finding.kind for finding in extraction.findings
    ]


def test_the_rules_name_the_drug_of_a_time_window_where_the_answer_has_the_other_one():
    text = "Exclusion Criteria:\n\n* Rituximab within 4 weeks, warfarin within 7 days"
    wrong = [
        "within 4 weeks | <= 4 week | warfarin",
        "within 7 days | <= 7 day | warfarin",
    ]
    extraction, _ = extract(
        answering({"Rituximab": {"windows": wrong}}),
        trial(title="A trial", eligibility=text),
    )
    (criterion,) = extraction.eligibility.criteria
    assert [window.of for window in criterion.time_windows] == ["Rituximab", "warfarin"]
    assert criterion.time_window.value == 4
    pieces = {piece.field: piece.quote for piece in criterion.evidence}
    assert pieces["time_windows[0].of"] == "Rituximab"
    (finding,) = extraction.findings
    assert "warfarin" in finding.message


WALK = parse_record(
    trial(
        eligibility="Inclusion Criteria:\n\n* Willing to walk",
        arms_0="Fictumab 300 mg orally",
        primary_outcomes_0="Walking, Week 7",
    )
)
CHUNKS = {
    Task.ELIGIBILITY: WALK.criteria[0].chunk,
    Task.DOSING: WALK.regimens[0].chunk,
    Task.ENDPOINTS: WALK.outcomes[0].chunk,
}


def test_no_text_or_number_of_the_example_becomes_a_value():
    """Small models copy what they were shown."""
    prompt = load_prompt()
    reply = Reply.model_validate(
        {"items": prompt.answer}, context=Reply.context_of(prompt.questions)
    )
    for question, said in read_values(prompt.questions, reply.items):
        draft = WALK.draft_of(question.task, CHUNKS[question.task])
        values = [
            reading.value for reading in ground_answer(said, draft, WALK).model.values()
        ]
        assert [
            value
            for value in values
            if value and not isinstance(value, bool | StrEnum | CriterionGroup)
        ] == []
