"""Lengths of time: a number, or two, with a unit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from extractor.schemas import TimeUnit

from .book import rule, terms_of
from .lexer import Tokens
from .numbers import read_number

__all__ = ["DAYS", "WHOLE_DAYS", "Duration", "find_durations", "read_time_unit"]

DAYS: Mapping[TimeUnit, float] = {
    TimeUnit.MINUTE: 1 / 1440,
    TimeUnit.HOUR: 1 / 24,
    TimeUnit.DAY: 1.0,
    TimeUnit.WEEK: 7.0,
    TimeUnit.MONTH: 30.4375,
    TimeUnit.YEAR: 365.25,
}
"""How many days a unit is, with a year of 365.25 days and twelve equal months. A cycle has no length of its own."""
WHOLE_DAYS: Mapping[TimeUnit, int] = {unit: int(days) for unit, days in DAYS.items() if days >= 1}
"""The same as schedules count: a month is 30 days, a year 365."""


@dataclass(frozen=True, slots=True)
class Duration:
    """``tokens.words[first:end]`` reads as ``low`` to ``high`` units; both are equal where one number stands."""

    low: int | float
    high: int | float
    unit: TimeUnit
    first: int
    end: int

    @property
    def days(self) -> float | None:
        """The longer end in days; None for cycles."""
        return self.high * DAYS[self.unit] if self.unit in DAYS else None


def find_durations(tokens: Tokens, first: int = 0, end: int | None = None) -> Iterator[Duration]:
    """Every number followed by a unit of time, left to right.

    >>> from extractor.text.book import read_text
    >>> text = "within 2-4 weeks, for six (6) months, a 21-day cycle"
    >>> [(d.low, d.high, d.unit.value) for d in find_durations(read_text(text))]
    [(2, 4, 'week'), (6, 6, 'month'), (21, 21, 'day')]
    """
    for found in rule("duration").find(tokens, first, end):
        low, high = read_number(found.read("low") or ""), read_number(found.read("high") or found.read("low") or "")
        unit = read_time_unit(found.read("unit") or "")
        if low is not None and high is not None and unit is not None:
            yield Duration(low, high, unit, found.first, found.end)


@lru_cache(maxsize=256)
def read_time_unit(text: str) -> TimeUnit | None:
    """The unit of time that a word stands for, or None.

    >>> read_time_unit("wks"), read_time_unit("day(s)"), read_time_unit("mg")
    (<TimeUnit.WEEK: 'week'>, <TimeUnit.DAY: 'day'>, None)
    """
    word = text.lower().removesuffix("(s)").rstrip(".")
    if word in _SHORT:
        return TimeUnit(_SHORT[word])
    return next((TimeUnit(entry.value) for entry in terms_of("time_units") if word in entry.terms), None)


_SHORT = {"h": "hour", "y": "year", "yo": "year", "y/o": "year", "w": "week"}
