"""Numbers found again in a text together with what makes them mean something: comparator, unit, unit of time."""

import re
from collections.abc import Iterator

from extractor.parse.clean import clean_text
from extractor.parse.dosing.amounts import find_amounts
from extractor.parse.durations import find_durations
from extractor.parse.passage import Passage
from extractor.parse.vocabulary import load_vocabulary
from extractor.schemas import Amount, Comparator, TimeUnit

from .numerals import find_numbers

__all__ = ["Place", "find_amount", "find_limit", "find_time"]

Place = tuple[int, int]
"""Half-open offsets into a passage's text."""

_BEFORE, _BEHIND = 40, 60
_RANGE_GAP = 20  # ">= 18 years and <= 65"
_NEAR = 12  # "2 years or older": a comparator may follow its number, but not far
_SENSE_OF_THE_LIST = {Comparator.AT_LEAST, Comparator.AT_MOST, Comparator.EQUAL}
_SPELLINGS = {"ug": ("ug", "mcg", "μg", "microgram"), "IU": ("iu", "unit"), "U": ("u", "unit"), "mL": ("ml", "cc")}
_TIME_UNITS = load_vocabulary("time_units")
# "days 45, 90 and 120", "16, 52 and 104 weeks": the unit of a list stands at one of its ends.
_LISTED = r"(?:[\s,;/&+()-]|\d+(?:\.\d+)?|\b(?:and|or|to)\b)*"
_LISTED_BEFORE = re.compile(rf"(?P<unit>[A-Za-z]+){_LISTED}$")
_LISTED_BEHIND = re.compile(rf"{_LISTED}(?P<unit>[A-Za-z]+)")
_WORD = re.compile(r"[^\W_]+|%")


def find_limit(text: str, comparator: Comparator, values: tuple[float | None, ...], unit: str | None) -> Place | None:
    """Where a limit's numbers stand with its unit and with a comparator that does not contradict it, or None.

    A number without any comparator takes the sense of its list, so "at least" and "at most" may be inferred.

    >>> find_limit("Hemoglobin >= 8 g/dL and ECOG <= 2", Comparator.AT_MOST, (2, None), None)
    (33, 34)
    >>> find_limit("Hemoglobin >= 8 g/dL and ECOG <= 2", Comparator.AT_LEAST, (2, None), None) is None
    True
    """
    for place in _find_together(text, values):
        stated = _nearest_comparator(text, place)
        fits = comparator in _SENSE_OF_THE_LIST if stated is None else stated is comparator
        if (fits or comparator is Comparator.BETWEEN) and _has_unit(text, place, unit):
            return place
    return None


def find_amount(passage: Passage, amount: Amount) -> Place | None:
    """Where an amount's numbers stand with its unit, or None."""
    for mark in find_amounts(passage.text):
        if amount in mark.value:
            return mark.start, mark.end
    bounds = (amount.low, amount.high if amount.high != amount.low else None)
    together = _find_together(passage.text, bounds)
    return next((place for place in together if _has_unit(passage.text, place, amount.unit)), None)


def find_time(text: str, value: float, unit: TimeUnit) -> Place | None:
    """Where a number stands with its unit of time beside it ("day 30", "30 days", "days 30, 45 and 90"), or None."""
    for duration in find_durations(text):
        if duration.unit is unit and value in (duration.low, duration.high):
            return duration.start, duration.end
    for start, end in _find_together(text, (value,)):
        before, behind = _LISTED_BEFORE.search(text[max(0, start - _BEHIND) : start]), _LISTED_BEHIND.match(text, end)
        names = [found["unit"] for found in (before, behind) if found]
        if any((match := _TIME_UNITS.first(name)) and match.value == unit.value for name in names):
            return start, end
    return None


def _find_together(text: str, values: tuple[float | None, ...]) -> Iterator[Place]:
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


def _nearest_comparator(text: str, place: Place) -> Comparator | None:
    """The comparator that belongs to a number: the last one in front of it with no other number between, else one
    right behind it. None if it has none.
    """
    before = text[max(0, place[0] - _BEFORE) : place[0]]
    numbers = [end for _, _, end in find_numbers(before)]
    before = before[max(numbers, default=0) :]
    found = [Comparator(match.value) for match in load_vocabulary("comparators").find(before)]
    if found:
        return found[-1]
    behind = text[place[1] : place[1] + _BEHIND]
    suffix = next(load_vocabulary("comparator_suffixes").find(behind), None)
    return Comparator(suffix.value) if suffix and suffix.start <= 2 * _NEAR else None


def _has_unit(text: str, place: Place, unit: str | None) -> bool:
    """Whether every word of a unit stands by the number."""
    if unit is None:
        return True
    around = text[max(0, place[0] - _NEAR) : place[1] + _BEHIND].lower()
    words = _WORD.findall(clean_text(unit).text) or [unit]
    return all(any(form in around for form in _SPELLINGS.get(word, (word.lower(),))) for word in words)
