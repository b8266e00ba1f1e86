"""Frequencies, listed days, cycles, lengths of treatment, moments."""

import pytest

from extractor.parse.dosing.days import code_days, find_days
from extractor.parse.dosing.frequencies import find_frequencies
from extractor.parse.dosing.periods import find_cycles, find_lengths, find_moments
from extractor.schemas import Frequency, Period, TimeUnit


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("every 3 weeks", ["Q3W"]),
        ("every three (3) weeks", ["Q3W"]),
        ("q12h", ["Q12H"]),
        ("q3wk", ["Q3W"]),
        ("12 hourly", ["Q12H"]),
        ("every 28 days", ["Q4W"]),
        ("every 30 days", ["QM"]),
        ("every 2 or 4 weeks", ["other"]),
        ("every 2 weeks or every 4 weeks", ["other"]),
        ("at intervals of 4-6 weeks", ["other"]),
        ("10 days every 28 days", ["QD"]),
        ("4 times/day", ["QID"]),
        ("2-3 times daily", ["other"]),
        ("5 days a week", ["other"]),
        ("twice weekly", ["BIW"]),
        ("a single intravenous infusion", ["once"]),
        ("once daily", ["QD"]),
        ("Once the intake exceeds the need", []),
        ("every 20 minutes", []),
    ],
)
def test_frequencies(text: str, expected: list[str]) -> None:
    assert [mark.value.value for mark in find_frequencies(text)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("on day 1", [(1,)]),
        ("days 1, 8 and 15", [(1, 8, 15)]),
        ("D-5 to -3", [(-5, -4, -3)]),
        ("Day -5 to Day -3", [(-5, -4, -3)]),
        ("days -6, -5, -4, and -3", [(-6, -5, -4, -3)]),
        ("d 1-5", [(1, 2, 3, 4, 5)]),
        ("D1/D8 of each cycle", [(1, 8)]),
        ("on day 1 or 2", [(1,)]),
        ("at weeks 0, 4, 16", [(0, 28, 112)]),
        ("day 7 at 2.5 mg", [(7,)]),
    ],
)
def test_days(text: str, expected: list[tuple[int, ...]]) -> None:
    assert [mark.value for mark in find_days(text)] == expected


@pytest.mark.parametrize(
    ("days", "cycle", "expected"),
    [
        ((1, 8, 15), 28, "QW"),
        ((1, 15), 28, "Q2W"),
        ((1,), 21, "Q3W"),
        ((1,), None, "once"),
        ((1, 2, 3, 4, 5), 28, "QD"),
        ((0, 28, 112), None, "other"),
    ],
)
def test_days_amount_to_a_frequency(days: tuple[int, ...], cycle: int | None, expected: str) -> None:
    assert code_days(days, cycle and Period(value=cycle, unit=TimeUnit.DAY)).value == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("day 1 of each 21-day cycle", [(21, "day")]),
        ("treatment repeats every 14 days", [(14, "day")]),
        ("days 1 and 8 every 21 days", [(21, "day")]),
        ("1 cycle of 4 weeks", [(4, "week")]),
        ("injected every 3 weeks", []),
    ],
)
def test_cycles(text: str, expected: list[tuple[int, str]]) -> None:
    periods = [mark.value for mark in find_cycles(text)]
    assert [(p.value, p.unit.value) for p in periods if p] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("daily for 12 weeks", [(12, "week")]),
        ("up to 6 cycles", [(6, "cycle")]),
        ("six 21 day cycles", [(6, "cycle")]),
        ("for 3 consecutive days", [(3, "day")]),
        ("a 12-week treatment period", [(12, "week")]),
        ("for 3-5 days", []),
        ("infused over 30 minutes", []),
        ("for 2 weeks before surgery", []),
        ("followed up for 2 years after", []),
    ],
)
def test_lengths_of_treatment(text: str, expected: list[tuple[int, str]]) -> None:
    periods = [mark.value for mark in find_lengths(text)]
    assert [(p.value, p.unit.value) for p in periods if p] == expected


def test_moments() -> None:
    assert [mark.value for mark in find_moments("30 minutes before infusion, with food")] == [
        "30 minutes before infusion",
        "with food",
    ]


@pytest.mark.parametrize("number", ["9" * 300, "9" * 308, "9" * 400])
def test_an_interval_without_end_has_no_code(number):
    assert {mark.value for mark in find_frequencies(f"every {number} weeks")} <= {Frequency.OTHER}
