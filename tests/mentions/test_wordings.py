"""Wordings that are seldom, but plain to any reader: read, and proven by the same reading."""

import pytest

from extractor.fields.value_forms import read_limit
from extractor.ground.support import find_support
from extractor.mentions.constraints import find_limits
from extractor.mentions.moments import read_time_frame
from extractor.parse import parse_record
from extractor.parse.eligibility.constraints import read_constraints, read_window
from extractor.text.book import read_text
from extractor.text.passage import read_passage
from tests.trust import trial


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("Undetectable since half a year", (">=", 0.5, "year")),
        ("Abstinent for 6+ months", (">=", 6, "month")),
        ("On a stable dose x 8 wks", (">=", 8, "week")),
        ("In treatment for a decade or more", (">=", 10, "year")),
        ("Migraine for 12 months at the minimum", (">=", 12, "month")),
        ("Tinnitus present for a year or longer", (">=", 1, "year")),
    ],
)
def test_a_window_is_read(text, window):
    found = read_window(read_passage(text)).value
    assert (found.comparator.value, found.value, found.unit.value) == window


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("Serum sodium that sinks beneath 128 mmol/L", ("Serum sodium", "<", 128, "mmol/L")),
        ("Total IgE ranging 30 - 700 IU/mL", ("Total IgE", "between", 30, "IU/mL")),
        ("Knee flexion not short of 90 degrees", ("Knee flexion", ">=", 90, "degrees")),
        ("Adults ≥ 18", ("age", ">=", 18, None)),
        ("Men or women, 65+, living at home", ("age", ">=", 65, None)),
        ("Women > 2", ("Women", ">", 2, None)),
    ],
)
def test_a_limit_is_read(text, limit):
    passage = read_passage(text)
    (found,) = read_constraints(passage, find_limits(passage.tokens, None)).value
    assert (found.quantity, found.comparator.value, found.value, found.unit) == limit


def test_bare_numbers_below_the_name_of_a_quantity_are_no_ages():
    text = "Inclusion Criteria:\n\n* Waist in cm:\n\n  * men and women ≥ 94"
    assert parse_record(trial(eligibility=text)).whole.rules["minimum_age"].value is None


@pytest.mark.parametrize(
    ("text", "limit", "stands"),
    [
        ("Fasting glucose under 126 and random glucose under 200 mg/dL", "fasting glucose: < 126 mg/dL", True),
        ("Fasting glucose under 126 and height under 200 cm", "fasting glucose: < 126 cm", False),
        ("HIV-1 RNA of at least 1k copies/mL", "HIV-1 RNA: >= 1000 copies/mL", True),
        ("Systolic above 160, diastolic above 100 mmHg", "systolic: > 160 mmHg", True),
        ("Proteinuria of 2+ or more, or 0.3 g or more", "proteinuria: >= 2 g", False),
        ("Neither ALT nor AST exceeds 3 x ULN", "ALT, AST: <= 3 x ULN", True),
        ("The over-60s who live at home", "age: > 60 years", True),
        ("Has celebrated the 50th birthday", "age: >= 50 years", True),
        ("Walks in over 60s", "age: < 60 years", False),
    ],
)
def test_a_limit_is_proven_in_seldom_words(text, limit, stands):
    assert (find_support(read_limit(limit), read_passage(text)) is not None) is stands


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("half a year", [(0.5, "year")]),
        ("Half an hour and one and a half hours after puncture", [(0.5, "hour"), (1.5, "hour")]),
        ("three quarters of an hour after intake", [(0.75, "hour")]),
        ("From the third to the ninth month", [(3, "month"), (9, "month")]),
        ("Immediately after the 20-minute session", []),
        ("At intervals of 2 weeks until discharge", []),
        ("M3/M6/M12", [(3, "month"), (6, "month"), (12, "month")]),
    ],
)
def test_the_points_of_a_time_frame_are_read(text, points):
    assert [(one.value, one.unit.value) for one in read_time_frame(read_text(text)).points] == points


@pytest.mark.parametrize(
    ("text", "ages"),
    [
        ("Children, 7- to 11-year-olds", (7, 11)),
        ("Patients not yet 10 years old", (None, 10)),
        ("Adults ≥ 18", (18, None)),
    ],
)
def test_ages_are_read(text, ages):
    found = parse_record(trial(eligibility=f"Inclusion Criteria:\n\n* {text}")).whole.rules
    assert tuple(one.value and one.value.value for one in (found["minimum_age"], found["maximum_age"])) == ages
