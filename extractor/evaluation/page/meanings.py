"""What each kind of error means, in the words of the page."""

from extractor.evaluation.kinds import ErrorKind

__all__ = ["MEANINGS"]

MEANINGS: dict[ErrorKind, str] = {
    ErrorKind.POLARITY: "the opposite is said",
    ErrorKind.COMPARATOR: "a limit bounds the other way, or leaves out its own value",
    ErrorKind.NUMBER: "another number",
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
