"""When two values of a regimen are the same, or of one kind, so that they can contradict each
other.
"""

from collections.abc import Sequence
from math import isclose
from typing import Any

from extractor.language.numbers import DAYS
from extractor.language.units import find_dimension
from extractor.schemas import Amount, Period

_ROUNDED = 0.05
"""How much half a year may differ from 26 weeks."""


def kind_of(amount: Amount) -> tuple[object, bool]:
    """What two amounts share that can contradict each other: what is measured, and whether it is
    a rate.
    """
    base = amount.unit.partition("/")[0]
    return find_dimension(base)[1] or base, amount.unit.endswith(("/h", "/min"))


def amount_in(amount: Amount, levels: Sequence[Amount]) -> bool:
    """Return whether an amount is one of several."""
    return any(is_same(amount, level) for level in levels)


def is_same(one: Any, other: Any) -> bool:
    """Return whether two values are the same: amounts be it of a dose or of a day, lengths of
    time in any unit.
    """
    if isinstance(one, Period) and isinstance(other, Period):
        first, second = (each.value * DAYS.get(each.unit, 0) for each in (one, other))
        return one == other or bool(
            first and second and isclose(first, second, rel_tol=_ROUNDED)
        )
    if not isinstance(one, Amount):
        return bool(one == other)
    bounds = (one.low, one.high) == (other.low, other.high)
    return bounds and one.unit.removesuffix("/day") == other.unit.removesuffix("/day")
