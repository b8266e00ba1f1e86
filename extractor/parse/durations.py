"""Lengths and moments of time: a number, or several, with a unit."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from extractor.schemas import TimeUnit

from .numbers import NUMBER, number_places, read_number
from .vocabulary import load_vocabulary
from .words import find_at

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
    return iter(_read_durations(text))


@lru_cache(maxsize=64)
def _read_durations(text: str) -> Sequence[Duration]:
    durations = []
    for found in find_at(_EXPRESSION, text, number_places(text)):
        low, unit = read_number(found["low"]), _UNITS.first(found["unit"])
        high = read_number(found["high"]) if found["high"] else low
        if low is not None and high is not None and unit:
            durations.append(Duration(low, high, TimeUnit(unit.value), found.start(), found.end()))
    return durations
