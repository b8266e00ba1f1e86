"""Numbers that stand in a text, so that a value can be held against them."""

import re
from collections.abc import Iterator

from extractor.parse.numbers import NUMBER, read_number

from .edges import follows_minus

__all__ = ["find_numbers", "find_ordinals"]

_NUMBER = re.compile(NUMBER, re.IGNORECASE)
_DIGITS = frozenset("0123456789.")
_ROMAN = re.compile(r"(?<!\w)(?:I{1,3}|IV|VI{0,3}|IX|X)(?!\w)")
_ROMAN_VALUES = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7, "VIII": 8, "IX": 9, "X": 10}
# "one unit, twice": adverbs that state a number.
_ADVERB = re.compile(r"\b(?:once|twice|thrice)\b", re.IGNORECASE)
_ADVERB_VALUES = {"once": 1, "twice": 2, "thrice": 3}
_ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]
_ORDINAL = re.compile(
    rf"\b(?:{'|'.join(_ORDINALS)})\b|(?<![\w.,])(?P<digits>\d{{1,3}})(?:st|nd|rd|th)\b", re.IGNORECASE
)


def find_numbers(text: str) -> Iterator[tuple[int | float, int, int]]:
    """Every number in cleaned text, in digits, words or Roman numerals, with its half-open span.

    A number behind a minus is found twice, as itself and as the negative number: a minus may be a dash.

    >>> sorted(find_numbers("NYHA III-IV, two of 1,500"), key=lambda found: found[1])
    [(3, 5, 8), (4, 9, 11), (2, 13, 16), (1500, 20, 25)]
    >>> list(find_numbers("T-score <= -2.5"))
    [(2.5, 12, 15), (-2.5, 11, 15)]
    """
    for found in _NUMBER.finditer(text):
        value = read_number(found[0])
        if value is not None:
            yield value, *found.span()
            if found[0][0] in _DIGITS and follows_minus(text, found.start()):
                yield -value, found.start() - 1, found.end()
    for found in _ROMAN.finditer(text):
        yield _ROMAN_VALUES[found[0]], *found.span()
    for found in _ADVERB.finditer(text):
        yield _ADVERB_VALUES[found[0].lower()], *found.span()


def find_ordinals(text: str) -> Iterator[tuple[int, int, int]]:
    """Every "first" to "tenth" and "1st", with its half-open span: they number weeks and cycles, and limit nothing.

    >>> list(find_ordinals("the third week of the 12th cycle"))
    [(3, 4, 9), (12, 22, 26)]
    """
    for found in _ORDINAL.finditer(text):
        yield int(found["digits"] or _ORDINALS.index(found[0].lower()) + 1), *found.span()
