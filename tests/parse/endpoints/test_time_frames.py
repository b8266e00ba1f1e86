import pytest

from extractor.parse.endpoints.times import read_time_frame, read_time_kind
from extractor.text.book import read_text


def read(text):
    frame = read_time_frame(read_text(text))
    kind, confidence = read_time_kind(frame)
    assert 0 < confidence < 1
    return kind.value, [(point.value, point.unit.value) for point in frame.points]


@pytest.mark.parametrize(
    ("text", "kind", "points"),
    [
        ("2 years", "up_to", [(2, "year")]),
        ("Up to approximately 28 days after infusion", "up_to", [(28, "day")]),
        ("From randomization until death, assessed up to 60 months", "up_to", [(60, "month")]),
        ("Baseline to week 24", "up_to", [(24, "week")]),
        ("Weeks 0-54", "up_to", [(54, "week")]),
        ("day 30, day 45, day 90", "at", [(30, "day"), (45, "day"), (90, "day")]),
        ("Baseline, weeks 4, 8 and 12", "at", [(4, "week"), (8, "week"), (12, "week")]),
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
    ],
)
def test_lists_moments_only(text, points):
    assert read(text)[1] == points


@pytest.mark.parametrize("text", ["Week {}", "{} weeks", "weeks {} and {}", "day 4 to {}", "up to cycle {}"])
def test_a_number_too_large_to_represent_is_no_moment(text):
    points = read(text.format(*["9" * 400] * 2))[1]
    assert points == ([(4, "day")] if "4" in text else [])
