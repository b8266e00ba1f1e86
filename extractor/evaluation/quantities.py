"""What it means that two numbers with their units agree: times, limits, doses."""

from collections.abc import Hashable
from typing import Any, NamedTuple

from extractor.schemas import Amount, Comparator, Constraint, TimeWindow

from .fold import measure_overlap
from .kinds import ErrorKind
from .quantity_words import may_name_one_thing
from .shapes import Shape
from .units import fold_unit, is_time_unit, scale_number, scale_quantity

__all__ = ["Amounts", "Bound", "Limits", "Quantities", "Windows"]


class Quantities(Shape):
    """A number with a unit of time: an age, a cycle, a time point."""

    def key(self, value: Any) -> Hashable:
        return scale_quantity(value.value, value.unit)

    def likeness(self, gold: Any, predicted: Any) -> float:
        if self.key(gold) == self.key(predicted):
            return 1.0
        return 0.5 * float(gold.value == predicted.value) + 0.4 * float(gold.unit == predicted.unit)

    def error(self, gold: Any, predicted: Any) -> ErrorKind:
        return ErrorKind.TIME_UNIT if gold.value == predicted.value else ErrorKind.NUMBER

    def resembles(self, gold: Any, predicted: Any) -> bool:
        return bool(gold.value == predicted.value)


class Windows(Quantities):
    """A time limit: its comparator counts, its quote only when exact."""

    def key(self, value: TimeWindow) -> Hashable:
        return value.comparator, scale_quantity(value.value, value.unit)

    def error(self, gold: TimeWindow, predicted: TimeWindow) -> ErrorKind:
        same = scale_quantity(gold.value, gold.unit) == scale_quantity(predicted.value, predicted.unit)
        return ErrorKind.COMPARATOR if same else super().error(gold, predicted)


class Bound(NamedTuple):
    """One side of a limit. "18 to 75" has two."""

    quantity: str
    comparator: Comparator
    value: float
    unit: str | None
    of_range: bool = False


_UPPER, _LOWER = {Comparator.LESS, Comparator.AT_MOST}, {Comparator.MORE, Comparator.AT_LEAST}


class Limits(Shape):
    """Numeric limits. The words for the quantity help to pair, and count only when exact.

    The right number of another quantity is told as an error of wording.
    """

    threshold = 0.5

    def spread(self, value: tuple[Constraint, ...]) -> tuple[Bound, ...]:
        """All bounds; a ``between`` is two."""
        return tuple(bound for constraint in value for bound in _list_bounds(constraint))

    def key(self, value: Bound) -> Hashable:
        return value.comparator, scale_quantity(value.value, value.unit)

    def likeness(self, gold: Bound, predicted: Bound) -> float:
        same_value = gold.value == predicted.value or self.key(gold) == self.key(predicted)
        return (
            0.5 * measure_overlap(gold.quantity, predicted.quantity)
            + 0.3 * same_value
            + 0.1 * (gold.comparator == predicted.comparator)
            + 0.1 * (fold_unit(gold.unit)[0] == fold_unit(predicted.unit)[0])
        )

    def error(self, gold: Bound, predicted: Bound) -> ErrorKind:
        if gold.comparator != predicted.comparator:
            return ErrorKind.COMPARATOR
        if gold.value != predicted.value:
            return ErrorKind.NUMBER
        both_time = is_time_unit(gold.unit) and is_time_unit(predicted.unit)
        return ErrorKind.TIME_UNIT if both_time else ErrorKind.UNIT

    def remark(self, gold: Bound, predicted: Bound) -> ErrorKind | None:
        return None if may_name_one_thing(gold.quantity, predicted.quantity) else ErrorKind.WORDING

    def resembles(self, gold: Bound, predicted: Bound) -> bool:
        sides = {gold.comparator, predicted.comparator}
        return gold.value == predicted.value and (len(sides) == 1 or sides in (_UPPER, _LOWER))


def _list_bounds(limit: Constraint) -> list[Bound]:
    if limit.comparator != Comparator.BETWEEN:
        return [Bound(limit.quantity, limit.comparator, limit.value, limit.unit)]
    bounds = [Bound(limit.quantity, Comparator.AT_LEAST, limit.value, limit.unit, of_range=True)]
    if limit.value_high is not None:
        bounds.append(Bound(limit.quantity, Comparator.AT_MOST, limit.value_high, limit.unit, of_range=True))
    return bounds


class Amounts(Shape):
    """Dose levels."""

    def key(self, value: Amount) -> Hashable:
        unit, factor = fold_unit(value.unit)
        return scale_number(value.low, factor), scale_number(value.high, factor), unit

    def likeness(self, gold: Amount, predicted: Amount) -> float:
        if self.key(gold) == self.key(predicted):
            return 1.0
        numbers = (gold.low == predicted.low) + (gold.high == predicted.high)
        return 0.25 * numbers + 0.4 * (fold_unit(gold.unit)[0] == fold_unit(predicted.unit)[0])

    def error(self, gold: Amount, predicted: Amount) -> ErrorKind:
        return ErrorKind.UNIT if self.resembles(gold, predicted) else ErrorKind.NUMBER

    def resembles(self, gold: Amount, predicted: Amount) -> bool:
        return (gold.low, gold.high) == (predicted.low, predicted.high)
