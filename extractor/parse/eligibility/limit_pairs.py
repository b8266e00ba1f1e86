"""Limits beside each other on one quantity: they share a unit, or are the two ends of a range."""

from collections.abc import Sequence
from dataclasses import replace

from extractor.schemas import Comparator
from extractor.text.book import rule
from extractor.text.lexer import NUMBER, Range, Tokens

from .limit import LOWER, UPPER, Limit
from .limit_values import scale_alike

BOTH_COUNT = (Comparator.AT_LEAST, Comparator.AT_MOST)
"""The comparators of a range whose ends count."""


def share_units(tokens: Tokens, limits: Sequence[Limit]) -> list[Limit]:
    """Give a limit without a unit the unit and power of ten of the next one on its quantity: "< 4 or > 10 x 10^9/L"."""
    shared = list(limits)
    for at in range(len(shared) - 1, 0, -1):
        limit, last = shared[at], shared[at - 1]
        joined = rule("shares_unit").covers(tokens, last.end, limit.first)
        timed = limit.time_unit and not (last.quantity and rule("said_age").search(tokens, *last.quantity))
        if joined and limit.quantity is None and limit.unit and last.unit is None and last.quantity and not timed:
            value = scale_alike(last.value, _read_number(tokens, limit))
            shared[at - 1] = replace(last, value=value, unit=limit.unit, time_unit=limit.time_unit)
    return shared


def _read_number(tokens: Tokens, limit: Limit) -> str:
    """The number of a limit as written, with its power of ten."""
    end = limit.unit[0] if limit.unit else limit.end
    first = next((at for at in range(limit.first, end) if tokens.codes[at] == NUMBER), end)
    return tokens.read(first, end) if first < end else ""


def join_bounds(tokens: Tokens, limits: Sequence[Limit]) -> list[Limit]:
    """Join a lower and an upper bound of one quantity into a range (">= 1 and <= 65")."""
    joined: list[Limit] = []
    for limit in limits:
        last = joined[-1] if joined else limit
        if not joined or not _is_range(tokens, last, limit):
            joined.append(limit)
            continue
        if (last.comparator, limit.comparator) != BOTH_COUNT:  # ">= 18 and < 65 years": one unit, two limits
            unit, time_unit = last.unit or limit.unit, last.time_unit or limit.time_unit
            joined[-1] = replace(last, unit=unit, time_unit=time_unit, end=limit.end)
            joined.append(replace(limit, quantity=last.quantity or limit.quantity, first=last.first))
            continue
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
    return joined


def _is_range(tokens: Tokens, low: Limit, high: Limit) -> bool:
    """Whether two limits are the ends of one range: ">= 1 and <= 65"."""
    same_unit = not low.time_unit or not high.time_unit or low.time_unit == high.time_unit
    if low.comparator not in LOWER or high.comparator not in UPPER or low.value >= high.value or not same_unit:
        return False
    if (
        high.quantity
        and low.quantity
        and high.quantity[0] >= low.end
        and not _same_words(tokens, low.quantity, high.quantity)
    ):
        return False
    return low.end == high.first or rule("fills_range").covers(tokens, low.end, high.first) is not None


def _same_words(tokens: Tokens, one: Range, other: Range) -> bool:
    """Whether two limits name one quantity, or the second names none."""
    names = (tokens.read(*place).lower() for place in (one, other))
    return next(names) == next(names) or rule("names_nobody").covers(tokens, *other) is not None
