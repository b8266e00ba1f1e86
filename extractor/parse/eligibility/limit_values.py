"""Read the numbers of a limit: with their sign, and with the power of ten that the ends of a range share."""

import re

from extractor.text.book import rule
from extractor.text.lexer import Tokens
from extractor.text.numbers import has_minus, list_readings, read_number
from extractor.text.patterns import Found
from extractor.text.quantity_names import name_quantity
from extractor.text.units import read_unit

COUNTS = {"once": 1, "twice": 2, "thrice": 3, "double": 2, "triple": 3}
"""Words that multiply, or count how often."""
_NEAR = 8
"""How many tokens before a minus may name the quantity."""


def read_pair(found: Found) -> tuple[int | float | None, int | float | None]:
    """The lower and the upper number of a measure; None for one that it does not have.

    A power of ten after the second is that of both: "3.5-12 x 10^9/L". Numbers below zero may fall.
    """
    low, high = read_value(found, "low"), read_value(found, "high")
    if low is None or high is None:
        return low, high
    if high < 0 < low and has_minus(found.tokens, found.place("low")[0]):
        low = -low
    low = scale_alike(low, found.read("high") or "")
    if 0 < high < low:
        low, high = _read_alike(found, low, high)
    return (high, low) if high < low and (low < 0 or high < 0) else (low, high)


_LARGE = 1000
"""A smaller number may share the power of ten of the next one."""
_DIGITS = re.compile(r"[\d.,· ]*\d(?=\s?[a-z*×·^])", re.IGNORECASE)


def read_factor(written: str) -> float:
    """The power of ten of a number, or the factor of a word such as "million"; 1 without one.

    >>> [read_factor(text) for text in ("12 x 10^9", "339X10^3", "4.5 million", "1 200")]
    [1000000000.0, 1000.0, 1000000.0, 1.0]
    """
    digits = _DIGITS.match(written)
    whole, plain = read_number(written), read_number(digits[0]) if digits else None
    return float(f"{whole / plain:.12g}") if whole and plain else 1.0


def scale_alike(value: float, other: str) -> int | float:
    """A value with the power of ten of the next number on its quantity: "10" before "or < 4 x 10^9/L"."""
    factor = read_factor(other)
    return _times(value, factor) if factor > 1 and value < _LARGE else value


def _read_alike(found: Found, low: float, high: float) -> tuple[int | float, int | float]:
    """The ends of a range whose first readings fall: "1.000-1.800 g" has two decimals, or two thousands."""
    lows, highs = (list_readings(found.read(name) or "") for name in ("low", "high"))
    pairs = [(one, other) for one in lows for other in highs if one < other and (one > 999) is (other > 999)]
    return pairs[0] if pairs else (low, high)


def read_value(found: Found, name: str) -> int | float | None:
    """The number in a named part of a match, with its sign."""
    place = found.part(name)
    if place is None:
        return None
    word = found.tokens.read(*place).lower()
    value = COUNTS.get(word) or read_number(word)
    return -value if value and is_below_zero(found.tokens, *place) else value


def is_below_zero(tokens: Tokens, first: int, end: int) -> bool:
    """Whether the sign before a number is a minus: after a comparator, or for a quantity that can be below zero.

    >>> from extractor.text.book import read_text
    >>> [is_below_zero(read_text(text), 2, 3) for text in ("RASS -4 to 0", "weight -50 kg", "≥ -2.5 SD")]
    [True, False, True]
    """
    if not has_minus(tokens, first):
        return False
    if tokens.words[first - 1].lower() == "minus" or rule("before_minus").ends(tokens, first - 1, first - 2):
        return True
    near, unit = tokens.read(max(0, first - 1 - _NEAR), first - 1), tokens.words[end] if end < len(tokens) else ""
    # The words of the last clause name it, else those before: "heart rate < 100; T-score -3 to -1", "RASS 0, -1".
    clauses = (_CLAUSE.split(near)[-1], near)
    quantity = next(filter(None, (name_quantity(words, read_unit(unit), near) for words in clauses)), None)
    return bool(quantity and quantity.signed) or unit in _SIGNED_UNITS


_CLAUSE = re.compile("[;,]|\\band\\b")
_SIGNED_UNITS = frozenset({"D", "DS", "dioptre", "dioptres", "diopter", "diopters", "dB", "SD", "°"})


def _times(value: float, factor: float) -> int | float:
    product = float(f"{value * factor:.12g}")
    return int(product) if product.is_integer() else product
