"""Curves of confidence, and readings judged by gold."""

import pytest
from extractor.evidence.calibration import apply_curve

from benchmarks.matching import Judged, judge_record
from benchmarks.reliability import cross_validate, fit_curve
from extractor.concepts.parse import parse_record
from extractor.schemas import TrialExtraction
from tests.trust import trial

CRITERION = {"kind": "inclusion", "section": "eligibility"}
AGE = CRITERION | {"quote": "Age 18 to 65 years", "category": "age"}
PLATELETS = CRITERION | {"quote": "Platelets >= 50 x 10^9/L", "category": "infection"}


def stated(confidence, *, right, number, fold=0):
    known = ("endpoints.concept", f"NCT{number:08}", "a", "b")
    return Judged(*known, confidence, right, "Oncology", fold)


def judge(criteria, eligibility, **parts):
    """Return the verdicts by field on the readings of a text."""
    people = {"minimum_age": {"value": 18, "unit": "year"}, "criteria": criteria}
    known = {"record_id": "T1", "eligibility": people} | parts
    record = trial(
        eligibility=eligibility,
        **{
            "interventions[0]": "DRUG: Examplumab 300 mg subcutaneously every 4 weeks",
            "primary_outcomes[0]": "Overall survival, 2 years",
        },
    )
    gold = TrialExtraction.model_validate(known)
    rights = {}
    for judged in judge_record(parse_record(record), gold):
        rights.setdefault(judged.field, []).append(judged.right)
    return rights


def test_a_curve_gives_the_share_that_was_right():
    values = [
        stated(claim, right=number % 10 >= wrong, number=number)
        for number in range(400)
        for claim, wrong in ((0.7, 4), (0.99, 1))
    ]
    curve = fit_curve(values)
    found = [apply_curve(curve, claim) for claim in (0.7, 0.99)]
    assert found == pytest.approx([0.6, 0.9], abs=0.01)


def test_a_fold_is_judged_by_curves_that_have_not_seen_it():
    values = [
        stated(0.9, right=fold == 0, number=number, fold=fold)
        for number in range(200)
        for fold in (0, 1)
    ]
    found = zip(values, cross_validate(values), strict=True)
    sure = {(judged.fold, confidence > 0.5) for judged, confidence in found}
    assert sure == {(0, False), (1, True)}


def test_readings_are_paired_with_gold():
    regimen = {
        "agent": "Examplumab",
        "section": "interventions[0]",
        "quote": "300 mg subcutaneously every 4 weeks",
        "route": "subcutaneous",
        "frequency": "Q2W",
    }
    outcome = {"rank": "primary", "index": 0, "measure": "Overall survival"}
    text = (
        f"Inclusion Criteria:\n\n* {AGE['quote']}\n* {PLATELETS['quote']}\n\n"
        "Exclusion Criteria:\n\n* Pregnant women"
    )

    rights = judge(
        [AGE, PLATELETS],
        text,
        dosing=[regimen],
        endpoints=[outcome | {"time_frame": "2 years"}],
    )

    assert rights["eligibility.minimum_age"] == [True]
    assert rights["eligibility.maximum_age"] == [False]
    assert sorted(rights["eligibility.criteria.stands"]) == [False, True, True]
    assert rights["eligibility.criteria.category"] == [True, False]
    assert rights["dosing.regimens"] == rights["dosing.route"] == [True]
    assert rights["dosing.frequency"] == [False]
    assert "eligibility.criteria.negated" not in rights  # gold does not state it
    assert rights["endpoints.measure"] == rights["endpoints.time_frame"] == [True]
