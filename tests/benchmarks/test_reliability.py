"""Curves of confidence, and readings judged by gold."""

import pytest

from benchmarks.matching import Judged, judge_record
from benchmarks.reliability import cross_validate, fit_curve
from extractor.concepts.parse import parse_record
from extractor.evidence.calibration import apply_curve
from extractor.schemas import Section, Source, TrialExtraction, TrialRecord

TEXT = (
    "Inclusion Criteria:\n\n* Age 18 to 65 years\n* Platelets >= 50 x 10^9/L\n\nExclusion "
    "Criteria:\n\n* Pregnant women"
)


def stated(confidence, *, right=True, trial=1, fold=0):
    return Judged(
        "endpoints.concept",
        f"NCT{trial:08}",
        "a",
        "b",
        confidence,
        right,
        "Oncology",
        fold,
    )


def test_a_curve_gives_the_share_that_was_right():
    values = [
        stated(claim, right=n % 10 >= wrong, trial=n)
        for n in range(400)
        for claim, wrong in ((0.7, 4), (0.99, 1))
    ]
    curve = fit_curve(values)
    assert [apply_curve(curve, claim) for claim in (0.7, 0.99)] == pytest.approx(
        [0.6, 0.9], abs=0.01
    )


def test_a_fold_is_judged_by_curves_that_have_not_seen_it():
    values = [
        stated(0.9, right=fold == 0, trial=n, fold=fold)
        for n in range(200)
        for fold in (0, 1)
    ]
    found = zip(values, cross_validate(values), strict=True)
    assert {(judged.fold, confidence > 0.5) for judged, confidence in found} == {
        (0, False),
        (1, True),
    }


@pytest.fixture
def record():
    sections = (
        Section(name="eligibility", text=TEXT),
        Section(
            name="interventions[0]",
            text="DRUG: Examplumab 300 mg subcutaneously every 4 weeks",
        ),
        Section(name="primary_outcomes[0]", text="Overall survival, 2 years"),
    )
    return TrialRecord(
        record_id="T1", source=Source(path="t", format="flat"), sections=sections
    )


@pytest.fixture
def gold():
    criterion = {"kind": "inclusion", "section": "eligibility"}
    age = criterion | {"quote": "Age 18 to 65 years", "category": "age"}
    platelets = criterion | {
        "quote": "Platelets >= 50 x 10^9/L",
        "category": "infection",
    }
    regimen = {
        "agent": "Examplumab",
        "section": "interventions[0]",
        "quote": "300 mg subcutaneously every 4 weeks",
    }
    regimen |= {"route": "subcutaneous", "frequency": "Q2W"}
    outcome = {
        "rank": "primary",
        "index": 0,
        "measure": "Overall survival",
        "time_frame": "2 years",
    }
    criteria = {
        "minimum_age": {"value": 18, "unit": "year"},
        "criteria": [age, platelets],
    }
    parts = {"eligibility": criteria, "dosing": [regimen], "endpoints": [outcome]}
    return TrialExtraction.model_validate({"record_id": "T1"} | parts)


def test_readings_are_paired_with_gold(record, gold):
    rights = {}
    for judged in judge_record(parse_record(record), gold):
        rights.setdefault(judged.field, []).append(judged.right)

    assert rights["eligibility.minimum_age"] == [True]
    assert rights["eligibility.maximum_age"] == [False]
    assert sorted(rights["eligibility.criteria.stands"]) == [False, True, True]
    assert rights["eligibility.criteria.category"] == [True, False]
    assert rights["dosing.regimens"] == rights["dosing.route"] == [True]
    assert rights["dosing.frequency"] == [False]
    assert "eligibility.criteria.negated" not in rights  # gold does not state it
    assert rights["endpoints.measure"] == rights["endpoints.time_frame"] == [True]


def test_a_rejected_criterion_counts_if_gold_has_it(record, gold):
    only = {
        "kind": "inclusion",
        "section": "eligibility",
        "quote": "Adequate organ function, defined as",
    }
    gold = gold.model_copy(
        update={"eligibility": gold.eligibility.model_validate({"criteria": [only]})}
    )
    text = (
        "Inclusion Criteria:\n\n* Adequate organ function, defined as:\n  * Platelets >= 50 x "
        "10^9/L"
    )

    record = record.model_copy(
        update={"sections": (Section(name="eligibility", text=text),)}
    )

    stands = [
        judged
        for judged in judge_record(parse_record(record), gold)
        if judged.field.endswith("stands")
    ]
    assert [(stand.read, stand.label) for stand in stands] == [
        (False, True),
        (True, False),
    ]
