"""Lengths and moments of time: a number, or several, with a unit."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from extractor.schemas import TimeUnit

from .numbers import NUMBER, read_number
from .vocabulary import load_vocabulary

__all__ = ["Duration", "find_durations"]


@dataclass(frozen=True, slots=True)
class Duration:
    """``text[start:end]`` reads as ``low`` to ``high`` units; both are equal where one number stands."""

    low: int | float
    high: int | float
    unit: TimeUnit
    start: int
    end: int


_UNITS = load_vocabulary("time_units")
_EXPRESSION = re.compile(
    rf"(?P<low>{NUMBER})(?:\s?(?:-|to|~|or|and)\s?(?P<high>{NUMBER}))?[\s-]*(?:\(\d+\)\s*)?(?P<unit>{_UNITS.pattern})",
    re.IGNORECASE,
)


def find_durations(text: str) -> Iterator[Duration]:
    """Every number followed by a unit of time, in cleaned text, left to right.

    >>> [(d.low, d.high, d.unit.value) for d in find_durations("within 2-4 weeks, for six (6) months, a 21-day cycle")]
    [(2, 4, 'week'), (6, 6, 'month'), (21, 21, 'day')]
    """
    for found in _EXPRESSION.finditer(text):
        low, unit = read_number(found["low"]), _UNITS.first(found["unit"])
        high = read_number(found["high"]) if found["high"] else low
        if low is not None and high is not None and unit:
            yield Duration(low, high, TimeUnit(unit.value), found.start(), found.end())
