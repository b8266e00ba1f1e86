"""Numeric limits and time windows of criteria."""

import pytest

from extractor.mentions.constraints import find_limits
from extractor.parse.eligibility.constraints import read_constraints, read_window
from extractor.schemas import CriterionKind
from extractor.text.passage import read_passage

INCLUSION, EXCLUSION = CriterionKind.INCLUSION, CriterionKind.EXCLUSION


def read_all(passage, kind=INCLUSION, topic=""):
    return read_constraints(passage, find_limits(passage.tokens, kind), topic)


def read(text, kind=INCLUSION, topic=""):
    found = read_all(read_passage(text), kind, topic).value
    return [(c.quantity, c.comparator.value, c.value, c.value_high, c.unit) for c in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Platelets 150-400 x 1000/uL", ("Platelets", "between", 150_000, 400_000, "/uL")),
        (r"Hemoglobin \>= 8 g/dL", ("Hemoglobin", ">=", 8, None, "g/dL")),
        ("Bilirubin no greater than 1.5 times normal (ULN)", ("Bilirubin", "<=", 1.5, None, "times normal (ULN)")),
        ("Platelet count of at least 75,000/mm3", ("Platelet count", ">=", 75000, None, "/mm3")),
        ("Score at Visit 1 of at least 3", ("Score at Visit 1", ">=", 3, None, None)),
        ("T-score >-2,5", ("T-score", ">", -2.5, None, None)),
        ("Fitzpatrick skin type I to IV", ("Fitzpatrick skin type", "between", 1, 4, None)),
        ("Age 18 years or older", ("Age", ">=", 18, None, "year")),
        ("At least two prior regimens", ("prior regimens", ">=", 2, None, None)),
        ("blasts (>20% CD19)", ("CD19", ">", 20, None, "%")),
        ("more than 10 mg prednisone per day", ("prednisone", ">", 10, None, "mg per day")),
        ("Body weight of 50 kilogram (kg) or above", ("Body weight", ">=", 50, None, "kilogram (kg)")),
        ("must not have a heart rate below 50 bpm", ("heart rate", ">=", 50, None, "bpm")),
        ("triptan use no more than twice weekly", ("weekly", "<=", 2, None, None)),
        ("Body Mass Index (BMI) >= 19 and <= 32 kg/m^2", ("Body Mass Index (BMI)", "between", 19, 32, "kg/m^2")),
        ("Bilirubin &amp;gt; 2 mg/dL", ("Bilirubin", ">", 2, None, "mg/dL")),
        ("No PSA doubling time of < 3 months", ("PSA doubling time", "<", 3, None, "month")),
        ("Minimal life expectancy of 12 weeks", ("life expectancy", ">=", 12, None, "week")),
        ("Age between ≥20 and ≤45", ("Age", "between", 20, 45, None)),
        ("145 mmHg ≤ SBP ≤ 190", ("SBP", "between", 145, 190, "mmHg")),
        ("BMI in the range 18.5 to 30 kg/m2", ("BMI", "between", 18.5, 30, "kg/m2")),
        ("MMSE score in the range 18-26", ("MMSE score", "between", 18, 26, None)),
        ("HbA1c within a range of 7.0% to 10.0%", ("HbA1c", "between", 7, 10, "%")),
        ("Pain of at least 4 on a VAS in the range 0-10", ("Pain", ">=", 4, None, None)),
        ("Gestational age below 31 weeks", ("Gestational age", "<", 31, None, "week")),
        ("Age at onset above 7 years", ("Age at onset", ">", 7, None, "year")),
        (
            "ratio of pleural protein and serum protein > 0.5",
            ("ratio of pleural protein and serum protein", ">", 0.5, None, None),
        ),
        ("Women with migraine, ages 19 - 44", ("ages", "between", 19, 44, None)),
        (
            "Systolic pressure above 150 millimeter of mercury",
            ("Systolic pressure", ">", 150, None, "millimeter of mercury"),
        ),
        ("PVR > 3 Wood units", ("PVR", ">", 3, None, "Wood units")),
        ("PVRi above 4 WU·m2", ("PVRi", ">", 4, None, "WU·m2")),
        ("PVR above 240 dynes.sec.cm-5", ("PVR", ">", 240, None, "dynes.sec.cm-5")),
    ],
)
def test_reads_one_limit(text, expected):
    assert read(text) == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "AST and ALT < 2.5 x ULN, or < 5 x ULN with liver metastases; INR <= 1.5",
            [("AST and ALT", "<", 2.5, "x ULN"), ("AST and ALT", "<", 5, "x ULN"), ("INR", "<=", 1.5, None)],
        ),
        (
            "Blood pressure above 160/95 mmHg",
            [("Blood pressure", ">", 160, "mmHg"), ("Blood pressure", ">", 95, "mmHg")],
        ),
        ("Age 6 months to 5 years", [("Age", ">=", 6, "month"), ("Age", "<=", 5, "year")]),
        (
            "a rise of FEV1 of more than 12% or 200 mL",
            [("rise of FEV1", ">", 12, "%"), ("rise of FEV1", ">", 200, "mL")],
        ),
        (
            "Leukocytes < 4 or > 12 x 10^9/L",
            [("Leukocytes", "<", 4 * 10**9, "/L"), ("Leukocytes", ">", 12 * 10**9, "/L")],
        ),
        (
            "Diastolic pressure outside the range of 50 to 90 mmHg",
            [("Diastolic pressure", "<", 50, "mmHg"), ("Diastolic pressure", ">", 90, "mmHg")],
        ),
        (
            "Potassium not within the range 3.5 to 5.5 mmol/L",
            [("Potassium", "<", 3.5, "mmol/L"), ("Potassium", ">", 5.5, "mmol/L")],
        ),
        (
            "Saturation >= 92 % at rest in room air, and < 86 % after exercise",
            [("Saturation", ">=", 92, "%"), ("Saturation", "<", 86, "%")],
        ),
        ("Adults with disc herniation between the ages of 19-61", [("ages", "between", 19, None)]),
        ("Ferritin: men > 31 ug/L, women > 16 ug/L", [("Ferritin", ">", 31, "ug/L"), ("Ferritin", ">", 16, "ug/L")]),
        (
            "waist (men > 103 cm, women > 89 cm); weight: female subjects < 91 kg",
            [("waist", ">", 103, "cm"), ("waist", ">", 89, "cm"), ("weight", "<", 91, "kg")],
        ),
        (
            "systolic BP > 150 or diastolic BP > 95 mmHg",
            [("systolic BP", ">", 150, "mmHg"), ("diastolic BP", ">", 95, "mmHg")],
        ),
        ("SBP > 150 mmHg after 5-10 minutes of rest", [("SBP", ">", 150, "mmHg")]),
        ("more than 15 units of alcohol per week", [("alcohol", ">", 15, "units per week")]),
        ("proteinuria >= 2+ at entry", [("proteinuria", ">=", 2, "+")]),
        ("a lesion larger than 3900 microns", [("lesion", ">", 3900, "microns")]),
        ("less than 11-month life-expectancy", [("life-expectancy", "<", 11, "month")]),
        ("pain above 35 mm on a pain VAS (0-100 mm)", [("pain", ">", 35, "mm")]),
        ("Iron tablets (40 mg or more of elemental iron)", [("elemental iron", ">=", 40, "mg")]),
        ("Age under 4 years and 7 months", [("Age", "<", 55, "month")]),
        ("heart rate < 50 or > 100 bpm", [("heart rate", "<", 50, "bpm"), ("heart rate", ">", 100, "bpm")]),
    ],
)
def test_reads_all_limits_of_a_line(text, expected):
    assert [(*limit[:3], limit[4]) for limit in read(text)] == expected


@pytest.mark.parametrize(("kind", "comparator"), [(INCLUSION, ">="), (EXCLUSION, "<=")])
def test_the_list_decides_the_comparator_of_a_bare_age(kind, comparator):
    assert read("Age 18 years", kind) == [("Age", comparator, 18, None, "year")]


def test_topic_names_a_quantity_missing_from_the_line():
    assert read("At least 6 months", topic="Life expectancy") == [("Life expectancy", ">=", 6, None, "month")]


@pytest.mark.parametrize(
    "text",
    [
        "No chemotherapy within 4 weeks before enrolment",
        "Asthma for at least 2 years",
        "Positive for CD19 and HER2",
        "Disease as in RECIST 1.1",
        "At least one of the following",
        "For at least 12 consecutive months",
        "If < 2 years old, with a guardian",
        "Asthma (control group, n = 50)",
    ],
)
def test_time_limits_and_names_are_no_constraints(text):
    reading = read_all(read_passage(text))
    assert reading.value == ()
    assert reading.confidence >= 0.8


def test_an_age_beside_the_word_consent_is_a_limit_unless_it_says_who_signs():
    assert read("Men aged 18 to 65 years who have signed the informed consent") != []
    assert read("Written consent; for those under 16 years of age, consent of a parent") == []


def test_the_ages_of_those_who_assent_are_no_limits():
    assert (
        read("Assent will be obtained from all participants who are at least 7 years old and younger than 17 years")
        == []
    )


def test_excluded_ages_on_both_sides_are_two_limits():
    assert [limit[1:3] for limit in read("Age < 5 years and > 18 years", EXCLUSION)] == [("<", 5), (">", 18)]


@pytest.mark.parametrize(
    ("text", "quote", "comparator", "value", "unit"),
    [
        ("Chemotherapy within 4 weeks before enrollment", "within 4 weeks before enrollment", "<=", 4, "week"),
        ("More than 3 months since transplant", "More than 3 months since transplant", ">", 3, "month"),
        ("Stable asthma for at least 6 weeks", "for at least 6 weeks", ">=", 6, "week"),
        ("Stopped antihistamines 5 days before testing", "5 days before testing", ">=", 5, "day"),
        ("Travel half a year prior to screening", "half a year prior to screening", "<=", 0.5, "year"),
        ("Regular cycles for at least 12 consecutive months", "for at least 12 consecutive months", ">=", 12, "month"),
        ("Donation in the month prior to screening", "in the month prior to screening", "<=", 1, "month"),
        ("A pause not shorter than 9 days", "not shorter than 9 days", ">=", 9, "day"),
        ("Drugs within 4 half-lives or 21 days", "within 4 half-lives or 21 days", "<=", 21, "day"),
        ("Sterile (no menses for 2 years) or contraception for 5 weeks", "for 5 weeks", ">=", 5, "week"),
        ("Radiotherapy within 2 weeks or chemotherapy within 4 weeks", "within 2 weeks", "<=", 2, "week"),
    ],
)
def test_reads_the_time_limit(text, quote, comparator, value, unit):
    window = read_window(read_passage(text)).value
    assert (window.quote, window.comparator.value, window.value, window.unit.value) == (quote, comparator, value, unit)


@pytest.mark.parametrize(("kind", "comparator"), [(CriterionKind.INCLUSION, ">="), (CriterionKind.EXCLUSION, "<=")])
def test_the_list_decides_the_comparator_of_a_washout(kind, comparator):
    assert read_window(read_passage("Cetirizine: 3 days"), kind).value.comparator.value == comparator


@pytest.mark.parametrize(
    "text",
    [
        "Age 18 to 65 years",
        "Given every 3 weeks",
        "Sphere of -6 D or more",
        "Children from 6 to 17 years 11 months",
        "Less than 7 hours of sleep per night",
        "Able to attend the 20-week trial",
        "Must be followed up for 3 years",
        "Stays for the 5 weeks of the study",
        "Women ≥ 18 years who smoke",
        "A minimum of 12 years of education",
        "Goes to bed before 2200h",
        "Are ≥ 7 years",
        "Refractive error of - 7D or greater",
        "lens power within a range of 1,5 D",
        "older than > 14 years 2 months",
    ],
)
def test_other_lengths_of_time_are_no_windows(text):
    assert read_window(read_passage(text)).value is None


@pytest.mark.parametrize(
    "text",
    [
        "Stroke within 2 to 11 months",
        "Chronic pain, defined as pain for over 3 months",
        "Negative pregnancy test (within 48 hours)",
        "Heart disease: angina, infarction (within 6 months), heart failure",
        "Smokers (at least 100 cigarettes in the last 3 months)",
        "Slow transit shown by a test (colonic transit time (CTT) > 48 hours)",
    ],
)
def test_a_time_with_two_bounds_or_in_a_definition_is_not_sure(text):
    assert 0 < read_window(read_passage(text)).confidence < 0.8


def test_a_time_in_brackets_dates_the_words_before_them():
    assert read_window(read_passage("Recent stroke (within the last 6 months)")).confidence > 0.9
    assert read_window(read_passage("Gout (stable for 2 weeks) in the last 3 years")).value.value == 3
