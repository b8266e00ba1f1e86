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
    r"""Return the layout of a raw text: codes of HTML become line breaks, bullets and blanks.

    If an export wrote at least two line breaks as "\n", and the text has no others, these become
    line breaks, too.

    >>> lay_out("<ul><li>Adult</li></ul>").text.split()
    ['•', 'Adult']
    """
    text = raw
    columns: dict[int, int] = {}
    if may_hold_markup(raw):
        text = _read_codes(text, columns)
    written_breaks = len(_WRITTEN_BREAK.findall(text))
    has_breaks = "\n" in text.strip()
    if written_breaks >= _FEWEST_WRITTEN and not has_breaks:
        text = _WRITTEN_BREAK.sub(_write_break, text)
    return Layout(text, columns)


def _write_break(written: re.Match[str]) -> str:
    """Return a line break as long as the signs that stood for it: offsets stay."""
    return "\n".rjust(len(written.group()))


def _read_codes(raw: str, columns: dict[int, int]) -> str:
    """Replace codes of HTML by line breaks, bullets and blanks of the same length.

    Fill ``columns`` with the column of each item, by the place of its bullet: two for an item of
    the outermost list, and four more for each list around that.
    """
    depth = 0

    def replace_edge(edge: re.Match[str]) -> str:
        nonlocal depth
        code = edge.group()
        list_code = LIST.search(code)
        if list_code and list_code["end"]:
            depth = max(0, depth - 1)
        elif list_code:
            depth += 1
        if not ITEM.search(code):
            return "\n".ljust(len(code))
        levels_above = max(0, depth - 1)
        columns[edge.end() - 2] = _FIRST_COLUMN + _COLUMNS_A_LEVEL * levels_above
        return "\n".ljust(len(code) - 2) + _BULLET + " "

    def blank_out(code: re.Match[str]) -> str:
        return " " * len(code.group())

    text = EDGE.sub(replace_edge, raw)
    text = EMPHASIS.sub(blank_out, text)
    return CELL.sub(blank_out, text)


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
    """Return the place behind white space and stray punctuation; ``start`` if none stands there."""
    padding = _PADDING.match(text, start, end)
    return padding.end() if padding else start


def skip_signs_before_mark(text: str, start: int, end: int) -> int:
    """Return the place behind signs of a quoted line, of a heading in Markdown, or of emphasis
    around a number; ``start`` if none stands there.
    """
    signs = _BEFORE_MARK.match(text, start, end)
    return skip_padding(text, signs.end(), end) if signs else start


def skip_box(text: str, start: int, end: int) -> int:
    """Return the place behind a box to tick ("[x]"); ``start`` if none stands there."""
    box = _BEHIND_MARK.match(text, start, end)
    return skip_padding(text, box.end(), end) if box else start


def read_marker(text: str, start: int, end: int) -> Marker | None:
    """Return the mark that begins at ``start``; None if no mark of an item does.

    >>> read_marker("(b) Asthma", 0, 10)[:3]
    (<Bullet.LETTER: 'letter'>, 2, 3)
    """
    mark = expression("list_mark").match(text, start, end)
    if not mark:
        return None
    bullet = Bullet(mark.lastgroup or "")
    return Marker(bullet, _read_ordinal(mark), mark.end(), start)


def _read_ordinal(mark: re.Match[str]) -> int | None:
    """Return the number of an item, with letters, Roman and circled numerals converted; None for
    a bullet, and for a Roman numeral above 11.
    """
    digits = mark["second"] or mark["ordinal"]
    if digits:
        return int(digits)
    letter = mark["character"]
    if letter:
        return ord(letter.lower()) - ord("a") + 1
    numeral = mark["numeral"]
    if numeral:
        return _ROMAN.get(numeral.lower())
    sign = mark.group()[:1]
    if "①" <= sign <= "⑨":
        return int(unicodedata.digit(sign, 0)) or None
    return None
