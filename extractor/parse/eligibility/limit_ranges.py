"""Ranges: a quantity between two numbers ("18 ≤ age ≤ 65"), and two bounds that are one range (">= 1 and <= 65")."""

import re
from dataclasses import replace

from extractor.parse.numbers import read_number
from extractor.schemas import Comparator

from .limit import LOWER, UPPER, Limit
from .limit_grammar import read_unit_of_time

__all__ = ["join_bounds", "may_hold_chain", "read_chain", "without_lead"]

_FILLS_RANGE = re.compile(r"\b(?:and|but|to|or|also|years?|old|of|age|inclusive)\b|[ ,\-&/()\n]", re.IGNORECASE)


def may_hold_chain(text: str) -> bool:
    """A quick look: a chain has two signs."""
    return text.count("<") + text.count("≤") > 1


def read_chain(text: str, match: re.Match[str]) -> Limit | None:
    """The range that a match of ``CHAIN`` states, None if its numbers do not rise."""
    low, high = read_number(match["low"]), read_number(match["high"])
    if low is None or high is None or low >= high:
        return None
    group = "unit" if match["unit"] else "low_unit"
    unit = without_lead(text, *match.span(group)) if match[group] else None
    time_unit = read_unit_of_time(match[group])
    return Limit(Comparator.BETWEEN, low, high, match.start(), match.end(), match.span("quantity"), unit, time_unit)


def join_bounds(text: str, limits: list[Limit]) -> list[Limit]:
    """A lower and an upper bound of one quantity become one range (">= 1 and <= 65")."""
    joined: list[Limit] = []
    for limit in limits:
        last = joined[-1] if joined else None
        if last and _bound_one(last, limit) and not _FILLS_RANGE.sub("", text[last.end : limit.start]):
            joined[-1] = replace(
                last,
                comparator=Comparator.BETWEEN,
                value_high=limit.value,
                end=limit.end,
                quantity=last.quantity or limit.quantity,
                unit=limit.unit or last.unit,
                time_unit=limit.time_unit or last.time_unit,
                sure=last.sure and limit.sure,
            )
        else:
            joined.append(limit)
    return joined


def _bound_one(low: Limit, high: Limit) -> bool:
    same_unit = not low.time_unit or not high.time_unit or low.time_unit == high.time_unit
    return low.comparator in LOWER and high.comparator in UPPER and low.value < high.value and same_unit


def without_lead(text: str, start: int, end: int) -> tuple[int, int]:
    """A span without the spaces and hyphens that a unit was matched with."""
    return end - len(text[start:end].lstrip(" -\n\t")), end
