r"""The physical lines of a list: where each one's words begin, and with what bullet or number.

Lines are taken from the raw text, because indentation and line breaks are what a list is made of.
"""

import re
from collections.abc import Iterator
from enum import StrEnum

from extractor.parse.values import value
from extractor.text.book import rule
from extractor.text.passage import Passage, Section

from .headings import find_headings

__all__ = ["Bullet", "Line", "read_lines", "read_marker"]


class Bullet(StrEnum):
    """What stands in front of an item."""

    NUMBER = "number"
    DECIMAL = "decimal"
    LETTER = "letter"
    ROMAN = "roman"
    DASH = "dash"
    STAR = "star"
    CIRCLE = "circle"


@value(frozen=True, slots=True)
class Line:
    """One line of raw text: its words are ``raw[start:end]``, ``column`` is where they begin in the line.

    ``bullet`` is None for a line without bullet or number; ``ordinal`` is an item's number, letters
    and Roman numerals counted. ``width`` is the length of the whole line, ``gap`` is true after a blank line.
    """

    start: int
    end: int
    column: int
    width: int
    gap: bool
    bullet: Bullet | None = None
    ordinal: int | None = None


_MARKER = re.compile(
    r"""
      (?P<star>\\?\*(?=\s|\w|\\))
    | (?P<circle>[•‣◦▪▫●○■□◆➢➤►✓✔❖·∙⁃\uf0b7\uf0a7](?!\d)|o(?=[ \t\u00a0]))
    | (?P<dash>\\?[-–—−](?=\s|[A-Za-z(]|\\?[<>≤≥])
        |\\?>(?=[ ]+(?!(?:Grade|Stage|Class|Type|One|Two|Three)\b)[A-Z][a-z]))
    | (?P<decimal>[(（]?\d{1,2}[.-](?P<second>\d{1,2})(?:\.\d{1,2})?
        (?:\s?\\?[.)）、](?=\s*[A-Za-z(<>≤≥])
          |[ ]+(?!Times\b|Fold\b)(?=[A-Z][a-z]{2}|\\?[<>≥≤])(?<!-\d[ ])(?<!-\d\d[ ])))
    | (?P<number>[(（]?(?P<ordinal>\d{1,2})
        (?:\s?\\?(?:[)）]\.(?=\s)|[.)）．、])(?!\d)|\s?\\?-(?=\s+[A-Za-z]))(?=\s|\W|[A-Za-z]))
    | (?P<roman>[(（]?(?P<numeral>[ivx]{2,4}|[IVX]{2,4}|[iI])\\?[.)）](?=\s))
    | (?P<letter>[(（]?(?P<character>[a-zA-Z])(?:\\?[)）](?=\s|\w)|\\?\.(?=\s+\S|[A-Z][a-z])))
    """,
    re.VERBOSE,
)
_COMMENT = "<!-- -->"
"""What the registry's Markdown puts between two lists: it is no line."""

_OPEN_END = re.compile(r"\b(?:following|the|all|any|of|for|in|meet|these|this|each)$")
_PADDING = re.compile(r"[\s\u00a0]*(?:[.,;:](?=\s|$)[\s\u00a0]*)*")
_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6, "vii": 7, "viii": 8, "ix": 9, "x": 10, "xi": 11}


def read_lines(section: Section) -> list[Line]:
    r"""All lines that have words, in order; a heading that runs on into text becomes a line of its own.

    >>> from extractor.text.passage import read_section
    >>> lines = read_lines(read_section("eligibility", "Criteria:\n\n 1. Age\n * Sex"))
    >>> [(line.bullet and line.bullet.value, line.ordinal, line.column) for line in lines]
    [(None, None, 0), ('number', 1, 4), ('star', None, 3)]
    """
    raw = section.raw
    lines: list[Line] = []
    gap = False
    for found in re.finditer(r"[^\n]+|\n[ \t\r]*(?=\n)", raw):
        if found[0].strip("\r\n\t \u00a0") in ("", _COMMENT):
            gap = True
            continue
        wrapped = bool(lines) and not gap and _breaks_off(raw, lines[-1])
        for start, end in _split_at_headings(section, found.start(), found.end(), wrapped=wrapped):
            if line := _read_line(raw, start, end, gap=gap):
                lines.append(line)
                gap = False
    return lines


def _split_at_headings(section: Section, start: int, end: int, *, wrapped: bool) -> Iterator[tuple[int, int]]:
    """Cut a line in front of, and after, each heading of a list in it; not where a ``wrapped`` sentence names one."""
    whole = section.between(start, end)
    done = start
    if rule("criteria_word").search(section.tokens, whole.first, whole.end):
        for first, last in find_headings(section.tokens, whole.first, whole.end, wrapped=wrapped):
            heading = Passage(section, first, last).raw_span
            if any(word.isalpha() and len(word) > 1 for word in section.between(done, heading[0]).alone().tokens.words):
                yield done, heading[0]
                done = heading[0]
            yield (done, heading[1]) if done == start and not section.raw[done : heading[0]].strip() else heading
            done = heading[1]
    if section.raw[done:end].strip():
        yield done, end


def _breaks_off(raw: str, line: Line) -> bool:
    """Whether the words of a line go on in the next one."""
    return bool(line.width > 50 and _OPEN_END.search(raw, line.start, line.end))


def _read_line(raw: str, start: int, end: int, *, gap: bool) -> Line | None:
    words = _skip_padding(raw, start, end)
    bullet, ordinal = None, None
    for _ in range(3):  # "* 1. Age" has two markers; more are none
        marker = read_marker(raw, words, end)
        if not marker or _skip_padding(raw, marker[2], end) >= end:
            break
        bullet, ordinal = bullet or marker[0], marker[1] if ordinal is None else ordinal
        words = _skip_padding(raw, marker[2], end)
    stop = words + len(raw[words:end].rstrip())
    return Line(words, stop, words - start, end - start, gap, bullet, ordinal) if stop > words else None


def read_marker(raw: str, start: int, end: int) -> tuple[Bullet, int | None, int] | None:
    """The bullet or number at ``start``: what it is, its ordinal, and where it ends; None if there is none."""
    found = _MARKER.match(raw, start, end)
    if not found:
        return None
    if found["decimal"]:
        return Bullet.DECIMAL, int(found["second"]), found.end()
    if found["number"]:
        return Bullet.NUMBER, int(found["ordinal"]), found.end()
    if found["roman"]:
        return Bullet.ROMAN, _ROMAN.get(found["numeral"].lower()), found.end()
    if found["letter"]:
        return Bullet.LETTER, ord(found["character"].lower()) - ord("a") + 1, found.end()
    return Bullet(found.lastgroup or ""), None, found.end()


def _skip_padding(raw: str, start: int, end: int) -> int:
    found = _PADDING.match(raw, start, end)
    return found.end() if found else start
