import pytest

from extractor.mentions.moments import read_time_frame
from extractor.parse.endpoints.times import describe_points, read_time_kind
from extractor.text.book import read_text


def read(text):
    frame = read_time_frame(read_text(text))
    kind, confidence = read_time_kind(frame)
    assert 0 < confidence < 1
    return kind.value, [(point.value, point.unit.value) for point in frame.points]


@pytest.mark.parametrize(
    ("text", "kind", "points"),
    [
        ("Weeks 0-54", "up_to", [(54, "week")]),
        ("6 and 12 months", "at", [(6, "month"), (12, "month")]),
        ("Day 1 of Cycles 1, 3 and 5 (each cycle is 21 days)", "at", [(3, "cycle"), (5, "cycle")]),
        ("Day 0, day 7 (+/- 2 days)", "at", [(7, "day")]),
        ("Baseline (Day 1)", "at", []),
        ("From 120 days to 2 years after infusion", "from_to", [(120, "day"), (2, "year")]),
        ("Weeks 4-12", "from_to", [(4, "week"), (12, "week")]),
        ("Every 4 weeks", "per", []),
        ("Through study completion", "unspecified", []),
    ],
)
def test_reads_kind_and_points(text, kind, points):
    assert read(text) == (kind, points)


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("Day -14, day -1, day 28", [(28, "day")]),
        ("C2D1 and C5D1", [(2, "cycle"), (5, "cycle")]),
        ("0, 1.5 and 4 hours", [(1.5, "hour"), (4, "hour")]),
        ("12 weeks in a Q3W regimen", [(12, "week")]),
        ("Baseline, Month-3 and Month-6", [(3, "month"), (6, "month")]),
        ("Week 4, month 3, and again week 4", [(4, "week"), (3, "month")]),
        ("School year 2010 to 2011, and 3 years", [(3, "year")]),
        ("Up to 3 years and 9 months", [(45, "month")]),
        ("5 weeks for part 1 and 7 weeks for part 2", [(5, "week"), (7, "week")]),
        ("2 years, 9 months", [(2, "year"), (9, "month")]),
        ("12,24,48,120 hours", [(12, "hour"), (24, "hour"), (48, "hour"), (120, "hour")]),
    ],
)
def test_lists_moments_only(text, points):
    assert read(text)[1] == points


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("Week 20 (after a 3-week placebo run-in)", [(20, "week")]),
        ("Month 2 (1-hour test)", [(2, "month")]),
        ("8-hour urine collected at weeks 6 and 10", [(6, "week"), (10, "week")]),
        ("Week 9 in girls aged 10 to 14 years", [(9, "week")]),
        ("Month 5; participants aged 70 years and older analysed separately", [(5, "month")]),
        ("Week 6 (recall period 2 weeks)", [(6, "week")]),
        ("Month 3 (window of 10 days)", [(3, "month")]),
        ("Day 30 (infants 4 to 8 weeks of age)", [(30, "day")]),
        ("Week 6 of the 10-week treatment period", [(6, "week")]),
        ("Day 9 -1/+2 days", [(9, "day")]),
        ("Enrollment up to 3 years", [(3, "year")]),
    ],
)
def test_the_length_of_something_else_is_no_moment(text, points):
    assert read(text)[1] == points


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("D1, D5 and M2", [(1, "day"), (5, "day"), (2, "month")]),
        ("POD1 and POD4", [(1, "day"), (4, "day")]),
        ("on the first, fourth and sixth postoperative day", [(1, "day"), (4, "day"), (6, "day")]),
        ("From 21 days after dose 2 until 10 months", [(21, "day"), (10, "month")]),
        ("First dose (Day 1) to Day 15", [(15, "day")]),
        ("From Day 1 of treatment to Day 15", [(15, "day")]),
        ("Day 1 of Cycles 1, 2 and 4", [(2, "cycle"), (4, "cycle")]),
        ("2-, 4- and 9-month visits", [(2, "month"), (4, "month"), (9, "month")]),
    ],
)
def test_days_by_their_place_and_form(text, points):
    assert read(text)[1] == points


def test_the_case_of_time_points_is_that_of_what_stands_around_them():
    def case(text):
        return describe_points(read_time_frame(read_text(text)))

    assert case("Weeks 4 and 8") == "time points"
    assert case("Month 4 after a 2-week programme and 3 visits") == "time points, perhaps another length"
    assert case("Week 8 (recall period 4 weeks)") == "time points beside other lengths"
    assert case("Week 8 in 40 of the first patients") == "time points, other numbers"
    assert case("Through completion of visit 6") == "no time points, other numbers"


@pytest.mark.parametrize("text", ["Week {}", "{} weeks", "weeks {} and {}", "day 4 to {}", "up to cycle {}"])
def test_a_number_too_large_to_represent_is_no_moment(text):
    points = read(text.format(*["9" * 400] * 2))[1]
    assert points == ([(4, "day")] if "4" in text else [])
