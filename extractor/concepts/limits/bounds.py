"""Comparators by their side, and numbers that share a power of ten."""

import re

from extractor.language.book import read_term
from extractor.language.numbers import multiply, read_number
from extractor.language.patterns import Found
from extractor.schemas import Comparator

LOWER = (Comparator.AT_LEAST, Comparator.MORE)
UPPER = (Comparator.AT_MOST, Comparator.LESS)
BOTH_COUNT = (Comparator.AT_LEAST, Comparator.AT_MOST)
"""The comparators of a range whose ends count."""
_WHOLE = 1000
"""A smaller number may share the power of ten of the next one."""
_DIGITS = re.compile(
    r"\d(?:[\d., ]*\d)?(?:·(?!\s?10)\d+)?(?=\s?(?:[a-z*×^]|·\s?10))",
    re.IGNORECASE,
)
_LOST_POWER = re.compile(r"\d{1,3}(?:[.,]\d{1,2})?(?= 109$)")
"""The number before a power of ten that lost its signs: "10 109"."""


def read_comparator(vocabulary: str, found: Found, name: str) -> Comparator | None:
    """Return the comparator that a vocabulary has for the words in the part ``name`` of a match;
    None if the part did not match, or if the vocabulary does not have its words.
    """
    part = found.part(name)
    entry = read_term(vocabulary, found.tokens, *part) if part else None
    return Comparator(entry.value) if entry else None


def scale_alike(value: float, other: str) -> int | float:
    """Return a value times the power of ten of the next number on its quantity: "10" before "or < 4
    x 10^9/L". ``other`` is the text of that number.

    A value of 1000 or more stays as it is, since it has its thousands already. So does any value if
    the other number has no power of ten.

    >>> [
    ...     scale_alike(3, other)
    ...     for other in ("12 x 10^9", "339X10^3", "4.5 million", "1 200")
    ... ]
    [3000000000, 3000, 3000000, 3]
    """
    if value >= _WHOLE:
        return value
    digits = _DIGITS.match(other) or _LOST_POWER.match(other)
    whole = read_number(other)
    plain = read_number(digits[0]) if digits else None
    if not whole or not plain:
        return value
    factor = float(f"{whole / plain:.12g}")
    return multiply(value, factor) if factor > 1 else value
