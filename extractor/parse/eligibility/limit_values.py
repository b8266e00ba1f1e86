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
_ROMAN = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6}
_NEAR = 8
"""How many tokens before a minus may name the quantity."""


def is_two_ways(word: str) -> bool:
    """Whether a number can be read in two ways.

    >>> is_two_ways("100.000"), is_two_ways("100")
    (True, False)
    """
    return len(word) > 4 and word[0].isdigit() and len(list_readings(word)) > 1


def read_pair(found: Found) -> tuple[int | float | None, int | float | None]:
    """The lower and the upper number of a measure; None for one that it does not have.

    A power of ten after the second is that of both: "3.5-12 x 10^9/L". Numbers below zero may fall.
    """
    low, high = read_value(found, "low"), read_value(found, "high")
    if low is None or high is None:
        return low, high
    if high < 0 < low and has_minus(found.tokens, found.place("low")[0]):
        low = -low
    written, plain = found.read("high") or "", read_number((found.read("high") or "").split()[0])
    if plain and len(written.split()) > 1 and high > plain and low < 1000:
        low = _times(low, high / plain)
    return (high, low) if high < low and (low < 0 or high < 0) else (low, high)


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
    near = tokens.read(max(0, first - 1 - _NEAR), first - 1)
    unit = tokens.words[end] if end < len(tokens) else ""
    quantity = name_quantity(near, read_unit(unit), near)
    return bool(quantity and quantity.signed) or unit in _SIGNED_UNITS


_SIGNED_UNITS = frozenset({"D", "DS", "dioptre", "dioptres", "diopter", "diopters", "dB", "SD", "°"})


def read_grade(tokens: Tokens, at: int) -> int | None:
    """The value of a grade in digits or as a Roman numeral; None for a part of a name ("F2", "2D", "v5")."""
    word = tokens.words[at]
    behind = at + 1 < len(tokens) and tokens.joined(at + 1) and tokens.words[at + 1].isalpha()
    if behind or (tokens.joined(at) and tokens.words[at - 1].isalpha()):
        return None
    return _ROMAN.get(word) or (int(word) if word.isdecimal() and len(word) <= 3 else None)


def follows_letter_grade(tokens: Tokens, at: int) -> bool:
    """Whether a grade is the end of a range whose beginning has a letter: "stage IIIC-IV" is no IV alone."""
    joined = at - 1 if at and tokens.words[at - 1].lower() in ("-", "to") else at
    return joined > 0 and _LETTERED.fullmatch(tokens.words[joined - 1]) is not None


_LETTERED = re.compile(r"[IVX]+[A-Da-d]\d?")


def _times(value: float, factor: float) -> int | float:
    product = float(f"{value * factor:.12g}")
    return int(product) if product.is_integer() else product
