r"""The layout of an eligibility section: its text with codes of HTML as line breaks and bullets, at
the same places.

The same place in the text of a layout and in the raw text is the same character, so offsets are
those of the raw text.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from extractor.language.book import expression
from extractor.language.markup import CELL, EDGE, EMPHASIS, ITEM, LIST, may_hold_markup

_BULLET = "•"
_FIRST_COLUMN = 2
_COLUMNS_A_LEVEL = 4
_WRITTEN_BREAK = re.compile(r"(?:\\r)?\\n(?![a-z])")
r"""A line break that an export wrote as "\n"."""
_FEWEST_WRITTEN = 2


@dataclass(frozen=True, slots=True)
class Layout:
    """``text`` is as long as the raw text. ``columns`` has the columns of items of HTML, by the
    places of bullets.
    """

    text: str
    columns: dict[int, int] = field(default_factory=dict)


def lay_out(raw: str) -> Layout:
    r"""Return the layout of a raw text.

    >>> lay_out("<ul><li>Adult</li></ul>").text.split()
    ['•', 'Adult']
    """
    text = raw
    columns: dict[int, int] = {}
    if may_hold_markup(raw):
        text = _read_codes(text, columns)
    if (
        len(_WRITTEN_BREAK.findall(text)) >= _FEWEST_WRITTEN
        and "\n" not in text.strip()
    ):
        text = _WRITTEN_BREAK.sub(lambda found: "\n".rjust(len(found.group())), text)
    return Layout(text, columns)


def _read_codes(raw: str, columns: dict[int, int]) -> str:
    """Replace codes of HTML, and fill ``columns``."""
    depth = 0

    def replace_edge(found: re.Match[str]) -> str:
        nonlocal depth
        code = found.group()
        opened = LIST.search(code)
        if opened:
            depth = max(0, depth - 1) if opened["end"] else depth + 1
        if not ITEM.search(code):
            return "\n".ljust(len(code))
        columns[found.end() - 2] = _FIRST_COLUMN + _COLUMNS_A_LEVEL * max(0, depth - 1)
        return "\n".ljust(len(code) - 2) + _BULLET + " "

    text = EDGE.sub(replace_edge, raw)
    for codes in (EMPHASIS, CELL):
        text = codes.sub(lambda found: " " * len(found.group()), text)
    return text


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
    return Marker(
        Bullet(found.lastgroup or ""), _read_ordinal(found), found.end(), start
    )


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
    return (
        int(unicodedata.digit(sign[0], 0)) or None if "①" <= sign[:1] <= "⑨" else None
    )
