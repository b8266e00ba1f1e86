"""What it means that two values agree, by the shape of the value: choices, texts, names. Numbers: ``quantities``."""

from abc import ABC, abstractmethod
from collections.abc import Hashable
from enum import IntEnum, StrEnum
from typing import Any

from extractor.schemas import Frequency, Instrument

from .fold import fold_text, is_inside, measure_overlap

__all__ = ["HARM", "MEANINGS", "Choice", "ErrorKind", "Frequencies", "Level", "Named", "Shape", "Texts"]


class ErrorKind(StrEnum):
    """How a prediction disagrees with gold: see ``MEANINGS``. Of several kinds that fit, the most harmful is told."""

    POLARITY = "polarity"
    COMPARATOR = "comparator"
    NUMBER = "number"
    UNIT = "unit"
    TIME_UNIT = "time_unit"
    WRONG_PAIRING = "wrong_pairing"
    INVENTED = "invented"
    MISSED = "missed"
    WRONG_SECTION = "wrong_section"
    WRONG_CATEGORY = "wrong_category"
    SPLIT = "split"
    MERGED = "merged"
    WORDING = "wording"


HARM: dict[ErrorKind, float] = {
    ErrorKind.POLARITY: 10,
    ErrorKind.COMPARATOR: 9,
    ErrorKind.NUMBER: 9,
    ErrorKind.UNIT: 8,
    ErrorKind.TIME_UNIT: 8,
    ErrorKind.WRONG_PAIRING: 8,
    ErrorKind.INVENTED: 7,
    ErrorKind.MISSED: 5,
    ErrorKind.WRONG_SECTION: 3,
    ErrorKind.WRONG_CATEGORY: 3,
    ErrorKind.MERGED: 2,
    ErrorKind.SPLIT: 2,
    ErrorKind.WORDING: 1,
}
"""0 to 10: what it costs a reader who trusts the value. Multiplied by the weight of the field."""

MEANINGS: dict[ErrorKind, str] = {
    ErrorKind.POLARITY: "the opposite is said",
    ErrorKind.COMPARATOR: "a limit bounds the other way, or leaves out its own value",
    ErrorKind.NUMBER: "another number, also of an instrument's version, or of doses in a time",
    ErrorKind.UNIT: "the number in another unit",
    ErrorKind.TIME_UNIT: "the number in another unit of time",
    ErrorKind.WRONG_PAIRING: "a right value on the wrong item, or an outcome in the place of another one",
    ErrorKind.INVENTED: "predicted, and not in gold",
    ErrorKind.MISSED: "in gold, and not predicted",
    ErrorKind.WRONG_SECTION: "from another part of the record",
    ErrorKind.WRONG_CATEGORY: "another choice of a closed set",
    ErrorKind.SPLIT: "one item of gold as several",
    ErrorKind.MERGED: "several items of gold as one",
    ErrorKind.WORDING: "a text with other bounds or other words, or the right limit of a quantity named otherwise",
}
"""What each kind means, in the words of reports."""


_WITHOUT_RATE = {Frequency.PRN, Frequency.CONTINUOUS, Frequency.OTHER}


class Level(IntEnum):
    """The ladder: each level contains those above it."""

    NONE = 0
    RELAXED = 1
    NORMALISED = 2
    EXACT = 3


class Shape(ABC):
    """How values of one shape are compared. Stateless."""

    threshold = 0.4
    """Members of a list that are less alike than this are no pair."""

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

    @abstractmethod
    def key(self, value: Any) -> Hashable:
        """What is equal for values that agree when normalised."""

    @abstractmethod
    def likeness(self, gold: Any, predicted: Any) -> float:
        """0 to 1: how good a pair two members of a list are."""

    @abstractmethod
    def error(self, gold: Any, predicted: Any) -> ErrorKind:
        """The kind of the disagreement of two values that do not agree when normalised."""

    def remark(self, gold: Any, predicted: Any) -> ErrorKind | None:  # noqa: ARG002 - most say all that they mean
        """What is amiss with values that agree when normalised: told as an error, and not scored."""
        return None

    def resembles(self, gold: Any, predicted: Any) -> bool:  # noqa: ARG002 - a class of a closed set has no near miss
        """Whether values that differ when normalised still agree when relaxed."""
        return False


class Choice(Shape):
    """A member of a closed set, or a yes or no. ``kind`` is the error of choosing another one."""

    def __init__(self, kind: ErrorKind = ErrorKind.WRONG_CATEGORY) -> None:
        self._kind = kind

    def key(self, value: Any) -> Hashable:
        return str(value)

    def likeness(self, gold: Any, predicted: Any) -> float:
        return float(gold == predicted)

    def error(self, gold: Any, predicted: Any) -> ErrorKind:  # noqa: ARG002 - any other choice is the same error
        return self._kind


class Frequencies(Choice):
    """A code for how often: another rate is a number that is wrong, no rate at all ("as needed") another choice."""

    def error(self, gold: Frequency, predicted: Frequency) -> ErrorKind:
        return ErrorKind.WRONG_CATEGORY if {gold, predicted} & _WITHOUT_RATE else ErrorKind.NUMBER


class Texts(Shape):
    """Verbatim text: relaxed if half of the tokens are shared."""

    def key(self, value: str) -> Hashable:
        return fold_text(value)

    def likeness(self, gold: str, predicted: str) -> float:
        overlap = measure_overlap(gold, predicted)
        return max(overlap, 0.5) if is_inside(gold, predicted) or is_inside(predicted, gold) else overlap

    def error(self, gold: str, predicted: str) -> ErrorKind:  # noqa: ARG002 - a text has no finer kinds
        return ErrorKind.WORDING

    def resembles(self, gold: str, predicted: str) -> bool:
        return measure_overlap(gold, predicted) >= 0.5


class Named(Shape):
    """A named instrument: letters and digits of the name count, the version unless relaxed."""

    def key(self, value: Instrument) -> Hashable:
        return _letters(value.name), fold_text(value.version or "").removesuffix(".0")

    def likeness(self, gold: Instrument, predicted: Instrument) -> float:
        return measure_overlap(gold.name, predicted.name)

    def error(self, gold: Instrument, predicted: Instrument) -> ErrorKind:
        same = _letters(gold.name) == _letters(predicted.name)
        return ErrorKind.NUMBER if same else ErrorKind.WRONG_CATEGORY

    def resembles(self, gold: Instrument, predicted: Instrument) -> bool:
        return _letters(gold.name) == _letters(predicted.name) or measure_overlap(gold.name, predicted.name) >= 0.5


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, fold_text(name)))
