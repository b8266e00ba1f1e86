"""Values that are frozen where types are checked, and made three times as fast as what is frozen at run time.

A record is some hundred readings and spans; to make them is a tenth of all work if each field is set past a guard.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

__all__ = ["value"]

if TYPE_CHECKING:
    from dataclasses import dataclass as value
else:
    from dataclasses import dataclass

    def value(*, frozen: bool, slots: bool, order: bool = False) -> Callable[[type], type]:
        """A dataclass with a hash. Nothing assigns to its fields: mypy, which takes it for a frozen one, sees to that.

        >>> @value(frozen=True, slots=True)
        ... class Dose:
        ...     amount: int
        >>> Dose(5) == Dose(5), len({Dose(5), Dose(5)})
        (True, 1)
        """
        return dataclass(slots=slots, order=order, unsafe_hash=frozen)
