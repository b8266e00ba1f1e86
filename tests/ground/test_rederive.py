import pytest

from extractor import Extractor
from extractor.ground.rederive import derive_values
from extractor.read import read_records
from extractor.schemas import Amount, Comparator, Constraint, Support, TimePoint, TimeUnit


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
