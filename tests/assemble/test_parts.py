"""Quotes inside limits and time windows, with their values and evidence in an extraction."""

import pytest

from extractor import Extractor
from tests.trust import trial


def extract(text, **sections):
    return (
        Extractor(effort="none")
        .extract(trial(eligibility=text, **sections))
        .eligibility.criteria
    )


def place(criterion, field):
    (piece,) = [piece for piece in criterion.evidence if piece.field == field]
    return piece.start, piece.quote


def test_each_part_has_evidence_of_its_own():
    text = (
        "Inclusion Criteria:\n\n* ALT < 3 x ULN (< 5 x ULN with liver\n  metastases); steroids "
        "within 2 weeks of entry"
    )

    (criterion,) = extract(text)

    assert [constraint.condition for constraint in criterion.constraints] == [
        None,
        "with liver\n  metastases",
    ]
    for field, words in {
        "constraints[1].condition": "with liver\n  metastases",
        "time_windows[0].of": "steroids",
        "time_windows[0].anchor": "of entry",
    }.items():
        assert place(criterion, field) == (text.index(words), words)
    assert {piece.support for piece in criterion.evidence if "." in piece.field} == {
        "literal"
    }


def test_of_equal_words_those_nearest_to_the_value_are_cited():
    text = "Inclusion Criteria:\n\n* Steroids are allowed; no steroids within 2 weeks"
    (criterion,) = extract(text)
    assert place(criterion, "time_windows[0].of") == (
        text.index("steroids"),
        "steroids",
    )


@pytest.mark.parametrize(
    ("line", "condition"),
    [
        ("Men with a waist over 102 cm", None),
        ("Hb > 13 g/dL for men and > 12 g/dL for women", "for men"),
        ("Hb > 13 g/dL in men with anaemia", "in men with anaemia"),
    ],
)
def test_the_sex_of_the_whole_trial_is_no_condition(line, condition):
    of_men, of_both = (
        f"Inclusion Criteria:\n\n* {line}\n* {who}"
        for who in ("Male", "Male or female")
    )
    assert extract(of_both)[0].constraints[0].condition is not None
    if "women" not in line:
        assert extract(of_men)[0].constraints[0].condition == condition


def find_confidence(text, field):
    (criterion,) = extract(text)
    (piece,) = [piece for piece in criterion.evidence if piece.field == field]
    return piece.confidence


@pytest.mark.parametrize(
    ("line", "is_sure"),
    [
        ("Hb > 9 g/dL, unless transfused, platelets > 100 x 10^9/L", False),
        ("AST < 3 x ULN, unless liver metastases, bilirubin < 2 mg/dL", False),
        ("ANC > 1.5 x 10^9/L, except on G-CSF, Hb > 8 g/dL", False),
        ("Weight > 40 kg, except in women, height > 150 cm", False),
        ("Hb > 9 g/dL, unless transfused, and platelets > 100 x 10^9/L", False),
        ("Hb > 9 g/dL unless transfused, platelets > 100 x 10^9/L", True),
        ("Hb > 9 g/dL, unless transfused", True),
    ],
)
def test_a_condition_between_two_limits_is_doubted(line, is_sure):
    text = f"Inclusion Criteria:\n\n* {line}"
    confidence = find_confidence(text, "constraints[0].condition")
    assert (confidence >= 0.85) == is_sure


@pytest.mark.parametrize(
    "line",
    [
        "Systemic use in the last two weeks of antibiotics",
        "Long-term use (> 2 weeks) of oral steroids",
        "Exposure within two weeks to sedatives",
        "Current use or recent discontinuation (within 14 days) of antipsychotics",
        "A short course (of up to 12 weeks) of steroids",
    ],
)
def test_words_that_name_no_treatment_are_doubted(line):
    text = f"Exclusion Criteria:\n\n* {line}"
    assert find_confidence(text, "time_windows[0].of") < 0.85
