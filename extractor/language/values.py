"""Values that are made thousands of times a record."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value_class(
    *, eq: bool = True, order: bool = False
) -> Callable[[type[T]], type[T]]:
    """Return a decorator for a data class with slots that type checkers treat as frozen. It is not
    frozen when the program runs, because a frozen object takes three times as long to make.

    Args:
        eq: Whether objects with the same fields are equal, and have the same hash.
        order: Whether objects are ordered by their fields.
    """
    return dataclass(eq=eq, order=order, unsafe_hash=eq, slots=True)


def list_members(value: T | tuple[T, ...] | list[T] | None) -> tuple[T, ...]:
    """Return the members of a list, or a single value as a tuple; an empty tuple for None."""
    if isinstance(value, tuple | list):
        return tuple(value)
    if value is None:
        return ()
    return (value,)
