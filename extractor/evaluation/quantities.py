"""What it means that two numbers with their units agree: times, limits, doses."""

import re
from collections.abc import Hashable
from functools import lru_cache
from typing import Any, NamedTuple

from extractor.schemas import Age, Amount, Comparator, Constraint, TimeUnit, TimeWindow
from extractor.text.numbers import DAYS
from extractor.text.units import find_dimension, read_unit

from .fold import fold_text, measure_overlap
from .shapes import ErrorKind, Shape

__all__ = [
    "AGE_UNITS",
    "Amounts",
    "Bound",
    "Limits",
    "Quantities",
    "Windows",
    "count_days",
    "may_name_one_thing",
    "scale_quantity",
]

AGE_UNITS = (TimeUnit.DAY, TimeUnit.WEEK, TimeUnit.MONTH, TimeUnit.YEAR)
"""The units in which ages are stated."""


def count_days(age: Age) -> float | None:
    """About how many days an age is, None if its unit is none of an age.

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
    kind, factor = _fold_unit(unit)
    return _scale(value, factor), kind


def _scale(value: float | None, factor: float) -> str | None:
    """A number as text with twelve figures, so that rounding of the machine does not tell."""
    return None if value is None else f"{value * factor:.12g}"


_CALENDAR = {"mo": 1.0, "a": 12.0}
"""Months by UCUM code: a month has no fixed number of days."""
_OF_AGE = re.compile(r"[\s-]*(?:of\s+age|old)$")
_MARK = re.compile(r"\{[^{}]*\}")


@lru_cache(maxsize=1024)
def _fold_unit(unit: str | None) -> tuple[str, float]:
    """What a unit measures, and how many base units it is; a unit that no table knows, as it is written."""
    code = read_unit(_OF_AGE.sub("", unit)) if unit else None
    if code is None:
        return re.sub(r"[\s^*·.\\]", "", unit or "").casefold(), 1.0
    if code in _CALENDAR:
        return "month", _CALENDAR[code]
    factor, dimension = find_dimension(code)
    return " ".join([*(f"{base}{power}" for base, power in dimension), *_MARK.findall(code)]) or code, factor


def _is_time(unit: str | None) -> bool:
    return _fold_unit(unit)[0] in ("month", "s1")


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
            + 0.1 * (_fold_unit(gold.unit)[0] == _fold_unit(predicted.unit)[0])
        )

    def error(self, gold: Bound, predicted: Bound) -> ErrorKind:
        if gold.comparator != predicted.comparator:
            return ErrorKind.COMPARATOR
        if gold.value != predicted.value:
            return ErrorKind.NUMBER
        both_time = _is_time(gold.unit) and _is_time(predicted.unit)
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
        unit, factor = _fold_unit(value.unit)
        return _scale(value.low, factor), _scale(value.high, factor), unit

    def likeness(self, gold: Amount, predicted: Amount) -> float:
        if self.key(gold) == self.key(predicted):
            return 1.0
        numbers = (gold.low == predicted.low) + (gold.high == predicted.high)
        return 0.25 * numbers + 0.4 * (_fold_unit(gold.unit)[0] == _fold_unit(predicted.unit)[0])

    def error(self, gold: Amount, predicted: Amount) -> ErrorKind:
        return ErrorKind.UNIT if self.resembles(gold, predicted) else ErrorKind.NUMBER

    def resembles(self, gold: Amount, predicted: Amount) -> bool:
        return (gold.low, gold.high) == (predicted.low, predicted.high)


_WORD = re.compile(r"[^\W\d_]+")
_SMALL_WORDS = (
    "a an and any are at be by for from had has have in is least less level levels more most number of on or over per "
    "score serum than that the their to total value values was were with"
)
_SMALL = frozenset(_SMALL_WORDS.split())
_AGE = dict.fromkeys(("aged", "old", "older", "year", "years", "younger"), "age")
_STEM, _ABBREVIATION = 4, 5


def may_name_one_thing(one: str, other: str) -> bool:
    """Whether two texts share a content word, its beginning, or an abbreviation. Texts without such words may.

    >>> may_name_one_thing("ANC", "absolute neutrophil count"), may_name_one_thing("aged", "Age of patients")
    (True, True)
    >>> may_name_one_thing("serum creatinine", "total bilirubin")
    False
    """
    first, second = _list_words(one), _list_words(other)
    if not first or not second:
        return True
    if any(_begin_alike(word, another) for word in first for another in second):
        return True
    return _abbreviates(first, "".join(second)) or _abbreviates(second, "".join(first))


def _list_words(text: str) -> list[str]:
    return [_AGE.get(word, word) for word in _WORD.findall(fold_text(text)) if word not in _SMALL]


def _begin_alike(one: str, other: str) -> bool:
    size = min(len(one), len(other), _STEM)
    return one == other or (size > 2 and one[:size] == other[:size])


def _abbreviates(words: list[str], letters: str) -> bool:
    """Whether one of the words is made of the letters of another text, in their order, from its first one on."""
    return any(len(word) <= _ABBREVIATION and word[0] == letters[0] and _is_spelt(word, letters) for word in words)


def _is_spelt(word: str, letters: str) -> bool:
    left = iter(letters)
    return all(letter in left for letter in word)
