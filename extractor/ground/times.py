"""Lengths and moments of time found again in a text: a number with its unit of time, alone or in a list."""

import re

from extractor.parse.durations import find_durations
from extractor.parse.vocabulary import load_vocabulary
from extractor.schemas import TimeUnit

from .numerals import find_ordinals
from .quantities import Derived, find_together

__all__ = ["find_time"]

_REACH = 160
"""How far the unit of a list may stand from a number in it: "Weeks 4, 8, 12, ..."."""

_UNITS = load_vocabulary("time_units")
_COURSE = re.compile(r"courses?", re.IGNORECASE)
# "days 45, 90 and 120", "16, 52 and 104 weeks": the unit of a list stands at one of its ends.
_LISTED = r"(?:\([^()\d]{1,30}\)|[\s,;/&+±()-]|\d+(?:\.\d+)?(?:st|nd|rd|th)?|\b(?:and|or|to|the|through)\b|[，.]\s)*+"
_BEFORE = re.compile(rf"(?P<unit>[A-Za-z]+){_LISTED}$")
# "six 21-day cycles" are cycles.
_BEHIND = re.compile(
    rf"(?:\s\d{{1,3}}[\s-](?:day|week)s?[\s-](?=cycle|course)|{_LISTED})(?P<unit>[A-Za-z]+)", re.IGNORECASE
)
# "C6D1", "W12", "month12": the unit is written together with its number.
_CODED = re.compile(
    r"(?<![A-Za-z/])(?P<unit>[CDWMY]|wk|mo|(?:cycle|day|week|month|year)s?)(?P<number>\d{1,3})(?!\d)", re.IGNORECASE
)
_CODED_UNITS = {unit.value[0]: unit for unit in TimeUnit if unit not in (TimeUnit.MINUTE, TimeUnit.HOUR)}


def find_time(text: str, value: float, unit: TimeUnit) -> Derived | None:
    """Where a number stands with its unit of time beside it, or None.

    >>> [find_time(t, 30, TimeUnit.DAY) is not None for t in ("day 30", "30 days", "days 30, 45", "C1D30", "30 weeks")]
    [True, True, True, True, False]
    """
    for duration in find_durations(text):
        if duration.unit is unit and value in (duration.low, duration.high):
            return Derived(duration.start, duration.end)
    ordinals = ((start, end) for number, start, end in find_ordinals(text) if number == value)
    for start, end in (*find_together(text, (value,)), *ordinals, *_find_digits(text, value)):
        if unit in map(_read_unit, _words_beside(text, start, end)):
            return Derived(start, end)
    return _find_coded(text, value, unit)


def _find_digits(text: str, value: float) -> list[tuple[int, int]]:
    """Where just these digits stand, as in the list "72,96,120 hours", which reads as one number too."""
    return [found.span() for found in re.finditer(rf"(?<![\d.]){re.escape(f'{value:g}')}(?!\d|\.\d)", text)]


def _read_unit(word: str) -> TimeUnit | None:
    if _COURSE.fullmatch(word):
        return TimeUnit.CYCLE
    found = _UNITS.first(word)
    return TimeUnit(found.value) if found else None


def _words_beside(text: str, start: int, end: int) -> list[str]:
    """The words that may be the unit of a number in a list: those at its two ends, or the one right beside it."""
    before = _BEFORE.search(text[max(0, start - _REACH) : start])
    behind = _BEHIND.match(text, end)
    found = [(match, match.end() - match.start() - len(match["unit"])) for match in (before, behind) if match]
    beside = [match for match, gap in found if gap <= 1 and _read_unit(match["unit"])]
    return [match["unit"] for match in beside or [match for match, _ in found]]


def _find_coded(text: str, value: float, unit: TimeUnit) -> Derived | None:
    for found in _CODED.finditer(text):
        if _CODED_UNITS.get(found["unit"][0].lower()) is unit and float(found["number"]) == value:
            return Derived(*found.span())
    return None
