"""Confidences of a parsed record are those of the curves in the package."""

from dataclasses import fields, replace
from itertools import pairwise

import pytest

from benchmarks.reliability import read_curves
from extractor.parse import parse_record, parse_uncalibrated
from extractor.parse.parsed import ParsedRecord, Reading
from extractor.parse.scoring import apply_curve, calibrate_record
from extractor.schemas import Section, Source, TrialRecord


@pytest.fixture
def record() -> TrialRecord:
    texts = {
        "eligibility": "Inclusion Criteria:\n\n* Age 18 to 65 years\n* Platelets >= 50 x 10^9/L",
        "interventions[0]": "DRUG: Examplumab 300 mg subcutaneously every 4 weeks",
        "primary_outcomes[0]": "Overall survival, 2 years",
    }
    sections = tuple(Section(name=name, text=text) for name, text in texts.items())
    return TrialRecord(record_id="T1", source=Source(path="t", format="flat"), sections=sections)


def list_readings(parsed: ParsedRecord) -> dict[str, Reading]:
    items = {
        "eligibility": parsed.eligibility,
        "eligibility.criteria": parsed.eligibility.criteria[0],
        "dosing": parsed.dosing.regimens[0],
        "endpoints": parsed.outcomes[0],
    }
    found = ((path, field.name, getattr(item, field.name)) for path, item in items.items() for field in fields(item))
    return {f"{path}.{name}": value for path, name, value in found if isinstance(value, Reading)}


def test_each_reading_has_the_confidence_of_its_curve_and_nothing_else_changes(record: TrialRecord) -> None:
    stated, calibrated = list_readings(parse_uncalibrated(record)), list_readings(parse_record(record))
    curves = read_curves()
    existence = calibrated.pop("dosing.exists")
    agent = stated["dosing.agent"].confidence
    assert existence.confidence == apply_curve(curves["dosing.regimens", "found"], agent)
    for name, reading in calibrated.items():
        curve = curves[name, "found" if reading.value else "nothing"]
        assert reading == replace(stated[name], confidence=apply_curve(curve, stated[name].confidence))


def test_an_open_reading_stays_open(record: TrialRecord) -> None:
    parsed = parse_uncalibrated(record)
    outcome = replace(parsed.outcomes[0], concept=Reading.open_())
    assert calibrate_record(replace(parsed, outcomes=(outcome,))).outcomes[0].concept.is_open


def test_curves_rise_and_claim_no_certainty() -> None:
    for name, curve in read_curves().items():
        assert all(left[0] < right[0] and left[1] <= right[1] for left, right in pairwise(curve)), name
        assert all(0 < share < 1 for _, share in curve), name
