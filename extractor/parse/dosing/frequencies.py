"""How often an agent is given, as a code of the guideline."""

import re
from collections.abc import Iterator

from extractor.parse.numbers import NUMBER, number_places, read_number
from extractor.parse.vocabulary import load_vocabulary
from extractor.parse.words import find_at, find_words, places_of
from extractor.schemas import Frequency

from .marks import Mark, drop_overlaps

__all__ = ["code_interval", "find_frequencies"]

_FIXED = load_vocabulary("frequencies")
_UNIT_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}
_DAYS = {
    1: Frequency.QD, 2: Frequency.QOD, 7: Frequency.QW, 14: Frequency.Q2W, 21: Frequency.Q3W, 28: Frequency.Q4W,
    30: Frequency.QM, 35: Frequency.Q5W, 42: Frequency.Q6W, 56: Frequency.Q8W, 84: Frequency.Q12W, 90: Frequency.Q3M,
    180: Frequency.Q6M, 365: Frequency.QY, 360: Frequency.QY,
}  # fmt: skip
_HOURS = {
    4: Frequency.Q4H, 6: Frequency.Q6H, 8: Frequency.Q8H, 12: Frequency.Q12H, 24: Frequency.QD,
}  # fmt: skip
_PER_DAY = {1: Frequency.QD, 2: Frequency.BID, 3: Frequency.TID, 4: Frequency.QID}
_PER_WEEK = {1: Frequency.QW, 2: Frequency.BIW, 3: Frequency.TIW, 7: Frequency.QD}

_TIME = r"(?P<unit>minutes?|mins?|hours?|hrs?|hourly|h|days?|d|weeks?|weekly|wks?|w|months?|mo|m|years?|yrs?|y)"
_COUNT = rf"(?P<low>{NUMBER})(?:\s?\(\d+\))?(?:\s?(?:-|to|or|and|~)\s?(?P<high>{NUMBER}))?"
_EVERY = re.compile(
    rf"(?:\b(?:once\s)?(?:every|each)\s|\bq\.?\s?|\b(?:at|with)\s(?:an\s)?intervals?\sof\s){_COUNT}[\s-]?{_TIME}(?![\w])",
    re.IGNORECASE,
)
# "q3w" leaves no word boundary between its letter and number.
_SHORT = re.compile(
    r"\bq\.?\s?(?P<low>\d{1,2})(?:-(?P<high>\d{1,2}))?\s?(?P<unit>h|d|w|wk|wks|m|mo|y)\b", re.IGNORECASE
)
_INTERVAL = re.compile(rf"{_COUNT}[\s-]{_TIME}\sintervals?\b", re.IGNORECASE)
_HYPHENATED = re.compile(
    r"\b(?P<low>\d{1,2}|two|three|four|six|eight)[\s-]?(?P<high>)(?P<unit>weekly|hourly)\b", re.IGNORECASE
)
_EITHER = re.compile(
    rf"\b(?:once\s)?(?:every|each|q)\s?{NUMBER}[\s-]?(?:weeks?|days?|w)?,?\s(?:or|and)\s(?:once\s)?(?:every\s|q)?{NUMBER}[\s-]?"
    r"(?:weeks?|days?|w|months?)\b",
    re.IGNORECASE,
)
# "10 days every 28 days" is daily within a cycle.
_DAYS_EVERY = re.compile(r"\b\d{1,2}\s(?:consecutive\s)?days\severy\s\d{1,2}[\s-](?:days|weeks)\b", re.IGNORECASE)
_RANGE_BEFORE = re.compile(r"(?:\d|\b(?:one|two|three|four))\s?(?:-|to|or)\s?$", re.IGNORECASE)
_TIMES = re.compile(
    rf"(?:(?P<low>{NUMBER})\s?(?:x|times|days|doses|applications)|\bx\s?(?P<high>\d))\s?(?:/|per|an?|each|every)?\s?"
    r"\b(?P<unit>daily|day|weekly|week|month)\b",
    re.IGNORECASE,
)


def find_frequencies(text: str) -> tuple[Mark[Frequency], ...]:
    """Every stated frequency in cleaned text, left to right.

    >>> [m.value.value for m in find_frequencies("q12h, then every three weeks, 3 times a week, b.i.d.")]
    ['Q12H', 'Q3W', 'TIW', 'BID']
    """
    return drop_overlaps([*_find_intervals(text), *_find_counts(text), *_find_fixed(text)])


def code_interval(days: float) -> Frequency:
    """The code for one giving each so many days.

    >>> code_interval(21).value, code_interval(10).value
    ('Q3W', 'other')
    """
    return next((code for length, code in _DAYS.items() if length == days), Frequency.OTHER)


def _find_fixed(text: str) -> Iterator[Mark[Frequency]]:
    for found in _FIXED.find(text):
        yield Mark(Frequency(found.value), found.start, found.end, found.entry.confidence)


def _find_intervals(text: str) -> Iterator[Mark[Frequency]]:
    numbers = number_places(text)
    for found in find_at(_DAYS_EVERY, text, numbers):
        yield Mark(Frequency.QD, found.start(), found.end())
    for found in find_at(_EITHER, text, places_of(("once", "every", "each", "q"), text)):
        yield Mark(Frequency.OTHER, found.start(), found.end())
    for expression, places in (
        (_EVERY, places_of(("once", "every", "each", "q", "at", "with"), text)),
        (_SHORT, find_words(text).get("q", ())),
        (_INTERVAL, numbers),
        (_HYPHENATED, numbers),
    ):
        for found in find_at(expression, text, places):
            low = read_number(found["low"])
            unit = found["unit"][:2].lower()
            if low is not None and unit != "mi":
                value = Frequency.OTHER if found["high"] else _code(low, unit)
                yield Mark(value, found.start(), found.end())


def _code(count: float, unit: str) -> Frequency:
    if unit[0] == "h":
        return _HOURS.get(int(count), Frequency.OTHER)
    return code_interval(count * _UNIT_DAYS[unit[0]])


def _find_counts(text: str) -> Iterator[Mark[Frequency]]:
    for found in find_at(_TIMES, text, sorted((*number_places(text), *find_words(text).get("x", ())))):
        count = read_number(found["low"] or found["high"])
        if count is None:
            continue
        unit = found["unit"][0].lower()
        table = _PER_DAY if unit == "d" else _PER_WEEK if unit == "w" else {1: Frequency.QM}
        span_before = _RANGE_BEFORE.search(text, max(0, found.start() - 9), found.start())
        value = Frequency.OTHER if span_before else table.get(int(count), Frequency.OTHER)
        yield Mark(value, span_before.start() if span_before else found.start(), found.end())
