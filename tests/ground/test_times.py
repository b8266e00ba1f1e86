import pytest

from extractor.ground.values import find_time
from extractor.schemas import TimeUnit
from extractor.text.book import read_text


@pytest.mark.parametrize(
    ("text", "value", "unit", "stands"),
    [
        ("day 30", 30, TimeUnit.DAY, True),
        ("up to 2 years", 2, TimeUnit.YEAR, True),
        ("days 45, 90 and 120", 120, TimeUnit.DAY, True),
        ("not treated within 30 days", 30, TimeUnit.MONTH, False),
        ("5 mg daily", 5, TimeUnit.MONTH, False),
        ("the third week", 3, TimeUnit.WEEK, True),
        ("on C6D1", 6, TimeUnit.CYCLE, True),
        ("week12, week24", 24, TimeUnit.WEEK, True),
        ("Days 2 through 7", 7, TimeUnit.DAY, True),
        ("day 42 (last visit), 49±1, 56±2", 56, TimeUnit.DAY, True),
        ("weeks " + ", ".join(map(str, range(4, 100, 4))), 60, TimeUnit.WEEK, True),
        ("day 7, 3 months", 7, TimeUnit.MONTH, False),
        ("6 years and 11 months", 11, TimeUnit.YEAR, False),
        ("20 mg/m2 once", 2, TimeUnit.MONTH, False),
        ("for 6 courses", 6, TimeUnit.CYCLE, True),
        ("six 21-day cycles", 6, TimeUnit.CYCLE, True),
        ("48,72,96,120,144 and 168 hours", 120, TimeUnit.HOUR, True),
        ("up to16weeks", 16, TimeUnit.WEEK, True),
    ],
)
def test_a_time_stands_with_its_unit(text, value, unit, stands):
    assert (find_time(read_text(text), value, unit) is not None) is stands


def test_takes_linear_time_on_a_list_that_never_ends():
    assert find_time(read_text("(or)" * 2000 + " 5 (or)" * 2000), 5, TimeUnit.DAY) is None


@pytest.mark.parametrize(("text", "unit"), [("after B7-H3 cells", TimeUnit.HOUR), ("50 mg/m2", TimeUnit.MONTH)])
def test_a_letter_of_a_name_or_unit_is_no_unit_of_time(text, unit):
    assert find_time(read_text(text), 3 if "3" in text else 2, unit) is None
