"""Weights and calibration curves."""

from dataclasses import replace
from itertools import pairwise

import pytest

from benchmarks.reliability import read_curves
from extractor.concepts.parse import parse_record, parse_uncalibrated
from extractor.evidence.calibration import (
    apply_curve,
)
from extractor.evidence.drafts import Reading
from extractor.evidence.parsed import ParsedRecord
from extractor.evidence.scoring import load_scorer
from extractor.evidence.signs import is_weighed
from extractor.schemas import Category, Concept, EndpointCategory, TimeKind, TrialRecord
from tests.trust import trial


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("criteria", {*map(str, Category), "none"}),
        ("concepts", set(map(str, Concept))),
        ("endpoint_categories", set(map(str, EndpointCategory))),
        ("time_kinds", set(map(str, TimeKind))),
        ("outcome_cuts", {""}),
    ],
)
def test_the_classes_of_the_weights_are_the_closed_sets(name, classes):
    scorer = load_scorer(name)
    assert set(scorer.classes) == classes
    assert scorer.weights.shape == (len(scorer.rows) + 1, len(classes))
    assert not scorer.weights[0].any()


@pytest.fixture
def record() -> TrialRecord:
    return trial(
        eligibility="Inclusion Criteria:\n\n* Age 18 to 65 years\n* Platelets >= 50 x 10^9/L",
        interventions_0="DRUG: Examplumab 300 mg subcutaneously every 4 weeks",
        primary_outcomes_0="Overall survival, 2 years",
    )


def list_readings(parsed: ParsedRecord) -> dict[str, Reading]:
    items = (parsed.whole, parsed.criteria[0], parsed.regimens[0], parsed.outcomes[0])
    return {
        f"{item.group}.{name}": reading
        for item in items
        for name, reading in item.rules.items()
    }


def test_a_reading_without_signs_has_the_confidence_of_its_curve(
    record: TrialRecord,
) -> None:
    stated = list_readings(parse_uncalibrated(record))
    calibrated = list_readings(parse_record(record))
    del calibrated["dosing.stands"]  # test_a_regimen_is_as_sure_as_its_agent
    curves = read_curves()
    straight = ((0.0, 0.0), (1.0, 1.0))

    unsigned = [
        name for name in calibrated if not stated[name].signs or not is_weighed(name)
    ]

    assert unsigned
    for name in unsigned:
        reading = calibrated[name]
        kind = "found" if reading.value else "nothing"
        curve = curves.get((name, kind), straight)
        confidence = apply_curve(curve, stated[name].confidence)
        assert reading == replace(stated[name], confidence=confidence)


def test_curves_rise_and_stay_below_certainty() -> None:
    for name, curve in read_curves().items():
        for (claimed, right), (more_claimed, more_right) in pairwise(curve):
            assert claimed < more_claimed, name
            assert right <= more_right + 0.03, name
        for _, right in curve:
            assert 0 <= right < 1, name
