from dataclasses import replace

import pytest

from extractor import Extractor
from extractor.assemble import ModelResult, assemble_extraction
from extractor.ground.check import Answer, ground_answer
from extractor.ground.rederive import derive_support, derive_values, list_items
from extractor.parse import parse_record
from extractor.parse.parsed import Reading, Span
from extractor.read import read_records
from extractor.schemas import (
    Amount,
    Comparator,
    Constraint,
    FindingKind,
    Period,
    Route,
    Support,
    Task,
    TimePoint,
    TimeUnit,
)
from extractor.text.passage import read_section


@pytest.fixture(scope="module")
def record():
    return next(read_records("tests/records/study.json"))


@pytest.fixture(scope="module")
def extraction(record):
    return Extractor(assist="never").extract(record)


def supports(extraction, record):
    return {derived.path: derived.support for derived in derive_values(extraction, record)}


def test_every_value_of_an_extraction_follows_from_its_quote(extraction, record):
    found = supports(extraction, record)
    assert found
    assert None not in found.values()
    assert {Support.LITERAL, Support.PARSED, Support.INFERRED} == set(found.values())


def altered(extraction, part, field, change):
    """The extraction with the first value of a field of the first such item replaced."""
    items = extraction.eligibility.criteria if part == "criteria" else getattr(extraction, part)
    place, item = next((n, item) for n, item in enumerate(items) if getattr(item, field))
    values = getattr(item, field)
    new = item.model_copy(update={field: (change, *values[1:]) if isinstance(values, tuple) else change})
    replaced = (*items[:place], new, *items[place + 1 :])
    if part == "criteria":
        eligibility = extraction.eligibility.model_copy(update={"criteria": replaced})
        return extraction.model_copy(update={"eligibility": eligibility}), f"eligibility.criteria[{place}].{field}[0]"
    index = "[0]" if isinstance(values, tuple) else ""
    return extraction.model_copy(update={part: replaced}), f"{part}[{place}].{field}{index}"


@pytest.mark.parametrize(
    ("part", "field", "change"),
    [
        ("criteria", "constraints", Constraint(quantity="age", comparator=Comparator.LESS, value=977, unit="year")),
        ("dosing", "amounts", Amount(low=977, high=977, unit="mg")),
        ("dosing", "agent", "unobtainium"),
        ("endpoints", "time_points", TimePoint(value=977, unit=TimeUnit.WEEK)),
        ("endpoints", "measure", "Words that nobody wrote"),
    ],
)
def test_a_value_that_does_not_follow_has_no_support(extraction, record, part, field, change):
    changed, path = altered(extraction, part, field, change)
    assert supports(changed, record)[path] is None


def test_a_quote_that_is_not_the_text_supports_nothing(extraction, record):
    endpoint = extraction.endpoints[0]
    moved = tuple(e.model_copy(update={"start": e.start + 1, "end": e.end + 1}) for e in endpoint.evidence)
    endpoints = (endpoint.model_copy(update={"evidence": moved}), *extraction.endpoints[1:])
    found = supports(extraction.model_copy(update={"endpoints": endpoints}), record)
    assert {support for path, support in found.items() if path.startswith("endpoints[0]")} == {None}


def test_the_support_that_evidence_claims_is_the_derived_one(extraction, record):
    items = dict(list_items(extraction))
    for derived in derive_values(extraction, record):
        path, _, field = derived.path.rpartition(".")
        claimed = {piece.support for piece in items[path].evidence if piece.field == field}
        assert derived.support in claimed


def support_of(value, text, quote):
    start = text.index(quote)
    return derive_support(value, Span("eligibility", start, start + len(quote)), read_section("eligibility", text))


@pytest.mark.parametrize(
    ("value", "text", "quote", "support"),
    [
        ("serum ferritin", "High serum ferritin", "serum ferritin", Support.LITERAL),
        (TimePoint(value=2, unit=TimeUnit.YEAR), "for two years", "two years", Support.PARSED),
        (TimePoint(value=30, unit=TimeUnit.DAY), "on days 30, 60 and 90", "30", Support.PARSED),
        (Route.ORAL, "given by mouth", "by mouth", Support.PARSED),
        (Route.RECTAL, "given by mouth", "given by mouth", Support.INFERRED),
        (True, "given by mouth", "given by mouth", Support.INFERRED),
        (Amount(low=5, high=5, unit="mg"), "5 mg/kg daily", "5 mg", None),
        (Amount(low=6, high=6, unit="mg"), "5 mg daily", "5 mg daily", None),
        (TimePoint(value=3, unit=TimeUnit.WEEK), "for 3 months", "3 months", None),
    ],
)
def test_how_a_value_follows_from_its_quote(value, text, quote, support):
    assert support_of(value, text, quote) is support


def test_what_only_the_rest_of_the_line_bears_out_is_inferred():
    text = "Given in cycles of 21 days, each cycle alike"
    assert support_of(Period(value=21, unit=TimeUnit.DAY), text, "each cycle") is Support.INFERRED


def test_a_rule_s_value_that_its_quote_does_not_support_is_marked_and_reported():
    parsed = parse_record(next(read_records("tests/records/study.json")))
    outcome = replace(
        parsed.outcomes[0],
        time_points=Reading((TimePoint(value=977, unit=TimeUnit.WEEK),), 0.99, (parsed.outcomes[0].chunk.span,)),
    )
    extraction = assemble_extraction(replace(parsed, outcomes=(outcome, *parsed.outcomes[1:])), ModelResult())
    endpoint = extraction.endpoints[0]
    assert endpoint.support is Support.UNSUPPORTED
    reported = [finding for finding in extraction.findings if finding.kind is FindingKind.VALUE_NOT_IN_QUOTE]
    assert [finding.field for finding in reported] == ["endpoints[0].time_points[0]"]


def test_no_model_s_value_is_unsupported(record):
    """Whatever a model says of an outcome, what is kept of it can be derived again."""
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
