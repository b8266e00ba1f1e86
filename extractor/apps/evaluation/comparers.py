"""Decide whether two values of a field agree and, if they do not, which kind of error the
difference is. There is one comparer for each ``Comparison`` in the schemas.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import Any, Generic, TypeVar

from extractor.apps.evaluation.grouping import share_members
from extractor.apps.evaluation.text import (
    compare_extents,
    fold_agent,
    fold_name,
    fold_text,
    have_same_dimension,
    measure_overlap,
    scale_quantity,
    share_words,
)
from extractor.face import (
    DAYS,
    fold_label,
    list_members,
    name_instrument,
    name_quantity,
)
from extractor.schemas import (
    Age,
    Amount,
    Comparator,
    Comparison,
    Constraint,
    Frequency,
    Maximum,
    Period,
    Quantity,
    TimePoint,
    TimeUnit,
    TimeWindow,
)


class ErrorKind(StrEnum):
    """How a prediction differs from gold."""

    POLARITY = "polarity"
    QUANTITY = "quantity"
    COMPARATOR = "comparator"
    NUMBER = "number"
    UNIT = "unit"
    INVENTED = "invented"
    MISSED = "missed"
    WRONG_SECTION = "wrong_section"
    WRONG_CATEGORY = "wrong_category"
    WORDING = "wording"


HARM = dict(zip(ErrorKind, (10, 9, 9, 9, 8, 7, 5, 3, 3, 1), strict=True))
"""The harm, from 1 to 10, that an error does to a reader who trusts the value."""
Verdict = StrEnum("Verdict", "RIGHT WRONG MISSED INVENTED")
Verdict.__doc__ = """The result for a value.

- ``right``: both values agree, possibly in another unit or under another name.
- ``wrong``: both sides have a value, but the values differ.
- ``missed``: only gold has the value.
- ``invented``: only the prediction has the value.
"""
NOTHING = ""
"""Stands for the words of an optional part of a value if that part is missing."""


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Comparer(Generic[T]):
    """Compares values of one type.

    Args:
        error: The kind of error if two values do not agree, or a function that returns it.
        key: Values with equal keys agree.
        overlaps: Whether quotes with different keys may also agree, because two readers may choose
            different start and end points.
        similarity: The similarity of two list members that do not agree, from 0 to 1.
        threshold: List members with a lower similarity are not paired.
        spread: Splits a field's value into the values that are counted separately.
        is_certain: Whether members that agree are always paired.
    """

    error: ErrorKind | Callable[[T, T], ErrorKind]
    key: Callable[[T], Hashable] = str
    overlaps: Callable[[T, T], bool] = lambda *_: False
    similarity: Callable[[T, T], float] = lambda *_: 0.0
    threshold: float = 0.4
    spread: Callable[[Any], tuple[T, ...]] = list_members
    is_certain: bool = True

    def agrees(self, gold: T, predicted: T) -> bool:
        """Return whether two values agree, that is, are equal or differ only in spelling."""
        if gold == predicted:
            return True
        if self.key(gold) == self.key(predicted):
            return True
        if NOTHING in ((gold, predicted)):
            return False
        return self.overlaps(gold, predicted)

    def measure(self, gold: T, predicted: T) -> float:
        """Return the similarity of two list members; it is at least 2 if they agree."""
        if self.is_certain and self.agrees(gold, predicted):
            if gold == predicted:
                return 3.0
            return 2.0
        return self.similarity(gold, predicted)

    def judge(self, gold: T, predicted: T) -> tuple[Verdict, ErrorKind | None]:
        """Return (verdict, kind of error), where the error is None if the values agree. A limit
        with the right number and another known quantity is wrong. If one of the two quantities is
        not known, other words for it count as right, but are also reported as an error.
        """
        if not self.agrees(gold, predicted):
            error = self.error
            if not isinstance(error, ErrorKind):
                error = error(gold, predicted)
            # a part that only one side has is missed or invented
            return Verdict.__members__.get(error.name, Verdict.WRONG), error
        if isinstance(gold, LimitEnd) and isinstance(predicted, LimitEnd):
            names = (fold_name(gold.quantity), fold_name(predicted.quantity))
            if measure_overlap(*names):
                return Verdict.RIGHT, None
            if _are_different(gold.canonical, predicted.canonical):
                return Verdict.WRONG, ErrorKind.QUANTITY
            return Verdict.RIGHT, ErrorKind.WORDING
        return Verdict.RIGHT, None


@dataclass(frozen=True, slots=True)
class LimitEnd:
    """One end of a limit. "18 to 75" has two ends."""

    quantity: str
    comparator: Comparator
    value: float
    unit: str | None
    canonical: str | None = field(default=None, compare=False)


_Limit = Constraint | Quantity
_Measured = LimitEnd | Amount | Maximum | Age | Period | TimePoint | TimeWindow


def _are_different(name: str | None, other: str | None) -> bool:
    """Return whether two canonical names are known and differ. A blood pressure is no other
    quantity than the systolic one.
    """
    if name is None or other is None:
        return False
    return not name.endswith(other) and not other.endswith(name)


def _name_known(limit: object) -> str | None:
    """Return the canonical name of the quantity that the words of a limit name; None if they name
    none, or only a general one, such as a score.
    """
    if not isinstance(limit, Constraint):
        return None
    named = name_quantity(limit.quantity)
    if named is None or named.general:
        return None
    return named.name


def list_bounds(limits: _Limit | tuple[_Limit, ...] | None) -> tuple[LimitEnd, ...]:
    """Split one or more limits into their bounds."""
    bounds: list[LimitEnd] = []
    for limit in list_members(limits):
        name = getattr(limit, "quantity", "")
        is_range = limit.comparator is Comparator.BETWEEN
        first = limit.comparator
        if is_range:
            first = Comparator.AT_LEAST
        known = _name_known(limit)
        bounds.append(LimitEnd(name, first, limit.value, limit.unit, known))
        if is_range and limit.value_high is not None:
            bounds.append(
                LimitEnd(name, Comparator.AT_MOST, limit.value_high, limit.unit, known)
            )
    return tuple(bounds)


def _list_amounts(amounts: Amount | tuple[Amount, ...] | None) -> tuple[Amount, ...]:
    """Return amounts alone; their arms, conditions and limits are scored as separate fields."""
    alone: dict[str, Any] = {"arms": (), "condition": None, "limits": ()}
    return tuple(amount.model_copy(update=alone) for amount in list_members(amounts))


def _list_numbers(value: _Measured) -> tuple[float | None, ...]:
    """Return the numbers of a bound, amount, window or time: one number, or both ends."""
    if isinstance(value, Amount):
        return value.low, value.high
    high = getattr(value, "value_high", None)
    if high is None:
        return (value.value,)
    return (value.value, high)


def _scale(value: _Measured) -> tuple[Comparator | None, Hashable]:
    """Return (comparator or None, numbers in base units)."""
    scaled = [scale_quantity(number, value.unit) for number in _list_numbers(value)]
    return getattr(value, "comparator", None), tuple(scaled)


def _find_number_error(gold: _Measured, predicted: _Measured) -> ErrorKind:
    """Return which part of a bound, amount, window or time is wrong: the comparator, the unit or
    the number.
    """
    comparator, sizes = _scale(gold)
    other_comparator, other_sizes = _scale(predicted)
    # If both the comparator and the number of a window differ, the number is the error.
    comparator_counts = isinstance(gold, LimitEnd) or sizes == other_sizes
    if comparator_counts and comparator != other_comparator:
        return ErrorKind.COMPARATOR
    if _list_numbers(gold) == _list_numbers(predicted):
        return ErrorKind.UNIT
    return ErrorKind.NUMBER


def _compare_numbers(gold: _Measured, predicted: _Measured) -> float:
    """Return the similarity of two amounts, windows or times. Equal numbers have a weight of 0.5,
    and comparable units have a weight of 0.4, so that either is enough to pair two values.
    """
    # of a number and a range, only the first numbers are compared
    numbers = zip(_list_numbers(gold), _list_numbers(predicted), strict=False)
    equal = [bool(ours == theirs) for ours, theirs in numbers]
    same_unit = have_same_dimension(gold.unit, predicted.unit)
    return 0.5 * sum(equal) / len(equal) + 0.4 * same_unit


def _compare_bounds(gold: LimitEnd, predicted: LimitEnd) -> float:
    """Return the similarity of two bounds. The name of the quantity has the same weight as all
    other parts together.
    """
    is_same_value = gold.value == predicted.value or _scale(gold) == _scale(predicted)
    similarity = 0.5 * measure_overlap(gold.quantity, predicted.quantity)
    similarity += 0.3 * is_same_value + 0.1 * (gold.comparator == predicted.comparator)
    similarity += 0.1 * have_same_dimension(gold.unit, predicted.unit)
    # An identical bound is preferred to one with the same value in another unit.
    if gold != predicted:
        return similarity
    return similarity + 0.01


_DAYS = {**DAYS, TimeUnit.MONTH: 30, TimeUnit.YEAR: 12 * 30}
"""Days per unit when comparing windows: 12 months are treated as a year, and 4 weeks as 28 days."""


def measure_window(window: TimeWindow) -> tuple[object, ...]:
    """Return (comparator, numbers, unit), with durations in days.

    >>> windows = (
    ...     TimeWindow(quote="", comparator="<=", value=n, unit=unit)
    ...     for n, unit in ((1, "month"), (30, "day"))
    ... )
    >>> len({measure_window(window) for window in windows})
    1
    """
    # cycles and half-lives keep their units
    days = _DAYS.get(window.unit)
    numbers = filter(None, (window.value, window.value_high))
    sizes = [round(number * (days or 1), 6) for number in numbers]
    return window.comparator, *sizes, TimeUnit.DAY if days else window.unit


def _measure_cap(cap: Maximum) -> tuple[object, ...]:
    """Return (what the cap applies to, its number in base units)."""
    return cap.per, _scale(cap)


def _find_frequency_error(gold: Frequency, predicted: Frequency) -> ErrorKind:
    """Return a number error if both frequencies have a rate, as daily and weekly do, or a category
    error if one of them has no rate.
    """
    without_rate = {Frequency.PRN, Frequency.CONTINUOUS, Frequency.OTHER}
    if without_rate.isdisjoint((gold, predicted)):
        return ErrorKind.NUMBER
    return ErrorKind.WRONG_CATEGORY


def _find_word_error(gold: str, predicted: str) -> ErrorKind:
    """Return the kind of error for two optional texts, one of which may be ``NOTHING``."""
    if not gold:
        return ErrorKind.INVENTED
    if predicted:
        return ErrorKind.WORDING
    return ErrorKind.MISSED


TEXT = Comparer(ErrorKind.WORDING, fold_name, similarity=compare_extents)
"""Compares names of measures, ignoring differences in spelling and common synonyms."""
AGENT = replace(TEXT, key=fold_agent)
"""Compares names of agents: also the names of one substance agree."""
EXTENT = replace(TEXT, overlaps=lambda *words: compare_extents(*words) >= 0.5)
"""Compares quotes, which agree if they share most of their words or if one is part of the
other.
"""
_WORDS = Comparer(
    _find_word_error,
    key=fold_text,
    overlaps=share_words,
    spread=lambda words: (words or NOTHING,),
)
_QUANTITY: Comparer[Any] = Comparer(
    _find_number_error, _scale, similarity=_compare_numbers
)
ITEM: Comparer[object] = Comparer(ErrorKind.WORDING, key=lambda _: None)
"""Compares items, which agree if they are paired."""
LABEL = Comparer(ErrorKind.WRONG_CATEGORY, fold_label)
"""Compares arms, but only in items that both extractions contain."""
COMPARERS: dict[Comparison, Comparer[Any]] = {
    Comparison.TEXT: TEXT,
    Comparison.AGENT: AGENT,
    Comparison.EXTENT: EXTENT,
    Comparison.WORDS: _WORDS,
    # Half of the longer text's words: "heart failure" is not all of "heart or lung failure".
    Comparison.WHOLE: replace(_WORDS, overlaps=partial(share_words, of=max)),
    Comparison.CHOICE: Comparer(ErrorKind.WRONG_CATEGORY),
    Comparison.POLARITY: Comparer(ErrorKind.POLARITY),
    # A section, in which case "arms" agrees with "arms[1]", or a group's parent.
    Comparison.PLACE: Comparer(ErrorKind.WRONG_SECTION, overlaps=share_members),
    Comparison.FREQUENCY: Comparer(_find_frequency_error),
    Comparison.TIME: _QUANTITY,
    Comparison.WINDOW: replace(_QUANTITY, key=measure_window),
    Comparison.AMOUNT: replace(_QUANTITY, spread=_list_amounts),
    Comparison.CAP: replace(_QUANTITY, key=_measure_cap),
    Comparison.LIMIT: replace(
        _QUANTITY,
        spread=list_bounds,
        similarity=_compare_bounds,
        threshold=0.5,
        is_certain=False,
    ),
    Comparison.LABEL: LABEL,
    Comparison.GROUP: Comparer(ErrorKind.POLARITY, overlaps=share_members),
    Comparison.NAME: Comparer(
        ErrorKind.WRONG_CATEGORY,
        lambda instrument: name_instrument(instrument.name, instrument.version),
    ),
}
