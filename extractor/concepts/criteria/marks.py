"""The marks of a list's items: bullets, numbers and letters, and the signs of layout around
them.
"""

import re
import unicodedata
from enum import StrEnum
from typing import NamedTuple

from extractor.language.book import expression

_PADDING = re.compile(r"[\s\u00a0]*(?:[.,;:](?=\s|$)[\s\u00a0]*)*")
_BEFORE_MARK = re.compile(
    r"(?:>[ \t]{0,9})+(?=[(\[]?\d{1,2}[.)\]]|[-*•+][ \t]|\#{1,6}[ \t]|\*\*)"  # a quoted line
    r"|\#{1,6}[ \t]+"  # a heading of Markdown
    r"|\*{2,3}(?=[(\[]?[A-Za-z]{0,3}\d{1,2}[.)\]:])"  # emphasis around a number
)
_BEHIND_MARK = re.compile(r"(?:\[[ xX✓✔]?\]|[☐☑☒□])[ \t]+|\*{2,3}(?=[ \t])")
"""A box to tick, and the end of emphasis."""
_ROMAN = {
    "i": 1,
    "ii": 2,
    "iii": 3,
    "iv": 4,
    "v": 5,
    "vi": 6,
    "vii": 7,
    "viii": 8,
    "ix": 9,
    "x": 10,
    "xi": 11,
}


class Bullet(StrEnum):
    """The mark of an item, from outer to inner levels: the groups of the expression
    ``list_mark``.
    """

    NUMBER = "number"
    DECIMAL = "decimal"
    LETTER = "letter"
    ROMAN = "roman"
    DASH = "dash"
    STAR = "star"
    CIRCLE = "circle"


class Marker(NamedTuple):
    """A bullet or number that ends at ``end``. ``before`` is the end of the text before it.

    ``sure`` is false if no punctuation separates it.
    """

    bullet: Bullet
    ordinal: int | None
    end: int
    before: int
    sure: bool = True


def skip_padding(text: str, start: int, end: int) -> int:
    """Return the place behind white space and stray punctuation."""
    found = _PADDING.match(text, start, end)
    return found.end() if found else start


def skip_signs_before_mark(text: str, start: int, end: int) -> int:
    """Return the place behind signs of a quoted line, of a heading in Markdown, or of emphasis
    around a number.
    """
    found = _BEFORE_MARK.match(text, start, end)
    return skip_padding(text, found.end(), end) if found else start


def skip_box(text: str, start: int, end: int) -> int:
    """Return the place behind a box to tick."""
    found = _BEHIND_MARK.match(text, start, end)
    return skip_padding(text, found.end(), end) if found else start


def read_marker(text: str, start: int, end: int) -> Marker | None:
    """Return the mark that begins at a place.

    >>> read_marker("(b) Asthma", 0, 10)[:3]
    (<Bullet.LETTER: 'letter'>, 2, 3)
    """
    found = expression("list_mark").match(text, start, end)
    if not found:
        return None
    return Marker(Bullet(found.lastgroup or ""), _read_ordinal(found), found.end(), start)


def _read_ordinal(found: re.Match[str]) -> int | None:
    """Return the number of an item, with letters, Roman and circled numerals converted."""
    digits = found["second"] or found["ordinal"]
    if digits:
        return int(digits)
    letter = found["character"]
    if letter:
        return ord(letter.lower()) - ord("a") + 1
    numeral = found["numeral"]
    if numeral:
        return _ROMAN.get(numeral.lower())
    sign = found.group()
    return int(unicodedata.digit(sign[0], 0)) or None if "①" <= sign[:1] <= "⑨" else None
