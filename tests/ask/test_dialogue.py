"""A record's questions to a scripted model over HTTP, and which answers are used, rejected, open or
lost.
"""

import json

import pytest

from extractor import Extractor
from extractor.errors import ModelUnavailable
from extractor.schemas import AbsenceReason, FindingKind, Origin
from extractor.schemas.vocabulary import DOUBTFUL_BELOW
from tests.llm.stub import completion, fault, items, serve
from tests.trust import answering, read_lines, trial


def extract(script, record, tasks, effort="full"):
    """The extraction by a model that answers so, and the requests that it got."""
    with serve(script) as stub:
        extraction = Extractor(stub.spec, effort=effort, tasks=[tasks]).extract(record)
    return extraction, stub.requests


def reasons(extraction):
    return {absence.field: absence.reason for absence in extraction.absences}


FEW = trial(primary_outcomes=["Pain, day 3", "Itch by diary"])
MANY = trial(primary_outcomes=[f"Number of nights {n} at home" for n in range(200)])


def test_an_item_without_its_fields_is_no_answer():
    extraction, requests = extract(answering({}), FEW, "endpoints")
    assert len(requests) == 1, "what is not answered is not asked again"
    assert extraction.usage.open_questions == extraction.usage.questions == 2


def test_a_call_that_fails_loses_only_its_own_questions():
    healthy = answering({"nights": {"domain": "efficacy", "concept": "other"}})

    def script(request):
        is_first = "nights 0 at" in request["messages"][-1]["content"]
        return fault(400, "this one is cursed") if is_first else healthy(request)

    extraction, requests = extract(script, MANY, "endpoints")

    assert len(requests) > 1
    messages = [
        finding.message
        for finding in extraction.findings
        if finding.kind is FindingKind.ANSWER_MISSING
    ]
    assert ["this one is cursed" in message for message in messages] == [True]
    assert extraction.usage.questions == 200
    assert 0 < extraction.usage.unanswered < 200
    origins = {piece.origin for one in extraction.endpoints for piece in one.evidence}
    assert origins & {Origin.MODEL, Origin.BOTH}


def test_an_error_of_every_call_is_raised():
    with pytest.raises(ModelUnavailable, match="this one is cursed"):
        extract(lambda _: fault(400, "this one is cursed"), MANY, "endpoints")


def test_a_refusal_is_told_and_leaves_its_questions_open():
    refusal = completion(None, message={"refusal": "I cannot read this"})
    extraction, _ = extract([refusal], FEW, "endpoints")
    assert extraction.usage.open_questions == extraction.usage.questions
    assert "I cannot read this" in extraction.findings[0].message


def test_an_age_is_the_widest_of_all_lines():
    record = trial(
        eligibility="Inclusion Criteria:\n\n* Women at least 18 years old\n* Men at least 16 years "
        "old\n* Men or women at most 60 years old\n* Women not older than 70 years"
    )
    said = {
        "18": {"min": "18 year"},
        "16": {"min": "16 year"},
        "60": {"max": "60 year"},
        "70": {"max": "70 year"},
    }

    def script(request):
        lines = [one for one in read_lines(request) if "people" in one.asked]
        pairs = [
            (line.number, words)
            for line in lines
            for words in said
            if words in line.text
        ]
        return completion(
            items(*({"n": number, **said[words]} for number, words in pairs))
        )

    extraction, _ = extract(script, record, "eligibility")

    people = extraction.eligibility
    assert (people.minimum_age.value, people.maximum_age.value) == (16, 70)


DOSE = trial(title="Drugamab in hay fever", arms_0="Study product 5 mg twice daily")


def test_an_invented_regimen_is_left_out_and_reported():
    invented = {"quote": "99 mg of fantasin", "agent": "fantasin", "dose": ["99 mg"]}
    extraction, _ = extract(answering({"5 mg": invented}), DOSE, "dosing")
    assert extraction.dosing == ()
    assert reasons(extraction)["dosing"] is AbsenceReason.UNSUPPORTED_ANSWER
    assert extraction.usage.open_questions == 1
    assert {finding.kind for finding in extraction.findings} == {
        FindingKind.QUOTE_NOT_FOUND,
        FindingKind.QUOTE_CONFLICT,
        FindingKind.DOSE_UNREAD,
    }


FORMS = (
    *("items", "list", "lines", "whole lines", "fences"),
    *("calls", "beside a call", "texts", "choices"),
)
"""How one reply holds several answers."""


def reply_twice(form, number, *both):
    """A reply whose two items about a line contradict each other."""
    both = [{"n": number, **one} for one in both]
    answers = [{"items": [one]} for one in both]
    first, second = map(json.dumps, answers)
    call = {"type": "function", "function": {"name": "Reply", "arguments": second}}
    texts = {
        "items": json.dumps({"items": both}),
        "list": json.dumps(answers),
        "lines": "\n".join(map(json.dumps, both)),
        "whole lines": f"{first}\n{second}",
        "fences": f"```json\n{first}\n```\n```json\n{second}\n```",
        "texts": [{"type": "text", "text": text} for text in (first, second)],
    }
    if form in texts:
        return completion(texts[form])
    if form == "beside a call":
        return completion(first, message={"tool_calls": [call | {"id": "a"}]})
    if form == "calls":
        other = call | {"function": {"name": "Reply", "arguments": first}, "id": "b"}
        return completion(None, message={"tool_calls": [other, call | {"id": "a"}]})
    choices = [
        {"index": place, "message": {"role": "assistant", "content": text}}
        for place, text in enumerate((f"So: {first}", f"<think>Hm.</think>{second}"))
    ]
    return completion(None, choices=choices)


def list_ambiguities(extraction):
    return [
        finding.message
        for finding in extraction.findings
        if finding.kind is FindingKind.ANSWER_AMBIGUOUS
    ]


@pytest.mark.parametrize("form", FORMS)
def test_answers_of_one_reply_that_contradict_each_other_are_not_used(form):
    """Both are named, and the rules' values are in doubt. What only one of the items says
    stands.
    """

    def script(request):
        number = read_lines(request)[0].number
        second = {"domain": "efficacy", "concept": "other"}
        return reply_twice(form, number, {"domain": "safety"}, second)

    record = trial(primary_outcomes=["Wellness of participants"])
    extraction, _ = extract(script, record, "endpoints")
    (endpoint,) = extraction.endpoints
    origins = {piece.field: piece.origin for piece in endpoint.evidence}
    assert origins["category"] is Origin.RULE
    assert origins["concept"] in (Origin.MODEL, Origin.BOTH)
    assert list_ambiguities(extraction) == [
        'line 1 has two answers to domain, and neither was used: "safety" and "efficacy"'
    ]


def test_the_rules_are_in_doubt_where_a_reply_contradicts_itself():
    line = "Adults aged 18 to 65 years"

    def script(request):
        asked = read_lines(request)
        numbers = [one.number for one in asked if one.text == f"* {line}"]
        if not numbers:
            return completion(items())
        both = ({"min": "18 year", "max": f"{age} year"} for age in (65, 56))
        return reply_twice("items", *numbers, *both)

    record = trial(eligibility=f"Inclusion Criteria:\n\n* {line}\n* Asthma")
    extraction, _ = extract(script, record, "eligibility")
    (oldest,) = extraction.eligibility.evidence_for("maximum_age")
    assert (oldest.quote, oldest.confidence) == (line.removeprefix("Adults "), 0.8)
    (said,) = list_ambiguities(extraction)
    assert said.endswith('max, and neither was used: "65 year" and "56 year"')


TWICE = {
    "role": ({"role": "investigational"}, {"role": "comparator"}),
    "route": ({"route": "oral"}, {"route": "subcutaneous"}),
    "freq": ({"freq": "Q4W"}, {"freq": "Q8W"}),
    "dose": ({}, {"dose": ["5 mg", "10 mg"]}),
}


@pytest.mark.parametrize("form", ["items", "whole lines"])
@pytest.mark.parametrize("key", TWICE)
def test_two_answers_about_one_regimen_are_in_doubt(key, form):
    quote = "Drugamab 5 mg or 10 mg orally every 4 weeks, or every 8 weeks"
    regimen = {"quote": quote, "agent": "Drugamab", "dose": ["5 mg"]}
    both = [regimen | one for one in TWICE[key]]

    def script(request):
        return reply_twice(form, read_lines(request)[0].number, *both)

    record = trial(title="Drugamab in hay fever", arms_0=quote)
    extraction, _ = extract(script, record, "dosing")
    field = {"freq": "frequency", "dose": "amounts"}.get(key, key)
    sure = [
        (piece.field, piece.confidence)
        for one in extraction.dosing
        for piece in one.evidence
        if piece.field.startswith(field)
    ]
    assert sure
    assert all(confidence < DOUBTFUL_BELOW for _, confidence in sure)
    (said,) = list_ambiguities(extraction)
    shown = " and ".join(json.dumps(one.get(key, ["5 mg"])) for one in TWICE[key])
    assert said == f"line 1 has two answers to {key}, and both are doubted: {shown}"


@pytest.mark.parametrize(
    "other",
    [
        {"dose": ["10 mg"]},
        {"quote": "Drugamab 10 mg"},
        {"arms": [1]},
        {"when": "day 1"},
    ],
)
def test_two_regimens_of_a_line_are_no_contradiction(other):
    text = "Drugamab 5 mg orally daily or Drugamab 10 mg"
    regimen = {"quote": text, "agent": "Drugamab", "dose": ["5 mg"], "freq": "QD"}
    both = (regimen, regimen | {"freq": "Q4W"} | other)

    def script(request):
        return reply_twice("items", read_lines(request)[0].number, *both)

    record = trial(title="Drugamab in hay fever", arms_0=text)
    extraction, _ = extract(script, record, "dosing")
    assert list_ambiguities(extraction) == []
    assert len(extraction.dosing) == 2
