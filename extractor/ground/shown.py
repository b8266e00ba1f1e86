"""A value as people and models read it in a sentence: as short as it is written, not as it is stored."""

from enum import StrEnum
from functools import singledispatch
from typing import Any

from extractor.schemas import Age, Amount, Comparator, Constraint, Instrument, Period, TimePoint, TimeWindow

__all__ = ["show_value"]


@singledispatch
def show_value(value: Any) -> str:
    """The value in a few words.

    >>> show_value(Amount(low=1, high=2, unit="mg")), show_value(Period(value=21, unit="day")), show_value("oral")
    ('1-2 mg', '21 day', 'oral')
    """
    if isinstance(value, StrEnum | bool):
        return str(value).lower() if isinstance(value, bool) else value.value
    return str(value)


@show_value.register
def _constraint(value: Constraint) -> str:
    low, high = _number(value.value), _number(value.value_high)
    limit = f"{low}-{high}" if value.comparator is Comparator.BETWEEN else f"{value.comparator.value} {low}"
    return f"{value.quantity}: {limit} {value.unit or ''}".rstrip()


@show_value.register
def _amount(value: Amount) -> str:
    low, high = _number(value.low), _number(value.high)
    number = low if low == high else f"{low}-{high}" if low and high else f"at least {low}" if low else f"up to {high}"
    return f"{number} {value.unit}"


@show_value.register(Age)
@show_value.register(Period)
@show_value.register(TimePoint)
def _time(value: Age | Period | TimePoint) -> str:
    return f"{_number(value.value)} {value.unit.value}"


@show_value.register
def _instrument(value: Instrument) -> str:
    return f"{value.name} {value.version or ''}".rstrip()


@show_value.register
def _window(value: TimeWindow) -> str:
    return value.quote


def _number(value: float | None) -> str:
    """All digits, and no ".0" behind a whole number; empty for None."""
    return "" if value is None else str(int(value)) if float(value).is_integer() else str(value)
