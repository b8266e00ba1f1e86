"""Numbers found again in a text together with what makes them mean something: comparator, unit, unit of time."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from extractor.parse.dosing.amounts import find_amounts
from extractor.parse.durations import find_durations
from extractor.parse.passage import Passage
from extractor.parse.vocabulary import load_vocabulary
from extractor.schemas import Amount, Comparator, Support, TimeUnit

from .numerals import find_numbers, find_ordinals
from .unit_words import has_unit, stands_bare

__all__ = ["Derived", "Place", "find_amount", "find_comparator", "find_limit", "find_time", "find_together"]

Place = tuple[int, int]
"""Half-open offsets into a passage's text."""


class Derived(NamedTuple):
    """Where a text states a value. ``support`` is inferred if a part of the value is the reader's conclusion."""

    start: int
    end: int
    support: Support = Support.PARSED


_BEFORE, _BEHIND = 40, 60
_RANGE_GAP = 32  # ">= 18 years and <= 65"
_NEAR = 12  # "2 years or older": a comparator may follow its number, but not far
# "greater than 12% or 200 mL": the comparator holds for both.
_SHARED = re.compile(r"\s?[^\s\d;:]{0,8}\s?(?:[^\s\d;:]{1,12}\s)?(?:or|and|to|and/or)\s+(?:a\s)?\Z", re.IGNORECASE)
_TIME_UNITS = load_vocabulary("time_units")
# "days 45, 90 and 120", "16, 52 and 104 weeks": the unit of a list stands at one of its ends.
_LISTED = r"(?:[\s,;/&+±()-]|\d+(?:\.\d+)?(?:st|nd|rd|th)?|\b(?:and|or|to|the|through)\b|[，.]\s|\([^()\d]{1,30}\))*"
_LISTED_BEFORE = re.compile(rf"(?P<unit>[A-Za-z]+){_LISTED}$")
_LISTED_BEHIND = re.compile(rf"{_LISTED}(?P<unit>[A-Za-z]+)")
# "IL-6", "Day 1", "Group 2": no doses.
_IN_NAME = re.compile(
    r"(?:[A-Za-z]-?|\b(?:days?|weeks?|cycles?|months?|groups?|cohorts?|arms?|levels?|phase|part|visits?)\s?)\Z",
    re.IGNORECASE,
)
_LIST_REACH = 160
# "C6D1", "W12", "month12": the unit is written together with its number.
_CODED = re.compile(
    r"(?<![A-Za-z/])(?P<unit>[CDWMY]|wk|mo|(?:cycle|day|week|month|year)s?)(?P<number>\d{1,3})(?!\d)", re.IGNORECASE
)
_CODED_UNITS = {unit.value[0]: unit.value for unit in TimeUnit if unit not in (TimeUnit.MINUTE, TimeUnit.HOUR)}


def find_limit(text: str, comparator: Comparator, values: tuple[float | None, ...], unit: str | None) -> Derived | None:
    """Where a limit's numbers stand with its unit and with a comparator that does not contradict it, or None.

    A number without any comparator takes the sense of its list, so the comparator is inferred then.

    >>> find_limit("Hemoglobin >= 8 g/dL and ECOG <= 2", Comparator.AT_MOST, (2, None), None)
    Derived(start=33, end=34, support=<Support.PARSED: 'parsed'>)
    >>> find_limit("Hemoglobin >= 8 g/dL and ECOG <= 2", Comparator.AT_LEAST, (2, None), None) is None
    True
    """
    if comparator is Comparator.BETWEEN and None in values:
        return None
    implied = None
    for place in find_together(text, values):
        if not (stands_bare(text, place) if unit is None else has_unit(text, place, unit)):
            continue
        stated = find_comparator(text, place)
        if stated is comparator or comparator is Comparator.BETWEEN:
            return Derived(*place)
        if stated in (None, Comparator.BETWEEN) and implied is None:
            implied = Derived(*place, Support.INFERRED)
    return implied


def find_amount(passage: Passage, amount: Amount) -> Derived | None:
    """Where an amount's numbers stand with its unit, or None."""
    for mark in find_amounts(passage.text):
        if amount in mark.value:
            return Derived(mark.start, mark.end)
    bounds = (amount.low, amount.high if amount.high != amount.low else None)
    together = [
        place
        for place in find_together(passage.text, bounds)
        if not _IN_NAME.search(passage.text[max(0, place[0] - 9) : place[0]])
    ]
    for unit, support in ((amount.unit, Support.PARSED), (_other_rate(amount.unit), Support.INFERRED)):
        for place in together:
            if has_unit(passage.text, place, unit):
                return Derived(*place, support)
    return None


def _other_rate(unit: str) -> str:
    """The unit of one giving for that of a day, and the other way round: which of them is meant is a conclusion."""
    return unit.removesuffix("/day") if unit.endswith("/day") else f"{unit}/day"


def find_time(text: str, value: float, unit: TimeUnit) -> Derived | None:
    """Where a number stands with its unit of time beside it ("day 30", "30 days", "days 30, 45 and 90"), or None."""
    for duration in find_durations(text):
        if duration.unit is unit and value in (duration.low, duration.high):
            return Derived(duration.start, duration.end)
    ordinals = ((start, end) for number, start, end in find_ordinals(text) if number == value)
    for start, end in (*find_together(text, (value,)), *ordinals):
        if any(
            (match := _TIME_UNITS.first(name)) and match.value == unit.value for name in _words_beside(text, start, end)
        ):
            return Derived(start, end)
    return _find_coded(text, value, unit)


def _words_beside(text: str, start: int, end: int) -> list[str]:
    """The words that may be the unit of a number in a list: those at its two ends, or the one right beside it."""
    before = _LISTED_BEFORE.search(text[max(0, start - _LIST_REACH) : start])
    behind = _LISTED_BEHIND.match(text, end)
    found = [(match, match.end() - match.start() - len(match["unit"])) for match in (before, behind) if match]
    beside = [match for match, gap in found if gap <= 1 and _TIME_UNITS.first(match["unit"])]
    return [match["unit"] for match in beside or [match for match, _ in found]]


def _find_coded(text: str, value: float, unit: TimeUnit) -> Derived | None:
    for found in _CODED.finditer(text):
        if _CODED_UNITS.get(found["unit"][0].lower()) == unit.value and float(found["number"]) == value:
            return Derived(*found.span())
    return None


def find_together(text: str, values: tuple[float | None, ...]) -> Iterator[Place]:
    """Places that hold the number, or both in a row."""
    wanted = [value for value in values if value is not None]
    found = sorted((start, end, value) for value, start, end in find_numbers(text))
    for position, (start, end, value) in enumerate(found):
        if wanted and value == wanted[0]:
            if len(wanted) == 1:
                yield start, end
            elif position + 1 < len(found):
                start_high, last, high = found[position + 1]
                if high == wanted[1] and start_high - end <= _RANGE_GAP:
                    yield start, last


def find_comparator(text: str, place: Place) -> Comparator | None:
    """The comparator that belongs to a number: the last one in front of it with no other number between, else one
    right behind it. None if it has none.
    """
    before = text[max(0, place[0] - _BEFORE) : place[0]]
    numbers = [end for _, _, end in find_numbers(before)]
    before = before[max(numbers, default=0) :]
    found = [Comparator(match.value) for match in load_vocabulary("comparators").find(before)]
    if found:
        return found[-1]
    if numbers and _SHARED.match(before):
        start = max(0, place[0] - _BEFORE)
        last = max((n for n in find_numbers(text[start : place[0]])), key=lambda number: number[2])
        return find_comparator(text, (start + last[1], start + last[2]))
    behind = text[place[1] : place[1] + _BEHIND]
    suffix = next(load_vocabulary("comparator_suffixes").find(behind), None)
    return Comparator(suffix.value) if suffix and suffix.start <= 2 * _NEAR else None
