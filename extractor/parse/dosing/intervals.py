"""Intervals of giving as codes of the guideline: "every 3 weeks", "q12h", "4 weeks apart"."""

import re
from collections.abc import Iterator

from extractor.parse.numbers import NUMBER, number_places, read_number
from extractor.parse.words import find_at, find_words, places_of
from extractor.schemas import Frequency

from .marks import Mark

__all__ = ["code_interval", "find_intervals"]

_UNIT_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}
_DAYS = {
    1: Frequency.QD, 2: Frequency.QOD, 7: Frequency.QW, 14: Frequency.Q2W, 21: Frequency.Q3W, 28: Frequency.Q4W,
    30: Frequency.QM, 35: Frequency.Q5W, 42: Frequency.Q6W, 56: Frequency.Q8W, 84: Frequency.Q12W, 90: Frequency.Q3M,
    180: Frequency.Q6M, 365: Frequency.QY, 360: Frequency.QY,
}  # fmt: skip
_HOURS = {
    4: Frequency.Q4H, 6: Frequency.Q6H, 8: Frequency.Q8H, 12: Frequency.Q12H, 24: Frequency.QD,
}  # fmt: skip
_TIME = r"(?P<unit>minutes?|mins?|hours?|hrs?|hourly|h|days?|d|weeks?|weekly|wks?|w|months?|mo|m|years?|yrs?|y)"
_COUNT = rf"(?P<low>{NUMBER})\.?(?:\s?\(\w+\))?(?:\s?(?:-|to|or|and|~|/)\s?(?P<high>{NUMBER})\.?)?"
_EVERY = re.compile(
    r"(?:\b(?:once\s)?(?:every|each)\s|\bonce\sin\s|\bq\.?\s?|\b(?:at|with)\s(?:an?\s)?(?:dos(?:e|ing)\s)?intervals?\s(?:of\s)?)"
    rf"{_COUNT}[\s-]?{_TIME}(?!\w)",
    re.IGNORECASE,
)
# "q3w" leaves no word boundary between its letter and number.
_SHORT = re.compile(
    r"\bq\.?\s?(?P<low>\d{1,2})(?:-(?P<high>\d{1,2}))?\s?(?P<unit>h|d|w|wk|wks|m|mo|y)\b", re.IGNORECASE
)
_INTERVAL = re.compile(rf"{_COUNT}[\s-]{_TIME}\s(?:intervals?|apart)\b", re.IGNORECASE)
# "0.5 mg/kg/4 weeks", "500 mg/12 h".
_PER = re.compile(
    r"(?<=[\w)\]])\s?/\s?(?P<low>\d{1,2})(?P<high>)\s?(?P<unit>weeks?|wks?|hours?|hrs?|h)\b", re.IGNORECASE
)
_HYPHENATED = re.compile(
    r"\b(?P<low>\d{1,2}|two|three|four|six|eight)[\s-]?(?P<high>)(?P<unit>weekly|hourly)\b"
    r"(?!\s(?:infusions|doses|injections|treatments|fractions|cycles|visits|sessions|vaccinations|administrations))",
    re.IGNORECASE,
)
_ONE_OF_TWO = r"(?:every|each|q)\s?\d{1,2}[\s-]?(?:weeks?|wks?|days?|w|months?|m)\b(?:\s?\([^()]{1,12}\))?"
_EITHER = re.compile(
    rf"\b(?:once\s)?(?:{_ONE_OF_TWO}(?:,?\s(?:or|and)\s|\s?/\s?)(?:once\s)?{_ONE_OF_TWO}"
    rf"|(?:every|each|q)\s?{NUMBER}[\s-]?(?:weeks?|days?|w)?,?\s(?:or|and)\s(?:once\s)?(?:every\s|q)?{NUMBER}[\s-]?"
    r"(?:weeks?|days?|w|months?)\b)",
    re.IGNORECASE,
)
# "10 days every 28 days" is daily within a cycle.
_DAYS_EVERY = re.compile(r"\b\d{1,2}\s(?:consecutive\s)?days\severy\s\d{1,2}[\s-](?:days|weeks)\b", re.IGNORECASE)
# What is done at an interval is no giving: "assessed every 8 weeks", "then taper by 5 mg every 4 weeks".
_NO_GIVING = re.compile(
    r"\b(?:(?:taper|reduc|decreas)\w*[^.;,()]{0,30}"
    r"|(?:assess|scan|imag|monitor|visit|follow(?:ed)?[ -]up|evaluat|measur|examin|biops|sampl|review)\w*"
    r"[^.;,()\d]{0,30})$",
    re.IGNORECASE,
)
_SLASH = re.compile(r"\s?/\s?(?=\d)")
_REACH = 50
"""How many characters before an interval can tell that it is no giving."""


def code_interval(days: float) -> Frequency:
    """The code for one giving each so many days.

    >>> code_interval(21).value, code_interval(10).value
    ('Q3W', 'other')
    """
    return next((code for length, code in _DAYS.items() if length == days), Frequency.OTHER)


def find_intervals(text: str) -> Iterator[Mark[Frequency]]:
    """Every stated interval in cleaned text, grammar by grammar; they may overlap.

    >>> [mark.value.value for mark in find_intervals("every three weeks, then q4w")]
    ['Q3W', 'Q4W']
    """
    words = find_words(text).keys()
    numbers = number_places(text)
    for found in find_at(_DAYS_EVERY, text, numbers if "every" in words else ()):
        yield Mark(Frequency.QD, found.start(), found.end())
    for found in find_at(_EITHER, text, places_of(("once", "every", "each", "q"), text)):
        yield Mark(Frequency.OTHER, found.start(), found.end())
    for expression, places in (
        (_EVERY, places_of(("once", "every", "each", "q", "at", "with"), text)),
        (_SHORT, find_words(text).get("q", ())),
        (_INTERVAL, numbers if words & {"interval", "intervals", "apart"} else ()),
        (_PER, _slashes(text) if "/" in text else ()),
        (_HYPHENATED, numbers if words & {"weekly", "hourly"} else ()),
    ):
        for found in find_at(expression, text, places):
            low = read_number(found["low"])
            unit = found["unit"][:2].lower()
            if low is None or unit == "mi" or _NO_GIVING.search(text, max(0, found.start() - _REACH), found.start()):
                continue
            yield Mark(Frequency.OTHER if found["high"] else _code(low, unit), found.start(), found.end())


def _slashes(text: str) -> list[int]:
    return [found.start() for found in _SLASH.finditer(text)]


def _code(count: float, unit: str) -> Frequency:
    if unit[0] == "h":
        return _HOURS.get(int(count), Frequency.OTHER)
    return code_interval(count * _UNIT_DAYS[unit[0]])
