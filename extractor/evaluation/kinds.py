"""The errors that a reader cares about, and the harm of each, as data."""

from enum import StrEnum

__all__ = ["HARM", "ErrorKind"]


class ErrorKind(StrEnum):
    """How a prediction disagrees with gold. Each disagreement has one kind, the most harmful that fits.

    - ``polarity``: the opposite is said (an exclusion as an inclusion, false for true).
    - ``comparator``: a limit bounds the other way, or leaves out its own value.
    - ``number``: another number, also of an instrument's version; another number of doses in a time.
    - ``unit``, ``time_unit``: the number in another unit.
    - ``wrong_pairing``: a right value on the wrong item, an outcome in the place of another one.
    - ``invented``, ``missed``: a value or an item without a counterpart.
    - ``wrong_section``: quoted from, or registered in, another part of the record.
    - ``wrong_category``: another class of a closed set, or another named instrument.
    - ``split``, ``merged``: one item of gold as several, several as one.
    - ``wording``: a text with other bounds or other words; the right limit of a quantity named otherwise.
    """

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
