import pytest

from extractor.parse.eligibility.constraints import read_constraints
from extractor.parse.eligibility.limits import find_limits
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
        ("Hemoglobin > 8 g/dL", ("Hemoglobin", ">", 8, None, "g/dL")),
        (r"Hemoglobin \>= 8 g/dL", ("Hemoglobin", ">=", 8, None, "g/dL")),
        ("Creatinine not more than 2 mg/dL", ("Creatinine", "<=", 2, None, "mg/dL")),
        (
            "Bilirubin no greater than 1.5 times upper limit of normal (ULN)",
            ("Bilirubin", "<=", 1.5, None, "times upper limit of normal (ULN)"),
        ),
        ("ALT < 2.5 x ULN", ("ALT", "<", 2.5, None, "x ULN")),
        ("Platelet count of at least 75,000/mm3", ("Platelet count", ">=", 75000, None, "/mm3")),
        ("ANC ≥ 1.5 x 10^9/L", ("ANC", ">=", 1500000000, None, "/L")),
        ("IPI score > or = to 2", ("IPI score", ">=", 2, None, None)),
        ("Age 18 years or older", ("Age", ">=", 18, None, "year")),
        ("18 to 75 years of age", ("age", "between", 18, 75, "year")),
        ("aged >= 1 and <= 65 years", ("aged", "between", 1, 65, "year")),
        ("Age between 18 and 70", ("Age", "between", 18, 70, None)),
        ("Body mass index of 18 to 30 kg/m2", ("Body mass index", "between", 18, 30, "kg/m2")),
        ("ECOG 0-2", ("ECOG", "between", 0, 2, None)),
        ("ECOG performance status of 0, 1 or 2", ("ECOG performance status", "between", 0, 2, None)),
        ("NYHA class III or IV heart failure", ("NYHA class", "between", 3, 4, None)),
        ("Karnofsky score of 70 or higher", ("Karnofsky score", ">=", 70, None, None)),
        ("LVEF (by echo) below 40%", ("LVEF (by echo)", "<", 40, None, "%")),
        ("At least two prior regimens", ("prior regimens", ">=", 2, None, None)),
        ("Life expectancy of more than 12 weeks", ("Life expectancy", ">", 12, None, "week")),
        ("blasts (>20% CD19)", ("CD19", ">", 20, None, "%")),
        ("more than 10 mg/day of prednisone", ("prednisone", ">", 10, None, "mg/day")),
        ("more than 10 mg prednisone per day", ("prednisone", ">", 10, None, "mg per day")),
        ("Haemoglobin ≥ 8,5 g/dl", ("Haemoglobin", ">=", 8.5, None, "g/dl")),
        ("Body weight of 50 kilogram (kg) or above", ("Body weight", ">=", 50, None, "kilogram (kg)")),
        ("18 years ≤ age ≤ 65 years", ("age", "between", 18, 65, "year")),
        ("ages 6 through 70 years", ("ages", "between", 6, 70, "year")),
        ("must not have a heart rate below 50 bpm", ("heart rate", ">=", 50, None, "bpm")),
        ("T-score <= -2.5", ("T-score", "<=", -2.5, None, None)),
        ("triptan use no more than twice weekly", ("weekly", "<=", 2, None, None)),
        ("WHO class III or class IV", ("WHO class", "between", 3, 4, None)),
        ("Body Mass Index (BMI) >= 19 and <= 32 kg/m^2", ("Body Mass Index (BMI)", "between", 19, 32, "kg/m^2")),
        ("Kt/V < 1,2", ("Kt/V", "<", 1.2, None, None)),
        ("Prothrombin time > 16 s", ("Prothrombin time", ">", 16, None, "s")),
        ("Bilirubin &amp;gt; 2 mg/dL", ("Bilirubin", ">", 2, None, "mg/dL")),
    ],
)
def test_reads_one_limit(text, expected):
    assert read(text) == [expected]


def test_reads_all_limits_of_a_line():
    assert read("AST and ALT < 2.5 x ULN, or < 5 x ULN with liver metastases; INR <= 1.5") == [
        ("AST and ALT", "<", 2.5, None, "x ULN"),
        ("AST and ALT", "<", 5, None, "x ULN"),
        ("INR", "<=", 1.5, None, None),
    ]


def test_blood_pressure_is_two_limits():
    assert [limit[1:4] for limit in read("Blood pressure above 160/95 mmHg")] == [(">", 160, None), (">", 95, None)]


def test_range_of_two_units_is_two_limits():
    assert [limit[1:] for limit in read("Age 6 months to 5 years")] == [
        (">=", 6, None, "month"),
        ("<=", 5, None, "year"),
    ]


@pytest.mark.parametrize(("kind", "comparator"), [(INCLUSION, ">="), (EXCLUSION, "<=")])
def test_bare_age_takes_the_sense_of_its_list(kind, comparator):
    assert read("Age 18 years", kind) == [("Age", comparator, 18, None, "year")]


def test_topic_names_a_quantity_that_the_line_leaves_out():
    assert read("At least 6 months", topic="Life expectancy") == [("Life expectancy", ">=", 6, None, "month")]


@pytest.mark.parametrize(
    "text",
    [
        "No chemotherapy within 4 weeks before enrolment",
        "Asthma for at least 2 years",
        "Positive for CD19 and HER2",
        "Recovered from COVID-19",
        "Stage IIIB disease",
        "Disease as in RECIST 1.1",
        "At least one of the following",
        "At least one of:",
        "For at least 12 consecutive months",
        "Resolved 5 or more years ago",
        "Off the drug for at least 5 half-lives",
        "Previously treated, 2L+",
        "If < 2 years old, with a guardian",
        "Diabetes of type 2",
        "Asthma (control group, n = 50)",
    ],
)
def test_time_limits_and_names_are_no_constraints(text):
    reading = read_all(read_passage(text))
    assert reading.value == ()
    assert reading.confidence >= 0.8


def test_a_second_value_in_another_unit_shares_the_comparator():
    assert read("a rise of FEV1 of more than 12% or 200 mL") == [
        ("rise of FEV1", ">", 12, None, "%"),
        ("rise of FEV1", ">", 200, None, "mL"),
    ]


def test_an_age_beside_the_word_consent_is_a_limit_unless_it_says_who_signs():
    assert read("Men aged 18 to 65 years who have signed the informed consent") != []
    assert read("Written consent; for those under 16 years of age, consent of a parent") == []


def test_excluded_ages_on_both_sides_are_two_limits():
    assert [limit[1:3] for limit in read("Age < 5 years and > 18 years", EXCLUSION)] == [("<", 5), (">", 18)]


def test_spans_point_at_the_limits():
    passage = read_passage(r"ALT \< 2 x ULN and INR \> 1.5")
    spans = read_all(passage).spans
    assert [passage.raw[span.start : span.end] for span in spans] == [r"ALT \< 2 x ULN", r"INR \> 1.5"]


def test_number_that_no_rule_reads_lowers_the_confidence():
    plain = read_all(read_passage("Hemoglobin > 8 g/dL"))
    loose = read_all(read_passage("Hemoglobin > 8 g/dL, 3 samples 40 apart"))
    assert loose.confidence < plain.confidence
