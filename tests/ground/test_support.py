"""How values follow from their quotes, for values of rules and of models."""

import pytest

from extractor import Extractor
from extractor.ground.check import ground_answer
from extractor.ground.support import find_support
from extractor.mentions.rows import find_numbers
from extractor.parse import parse_record
from extractor.read import read_records
from extractor.schemas import (
    Amount,
    Comparator,
    Constraint,
    Instrument,
    Period,
    Route,
    Support,
    TimePoint,
    TimeUnit,
)
from extractor.text.passage import read_passage
from tests.trust import trial


@pytest.fixture(scope="module")
def record():
    return next(read_records("tests/records/study.json"))


def test_every_value_of_the_rules_follows_from_its_quote(record):
    pieces = [piece for _, item in Extractor(effort="none").extract(record).list_items() for piece in item.evidence]
    assert {piece.support for piece in pieces} == {Support.LITERAL, Support.PARSED, Support.INFERRED}
    assert all(record.raw_text(piece.section)[piece.start : piece.end] == piece.quote for piece in pieces)


CTCAE, FULL = "CTCAE", "Common Terminology Criteria for Adverse Events"


@pytest.mark.parametrize(
    ("name", "version", "text", "quote"),
    [
        (CTCAE, None, f"graded by the {FULL}", FULL),
        (CTCAE, "4.0", f"graded by {FULL} version 4.0", FULL),
        (CTCAE, "5.0", f"graded by {FULL} version 4.0", None),
        (f"{CTCAE} v4.0", None, f"{FULL} (version 4.0)", FULL),
        (f"{CTCAE} v5.0", None, f"{FULL} (version 4.0)", None),
        (FULL, "4.0", "per NCI-CTCAE v4.0", "NCI-CTCAE"),
        ("Common Toxicity Criteria for Adverse Effects", None, "CTCAE grade 3", CTCAE),
        ("Epworth Sleepiness Scale", None, "change in ESS", "ESS"),
        ("Epworth Sleepiness Scale", None, "progress of sleepiness", None),
        ("mRS", None, "the modified Rankin Scale", "modified Rankin Scale"),
        ("modified Rankin Scale", None, "as Mrs Example says", None),
        ("SF-36", None, "the SF-12", None),
        ("FACT-G", None, "Functional Assessment of Cancer Therapy-Lung", None),
        ("HAM-A", None, "Hamilton Depression Rating Scale", None),
        ("MMSE", None, "Montreal Cognitive Assessment", None),
    ],
)
def test_other_names_support_an_instrument(name, version, text, quote):
    found = find_support(Instrument(name=name, version=version), read_passage(text))
    assert (found and text[found.span.start : found.span.end]) == quote


@pytest.mark.parametrize(
    ("quantity", "text", "read"),
    [
        ("absolute neutrophil count", "ANC >= 1500 /mm3, platelets >= 100000 /mm3", "ANC"),
        ("ANC", "absolute neutrophil count >= 1500 /mm3", "absolute neutrophil count"),
        ("alanine aminotransferase", "AST >= 1500 /mm3", None),
    ],
)
def test_other_names_support_the_quantity_of_a_limit(quantity, text, read):
    limit = Constraint(quantity=quantity, comparator=Comparator.AT_LEAST, value=1500, unit="/mm3")
    found = find_support(limit, read_passage(text))
    assert (found and found.value.quantity) == read


@pytest.mark.parametrize(("agent", "read"), [("methotrexate", "MTX"), ("MTX", "MTX"), ("etoposide", None)])
def test_a_short_form_supports_an_agent(agent, read):
    parsed = parse_record(trial(title="A trial of MTX", arms_0="MTX 15 mg weekly"))
    found = ground_answer({"agent": agent}, parsed.regimens[0], parsed).model.get("agent")
    assert (found and found.value) == read


@pytest.mark.parametrize(
    ("value", "text", "support"),
    [
        ("serum ferritin", "High serum ferritin", Support.LITERAL),
        (TimePoint(value=2, unit=TimeUnit.YEAR), "for two years", Support.PARSED),
        (TimePoint(value=30, unit=TimeUnit.DAY), "on days 30, 60 and 90", Support.PARSED),
        (TimePoint(value=6, unit=TimeUnit.MONTH), "half a year after surgery", Support.INFERRED),
        (Period(value=21, unit=TimeUnit.DAY), "in cycles of 3 weeks", Support.INFERRED),
        (Route.ORAL, "given by mouth", Support.PARSED),
        (Route.RECTAL, "given by mouth", Support.INFERRED),
        (True, "given by mouth", Support.INFERRED),
        (Amount(low=5, high=5, unit="mg"), "5 mg/kg daily", None),
        (Amount(low=6, high=6, unit="mg"), "5 mg daily", None),
        (TimePoint(value=3, unit=TimeUnit.WEEK), "for 3 months", None),
        ("unobtainium", "serum ferritin", None),
        (
            Constraint(quantity="eGFR", comparator=Comparator.LESS, value=30, unit="ml / min / 1.73 m2"),
            "eGFR < 30 ml / min / 1.73 m2",
            Support.PARSED,
        ),
    ],
)
def test_how_a_value_follows_from_a_text(value, text, support):
    found = find_support(value, read_passage(text))
    assert (found and found.support) is support


def test_accepted_values_of_a_model_are_supported(record):
    """For any answer about an outcome, the words of an accepted value hold it."""
    parsed = parse_record(record)
    values = {
        "time_points": tuple(TimePoint(value=n, unit=unit) for n in range(1, 60) for unit in TimeUnit),
        "specimens": tuple(parsed.outcomes[0].chunk.text.split()),
        "measure": parsed.outcomes[0].chunk.text,
    }
    for outcome in parsed.outcomes:
        grounded = ground_answer(values, outcome, parsed)
        for reading in grounded.model.values():
            assert len(reading.supports) == len(reading.spans)
            members = reading.value if isinstance(reading.value, tuple) else (reading.value,)
            for member, span, support in zip(members, reading.spans, reading.supports, strict=True):
                words = parsed.sections[span.section].raw[span.start : span.end]
                numbers = {number.value for number in find_numbers(read_passage(words).tokens)}
                assert member.value in numbers if isinstance(member, TimePoint) else member == words
                assert (support is Support.LITERAL) is isinstance(member, str)
