"""Numbers found again in a text together with what makes them mean something: comparator and unit."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from extractor.parse.dosing.amounts import find_amounts
from extractor.parse.passage import Passage
from extractor.parse.vocabulary import load_vocabulary
from extractor.schemas import Amount, Comparator, Support

from .numerals import find_numbers
from .unit_words import has_unit, stands_bare

__all__ = ["Derived", "Place", "find_amount", "find_comparator", "find_limit", "find_together"]

Place = tuple[int, int]
"""Half-open offsets into a passage's text."""


class Derived(NamedTuple):
    """Where a text states a value. ``support`` is inferred if a part of the value is the reader's conclusion."""

    start: int
    end: int
    support: Support = Support.PARSED


_BEFORE, _BEHIND = 40, 60
_RANGE_GAP = 32  # ">= 18 years and <= 65"
# "must not have haemoglobin below 8" asks for at least 8.
_MUST_NOT = re.compile(r"\bnot\b[^.;:]{0,80}\Z", re.IGNORECASE)
_DENIED = {Comparator.LESS: Comparator.AT_LEAST, Comparator.AT_MOST: Comparator.MORE}
_DENIED |= {Comparator.MORE: Comparator.AT_MOST, Comparator.AT_LEAST: Comparator.LESS}
_LONGEST_RANGE = 12
_IN_LIST = re.compile(r"\s*(?:,|/|or|and|,\s?(?:or|and))\s*", re.IGNORECASE)
_NEAR = 12  # "2 years or older": a comparator may follow its number, but not far
# "greater than 12% or 200 mL": the comparator holds for both.
_SHARED = re.compile(r"\s?[^\s\d;:]{0,8}\s?(?:[^\s\d;:]{1,12}\s)?(?:or|and|to|and/or)\s+(?:a\s)?\Z", re.IGNORECASE)
# "IL-6", "Day 1", "Group 2": no doses.
_IN_NAME = re.compile(
    r"(?:[A-Za-z]-|\b(?:days?|weeks?|cycles?|months?|groups?|cohorts?|arms?|levels?|phase|part|visits?)\s?)\Z",
    re.IGNORECASE,
)


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
        denied = (
            stated is not None
            and _DENIED.get(stated) is comparator
            and _MUST_NOT.search(text, max(0, place[0] - 100), place[0])
        )
        if (denied or stated in (None, Comparator.BETWEEN)) and implied is None:
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


def find_together(text: str, values: tuple[float | None, ...]) -> Iterator[Place]:
    """Places that hold the number, or both in a row."""
    wanted = [value for value in values if value is not None]
    found = sorted((start, end, value) for value, start, end in find_numbers(text))
    for position, (start, end, value) in enumerate(found):
        if wanted and value == wanted[0]:
            if len(wanted) == 1:
                yield start, end
            elif last := _find_upper(text, found[position : position + _LONGEST_RANGE], wanted[1]):
                yield start, last


def _find_upper(text: str, found: Sequence[tuple[int, int, float]], wanted: float) -> int | None:
    """Where the upper bound ends that follows the first of the numbers, directly or as the last of a list."""
    for (_, end, _), (start, last, value) in pairwise(found):
        if start - end > _RANGE_GAP:
            return None
        if value == wanted:
            return last
        if not _IN_LIST.fullmatch(text, end, start):
            return None
    return None


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
