"""When two values agree: one comparer for each kind of value, and the kinds of errors where they do not."""

import re
from collections.abc import Hashable
from enum import IntEnum, StrEnum
from functools import lru_cache
from typing import Any, NamedTuple, Self

from extractor.schemas import Age, Amount, Comparator, Constraint, Frequency, Instrument, TimeUnit, TimeWindow
from extractor.text.numbers import DAYS
from extractor.text.units import find_dimension, read_unit

from .text import fold_text, is_inside, may_name_one_thing, measure_overlap


class ErrorKind(StrEnum):
    """How a prediction disagrees with gold. Of several kinds that fit, the most harmful is reported.

    ``harm`` is what the error costs a reader who trusts the value, 0 to 10; ``meaning`` explains the kind.
    """

    harm: float
    meaning: str

    def __new__(cls, value: str, harm: float, meaning: str) -> Self:
        kind = str.__new__(cls, value)
        kind._value_, kind.harm, kind.meaning = value, harm, meaning
        return kind

    POLARITY = "polarity", 10, "the opposite is said"
    COMPARATOR = "comparator", 9, "a limit bounds the other way, or leaves out its own value"
    NUMBER = "number", 9, "another number, also of an instrument's version, or of doses in a time"
    UNIT = "unit", 8, "the number in another unit"
    TIME_UNIT = "time_unit", 8, "the number in another unit of time"
    WRONG_PAIRING = "wrong_pairing", 8, "a right value on the wrong item, or an outcome in the place of another one"
    INVENTED = "invented", 7, "predicted, and not in gold"
    MISSED = "missed", 5, "in gold, and not predicted"
    WRONG_SECTION = "wrong_section", 3, "from another part of the record"
    WRONG_CATEGORY = "wrong_category", 3, "another choice of a closed set"
    SPLIT = "split", 2, "one item of gold as several"
    MERGED = "merged", 2, "several items of gold as one"
    WORDING = (
        "wording",
        1,
        "a text with other bounds or other words, or the right limit of a quantity named otherwise",
    )


class Level(IntEnum):
    """How strictly two values agree. Values that agree at one level agree at all lower ones."""

    NONE = 0
    RELAXED = 1
    NORMALISED = 2
    EXACT = 3


class Comparer:
    """Compares values of one kind. Stateless. This one compares members of a closed set, and plain values.

    Args:
        kind: The error of a value that does not agree.
    """

    threshold = 0.4
    """Members of a list that are less alike than this are not paired."""

    def __init__(self, kind: ErrorKind = ErrorKind.WRONG_CATEGORY) -> None:
        self.kind = kind

    def spread(self, value: Any) -> tuple[Any, ...]:
        """The values of a field one by one; none if it is empty."""
        if value is None:
            return ()
        return value if isinstance(value, tuple) else (value,)

    def level(self, gold: Any, predicted: Any) -> Level:
        """The strictest level at which two values agree."""
        if gold == predicted:
            return Level.EXACT
        if self.key(gold) == self.key(predicted):
            return Level.NORMALISED
        return Level.RELAXED if self.resembles(gold, predicted) else Level.NONE

    def key(self, value: Any) -> Hashable:
        """The normalised value: equal for values that agree."""
        return str(value)

    def error(self, gold: Any, predicted: Any) -> ErrorKind:  # noqa: ARG002 - subclasses look at the values
        """The kind of error when two values do not agree after normalisation."""
        return self.kind

    def likeness(self, gold: Any, predicted: Any) -> float:
        """How well two members of a list match, 0 to 1."""
        return float(gold == predicted)

    def resembles(self, gold: Any, predicted: Any) -> bool:  # noqa: ARG002 - most kinds have no near miss
        """Whether values that differ after normalisation agree when relaxed."""
        return False

    def remark(self, gold: Any, predicted: Any) -> ErrorKind | None:  # noqa: ARG002 - most values need no remark
        """An error of values that agree after normalisation. It is reported and does not change the score."""
        return None


class Choices(Comparer):
    """A member of a closed set, a yes or no, or a plain value."""


class Frequencies(Choices):
    """A code for how often: another rate is a wrong number; no rate at all ("as needed") is another choice."""

    _WITHOUT_RATE = frozenset({Frequency.PRN, Frequency.CONTINUOUS, Frequency.OTHER})

    def error(self, gold: Frequency, predicted: Frequency) -> ErrorKind:
        return ErrorKind.NUMBER if self._WITHOUT_RATE.isdisjoint((gold, predicted)) else self.kind


class Texts(Comparer):
    """Verbatim text: relaxed if half of the tokens are shared."""

    def __init__(self) -> None:
        super().__init__(ErrorKind.WORDING)

    def key(self, value: str) -> Hashable:
        return fold_text(value)

    def likeness(self, gold: str, predicted: str) -> float:
        overlap = measure_overlap(gold, predicted)
        return max(overlap, 0.5) if is_inside(gold, predicted) or is_inside(predicted, gold) else overlap

    def resembles(self, gold: str, predicted: str) -> bool:
        return measure_overlap(gold, predicted) >= 0.5


class Instruments(Comparer):
    """A named instrument: letters and digits of the name count, the version unless relaxed."""

    @staticmethod
    def _letters(value: Instrument) -> str:
        return "".join(filter(str.isalnum, fold_text(value.name)))

    def key(self, value: Instrument) -> Hashable:
        return self._letters(value), fold_text(value.version or "").removesuffix(".0")

    def error(self, gold: Instrument, predicted: Instrument) -> ErrorKind:
        return ErrorKind.NUMBER if self._letters(gold) == self._letters(predicted) else self.kind

    def likeness(self, gold: Instrument, predicted: Instrument) -> float:
        return measure_overlap(gold.name, predicted.name)

    def resembles(self, gold: Instrument, predicted: Instrument) -> bool:
        return self._letters(gold) == self._letters(predicted) or self.likeness(gold, predicted) >= 0.5


AGE_UNITS = (TimeUnit.DAY, TimeUnit.WEEK, TimeUnit.MONTH, TimeUnit.YEAR)
"""The units in which ages are stated."""
_MONTHS = {"mo": 1.0, "a": 12.0}
"""Months by UCUM code: a month has no fixed number of days."""
_OF_AGE = re.compile(r"[\s-]*(?:of\s+age|old)$")
_MARK = re.compile(r"\{[^{}]*\}")


def count_days(age: Age) -> float | None:
    """About how many days an age is; None if its unit is not a unit of age.

    >>> count_days(Age(value=2, unit="week"))
    14.0
    """
    return float(age.value) * DAYS[age.unit] if age.unit in AGE_UNITS else None


def scale_quantity(value: float | None, unit: str | None) -> tuple[str | None, str]:
    """A number and its unit as comparable text, in the base units of what the unit measures.

    >>> scale_quantity(24, "hours") == scale_quantity(1, "day")
    True
    >>> scale_quantity(30, "day") == scale_quantity(1, "month")
    False
    >>> scale_quantity(1, "x 1000/mm3") == scale_quantity(1, "x 10^9/L")
    True
    """
    kind, factor = _read_unit(unit)
    return None if value is None else f"{value * factor:.12g}", kind  # twelve figures: rounding errors do not count


@lru_cache(maxsize=1024)
def _read_unit(unit: str | None) -> tuple[str, float]:
    """What a unit measures, and how many base units it is. An unknown unit is taken as written."""
    code = read_unit(_OF_AGE.sub("", unit)) if unit else None
    if code is None:
        return re.sub(r"[\s^*·.\\]", "", unit or "").casefold(), 1.0
    if code in _MONTHS:
        return "month", _MONTHS[code]
    factor, dimension = find_dimension(code)
    return " ".join([*(f"{base}{power}" for base, power in dimension), *_MARK.findall(code)]) or code, factor


class Quantities(Comparer):
    """A number with a unit of time: an age, a cycle, a time point."""

    def key(self, value: Any) -> Hashable:
        return scale_quantity(value.value, value.unit)

    def error(self, gold: Any, predicted: Any) -> ErrorKind:
        return ErrorKind.TIME_UNIT if gold.value == predicted.value else ErrorKind.NUMBER

    def likeness(self, gold: Any, predicted: Any) -> float:
        if self.key(gold) == self.key(predicted):
            return 1.0
        return 0.5 * float(gold.value == predicted.value) + 0.4 * float(gold.unit == predicted.unit)

    def resembles(self, gold: Any, predicted: Any) -> bool:
        return bool(gold.value == predicted.value)


class TimeWindows(Quantities):
    """A time limit: its comparator counts, its quote only when exact."""

    def key(self, value: TimeWindow) -> Hashable:
        return value.comparator, super().key(value)

    def error(self, gold: TimeWindow, predicted: TimeWindow) -> ErrorKind:
        same = super().key(gold) == super().key(predicted)
        return ErrorKind.COMPARATOR if same else super().error(gold, predicted)


class Bound(NamedTuple):
    """One side of a limit. "18 to 75" has two."""

    quantity: str
    comparator: Comparator
    value: float
    unit: str | None
    of_range: bool = False


class Limits(Comparer):
    """Numeric limits. The words for the quantity help to pair, and count only when exact.

    The right number of another quantity is reported as an error of wording.
    """

    threshold = 0.5
    _SAME_SIDE = ({Comparator.LESS, Comparator.AT_MOST}, {Comparator.MORE, Comparator.AT_LEAST})

    def spread(self, value: tuple[Constraint, ...]) -> tuple[Bound, ...]:
        """All bounds; a ``between`` is two."""
        bounds: list[Bound] = []
        for limit in value:
            is_range = limit.comparator is Comparator.BETWEEN
            sides: list[tuple[Comparator, float | None]] = [(limit.comparator, limit.value)]
            if is_range:
                sides = [(Comparator.AT_LEAST, limit.value), (Comparator.AT_MOST, limit.value_high)]
            bounds += [Bound(limit.quantity, side, one, limit.unit, is_range) for side, one in sides if one is not None]
        return tuple(bounds)

    def key(self, value: Bound) -> Hashable:
        return value.comparator, scale_quantity(value.value, value.unit)

    def error(self, gold: Bound, predicted: Bound) -> ErrorKind:
        if gold.comparator != predicted.comparator:
            return ErrorKind.COMPARATOR
        if gold.value != predicted.value:
            return ErrorKind.NUMBER
        both_time = all(_read_unit(bound.unit)[0] in {"month", "s1"} for bound in (gold, predicted))
        return ErrorKind.TIME_UNIT if both_time else ErrorKind.UNIT

    def likeness(self, gold: Bound, predicted: Bound) -> float:
        same_value = gold.value == predicted.value or self.key(gold) == self.key(predicted)
        return (
            0.5 * measure_overlap(gold.quantity, predicted.quantity)
            + 0.3 * same_value
            + 0.1 * (gold.comparator == predicted.comparator)
            + 0.1 * (_read_unit(gold.unit)[0] == _read_unit(predicted.unit)[0])
        )

    def resembles(self, gold: Bound, predicted: Bound) -> bool:
        sides = {gold.comparator, predicted.comparator}
        return gold.value == predicted.value and (len(sides) == 1 or sides in self._SAME_SIDE)

    def remark(self, gold: Bound, predicted: Bound) -> ErrorKind | None:
        return None if may_name_one_thing(gold.quantity, predicted.quantity) else ErrorKind.WORDING


class Amounts(Comparer):
    """Dose levels."""

    def key(self, value: Amount) -> Hashable:
        return scale_quantity(value.low, value.unit), scale_quantity(value.high, value.unit)

    def error(self, gold: Amount, predicted: Amount) -> ErrorKind:
        return ErrorKind.UNIT if self.resembles(gold, predicted) else ErrorKind.NUMBER

    def likeness(self, gold: Amount, predicted: Amount) -> float:
        if self.key(gold) == self.key(predicted):
            return 1.0
        numbers = (gold.low == predicted.low) + (gold.high == predicted.high)
        return 0.25 * numbers + 0.4 * (_read_unit(gold.unit)[0] == _read_unit(predicted.unit)[0])

    def resembles(self, gold: Amount, predicted: Amount) -> bool:
        return (gold.low, gold.high) == (predicted.low, predicted.high)
