"""When two values of a field agree, and which error it is if they do not: one comparer for each
``Comparison`` of the schemas.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from typing import Any

from extractor.apps.evaluation.text import (
    compare_extents,
    fold_name,
    fold_text,
    measure_overlap,
    read_dimension,
    scale_quantity,
    share_whole,
    share_words,
)
from extractor.concepts.aliases import name_instrument
from extractor.language.clean import fold_label
from extractor.language.numbers import DAYS
from extractor.schemas import (
    Amount,
    Comparator,
    Comparison,
    Frequency,
    Instrument,
    TimeUnit,
    TimeWindow,
)


class ErrorKind(StrEnum):
    """How a prediction differs from gold."""

    POLARITY = "polarity"
    COMPARATOR = "comparator"
    NUMBER = "number"
    UNIT = "unit"
    INVENTED = "invented"
    MISSED = "missed"
    WRONG_SECTION = "wrong_section"
    WRONG_CATEGORY = "wrong_category"
    WORDING = "wording"

    @property
    def harm(self) -> int:
        """The cost to a reader who trusts the value, 1 to 10."""
        return _HARM[self]


_HARM = dict(zip(ErrorKind, (10, 9, 9, 8, 7, 5, 3, 3, 1), strict=True))


class Level(IntEnum):
    """How strictly two values agree; each level includes the lower ones."""

    NONE = 0
    NORMALISED = 1
    EXACT = 2


def _list_values(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


@dataclass(frozen=True, slots=True)
class Comparer:
    """Compares values of one kind.

    Args:
        error: The kind of error if two values do not agree.
        key: Values with equal keys agree at the normalised level.
        overlaps: Whether values with unequal keys agree, too: of words that two readers cut
            differently.
        likeness: Likeness of two members of a list that do not agree, 0 to 1.
        threshold: Members of a list with a lower likeness are not paired.
        spread: Splits the value of a field into those that count one by one.
        is_certain: Whether members that agree are a pair, whatever else is alike.
    """

    error: Callable[[Any, Any], ErrorKind]
    key: Callable[[Any], Hashable] = str
    overlaps: Callable[[Any, Any], bool] | None = None
    likeness: Callable[[Any, Any], float] = lambda *_: 0.0
    threshold: float = 0.4
    spread: Callable[[Any], tuple[Any, ...]] = _list_values
    is_certain: bool = True

    @property
    def is_extent(self) -> bool:
        """Whether the values are words whose extent may differ."""
        return self.overlaps is not None

    def level(self, gold: Any, predicted: Any) -> Level:
        """Return the strictest level at which two values agree."""
        if gold == predicted:
            return Level.EXACT
        if self.key(gold) == self.key(predicted):
            return Level.NORMALISED
        if self.overlaps and self.overlaps(gold, predicted):
            return Level.NORMALISED
        return Level.NONE

    def measure(self, gold: Any, predicted: Any) -> float:
        """Return the likeness of two members of a list; 2 and more if they agree."""
        level = self.level(gold, predicted) if self.is_certain else Level.NONE
        return 1.0 + level if level else self.likeness(gold, predicted)

    def judge(self, gold: Any, predicted: Any) -> tuple[Level, ErrorKind | None]:
        """Return the level of agreement and the error, if any.

        A right limit of another quantity is an error that keeps its level.
        """
        level = self.level(gold, predicted)
        if level is Level.NONE:
            return level, self.error(gold, predicted)
        if isinstance(gold, Bound):
            names = gold.quantity, predicted.quantity
            is_same = fold_name(names[0]) == fold_name(names[1])
            if not is_same and not measure_overlap(*names):
                return level, ErrorKind.WORDING
        return level, None


@dataclass(frozen=True, slots=True)
class Bound:
    """One side of a limit: "18 to 75" has two."""

    quantity: str
    comparator: Comparator
    value: float
    unit: str | None
    of_range: bool = False


def list_bounds(limits: Any) -> tuple[Bound, ...]:
    """Split a limit, or a list of limits, into their sides; a side without a number is left out."""
    bounds: list[Bound] = []
    for limit in _list_values(limits):
        sides = [(limit.comparator, limit.value)]
        is_range = limit.comparator is Comparator.BETWEEN
        if is_range:
            sides = [
                (Comparator.AT_LEAST, limit.value),
                (Comparator.AT_MOST, limit.value_high),
            ]
        name = getattr(limit, "quantity", "")
        bounds += [
            Bound(name, *side, limit.unit, is_range)
            for side in sides
            if side[1] is not None
        ]
    return tuple(bounds)


def _list_amounts(amounts: Any) -> tuple[Amount, ...]:
    """Return amounts without their arms, which are a field of their own."""
    without = {"arms": ()}
    return tuple(one.model_copy(update=without) for one in _list_values(amounts))


def _list_numbers(value: Any) -> tuple[float | None, ...]:
    if isinstance(value, Amount):
        return value.low, value.high
    high = getattr(value, "value_high", None)
    return (value.value,) if high is None else (value.value, high)


def _scale(value: Any) -> tuple[Comparator | None, Hashable]:
    """Return the comparator, if there is one, and the numbers in base units."""
    numbers = _list_numbers(value)
    scaled = tuple(scale_quantity(number, value.unit) for number in numbers)
    return getattr(value, "comparator", None), scaled


def _find_number_error(gold: Any, predicted: Any) -> ErrorKind:
    comparator, sizes = _scale(gold)
    other_comparator, other_sizes = _scale(predicted)
    # Of windows with another comparator and another number, the number is the error.
    comparator_counts = isinstance(gold, Bound) or sizes == other_sizes
    if comparator != other_comparator and comparator_counts:
        return ErrorKind.COMPARATOR
    if _list_numbers(gold) != _list_numbers(predicted):
        return ErrorKind.NUMBER
    return ErrorKind.UNIT


def _have_same_dimension(unit: str | None, other: str | None) -> bool:
    return read_dimension(unit)[0] == read_dimension(other)[0]


def _compare_numbers(gold: Any, predicted: Any) -> float:
    ours = _list_numbers(gold)
    theirs = _list_numbers(predicted)
    equal = [one == other for one, other in zip(ours, theirs, strict=False)]
    is_same_unit = _have_same_dimension(gold.unit, predicted.unit)
    return 0.5 * equal.count(True) / len(equal) + 0.4 * is_same_unit


def _compare_bounds(gold: Bound, predicted: Bound) -> float:
    """Return the likeness of two limits: the name of the quantity weighs as much as all else."""
    is_same_value = gold.value == predicted.value or _scale(gold) == _scale(predicted)
    likeness = 0.5 * measure_overlap(gold.quantity, predicted.quantity)
    likeness += 0.3 * is_same_value + 0.1 * (gold.comparator == predicted.comparator)
    likeness += 0.1 * _have_same_dimension(gold.unit, predicted.unit)
    return likeness if gold != predicted else likeness + 0.01


_DAYS = {**DAYS, TimeUnit.MONTH: 30, TimeUnit.YEAR: 12 * 30}
"""Days of a unit where windows are compared: 12 months are a year, 4 weeks are 28 days."""


def measure_window(window: TimeWindow) -> tuple[Any, ...]:
    """Return comparator, numbers and unit; lengths of time in days.

    >>> windows = (
    ...     TimeWindow(quote="", comparator="<=", value=n, unit=unit)
    ...     for n, unit in ((1, "month"), (30, "day"))
    ... )
    >>> len({measure_window(window) for window in windows})
    1
    """
    days = _DAYS.get(window.unit)
    # Cycles and half-lives keep their unit.
    unit = TimeUnit.DAY if days else window.unit
    sizes = [
        None if number is None else round(number * (days or 1), 6)
        for number in (window.value, window.value_high)
    ]
    return window.comparator, *sizes, unit


def _find_frequency_error(gold: Frequency, predicted: Frequency) -> ErrorKind:
    without_rate = {Frequency.PRN, Frequency.CONTINUOUS, Frequency.OTHER}
    if without_rate.isdisjoint((gold, predicted)):
        return ErrorKind.NUMBER
    return ErrorKind.WRONG_CATEGORY


def _find_instrument_error(gold: Instrument, predicted: Instrument) -> ErrorKind:
    if name_instrument(gold.name)[0] == name_instrument(predicted.name)[0]:
        return ErrorKind.NUMBER  # of the version
    return ErrorKind.WRONG_CATEGORY


def _overlap_by_half(gold: str, predicted: str) -> bool:
    return compare_extents(gold, predicted) >= 0.5


def _find_word_error(gold: str, predicted: str) -> ErrorKind:
    if not gold:
        return ErrorKind.INVENTED
    return ErrorKind.WORDING if predicted else ErrorKind.MISSED


NOTHING = ""
"""No words, in a part of a value where that is an answer."""
TEXT = Comparer(lambda *_: ErrorKind.WORDING, fold_name, likeness=compare_extents)
EXTENT = replace(TEXT, overlaps=_overlap_by_half)
WORDS = Comparer(
    _find_word_error,
    fold_text,
    lambda gold, predicted: bool(gold and predicted) and share_words(gold, predicted),
    spread=lambda words: (words or NOTHING,),
)
WHOLE = replace(
    WORDS,
    overlaps=lambda gold, predicted: (
        bool(gold and predicted) and share_whole(gold, predicted)
    ),
)
_QUANTITY = Comparer(_find_number_error, _scale, likeness=_compare_numbers)
WINDOWS = replace(_QUANTITY, key=measure_window)
"""Compares members of a list of windows; a single window keeps the exact length of its unit."""
LABEL = Comparer(lambda *_: ErrorKind.WRONG_CATEGORY, fold_label)
"""Arms, which are judged only in items that both extractions have."""
GROUP = Comparer(
    lambda *_: ErrorKind.POLARITY, lambda group: getattr(group, "name", group)
)
"""Groups as ``grouping`` names them."""
COMPARERS: dict[Comparison, Comparer] = {
    Comparison.TEXT: TEXT,
    Comparison.EXTENT: EXTENT,
    Comparison.WORDS: WORDS,
    Comparison.WHOLE: WHOLE,
    Comparison.CHOICE: Comparer(lambda *_: ErrorKind.WRONG_CATEGORY),
    Comparison.POLARITY: Comparer(lambda *_: ErrorKind.POLARITY),
    Comparison.PLACE: Comparer(lambda *_: ErrorKind.WRONG_SECTION),
    Comparison.FREQUENCY: Comparer(_find_frequency_error),
    Comparison.TIME: _QUANTITY,
    Comparison.WINDOW: _QUANTITY,
    Comparison.AMOUNT: replace(_QUANTITY, spread=_list_amounts),
    Comparison.LIMIT: replace(
        _QUANTITY,
        spread=list_bounds,
        likeness=_compare_bounds,
        threshold=0.5,
        is_certain=False,
    ),
    Comparison.LABEL: LABEL,
    Comparison.GROUP: GROUP,
    Comparison.NAME: Comparer(
        _find_instrument_error,
        lambda instrument: name_instrument(instrument.name, instrument.version),
    ),
}
