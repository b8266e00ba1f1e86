"""If a capable model has read the passages, its list of regimens is used, and the rules confirm it."""

from dataclasses import replace
from itertools import count

import pytest

from extractor.assembly.assemble import ModelResult, assemble_extraction
from extractor.assembly.check import ground_answer
from extractor.concepts.doses.passages import list_dose_passages
from extractor.concepts.doses.prove import prove_regimens
from extractor.concepts.parse import parse_record
from extractor.schemas import (
    AbsenceReason,
    Amount,
    FindingKind,
    Frequency,
    Origin,
    Role,
    Route,
    Support,
    Task,
)
from extractor.schemas.vocabulary import DOUBTFUL_BELOW
from tests.parse.test_arms import linked
from tests.trust import trial

TEXT = (
    "Examplumab 300 mg subcutaneously every 4 weeks and Testimab 20 mg orally once daily for "
    "12 weeks."
)


def mg(value, *arms):
    return Amount(low=value, high=value, unit="mg", arms=arms)


EXAMPLUMAB = {
    "stands": True,
    "quote": "300 mg subcutaneously every 4 weeks",
    "agent": "Examplumab",
    "role": Role.INVESTIGATIONAL,
    "amounts": (mg(300),),
    "route": Route.SUBCUTANEOUS,
    "frequency": Frequency.Q4W,
}
TESTIMAB = {
    "stands": True,
    "quote": "20 mg orally once daily for 12 weeks",
    "agent": "Testimab",
    "role": Role.BACKGROUND,
    "amounts": (mg(20),),
    "route": Route.ORAL,
    "frequency": Frequency.QD,
}


@pytest.fixture
def parsed():
    return parse_record(trial(title="Examplumab in asthma", arms_0=TEXT))


def list_arms(parsed):
    """The passages that state doses; a model also reads the title."""
    return [
        chunk
        for chunk in list_dose_passages(parsed, count(1000))
        if chunk.span.section.startswith("arms")
    ]


def ground(parsed, chunk, values):
    draft = replace(
        parsed.draft_of(Task.DOSING, chunk),
        questions={"regimens": AbsenceReason.MODEL_REFUSED},
    )
    return ground_answer(dict(values), draft, parsed)


def assemble(parsed, *answers):
    (chunk,) = list_arms(parsed)
    result = ModelResult(tuple(ground(parsed, chunk, values) for values in answers))
    return {
        r.agent: r for r in assemble_extraction(parsed, result, {Task.DOSING}).dosing
    }


def test_what_both_read_is_one_regimen_each(parsed):
    found = assemble(parsed, TESTIMAB, EXAMPLUMAB)
    assert found.keys() == {"Examplumab", "Testimab"}
    origins = {piece.field: piece.origin for piece in found["Testimab"].evidence}
    assert origins["route"] == Origin.BOTH
    assert origins["agent"] == Origin.BOTH
    assert found["Testimab"].role is Role.BACKGROUND


def test_a_quote_that_the_text_does_not_hold_is_replaced_by_what_the_values_span(
    parsed,
):
    found = assemble(parsed, EXAMPLUMAB, TESTIMAB | {"quote": "20 mg by mouth"})
    assert found["Testimab"].quote == "Testimab 20 mg orally once daily"


def test_a_sure_dose_that_a_model_leaves_out_is_kept_doubted_with_a_finding(parsed):
    (chunk,) = list_arms(parsed)
    result = ModelResult((ground(parsed, chunk, EXAMPLUMAB),))
    extraction = assemble_extraction(parsed, result, {Task.DOSING})
    _, left_out = extraction.dosing
    assert left_out.agent == "Testimab"
    assert {piece.origin for piece in left_out.evidence} == {Origin.RULE}
    assert all(piece.confidence < DOUBTFUL_BELOW for piece in left_out.evidence)
    (finding,) = [
        finding
        for finding in extraction.findings
        if finding.kind is FindingKind.REGIMEN_UNCONFIRMED
    ]
    assert "20 mg orally once daily" in finding.citations[0].quote


def test_a_regimen_that_only_the_model_read_has_its_proof(parsed):
    parsed = replace(parsed, regimens=parsed.regimens[:1])

    regimens = assemble(parsed, EXAMPLUMAB, TESTIMAB)

    (quote,) = regimens["Testimab"].evidence_for("quote")
    assert quote.quote == TESTIMAB["quote"]
    assert quote.origin == Origin.MODEL
    (amount,) = regimens["Examplumab"].evidence_for("amounts")
    assert amount.field == "amounts[0]"
    assert amount.quote == "300 mg"
    assert amount.origin == Origin.BOTH


@pytest.mark.parametrize(
    ("further", "listed"),
    [
        ({"agent": "Examplumab 300", "frequency": Frequency.Q4W}, True),
        # says nothing new
        ({"quote": "20 mg orally", "agent": "testimab", "route": Route.ORAL}, False),
        ({"agent": None, "amounts": (mg(300),)}, False),
    ],
)
def test_a_further_regimen_is_listed_if_it_names_an_agent_and_says_something_new(
    parsed, further, listed
):
    more = {"stands": True, "quote": "every 4 weeks", **further}
    found = assemble(parsed, EXAMPLUMAB, TESTIMAB, more)
    assert len(found) == 2 + listed
    assert (further["agent"] in found) is listed


def test_a_value_that_was_refused_is_the_rules_one_of_the_same_words(parsed):
    refused = TESTIMAB | {"amounts": (mg(70),)}
    assert (
        assemble(parsed, EXAMPLUMAB, refused)["Testimab"].amounts == TESTIMAB["amounts"]
    )


def test_a_rejected_value_is_not_filled_from_another_phase_and_costs_no_regimen():
    text = "Testimab 20 mg once daily for 2 weeks, then Testimab 40 mg every 2 weeks."
    parsed = parse_record(trial(title="Testimab in asthma", arms_0=text))
    rejected = {
        "stands": True,
        "quote": text,
        "agent": "Testimab",
        "amounts": (mg(70),),
    }
    (chunk,) = list_arms(parsed)
    result = ModelResult((ground(parsed, chunk, rejected),))
    extraction = assemble_extraction(parsed, result, [Task.DOSING])
    (regimen,) = extraction.dosing
    assert (regimen.agent, regimen.amounts) == ("Testimab", ())
    reasons = {absence.field: absence.reason for absence in extraction.absences}
    assert reasons["dosing[0].amounts"] is AbsenceReason.UNSUPPORTED_ANSWER


def in_arms(*answers):
    """The regimens of Examplumab that are assembled from a model's answers about a record with three
    arms, "High", "Low", "Sham".
    """
    texts = {
        "High": "Examplumab 10 mg daily",
        "Low": "Examplumab 5 mg daily",
        "Sham": "Testimab 1 mg daily",
    }
    arms = [{"label": label, "description": text} for label, text in texts.items()]
    record = trial(
        arms=arms, interventions=[{"name": "Examplumab"}, {"name": "Testimab"}]
    )
    parsed = parse_record(linked(record, "01", "2"))
    chunk = list_arms(parsed)[0]
    asked = [
        ground(parsed, chunk, {"stands": True, "agent": "Examplumab", **values})
        for values in answers
    ]
    result = ModelResult(tuple(prove_regimens(asked, parsed)))
    dosing = assemble_extraction(parsed, result, {Task.DOSING}).dosing
    return parsed, [regimen for regimen in dosing if regimen.agent == "Examplumab"]


def test_arms_and_those_of_amounts_cite_the_labels():
    amounts = (mg(10, "1"), mg(5, "2"))

    parsed, (regimen,) = in_arms(
        {"arms": (1, 2), "amounts": amounts, "quote": "10 mg daily"}
    )

    assert regimen.arms == ("High", "Low")
    high, low = regimen.evidence_for("arms")
    assert (high.field, high.section, high.quote) == ("arms[0]", "arms[0]", "High")
    assert (low.field, low.section, low.quote) == ("arms[1]", "arms[1]", "Low")
    assert high.support is Support.PARSED
    assert low.support is Support.PARSED

    assert [amount.arms for amount in regimen.amounts] == [("High",), ("Low",)]
    quotes = {piece.field: piece.quote for piece in regimen.evidence}
    assert quotes["amounts[0].arms"] == "High"
    assert quotes["amounts[1].arms"] == "Low"

    for piece in regimen.evidence:
        text = parsed.record.raw_text(piece.section)
        assert text[piece.start : piece.end] == piece.quote


def test_what_a_model_lists_once_for_each_arm_is_one_regimen_of_all_of_them():
    same = {"amounts": (mg(10),), "quote": "10 mg daily"}
    _, (regimen,) = in_arms(same | {"arms": (3,)}, same | {"arms": (1,)})
    assert regimen.arms == ("Sham", "High")
    sham, high = regimen.evidence_for("arms")
    # the third arm gets no examplumab
    assert sham.confidence < 0.5 < high.confidence
    same = {"frequency": Frequency.QD, "quote": "Examplumab 10 mg daily"}
    _, (regimen,) = in_arms(same | {"arms": (2,)}, same | {"arms": (1,)})
    assert regimen.arms == ("Low", "High")
    cited = {piece.field: piece.quote for piece in regimen.evidence_for("arms")}
    assert cited == {"arms[0]": "Low", "arms[1]": "High"}
