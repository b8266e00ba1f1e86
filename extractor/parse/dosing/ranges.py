"""Ranges whose two ends stand apart: "ranging from 150 mg every 4 weeks to 600 mg every 2 weeks"."""

import re
from collections.abc import Iterable

from extractor.schemas import Amount

from .marks import Mark

__all__ = ["join_ranges"]

_BEFORE = re.compile(r"\brang\w+\s(?:\w+\s){0,2}?(?:from|between)\s$", re.IGNORECASE)
_BETWEEN = re.compile(
    r"[^.;\n\d]{0,25}(?:\d{1,2}[^.;\n\d]{1,20})?\b(?:to|and)\s(?:an?\s(?:\w+\s){0,2}of\s)?", re.IGNORECASE
)
_REACH = 40
"""How many characters before the lower end can tell that it is one."""


def join_ranges(text: str, marks: Iterable[Mark[tuple[Amount, ...]]]) -> tuple[Mark[tuple[Amount, ...]], ...]:
    """The marks, which are in reading order, with one range in place of two doses that are its ends.

    >>> marks = [Mark((Amount(low=n, high=n, unit="mg"),), *at) for n, at in ((150, (13, 19)), (600, (40, 46)))]
    >>> [mark.value[0].high for mark in join_ranges("ranging from 150 mg every four weeks to 600 mg", marks)]
    [600]
    """
    joined: list[Mark[tuple[Amount, ...]]] = []
    for mark in marks:
        first = joined[-1] if joined else None
        wide = _span_levels(first.value, mark.value) if first else None
        if (
            first
            and wide
            and _BEFORE.search(text, max(0, first.start - _REACH), first.start)
            and _BETWEEN.fullmatch(text, first.end, mark.start)
        ):
            joined[-1] = Mark((wide,), first.start, mark.end)
        else:
            joined.append(mark)
    return tuple(joined)


def _span_levels(low: tuple[Amount, ...], high: tuple[Amount, ...]) -> Amount | None:
    """The range between two single levels of one unit, of which the second is the higher one."""
    if len(low) != 1 or len(high) != 1 or low[0].unit != high[0].unit or low[0].low is None or high[0].high is None:
        return None
    return Amount(low=low[0].low, high=high[0].high, unit=low[0].unit) if low[0].low < high[0].high else None
