"""Times of outcomes in days, the ends of ranges, cycles, and what they are counted from."""

import pytest

from extractor.apps.export import tabulate
from extractor.apps.export.times import describe_times, find_cycle_days
from extractor.schemas import TrialExtraction


def point(text):
    value, unit = text.split()
    return {"value": float(value), "unit": unit}


def describe(frame, kind, *points, cycle=None, **parts):
    endpoint = {
        "time_frame": frame,
        "time_kind": kind,
        "time_points": [point(one) for one in points],
        **parts,
    }
    return describe_times(endpoint, cycle)


ANCHORS = [
    ("12 weeks after the last dose", ["12 week"], ["last_dose"]),
    ("3 months after treatment", ["3 month"], ["last_dose"]),
    ("8 weeks of treatment", ["8 week"], ["first_dose"]),
    ("10 days after surgery", ["10 day"], ["surgery"]),
    ("Postoperative days 1 and 3", ["1 day", "3 day"], ["surgery", "surgery"]),
    ("30 days post-op", ["30 day"], ["surgery"]),
    (
        "1, 3 and 6 months after surgery",
        ["1 month", "3 month", "6 month"],
        ["surgery", "surgery", "surgery"],
    ),
    (
        "28 and 90 days from randomisation",
        ["28 day", "90 day"],
        ["randomisation_or_enrolment", "randomisation_or_enrolment"],
    ),
    (
        "From the date of randomisation until progression, assessed up to 24 months",
        ["24 month"],
        ["randomisation_or_enrolment"],
    ),
    (
        "From the first dose to 30 days after the last dose; up to 2 years",
        ["30 day", "2 year"],
        ["last_dose", None],
    ),
    ("Cycle 1 Day 1 to 12 months", ["12 month"], ["first_dose"]),
    ("Baseline to week 12", ["12 week"], ["randomisation_or_enrolment"]),
    ("2 weeks prior to start of dosing", ["2 week"], ["first_dose"]),
    ("20 weeks after therapy was initiated", ["20 week"], ["first_dose"]),
    ("Change from baseline at week 12", ["12 week"], ["randomisation_or_enrolment"]),
    ("Change of week 12 from baseline", ["12 week"], ["randomisation_or_enrolment"]),
    (
        "Changes at weeks 4 and 8 compared with baseline",
        ["4 week", "8 week"],
        ["randomisation_or_enrolment"] * 2,
    ),
    # the words say otherwise
    ("Change from baseline, 12 weeks after surgery", ["12 week"], ["surgery"]),
    ("Change from baseline to 30 days after the last dose", ["30 day"], ["last_dose"]),
    # within the day of a treatment, baseline is before the dose
    ("Change from baseline at 30 minutes", ["30 minute"], [None]),
    ("Change at week 12", ["12 week"], [None]),
    ("Baseline and week 12", ["12 week"], [None]),
    ("Up to 2 years", ["2 year"], [None]),
    ("from 0 hour to 6 hours at day 4", ["6 hour", "4 day"], [None, None]),
    ("7 days before discharge", ["7 day"], ["other_event"]),
    (
        "24, 48 hours and 7 days after surgery",
        ["24 hour", "48 hour", "7 day"],
        ["surgery", "surgery", "surgery"],
    ),
    ("After surgery at 24 hours and 7 days", ["24 hour", "7 day"], ["surgery"] * 2),
    # the dose is that of the hours
    (
        "0 - 4 hours post-dose on week 0 and week 54",
        ["4 hour", "54 week"],
        ["first_dose", None],
    ),
    ("2 hours post-dose at week 4", ["2 hour", "4 week"], ["first_dose", None]),
    (
        "30 minutes after infusion on day 15",
        ["30 minute", "15 day"],
        ["first_dose", None],
    ),
    ("2 hours post dose, week 12", ["2 hour", "12 week"], ["first_dose", None]),
    ("Day 1, 2 hours post-dose", ["1 day", "2 hour"], [None, "first_dose"]),
]


@pytest.mark.parametrize(("frame", "points", "expected"), ANCHORS)
def test_a_time_says_what_it_is_counted_from(frame, points, expected):
    found = [cells["counted_from"] for cells in describe(frame, "at", *points)]
    assert found == expected


def test_the_start_of_a_clock_counts_where_the_frame_is_silent():
    def ask(event, kind="up_to"):
        cells = describe("Up to 2 years", kind, "2 year", start_event=event)
        return cells[0]["counted_from"]

    assert ask("randomization") == "randomisation_or_enrolment"
    # a response begins within the time
    assert ask("the first response") is None
    assert ask("randomization", "at") is None


ELSEWHERE = [
    ("12 months", "at 1,3,6 and 12 months after completion of treatment", "last_dose"),
    ("3 months", "Pain at 1, 3 and 6 months after surgery", "surgery"),
    ("6 months", "Measured six months following the last dose", "last_dose"),
    ("28 days", "Death within 28 days of randomisation", "randomisation_or_enrolment"),
    ("2 years", "From the first dose to 2 years", "first_dose"),
    ("12 weeks", "Change from baseline at 12 weeks", "randomisation_or_enrolment"),
    ("12 weeks", "Change in pain from Baseline", "randomisation_or_enrolment"),
    ("12 weeks from diagnosis", "Change from baseline", "diagnosis"),
    # another time, another event, or two moments
    ("12 months", "Pain at 6 months after surgery", None),
    ("2 hours", "Glucose 2 hours after each meal", None),
    ("1 month", "1 month after surgery and 1 month after the last dose", None),
    ("12 months from diagnosis", "12 months after surgery", "diagnosis"),
]


@pytest.mark.parametrize(("frame", "description", "expected"), ELSEWHERE)
@pytest.mark.parametrize("name", ["measure", "description"])
def test_the_same_time_elsewhere_says_what_it_is_counted_from(
    name, frame, description, expected
):
    time = " ".join(frame.split()[:2]).removesuffix("s")
    cells = describe(frame, "at", time, **{name: description})[0]
    assert cells["counted_from"] == expected


RANGES = [
    ("4-8 weeks after treatment", "from_to", ["4 week", "8 week"], [56, None]),
    ("Week 17 up to Week 24", "from_to", ["17 week", "24 week"], [168, None]),
    ("6 weeks to 1 year", "from_to", ["6 week", "1 year"], [365.25, None]),
    ("4-8 weeks, 9 months", "at", ["4 week", "8 week", "9 month"], [56, None, None]),
    ("4, 8 weeks", "at", ["4 week", "8 week"], [None, None]),
    ("at week 4 and at week 8", "at", ["4 week", "8 week"], [None, None]),
    ("6 hours at day 4", "from_to", ["6 hour", "4 day"], [None, None]),
]


@pytest.mark.parametrize(("frame", "kind", "points", "expected"), RANGES)
def test_a_range_has_an_end(frame, kind, points, expected):
    found = [cells["days_high"] for cells in describe(frame, kind, *points)]
    assert found == expected


CYCLES = [
    ("Up to 6 cycles", "up_to", 21, (126, 21)),
    ("Up to 6 cycles (each cycle is 28 days)", "up_to", 21, (168, 28)),
    ("Up to 6 cycles of 14 days", "up_to", None, (84, 14)),
    ("Up to six 21-day cycles", "up_to", None, (126, 21)),
    ("Up to 6 cycles", "up_to", None, (None, None)),
    # its beginning, or its end
    ("Cycle 6", "at", 21, (None, 21)),
    ("Up to cycle 6 day 1, 2 days", "up_to", None, (None, None)),
]


@pytest.mark.parametrize(("frame", "kind", "cycle", "expected"), CYCLES)
def test_cycles_are_days_where_their_length_is_known(frame, kind, cycle, expected):
    cells = describe(frame, kind, "6 cycle", cycle=cycle)[0]
    assert (cells["days"], cells["cycle_days"]) == expected


DAYS_OF_CYCLES = [
    ("Cycle 4 Day 29 (each cycle is 28 days)", "29 day", 113),
    ("C2D15 (28-day cycles)", "15 day", 43),
    ("Day 15 of Cycle 3 (each cycle is 21 days)", "15 day", 57),
    ("Cycle 1 Day 8", "8 day", 8),
    ("Cycle 3, Day 2", "2 day", None),
    ("Day 15 of each cycle (each cycle is 21 days)", "15 day", None),
    ("Day 15, cycle 2", "15 day", 15),
]


@pytest.mark.parametrize(("frame", "time", "days"), DAYS_OF_CYCLES)
def test_a_day_of_a_cycle_counts_the_cycles_before_it(frame, time, days):
    assert describe(frame, "at", time)[0]["days"] == days


def test_regimens_state_the_length_of_a_cycle_and_a_duration():
    weeks = {"value": 3, "unit": "week"}
    regimen = {
        "agent": "drugamide",
        "section": "arms[0]",
        "quote": "text",
        "cycle": weeks,
        "duration": {"value": 6, "unit": "cycle"},
    }

    trial = TrialExtraction.model_validate(
        {"record_id": "A", "eligibility": {}, "dosing": [regimen]}
    )

    row = tabulate([trial])["regimens"][0]
    assert (row["cycle_days"], row["duration_days"]) == (21, 126)
    assert find_cycle_days([{"cycle": weeks}, {"cycle": None}]) == 21
