"""Mentions of a line: what each number says, of what, and what it does there."""

import pytest

from extractor.ground.constraints import find_limit
from extractor.ground.owners import is_own
from extractor.mentions.find import Kind, Role, find_mentions
from extractor.schemas import Comparator, Quantity
from extractor.text.book import read_text


def find(text, number):
    """The mention of a text with this number."""
    mentions = find_mentions(read_text(text))
    return next(one for one in mentions if one.bounds[0] == (number, None))


@pytest.mark.parametrize(
    ("text", "number", "role"),
    [
        ("Haemoglobin of at least 8 g/dL", 8, Role.STATED),
        ("Pain of at least 4 on a scale of 0 to 10", 10, Role.SCALE),
        ("PHQ-9 of 10 or more (possible values 0 to 27)", 27, Role.SCALE),
        ("Fatigue of 13 or more out of 35 points", 35, Role.SCALE),
        ("Itch of 7 or more (0 = no itch)", 0, Role.SCALE),
        ("Pain of at least 40 along a 100 mm line", 100, Role.SCALE),
        ("Refraction of 0 ± 0.5 D", 0.5, Role.PART),
        ("Measurable by RECIST 1.1", 1.1, Role.PART),
        ("Disease by the ADHD-RS-5", 5, Role.PART),
        ("Diagnosed in 2009", 2009, Role.PART),
        ("A fall in haemoglobin of at least 2 g/dL", 2, Role.CHANGE),
        ("Weight has gone down by more than 5 kg", 5, Role.CHANGE),
        ("Creatinine that went up by 0.3 mg/dL or more", 0.3, Role.CHANGE),
        ("Haemoglobin that fell to less than 8 g/dL", 8, Role.STATED),
        ("Urate above 6 mg/dL (goal: < 5 mg/dL)", 5, Role.AIM),
        ("Oxygen above 2 L/min to keep SpO2 at 92 %", 92, Role.AIM),
        ("Able to maintain SpO2 at 92 %", 92, Role.STATED),
        ("Sodium that sinks beneath 128 mmol/L", 128, Role.STATED),
    ],
)
def test_the_role_of_a_number_follows_from_the_words_beside_it(text, number, role):
    assert find(text, number).role is role


@pytest.mark.parametrize(
    ("text", "role"), [("Rankin, graded 0-6, of no more than 2", Role.SCALE), ("Patients graded 0-2", Role.STATED)]
)
def test_a_row_behind_graded_is_a_scale_if_a_limit_follows(text, role):
    row = next(one for one in find_mentions(read_text(text)) if one.bounds[0][0] == 0 and one.bounds[0][1])
    assert row.role is role


@pytest.mark.parametrize(
    ("text", "number", "comparators"),
    [
        ("eGFR that has not dropped below 30", 30, {">="}),
        ("Candidates cannot weigh more than 136 kg", 136, {"<="}),
        ("Body mass must never be in excess of 110 kg", 110, {"<="}),
        ("QTcF fails to stay below 470 ms", 470, {">="}),
        ("no change of weight of more than 5 kg", 5, {">", "<="}),
        ("More than 2 prior lines are not permitted", 2, {">", "<="}),
        ("Height within the 95 percentile", 95, {"<="}),
        ("Weight min. 15 kg", 15, {">="}),
        ("Platelets > 100K/µL", 100_000, {">"}),
    ],
)
def test_comparators_are_turned_by_denied_verbs_and_left_open_by_other_denials(text, number, comparators):
    assert set(find(text, number).comparators) == {Comparator(sign) for sign in comparators}


@pytest.mark.parametrize(
    ("text", "quantity", "number", "own"),
    [
        ("QTcF above 450 ms in men or above 470 ms in women", "QTcF in women", 450, None),
        ("QTcF above 450 ms in men or above 470 ms in women", "QTcF in women", 470, True),
        ("Waist of at least 94 cm (men) / 80 cm (women)", "waist, men", 80, None),
        ("FEV1/FVC below 0.7", "FEV1", 0.7, None),
        ("AST/ALT below 3", "AST", 3, True),
        ("LH:FSH of 2 or more", "FSH", 2, None),
        ("Renal function: Cr of 1.5 or less", "Cr", 1.5, True),
        ("Blood pressure above 140/90 mmHg", "diastolic blood pressure", 140, None),
        ("Blood pressure above 140/90 mmHg", "diastolic blood pressure", 90, True),
        ("Child whose sibling weighs 20 kg or more", "weight of the child", 20, None),
        ("Left ventricular ejection fraction of 35 % or lower; the right is described", "right ventricular", 35, None),
        ("At least 6 teeth as agreed by 2 dentists", "teeth", 2, None),
        ("Hemoglobin: men > 13 g/dL, women > 12 g/dL", "Hemoglobin", 12, True),
        ("> 10 cigarettes per day", "cigarettes", 10, True),
        ("performance status: age 18 and over", "performance status", 18, None),
        ("A fall in haemoglobin of at least 2 g/dL", "haemoglobin", 2, None),
        ("A fall in haemoglobin of at least 2 g/dL", "fall in haemoglobin", 2, True),
        ("Waist of the volunteer - not the hip - of 94 cm", "hip", 94, None),
        ("Prostate volume over 80 mL (post-void residual permitted)", "post-void residual", 80, None),
        ("Total IgE over 30 IU/mL plus a positive specific IgE", "specific IgE", 30, None),
        ("Infant born to a woman with a viral load of 1000", "infant viral load", 1000, None),
        ("E/e' more than 15", "E", 15, None),
    ],
)
def test_a_number_is_said_of_one_quantity(text, quantity, number, own):
    assert is_own(quantity, find(text, number), read_text(text)) is own


def test_the_ends_of_a_range_are_said_of_one_quantity():
    tokens = read_text("neutrophils of at least 1, platelets of at most 5")
    within = {"comparator": Comparator.BETWEEN, "value": 1, "value_high": 5}
    assert find_limit(tokens, Quantity(**within), "neutrophils") is None
    assert find_limit(read_text("neutrophils of at least 1 and at most 5"), Quantity(**within), "neutrophils")


def test_ages_lifetimes_and_lengths_are_told_apart():
    texts = ("Adults of at least 18 years", "Life expectancy of at least 6 months", "Stable for at least 4 weeks")
    kinds = [one.kind for text in texts for one in find_mentions(read_text(text)) if one.stated]
    assert kinds == [Kind.AGE, Kind.LIFETIME, Kind.LENGTH]


def test_each_number_is_one_mention_beside_its_rows():
    found = [
        one.bounds for one in find_mentions(read_text("grades 1, 2 and 3, 2 weeks apart")) if one.role is Role.STATED
    ]
    assert ((1, 3),) in found
    assert ((1, 2),) not in found
