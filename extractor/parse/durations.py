"""Lengths and moments of time: a number, or several, with a unit."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from extractor.schemas import TimeUnit

from .memory import remember
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
_BETWEEN = (
    r"(?:(?:consecutive|continuous|complete|full|calendar|or\s+(?:more|less|fewer|greater)|an?(?=\s+(?:year|month|week|day|hour)))"
    r"\s+(?:consecutive\s+)?)?"
)
"""Words between a number and its unit: "12 consecutive months", "5 or more years", "half a year"."""

_EXPRESSION = re.compile(
    rf"(?P<low>{NUMBER})(?:\s?(?:-|to|~|or|and)\s?(?P<high>{NUMBER}))?[\s-]*(?:\((?:\d+|[a-z]{{3,9}})\)\s*)?{_BETWEEN}(?P<unit>{_UNITS.pattern})",
    re.IGNORECASE,
)


def find_durations(text: str) -> Iterator[Duration]:
    """Every number followed by a unit of time, in cleaned text, left to right.

    >>> [(d.low, d.high, d.unit.value) for d in find_durations("within 2-4 weeks, for six (6) months, a 21-day cycle")]
    [(2, 4, 'week'), (6, 6, 'month'), (21, 21, 'day')]
    """
    return iter(_read_durations(text))


@remember
def _read_durations(text: str) -> Sequence[Duration]:
    durations = []
    for found in find_at(_EXPRESSION, text, number_places(text)):
        low, unit = read_number(found["low"]), _read_unit(found["unit"])
        high = read_number(found["high"]) if found["high"] else low
        if low is not None and high is not None and unit:
            durations.append(Duration(low, high, unit, found.start(), found.end()))
    return durations


@lru_cache(maxsize=256)
def _read_unit(text: str) -> TimeUnit | None:
    found = _UNITS.first(f"1{text}")
    return TimeUnit(found.value) if found else None
