"""What reviewers found wrong, each once."""

import pytest

from extractor.fields.value_forms import read_limit
from extractor.ground.support import find_support
from extractor.ground.times import find_stated_age
from extractor.mentions.limits import find_limits
from extractor.mentions.moments import read_time_frame
from extractor.parse import parse_record
from extractor.parse.eligibility.constraints import read_constraints
from extractor.parse.eligibility.windows import read_window
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
    criteria = parse_record(trial(eligibility=text)).eligibility.criteria
    assert [one.time_window.value is not None for one in criteria] == [True, False, False]
