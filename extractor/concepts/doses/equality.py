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
    """Return what two amounts share that can contradict each other: what is measured, and whether
    it is a rate.
    """
    base = amount.unit.partition("/")[0]
    dimension = find_dimension(base)[1]
    is_rate = amount.unit.endswith(("/h", "/min"))
    return dimension or base, is_rate


def amount_in(amount: Amount, levels: Sequence[Amount]) -> bool:
    """Return whether an amount is one of several."""
    return any(is_same(amount, level) for level in levels)


def is_same(one: Any, other: Any) -> bool:
    """Return whether two values are the same. Amounts may be of a dose or of a day; lengths of time
    may be in different units, and rounded: half a year is 26 weeks.
    """
    if isinstance(one, Period) and isinstance(other, Period):
        if one == other:
            return True
        # cycles have no length in days
        first = one.value * DAYS.get(one.unit, 0)
        second = other.value * DAYS.get(other.unit, 0)
        if not first or not second:
            return False
        return isclose(first, second, rel_tol=_ROUNDED)
    if not isinstance(one, Amount):
        return bool(one == other)
    if (one.low, one.high) != (other.low, other.high):
        return False
    unit = one.unit.removesuffix("/day")
    return bool(unit == other.unit.removesuffix("/day"))
