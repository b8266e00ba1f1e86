"""Whom a criterion and its limits admit, as the extraction says it for whoever does not read the
text.
"""

import pytest

from extractor import Extractor
from extractor.concepts.limits.admission import describe_gold
from extractor.schemas import FieldRef, Section, Source, TrialExtraction, TrialRecord


def extract(line, kind):
    text = f"{kind.capitalize()} Criteria:\n\n* {line}"
    source = Source(path="a", format="flat")
    record = TrialRecord(
        record_id="A", source=source, sections=(Section(name="eligibility", text=text),)
    )
    return Extractor(effort="none").extract(record)


def show(criterion):
    facts = {
        name
        for name in ("negated", "turned", "demanded", "has_exception")
        if getattr(criterion, name)
    }
    limits = [
        piece
        for piece in criterion.evidence
        if FieldRef(piece.field).path == "constraints"
    ]
    return facts, [(limit.sex, limit.quantity) for limit in limits]


@pytest.mark.parametrize(
    ("kind", "line", "facts", "limits"),
    [
        ("inclusion", "INR < 2", set(), [(None, None)]),
        (
            "inclusion",
            "Must not have an INR > 2",
            {"negated", "turned"},
            [(None, None)],
        ),
        ("inclusion", "Must not have asthma", {"negated"}, []),
        ("exclusion", "Participants must be off steroids", {"demanded"}, []),
        ("exclusion", "Patients who must take steroids", set(), []),
        (
            "exclusion",
            "INR > 2; INR up to 3 is permitted on warfarin",
            {"has_exception"},
            [(None, None), (None, None)],
        ),
        (
            "inclusion",
            "INR < 2; those with asthma are excluded",
            {"has_exception"},
            [(None, None)],
        ),
        (
            "inclusion",
            "BP < 140/90 mmHg",
            set(),
            [(None, "systolic_blood_pressure"), (None, "diastolic_blood_pressure")],
        ),
        (
            "inclusion",
            "Haemoglobin: men > 13 g/dL; women > 12 g/dL",
            set(),
            [("male", None), ("female", None)],
        ),
    ],
)
def test_a_criterion_says_whom_it_admits(kind, line, facts, limits):
    found = extract(line, kind)
    (criterion,) = found.eligibility.criteria
    assert show(criterion) == (facts, limits)
    stated = criterion.model_dump(mode="json")
    assert {
        name for name in ("turned", "demanded", "has_exception") if name in stated
    } == facts - {"negated"}
    gold = TrialExtraction.model_validate(found.to_gold())
    (again,) = describe_gold(gold).eligibility.criteria
    assert show(again) == (facts, limits)
    assert all(
        criterion.quote[piece.start : piece.end] == piece.quote and not piece.section
        for piece in again.evidence
    )


@pytest.mark.parametrize(
    ("line", "comparators"),
    [
        ("Age 18 to 65 years", {"minimum_age": None, "maximum_age": None}),
        (
            "Older than 18 years, and not older than 65 years",
            {"minimum_age": ">", "maximum_age": "<="},
        ),
        ("Aged 18 years or older", {"minimum_age": ">="}),
    ],
)
def test_the_evidence_of_an_age_says_how_it_bounds(line, comparators):
    eligibility = extract(line, "inclusion").eligibility
    assert {
        piece.field: piece.comparator for piece in eligibility.evidence
    } == comparators
    shown = eligibility.model_dump(mode="json")["evidence"]
    assert [row.get("comparator") for row in shown] == list(comparators.values())
    for row in shown:
        if "comparator" in row:
            assert row["comparator"] is not None


@pytest.mark.parametrize(
    ("kind", "line", "alternatives"),
    [
        (
            "inclusion",
            "Velocity >= 4.0 m/s, or gradient >= 40 mmHg, or a valve area of < 1.0 cm2",
            3,
        ),
        ("inclusion", "LVESD >= 50 mm, LVEDD >= 65 mm or LVEF < 50 %", 3),
        (
            "inclusion",
            "ALT <= 3 x ULN and bilirubin <= 2 mg/dL or albumin >= 30 g/L",
            2,
        ),
        ("inclusion", "Heart rate < 50 or > 100 bpm", 2),
        ("inclusion", "BMI > 30 kg/m2 and HbA1c > 9 %", 0),
        ("inclusion", "Fasting glucose >= 126 mg/dL or 7.0 mmol/L", 0),
        ("inclusion", "ECOG 0-1 or Karnofsky >= 70", 0),
        ("inclusion", "Ferritin < 15 ug/L in women or < 20 ug/L in men", 0),
        ("inclusion", "Must not have an INR > 2 or a BMI > 30 kg/m2", 0),
        ("exclusion", "BMI > 30 kg/m2 and HbA1c > 9 %", 2),
        ("exclusion", "Velocity >= 4.0 m/s, or gradient >= 40 mmHg", 0),
        ("exclusion", "Age < 18 and > 65 years", 0),
    ],
)
def test_limits_of_which_one_is_enough_are_alternatives(kind, line, alternatives):
    (criterion,) = extract(line, kind).eligibility.criteria
    assert sum(piece.alternative for piece in criterion.evidence) == alternatives
