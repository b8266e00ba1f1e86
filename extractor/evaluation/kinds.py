"""The errors that a reader cares about, and the harm of each, as data."""

from enum import StrEnum

__all__ = ["HARM", "MEANINGS", "ErrorKind"]


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
