"""Compare values: one comparer for each kind of value decides agreement and the kind of error."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from typing import Any, Self

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
from extractor.apps.evaluation.wording import may_name_one_thing
from extractor.concepts.aliases import name_instrument
from extractor.language.clean import fold_label
from extractor.language.numbers import DAYS
from extractor.schemas import (
    Amount,
    Comparator,
    Comparison,
    Constraint,
    Frequency,
    Instrument,
    Quantity,
    TimeUnit,
    TimeWindow,
)


class ErrorKind(StrEnum):
    """How a prediction disagrees with gold. If several kinds apply, the most harmful is reported.

    ``harm`` is the cost to a reader who trusts the value, 0 to 10; ``meaning`` explains the kind.
    """

    harm: float
    meaning: str

    def __new__(cls, value: str, harm: float, meaning: str) -> Self:
        kind = str.__new__(cls, value)
        kind._value_ = value
        kind.harm = harm
        kind.meaning = meaning
        return kind

    POLARITY = "polarity", 10, "the opposite is said"
    COMPARATOR = (
        "comparator",
        9,
        "a limit bounds the other way, or leaves out its own value",
    )
    NUMBER = (
        "number",
        9,
        "another number, also of an instrument's version, or of doses in a time",
    )
    UNIT = "unit", 8, "the number in another unit"
    TIME_UNIT = "time_unit", 8, "the number in another unit of time"
    WRONG_PAIRING = "wrong_pairing", 8, "a right value on the wrong item"
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


def _list_values(value: Any) -> tuple[Any, ...]:
    """Return the values of a field; none if it is empty."""
    if value is None:
        return ()
    if isinstance(value, tuple):
        return value
    return (value,)


@dataclass(frozen=True, slots=True)
class Comparer:
    """Compares values of one kind.

    Args:
        error: The kind of error if the values do not agree.
        key: Normalises a value; values that agree have equal keys.
        resembles: Whether values that differ after normalisation agree at the relaxed level.
        likeness: Likeness of two members of a list, 0 to 1.
        threshold: Members of a list with a lower likeness are not paired.
        spread: Splits a field into its values.
        is_extent: Whether the values are evidence, which agrees if it resembles the other.
        of_pairs: Whether it is scored only in items that both have.
        of_groups: Whether it says how items belong together, which ``grouping`` compares.
    """

    error: Callable[[Any, Any], ErrorKind]
    key: Callable[[Any], Hashable] = str
    resembles: Callable[[Any, Any], bool] = lambda *_: False
    likeness: Callable[[Any, Any], float] = lambda gold, predicted: float(
        gold == predicted
    )
    threshold: float = 0.4
    spread: Callable[[Any], tuple[Any, ...]] = _list_values
    is_extent: bool = False
    of_pairs: bool = False
    of_groups: bool = False

    def level(self, gold: Any, predicted: Any) -> Level:
        """Return the strictest level at which two values agree."""
        if gold == predicted:
            return Level.EXACT
        if self.key(gold) == self.key(predicted):
            return Level.NORMALISED
        if not self.resembles(gold, predicted):
            return Level.NONE
        # Two readers seldom cut a quote alike: an extent that resembles the other agrees.
        return Level.NORMALISED if self.is_extent else Level.RELAXED

    def judge(self, gold: Any, predicted: Any) -> tuple[Level, ErrorKind | None]:
        """Return the level of agreement, and the error in a predicted value.

        Another quantity of a right limit is an error, but keeps the score.
        """
        level = self.level(gold, predicted)
        if level < Level.NORMALISED:
            return level, self.error(gold, predicted)
        if level is Level.EXACT or not isinstance(gold, Bound):
            return level, None
        # The comparison of limits leaves out their words: "ANC" may have met "platelets".
        if may_name_one_thing(gold.quantity, predicted.quantity):
            return level, None
        return level, ErrorKind.WORDING


AGE_UNITS = (TimeUnit.DAY, TimeUnit.WEEK, TimeUnit.MONTH, TimeUnit.YEAR)
"""Units of ages."""


@dataclass(frozen=True, slots=True)
class Bound:
    """One side of a limit. "18 to 75" has two sides."""

    quantity: str
    comparator: Comparator
    value: float
    unit: str | None
    of_range: bool = False


_SAME_SIDE = (
    {Comparator.LESS, Comparator.AT_MOST},
    {Comparator.MORE, Comparator.AT_LEAST},
)


def list_bounds(
    limits: Constraint | Quantity | tuple[Constraint | Quantity, ...] | None,
) -> tuple[Bound, ...]:
    """Split limits into their sides: two of a ``between``, one of any other comparator. A side
    without a number is left out.
    """
    bounds: list[Bound] = []
    for limit in _list_values(limits):
        name = limit.quantity if isinstance(limit, Constraint) else ""
        is_range = limit.comparator is Comparator.BETWEEN
        # A range has two sides, each of which can be right or wrong by itself.
        sides: list[tuple[Comparator, float | None]] = [(limit.comparator, limit.value)]
        if is_range:
            sides = [
                (Comparator.AT_LEAST, limit.value),
                (Comparator.AT_MOST, limit.value_high),
            ]
        for comparator, value in sides:
            if value is None:
                continue
            bounds.append(Bound(name, comparator, value, limit.unit, is_range))
    return tuple(bounds)


# The next functions take numbers with a unit: ages, time points, time windows, limits, amounts.


def _list_numbers(value: Any) -> tuple[float | None, ...]:
    """Return the numbers of a value: low and high of an amount, low and high of a range, else its
    only number.
    """
    if isinstance(value, Amount):
        return value.low, value.high
    high = getattr(value, "value_high", None)
    if high is None:
        return (value.value,)
    return value.value, high


def _list_amounts(amounts: Amount | tuple[Amount, ...] | None) -> tuple[Amount, ...]:
    """Return amounts without their arms, which are a field of their own."""
    without_arms: list[Amount] = []
    for amount in _list_values(amounts):
        if amount.arms:
            without_arms.append(amount.model_copy(update={"arms": ()}))
        else:
            without_arms.append(amount)
    return tuple(without_arms)


def _scale(value: Any) -> tuple[Comparator | None, Hashable]:
    """Return the comparator, if there is one, and the numbers in base units."""
    scaled = tuple(
        scale_quantity(number, value.unit) for number in _list_numbers(value)
    )
    return getattr(value, "comparator", None), scaled


def _find_number_error(gold: Any, predicted: Any) -> ErrorKind:
    """Return in what two unequal values differ: the comparator, else the number, else the unit,
    which is ``TIME_UNIT`` of times. If comparator and number differ, the error of a limit is the
    comparator, that of a time window is the number.
    """
    comparator, sizes = _scale(gold)
    other_comparator, other_sizes = _scale(predicted)
    is_limit = isinstance(gold, Bound)
    comparator_counts = is_limit or sizes == other_sizes
    if comparator != other_comparator and comparator_counts:
        return ErrorKind.COMPARATOR
    if _list_numbers(gold) != _list_numbers(predicted):
        return ErrorKind.NUMBER
    if isinstance(gold, Amount):
        return ErrorKind.UNIT
    if is_limit and not (_is_time(gold.unit) and _is_time(predicted.unit)):
        return ErrorKind.UNIT
    return ErrorKind.TIME_UNIT


def _is_time(unit: str | None) -> bool:
    """Return whether a unit is of time: months have a dimension of their own."""
    return read_dimension(unit)[0] in {"month", "s1"}


def _resemble_numbers(gold: Any, predicted: Any) -> bool:
    """Return whether two values have the same numbers, and limits also bound the same side."""
    if _list_numbers(gold) != _list_numbers(predicted):
        return False
    if not isinstance(gold, Bound) or gold.comparator == predicted.comparator:
        return True
    # "> 18" and ">= 18" bound one side, "> 18" and "< 18" do not.
    return {gold.comparator, predicted.comparator} in _SAME_SIDE


def _compare_numbers(gold: Any, predicted: Any) -> float:
    """Return the likeness of two members of a list, 0 to 1: 1 for equal values in any unit, else
    at most 0.5 for equal numbers and 0.4 for the unit. Limits are compared by their words, too.
    """
    is_same = _scale(gold) == _scale(predicted)
    if isinstance(gold, Bound):
        return _compare_bounds(gold, predicted, is_same=is_same)
    if is_same:
        return 1.0
    ours = _list_numbers(gold)
    theirs = _list_numbers(predicted)
    equal = [a == b for a, b in zip(ours, theirs, strict=True)]
    likeness = 0.5 * equal.count(True) / len(equal)
    is_same_unit = gold.unit == predicted.unit
    if isinstance(gold, Amount):
        # A dose may be written in another unit of the same dimension.
        is_same_unit = _measure_the_same(gold.unit, predicted.unit)
    if is_same_unit:
        likeness += 0.4
    return likeness


def _compare_bounds(gold: Bound, predicted: Bound, *, is_same: bool) -> float:
    """Return the likeness of two limits, 0 to 1: the words for the quantity weigh as much as all
    else. ``is_same`` means that comparator and value are equal in base units.
    """
    likeness = 0.5 * measure_overlap(gold.quantity, predicted.quantity)
    if is_same or gold.value == predicted.value:
        likeness += 0.3
    if gold.comparator == predicted.comparator:
        likeness += 0.1
    if _measure_the_same(gold.unit, predicted.unit):
        likeness += 0.1
    return likeness


def _measure_the_same(unit: str | None, other: str | None) -> bool:
    """Return whether two units are of one dimension, such as mg and g."""
    return read_dimension(unit)[0] == read_dimension(other)[0]


_DAYS = {**DAYS, TimeUnit.MONTH: 30, TimeUnit.YEAR: 12 * 30}
"""Days per unit where two windows are compared, so that 12 months are a year and 4 weeks 28
days.
"""


def measure_window(window: TimeWindow) -> tuple[Any, ...]:
    """Return the comparator, both numbers (None without an upper one) and the unit. Lengths of time
    are in days, a month as 30, so that readers' units do not matter; cycles and half-lives keep
    their unit.

    >>> windows = (
    ...     TimeWindow(quote="", comparator="<=", value=n, unit=unit)
    ...     for n, unit in ((1, "month"), (30, "day"))
    ... )
    >>> len({measure_window(window) for window in windows})
    1
    """
    days = _DAYS.get(window.unit)
    unit = window.unit
    if days:
        unit = TimeUnit.DAY
    sizes: list[float | None] = []
    for number in (window.value, window.value_high):
        if number is None:
            sizes.append(None)
        else:
            sizes.append(round(number * (days or 1), 6))
    return window.comparator, *sizes, unit


def _compare_windows(gold: TimeWindow, predicted: TimeWindow) -> float:
    """Return the likeness of two entries of a list of windows: 2 and more for windows of one
    length, less than 1 for others, so that an equal pair outweighs two unequal pairs.
    """
    shared = 0
    for name in ("of", "anchor"):
        words = getattr(gold, name) or ""
        other_words = getattr(predicted, name) or ""
        if share_words(words, other_words):
            shared += 1
    if measure_window(gold) == measure_window(predicted):
        return 2.0 + 0.1 * shared
    likeness = 0.0
    if gold.value == predicted.value:
        likeness += 0.5
    if gold.unit == predicted.unit:
        likeness += 0.4
    # What they limit only decides between windows that are equally alike.
    return likeness + 0.01 * shared


_WITHOUT_RATE = {Frequency.PRN, Frequency.CONTINUOUS, Frequency.OTHER}


def _find_frequency_error(gold: Frequency, predicted: Frequency) -> ErrorKind:
    """Return ``NUMBER`` if both have a rate, else ``WRONG_CATEGORY``: "as needed" has no rate."""
    if gold in _WITHOUT_RATE or predicted in _WITHOUT_RATE:
        return ErrorKind.WRONG_CATEGORY
    return ErrorKind.NUMBER


def _have_one_name(one: Instrument, other: Instrument) -> bool:
    """Return whether two instruments are the same one, perhaps in another version."""
    return name_instrument(one.name)[0] == name_instrument(other.name)[0]


def _find_instrument_error(gold: Instrument, predicted: Instrument) -> ErrorKind:
    if _have_one_name(gold, predicted):
        return ErrorKind.NUMBER  # of the version
    return ErrorKind.WRONG_CATEGORY


def _resemble_instruments(gold: Instrument, predicted: Instrument) -> bool:
    if _have_one_name(gold, predicted):
        return True
    return measure_overlap(gold.name, predicted.name) >= 0.5


def _compare_names(gold: str, predicted: str) -> float:
    """Return the likeness of two names, 0 to 1: other names of one thing are equal."""
    if fold_name(gold) == fold_name(predicted):
        return 1.0
    return compare_extents(gold, predicted)


def _resemble_words(gold: str, predicted: str) -> bool:
    if not gold or not predicted:
        return False
    return share_words(gold, predicted)


def _resemble_wholes(gold: str, predicted: str) -> bool:
    if not gold or not predicted:
        return False
    return share_whole(gold, predicted)


TEXT = Comparer(
    lambda *_: ErrorKind.WORDING,
    fold_name,
    lambda gold, predicted: measure_overlap(gold, predicted) >= 0.5,
    _compare_names,
)
"""Verbatim text, or another name of the same agent or measure; texts that share half of their
tokens agree at the relaxed level.
"""
EXTENT = replace(
    TEXT,
    resembles=lambda gold, predicted: compare_extents(gold, predicted) >= 0.5,
    is_extent=True,
)
"""The extent of a quote: two readers seldom cut it alike, so an overlap is enough."""


def _find_word_error(gold: str, predicted: str) -> ErrorKind:
    """Return the error of words, of which there may be none on either side."""
    if not gold:
        return ErrorKind.INVENTED
    if not predicted:
        return ErrorKind.MISSED
    return ErrorKind.WORDING


def _list_words(words: str | None) -> tuple[str]:
    """Return the words as the only value: that there are none is an answer too."""
    return (words or NOTHING,)


WORDS = Comparer(
    _find_word_error,
    fold_text,
    _resemble_words,
    spread=_list_words,
    is_extent=True,
)
"""Words of the record that are part of a value: they agree if they share half of those of the
shorter text, without articles and prepositions. That there are none is an answer too.
"""
WHOLE = replace(WORDS, resembles=_resemble_wholes)
"""Words that name a thing, such as what a time window limits: a fragment of them is wrong."""
NOTHING = ""
"""Stands for no words, where that is an answer."""
_QUANTITY = Comparer(_find_number_error, _scale, _resemble_numbers, _compare_numbers)
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
    Comparison.WINDOW: _QUANTITY,  # its quote counts only at the exact level
    Comparison.AMOUNT: replace(_QUANTITY, spread=_list_amounts),
    # The words for the quantity help to pair limits, and count only at the exact level.
    Comparison.LIMIT: replace(_QUANTITY, spread=list_bounds, threshold=0.5),
    Comparison.LABEL: Comparer(
        lambda *_: ErrorKind.WRONG_CATEGORY,
        fold_label,
        likeness=lambda gold, predicted: float(
            fold_label(gold) == fold_label(predicted)
        ),
        of_pairs=True,
    ),
    Comparison.GROUP: Comparer(lambda *_: ErrorKind.WRONG_PAIRING, of_groups=True),
    # All names of an instrument are equal; the version counts above the relaxed level.
    Comparison.NAME: Comparer(
        _find_instrument_error,
        lambda instrument: name_instrument(instrument.name, instrument.version),
        _resemble_instruments,
    ),
}
"""The comparer of each kind of value."""
WINDOWS = replace(
    _QUANTITY, key=measure_window, resembles=lambda *_: False, likeness=_compare_windows
)
"""Compares the entries of lists of time windows that are paired by sense, number and unit."""
