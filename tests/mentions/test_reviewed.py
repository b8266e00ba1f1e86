"""What reviewers found wrong, each once."""

import pytest

from extractor.fields.value_forms import read_limit
from extractor.ground.support import find_support
from extractor.ground.times import find_stated_age
from extractor.mentions.constraints import find_limits
from extractor.mentions.moments import read_time_frame
from extractor.parse import parse_record
from extractor.parse.eligibility.constraints import read_constraints, read_window
from extractor.schemas import Age, TimeUnit
from extractor.text.book import read_text
from extractor.text.passage import read_passage
from tests.trust import trial


def read(text):
    passage = read_passage(text)
    found = read_constraints(passage, find_limits(passage.tokens, None)).value
    return [(one.quantity, one.comparator.value, one.value, one.unit) for one in found]


@pytest.mark.parametrize(
    ("text", "limit", "stands"),
    [
        ("Creatinine <= 1.5 mg/dL (132.6 µmol/L)", "creatinine: > 132.6 µmol/L", False),
        ("Creatinine <= 1.5 mg/dL (132.6 µmol/L)", "creatinine: <= 132.6 µmol/L", True),
        ("aPTT <= 1.5 x control", "aPTT: <= 1.5 x control", True),
        ("performance status: age 18 and over", "performance status: >= 18", False),
    ],
)
def test_a_conversion_has_the_comparator_of_its_limit_and_an_age_is_no_score(text, limit, stands):
    assert (find_support(read_limit(limit), read_passage(text)) is not None) is stands


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("less than 1+ proteinuria on urinalysis", [("proteinuria on urinalysis", "<", 1, "+")]),
        ("QTcF < 450 ms (men)", [("QTcF", "<", 450, "ms")]),
        ("> 10 cigarettes/day", [("cigarettes", ">", 10, "cigarettes/day")]),
        ("stage IIIB/IV", []),
        ("eGFR that has not dropped below 30 mL/min", [("eGFR", ">=", 30, "mL/min")]),
        ("a fall in haemoglobin of at least 2 g/dL", [("fall in haemoglobin", ">=", 2, "g/dL")]),
        ("Itch of 7 or more (scale of 0 to 10)", [("Itch", ">=", 7, None)]),
    ],
)
def test_a_limit_is_read_with_its_own_quantity_and_unit(text, limits):
    assert read(text) == limits


def test_a_rate_is_no_window():
    assert read_window(read_passage("Urine protein < 3.5 g per 24 hours")).value is None


def test_the_death_of_a_relative_is_no_age_of_participants():
    age, passage = Age(value=40, unit=TimeUnit.YEAR), read_passage("sudden death of a relative before 40")
    assert [find_stated_age(age, passage, lower=lower, admits=True) for lower in (True, False)] == [None, None]


def test_a_median_follow_up_is_no_time_point():
    points = read_time_frame(read_text("24 months; median follow-up was 18.3 months")).points
    assert [(one.value, one.unit) for one in points] == [(24, TimeUnit.MONTH)]


def test_an_item_takes_no_window_from_the_item_before_it():
    text = "Exclusion Criteria:\n\n* Chemotherapy within 4 weeks\n* Pregnancy\n* Asthma"
    criteria = parse_record(trial(eligibility=text)).criteria
    assert [one.rules["time_window"].value is not None for one in criteria] == [True, False, False]


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("Pain of at least 4 (0-10)", [("Pain", ">=", 4, None)]),
        ("Hip T-score <= -2.5 and > -4.0", [("Hip T-score", "<=", -2.5, None), ("Hip T-score", ">", -4, None)]),
        ("Able to walk at least 150 m in the six-minute test", [("Able to walk", ">=", 150, "m")]),
        (
            "Creatinine above 177 µmol/L (= 2 mg/dL)",
            [("Creatinine", ">", 177, "µmol/L"), ("Creatinine", ">", 2, "mg/dL")],
        ),
        ("ALT > 3 x ULN together with bilirubin > 2 x ULN", [("ALT", ">", 3, "x ULN"), ("bilirubin", ">", 2, "x ULN")]),
        ("Weight that has changed by > 5 kg", [("Weight that has changed", ">", 5, "kg")]),
        ("DLCO corrected for Hb < 40 %", [("DLCO corrected for Hb", "<", 40, "%")]),
        ("A scan no older than 6 months", []),
        ("The man is at most 5 years older than the woman", []),
    ],
)
def test_readers_of_fresh_lines_would_not_be_misled(text, limits):
    assert read(text) == limits


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Stopped no later than 5 days before biopsy", (">=", 5, "day")),
        ("Diabetes (other than gestational diabetes), treated for > 3 months", (">", 3, "month")),
        ("Self-harm on 5 or more days within the past 2 years", ("<=", 2, "year")),
    ],
)
def test_a_window_is_that_of_the_criterion(text, value):
    found = read_window(read_passage(text)).value
    assert (found.comparator.value, found.value, found.unit.value) == value


@pytest.mark.parametrize(
    "text",
    [
        "Willing to be admitted to the metabolic ward for 9 days",
        "Agrees that serum is frozen at -80 °C for up to 15 years",
        "Refusal to be hospitalised for the 3 days of the ketamine cure",
    ],
)
def test_the_length_of_a_stay_or_a_storage_is_no_window(text):
    assert read_window(read_passage(text)).value is None


@pytest.mark.parametrize("frame", ["Every second cycle until the end", "Last 14 days of each period, then week 8"])
def test_intervals_and_averaged_days_are_no_time_points(frame):
    assert all(one.value not in (2, 14) for one in read_time_frame(read_text(frame)).points)
