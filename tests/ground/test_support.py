"""How values follow from their quotes, for values of rules and of models."""

from dataclasses import replace

import pytest

from extractor import Extractor
from extractor.assemble import ModelResult, assemble_extraction
from extractor.ground.check import Answer, ground_answer
from extractor.ground.support import derive_support
from extractor.parse import parse_record
from extractor.parse.parsed import Reading, Span
from extractor.read import read_records
from extractor.schemas import Amount, FindingKind, Period, Route, Support, Task, TimePoint, TimeUnit
from extractor.text.passage import read_section


@pytest.fixture(scope="module")
def record():
    return next(read_records("tests/records/study.json"))


def test_every_value_of_the_rules_follows_from_its_quote(record):
    pieces = [piece for _, item in Extractor(assist="never").extract(record).list_items() for piece in item.evidence]
    assert {piece.support for piece in pieces} == {Support.LITERAL, Support.PARSED, Support.INFERRED}
    assert all(record.raw_text(piece.section)[piece.start : piece.end] == piece.quote for piece in pieces)


@pytest.mark.parametrize(
    ("value", "text", "quote", "support"),
    [
        ("serum ferritin", "High serum ferritin", "serum ferritin", Support.LITERAL),
        (TimePoint(value=2, unit=TimeUnit.YEAR), "for two years", "two years", Support.PARSED),
        (TimePoint(value=30, unit=TimeUnit.DAY), "on days 30, 60 and 90", "30", Support.PARSED),
        (Period(value=21, unit=TimeUnit.DAY), "in cycles of 21 days, each cycle alike", "each cycle", Support.INFERRED),
        (Route.ORAL, "given by mouth", "by mouth", Support.PARSED),
        (Route.RECTAL, "given by mouth", "given by mouth", Support.INFERRED),
        (True, "given by mouth", "given by mouth", Support.INFERRED),
        (Amount(low=5, high=5, unit="mg"), "5 mg/kg daily", "5 mg", None),
        (Amount(low=6, high=6, unit="mg"), "5 mg daily", "5 mg daily", None),
        (TimePoint(value=3, unit=TimeUnit.WEEK), "for 3 months", "3 months", None),
        ("unobtainium", "serum ferritin", "serum", None),
    ],
)
def test_how_a_value_follows_from_its_quote(value, text, quote, support):
    span = Span("eligibility", text.index(quote), text.index(quote) + len(quote))
    assert derive_support(value, span, read_section("eligibility", text)) is support


def test_an_unsupported_value_of_a_rule_is_marked_and_reported(record):
    parsed = parse_record(record)
    outcome = replace(
        parsed.outcomes[0],
        time_points=Reading((TimePoint(value=977, unit=TimeUnit.WEEK),), 0.99, (parsed.outcomes[0].chunk.span,)),
    )
    extraction = assemble_extraction(replace(parsed, outcomes=(outcome, *parsed.outcomes[1:])), ModelResult())
    assert extraction.endpoints[0].support is Support.UNSUPPORTED
    reported = [finding for finding in extraction.findings if finding.kind is FindingKind.VALUE_NOT_IN_QUOTE]
    assert [finding.field for finding in reported] == ["endpoints[0].time_points[0]"]


def test_accepted_values_of_a_model_are_supported(record):
    """For any answer about an outcome, the accepted values can be derived again."""
    parsed = parse_record(record)
    values = {
        "time_points": tuple(TimePoint(value=n, unit=unit) for n in range(1, 60) for unit in TimeUnit),
        "specimens": tuple(parsed.outcomes[0].chunk.text.split()),
        "measure": parsed.outcomes[0].chunk.text,
    }
    for outcome in parsed.outcomes:
        grounded = ground_answer(Answer(Task.ENDPOINTS, outcome.chunk.number, values), parsed)
        for reading in grounded.readings.values():
            members = reading.value if isinstance(reading.value, tuple) else (reading.value,)
            for member, span in zip(members, reading.spans, strict=False):
                assert derive_support(member, span, parsed.sections[span.section]) is not None
