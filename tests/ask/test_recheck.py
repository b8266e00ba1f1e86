"""What the text contradicts is asked once more if that can change the result; copies of examples
are dropped.
"""

from contextlib import closing
from dataclasses import replace
from enum import StrEnum

import pytest

from extractor import Extractor
from extractor.assembly.check import ground_answer
from extractor.concepts.parse import parse_record
from extractor.errors import AnswerMissing
from extractor.evidence.drafts import Reading
from extractor.model.asking.prompt import load_prompt, render_line
from extractor.model.asking.recheck import LINE_TOKENS, drop_repeated, plan_recheck
from extractor.model.asking.reply_models import Reply, read_values
from extractor.model.calls import estimate_tokens
from extractor.model.database import open_run
from extractor.model.store import CallStore
from extractor.schemas import (
    AbsenceReason,
    Constraint,
    CriterionGroup,
    FindingKind,
    Origin,
    Role,
    Task,
)
from tests.llm.stub import completion, fault, items, serve
from tests.trust import answering, asks_again, read_lines, trial

RECORD = trial(
    title="Examplumab in hay fever",
    eligibility="Inclusion Criteria:\n\n* Ferritin of 40 to 90 ug/L or thereabouts at the "
    "screening visit\n* Consent",
)
LINE = "Ferritin"
RIGHT, WRONG = "Ferritin: 40-90 ug/L", "Ferritin: 40-95 ug/L"


def extract(script, record=RECORD, tasks=("eligibility",), **more):
    """The extraction by a model that answers so, and the requests it got."""
    with serve(script) as stub:
        extraction = Extractor(stub.spec, effort="all", tasks=tasks, **more).extract(record)
    return extraction, stub.requests


def limits(extraction):
    return extraction.eligibility.criteria[0].constraints


@pytest.fixture(autouse=True)
def _model_decides(monkeypatch):
    """The rules know nothing of limits here, so that the answers are all there is."""

    def forget(record, *_):
        parsed = parse_record(record)
        forgotten = {"constraints": Reading.open_()}
        return replace(
            parsed,
            criteria=tuple(
                replace(one, rules={**one.rules, **forgotten}) for one in parsed.criteria
            ),
        )

    monkeypatch.setattr("extractor.pipeline.parse_record", forget)


def test_a_conflict_is_asked_once_more_with_what_the_text_has():
    extraction, requests = extract(answering({LINE: {"limits": [WRONG]}}))
    assert [asks_again(request) for request in requests] == [False, True]
    (line,) = read_lines(requests[1])
    assert line["keys"] == "limits"
    assert WRONG in line["note"]
    assert "90" in line["note"].partition("the text has")[2]
    assert LINE in line["text"]
    assert requests[0]["messages"][0] == requests[1]["messages"][0]
    usage = extraction.usage
    assert (usage.calls, usage.prompt_tokens, usage.output_tokens) == (2, 20, 10)
    assert usage.questions == len(read_lines(requests[0])) + 1


def test_a_second_opinion_that_the_text_supports_is_used():
    extraction, _ = extract(answering({LINE: {"limits": [WRONG]}}, again={"limits": [RIGHT]}))
    assert [limit.value_high for limit in limits(extraction)] == [90]
    pieces = [
        piece
        for piece in extraction.eligibility.criteria[0].evidence
        if piece.field == "constraints[0]"
    ]
    assert [piece.origin for piece in pieces] == [Origin.MODEL]
    assert not extraction.findings


@pytest.mark.parametrize("again", [{"limits": ["Ferritin: 40-96 ug/L"]}, {}])
def test_what_is_refused_again_is_kept_out_and_listed_with_the_text(again):
    extraction, requests = extract(answering({LINE: {"limits": [WRONG]}}, again=again))
    assert len(requests) == 2
    assert limits(extraction) == ()
    (finding,) = extraction.findings
    assert finding.kind is FindingKind.QUOTE_CONFLICT
    assert WRONG in finding.message
    assert "number" in finding.message
    (citation,) = finding.citations
    assert RECORD.section(citation.section).text[citation.start : citation.end] == citation.quote
    reasons = {absence.field: absence.reason for absence in extraction.absences}
    assert reasons["eligibility.criteria[0].constraints"] is AbsenceReason.UNSUPPORTED_ANSWER


LIMITS = "Inclusion Criteria:\n\n* Ferritin of 40 to 90 ug/L, weight below 50 kg\n* Consent"


def test_only_the_refused_member_of_a_list_is_asked_again():
    script = answering({LINE: {"limits": [WRONG, "weight: < 50 kg"]}}, again={"limits": [RIGHT]})
    extraction, _ = extract(script, trial(title="A trial", eligibility=LIMITS))
    assert [(limit.quantity, limit.value) for limit in limits(extraction)] == [
        ("Ferritin", 40),
        ("weight", 50),
    ]
    assert not extraction.findings


def test_a_limit_that_is_said_of_others_is_asked_again():
    text = "Inclusion Criteria:\n\n* Ferritin > 40 ug/L for men and > 30 ug/L for women\n* Consent"
    script = answering(
        {LINE: {"limits": ["Ferritin: > 40 ug/L @ for women", "Ferritin: > 30 ug/L @ for women"]}},
        again={"limits": ["Ferritin: > 40 ug/L @ for men"]},
    )
    extraction, requests = extract(script, trial(title="A trial", eligibility=text))
    assert 'said of something else; the text has "for men"' in read_lines(requests[1])[0]["note"]
    assert {(limit.value, limit.condition) for limit in limits(extraction)} == {
        (40, "for men"),
        (30, "for women"),
    }
    assert not extraction.findings


def test_the_rules_name_the_drug_of_a_time_window_where_the_answer_has_the_other_one():
    text = "Exclusion Criteria:\n\n* Rituximab within 4 weeks, warfarin within 7 days"
    wrong = ["within 4 weeks | <= 4 week | warfarin", "within 7 days | <= 7 day | warfarin"]
    extraction, requests = extract(
        answering({"Rituximab": {"windows": wrong}}), trial(title="A trial", eligibility=text)
    )
    assert len(requests) == 1
    (criterion,) = extraction.eligibility.criteria
    assert [window.of for window in criterion.time_windows] == ["Rituximab", "warfarin"]
    assert criterion.time_window.value == 4
    pieces = {piece.field: piece.quote for piece in criterion.evidence}
    assert pieces["time_windows[0].of"] == "Rituximab"
    (finding,) = extraction.findings
    assert "warfarin" in finding.message


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"specimens": ["moon dust"]}, FindingKind.QUOTE_NOT_FOUND),
        ({"times": ["soon"]}, FindingKind.ANSWER_MISSING),  # unreadable
        (
            {"times": ["4 week", "5 week"]},
            FindingKind.QUOTE_CONFLICT,
        ),  # another member has these words
        ({}, None),
    ],
)
def test_what_no_answer_can_change_is_a_finding_and_not_asked_again(answer, kind):
    record = trial(title="A trial", primary_outcomes_0="Zinc in plasma, 4 weeks")
    extraction, requests = extract(
        answering({"Zinc": answer}, again=answer), record, tasks=("endpoints",)
    )
    assert len(requests) == 1
    assert [
        finding.kind
        for finding in extraction.findings
        if finding.kind in (kind, FindingKind.QUOTE_CONFLICT)
    ] == [*filter(None, [kind])]


def test_a_line_without_an_item_is_not_asked_again():
    _, requests = extract(
        lambda request: completion(items({"n": int(read_lines(request)[0]["number"]), "ok": True}))
    )
    assert len(requests) == 1


def test_a_value_is_not_asked_again_where_the_rules_have_the_text_s():
    parsed = parse_record(
        trial(title="A trial", eligibility="Inclusion Criteria:\n\n* ECOG of 0 to 2\n* Consent")
    )
    wrong = Constraint(quantity="ECOG", comparator="between", value=0, value_high=1)
    draft = ground_answer({"constraints": (wrong,)}, parsed.criteria[0], parsed)
    assert [parsed.raw(one.nearest) for one in draft.refused] == ["2"]
    assert plan_recheck(parsed, [draft]) == {}
    assert list(plan_recheck(parsed, [replace(draft, rules={})])) == [0]


def test_the_refusals_of_a_record_go_into_one_small_question():
    def ask_again(number):
        words = (
            "in everybody who takes part in the study as its protocol says that it must be "
            "measured, and slowly "
        ) * 9
        text = "Inclusion Criteria:\n\n" + "\n".join(
            f"* Ferritin of {n}5 ug/L {words}" for n in range(1, number + 1)
        )
        parsed = parse_record(trial(title="A trial", eligibility=text))
        limit = Constraint(quantity="Ferritin", comparator="=", value=977, unit="ug/L")
        unread = [replace(one, rules={}) for one in parsed.criteria]
        answers = [ground_answer({"constraints": (limit,)}, one, parsed) for one in unread]
        return list(plan_recheck(parsed, answers).values())

    assert len(ask_again(2)) == 2
    lines = ask_again(12)
    assert [line.chunk.number for line in lines] == list(range(1, len(lines) + 1))
    assert 0 < sum(estimate_tokens(render_line(line)) for line in lines) <= LINE_TOKENS


@pytest.mark.parametrize("reply", [completion(None, message={"refusal": "no"}), fault(400)])
def test_a_second_question_that_fails_loses_nothing_of_the_first(reply):
    first = answering({LINE: {"limits": [WRONG], "cat": "organ"}})
    extraction, _ = extract(lambda request: reply if asks_again(request) else first(request))
    assert extraction.eligibility.criteria[0].category == "organ_function"
    kinds = {finding.kind for finding in extraction.findings}
    assert kinds == {FindingKind.QUOTE_CONFLICT, FindingKind.ANSWER_MISSING}


async def test_a_run_that_lacks_the_second_answer_is_missed_aloud(tmp_path):
    def replay():
        return Extractor(replay=tmp_path, effort="all", tasks=["eligibility"]).extract(RECORD)

    with closing(open_run(tmp_path)) as run, serve(answering({LINE: {"limits": [WRONG]}})) as stub:
        asking = Extractor(stub.spec, effort="all", tasks=["eligibility"])
        async with asking.setup.open(calls=lambda: CallStore(run)) as extract:
            recorded = await extract(RECORD)
    assert [finding.kind for finding in recorded.findings] == [FindingKind.QUOTE_CONFLICT]
    assert replay() == recorded
    with closing(open_run(tmp_path)) as run:
        assert run.execute("DELETE FROM calls WHERE is_recheck").rowcount == 1
    with pytest.raises(AnswerMissing):
        replay()


def test_an_item_of_another_line_is_no_answer():
    first = answering({LINE: {"limits": [WRONG]}})

    def answer(request):
        return (
            completion(items({"n": 77, "limits": [RIGHT]}))
            if asks_again(request)
            else first(request)
        )

    extraction, _ = extract(answer)
    assert limits(extraction) == ()


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


def ground(task, values):
    return ground_answer(values, WALK.draft_of(task, CHUNKS[task]), WALK)


def test_no_text_or_number_of_the_example_becomes_a_value():
    prompt = load_prompt()
    reply = Reply.model_validate(
        {"items": prompt.answer}, context=Reply.context_of(prompt.questions)
    )
    for question, said in read_values(prompt.questions, reply.items):
        values = [reading.value for reading in ground(question.task, said).model.values()]
        assert [
            value
            for value in values
            if value and not isinstance(value, bool | StrEnum | CriterionGroup)
        ] == []


@pytest.mark.parametrize(
    "values", [{"agent": "Testimab"}, {"agent": "TESTIMAB", "timing": "on day 1"}]
)
def test_words_of_closed_sets_go_with_an_answer_that_repeats_an_example(values):
    dropped = drop_repeated(ground(Task.DOSING, values | {"role": Role.PLACEBO}))
    assert not dropped.model
    assert FindingKind.EXAMPLE_REPEATED in {rejection.kind for rejection in dropped.refused}
