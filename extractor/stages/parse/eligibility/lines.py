r"""The layout of a list: its lines with their bullets or numbers, and the blocks that they form.

A block is a heading, an item or a paragraph: a line with its wrapped continuations. Items that share a line
("1. Adult 2. Asthma 3. Consent") are separate blocks. Lines come from the raw text, because indentation and line
breaks make up the list.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from extractor.text.book import expression, rule
from extractor.text.lexer import Tokens
from extractor.text.passage import LexedSection, Passage, strip_span

from .headings import find_headings, read_list_heading

_COMMENT = "<!-- -->"
"""The separator of two lists in the registry's Markdown, which is not a line."""
_OPEN_END = re.compile(r"\b(?:following|the|all|any|of|for|in|meet|these|this|each)$")
_PADDING = re.compile(r"[\s\u00a0]*(?:[.,;:](?=\s|$)[\s\u00a0]*)*")
_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6, "vii": 7, "viii": 8, "ix": 9, "x": 10, "xi": 11}
_LONG_COUNT = 4
"""So many items that count up are numbered, wherever they begin."""
_NEXT_ITEM_REACH = 12
"""How many blocks ahead the next item may be, after sub-items."""
_LONGEST_HEADING = 2000
"""In characters, including white space of the layout."""
_ENDS = tuple(".;:!?；。：")
_PUNCTUATION = ".;:,)]）；。"
_CAPITAL = re.compile(r"\s*(?:[A-Z\d]|\\?[<>≤≥])")
_INTRODUCTION_REACH = 200
"""How many characters before a sub-item can introduce it."""


class Bullet(StrEnum):
    """The mark of an item, from outer to inner levels: the groups of the expression ``list_mark``."""

    NUMBER = "number"
    DECIMAL = "decimal"
    LETTER = "letter"
    ROMAN = "roman"
    DASH = "dash"
    STAR = "star"
    CIRCLE = "circle"


@dataclass(frozen=True)
class Line:
    """The words of a line or a block, ``section.raw[start:end]``, without the bullet.

    ``column`` is the start of the words in the line, ``width`` the length of the line. ``gap`` is true after a blank
    line. ``ordinal`` is an item's number, with letters and Roman numerals converted.
    """

    section: LexedSection
    start: int
    end: int
    column: int
    width: int
    gap: bool = False
    bullet: Bullet | None = None
    ordinal: int | None = None

    @property
    def span(self) -> tuple[int, int]:
        return self.start, self.end

    @cached_property
    def passage(self) -> Passage:
        """The words on one line, with no tokens around them."""
        return self.section.between(*self.span).alone()

    @property
    def tokens(self) -> Tokens:
        return self.passage.tokens


def read_lines(section: LexedSection) -> list[Line]:
    r"""Return all lines with words, in order. A heading followed by text on the same line becomes a separate line.

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
        last = lines[-1] if lines and not gap else None
        wrapped = bool(last and last.width > 50 and _OPEN_END.search(raw, *last.span))
        for start, end in _split_at_headings(section, *found.span(), wrapped=wrapped):
            if line := _read_line(section, start, end, gap=gap):
                lines.append(line)
                gap = False
    return list(_drop_bare_numbers(lines))


def _drop_bare_numbers(lines: Sequence[Line]) -> Iterator[Line]:
    """Yield the lines without numbers that lack punctuation ("2 Signed consent") where the items count up.

    The count begins at 1 or after an item with a marked number, or is long: "2 ECG leads" keeps its number.
    """
    bare = [None if line.ordinal else expression("bare_number").match(line.section.raw, *line.span) for line in lines]
    counts = [int(found["ordinal"]) if found else line.ordinal or 0 for line, found in zip(lines, bare, strict=True)]
    starts = list(range(len(lines)))
    for place in range(1, len(lines)):
        if bare[place] and counts[place] == counts[place - 1] + 1 > 1:
            starts[place] = starts[place - 1]
    lengths = Counter(starts)
    for line, found, count, start in zip(lines, bare, counts, starts, strict=True):
        length = lengths[start]
        counted = length >= _LONG_COUNT or (length > 1 and (counts[start] == 1 or not bare[start]))
        if not found or found.end() >= line.end or not counted:
            yield line
            continue
        bullet, column = line.bullet or Bullet.NUMBER, line.column + found.end() - line.start
        yield replace(line, start=found.end(), column=column, bullet=bullet, ordinal=count)


def _split_at_headings(section: LexedSection, start: int, end: int, *, wrapped: bool) -> Iterator[tuple[int, int]]:
    """Cut a line before and after each heading of a list in it. ``wrapped``: the line continues a sentence."""
    whole = section.between(start, end)
    done = start
    if rule("criteria_word").search(section.tokens, whole.first, whole.end):
        for place in find_headings(section.tokens, whole.first, whole.end, wrapped=wrapped):
            first, last = whole.part(*place).raw_span
            if any(word.isalpha() and len(word) > 1 for word in section.between(done, first).alone().tokens.words):
                yield done, first
                done = first
            yield start if done == start and not section.raw[start:first].strip() else first, last
            done = last
    if section.raw[done:end].strip():
        yield done, end


def _read_line(section: LexedSection, start: int, end: int, *, gap: bool) -> Line | None:
    raw, words = section.raw, _skip_padding(section.raw, start, end)
    bullet, ordinal = None, None
    for _ in range(3):  # "* 1. Age" has two markers; more are no markers
        marker = _read_marker(raw, words, end)
        if not marker or (behind := _skip_padding(raw, marker.end, end)) >= end:
            break
        bullet, ordinal = bullet or marker.bullet, marker.ordinal if ordinal is None else ordinal
        words = behind
    stop = strip_span(raw, words, end)[1]
    return Line(section, words, stop, words - start, end - start, gap, bullet, ordinal) if stop > words else None


def _skip_padding(raw: str, start: int, end: int) -> int:
    found = _PADDING.match(raw, start, end)
    return found.end() if found else start


class _Marker(NamedTuple):
    """A bullet or number that ends at ``end``. ``before`` is the end of the text before it.

    ``sure`` is false if no punctuation separates it.
    """

    bullet: Bullet
    ordinal: int | None
    end: int
    before: int
    sure: bool = True


def _read_marker(raw: str, start: int, end: int) -> _Marker | None:
    found = expression("list_mark").match(raw, start, end)
    if not found:
        return None
    ordinal = _ROMAN.get((found["numeral"] or "").lower())
    if digits := found["second"] or found["ordinal"]:
        ordinal = int(digits)
    elif letter := found["character"]:
        ordinal = ord(letter.lower()) - ord("a") + 1
    return _Marker(Bullet(found.lastgroup or ""), ordinal, found.end(), start)


def read_blocks(section: LexedSection) -> list[Line]:
    r"""Return the blocks of an eligibility section.

    >>> raw = "Criteria:\n\n  1. Able to give\n     consent\n\n  2. Adult"
    >>> [" ".join(raw[b.start:b.end].split()) for b in read_blocks(read_section("eligibility", raw))]
    ['Criteria:', 'Able to give consent', 'Adult']
    """
    lines = read_lines(section)
    widest = sorted(line.width for line in lines)[-3:]  # the width at which the text was wrapped, if it was
    is_wrapped = len(lines) > 2 and 72 <= widest[-1] <= 112 and widest[0] >= widest[-1] - 12
    width = widest[-1] if is_wrapped else None
    blocks: list[Line] = []
    last: Line | None = None
    for line in lines:
        if last and _continues(blocks[-1], last, line, width):
            blocks[-1] = replace(blocks[-1], end=line.end)
        else:
            blocks.append(line)
        last = line
    parts: list[Line] = []
    for place, block in enumerate(blocks):
        ahead = blocks[place + 1 : place + 1 + _NEXT_ITEM_REACH]
        parts += _split_run_on(block, next((other.ordinal for other in ahead if other.bullet is block.bullet), None))
    return parts


def _continues(block: Line, last: Line, line: Line, width: int | None) -> bool:
    """Return whether a line continues a block with this ``last`` line. A heading never does."""
    before, text = (line.section.raw[slice(*one.span)] for one in (last, line))
    if line.gap:
        level = 0 < block.column - 1 <= line.column <= block.column + 1
        fits = bool(block.bullet) and level and not before.endswith(":")
    else:
        inside = bool(block.bullet) and line.column >= max(block.column - 1, 1)
        full = width is not None and last.width + 1 + len(text.split(maxsplit=1)[0]) > width - 2
        continues = text[0].islower() and not before.endswith(_ENDS) and (len(before) > 60 or before.endswith(","))
        fits = inside or full or continues
    short = (one for one in (block, line) if one.end - one.start <= _LONGEST_HEADING)
    return fits and not line.bullet and not any(read_list_heading(one.tokens, bulleted=False)[0] for one in short)


def _split_run_on(block: Line, follows: int | None) -> Iterator[Line]:
    """Cut a block of several items ("1. a 2. b 3. c"), and drop signs of the layout.

    ``follows`` is the number of the next item. Signs of the layout are a dangling dash, and a semicolon between items.
    """
    raw, parts, opening = block.section.raw, [block], block.start
    circles = [
        _Marker(Bullet.CIRCLE, None, found.end(), found.start())
        for found in expression("circle_inside").finditer(raw, *block.span)
        if raw.count("(", opening, found.start()) <= raw.count(")", opening, found.start())
    ]
    for mark in sorted([*circles, *_find_numbers(block, follows)], key=lambda mark: mark.end):
        start, _ = strip_span(raw, mark.end, block.end)
        if start < block.end and mark.before > parts[-1].start:
            front = raw[max(block.start, mark.before - _INTRODUCTION_REACH) : mark.before].rstrip()
            inner = mark.bullet is Bullet.CIRCLE and front.endswith((":", "："))
            bullet, column = (mark.bullet, block.column + 2) if inner else (block.bullet or mark.bullet, block.column)
            parts[-1] = replace(parts[-1], end=mark.before)
            parts.append(replace(block, start=start, column=column, bullet=bullet, ordinal=mark.ordinal))
    for part in parts:
        words = raw[part.start : part.end]
        words = words if words[-1:].isalnum() else expression("dangling_mark").sub("", words)
        yield replace(part, end=part.start + len(words.rstrip(" \t\r\n;；") if len(parts) > 1 else words))


def _find_numbers(block: Line, follows: int | None) -> list[_Marker]:
    """Return the numbers and letters that count up from the block's own number.

    Without punctuation before them, they count only if there are several, or if the next item continues the count.
    """
    counted = list(_count_up(block))
    guessed = any(not mark.sure for mark in counted) and follows != (counted[-1].ordinal or 0) + 1
    if guessed and (len(counted) < 2 or follows in [mark.ordinal for mark in counted]):
        return list(_count_up(block, sure_only=True))
    return counted


def _count_up(block: Line, *, sure_only: bool = False) -> Iterator[_Marker]:
    raw, ordinal = block.section.raw, block.ordinal
    for found in expression("number_ahead").finditer(raw, *block.span) if block.bullet and ordinal else ():
        marker = _read_marker(raw, found.end(), block.end)
        if not marker or marker.bullet is not block.bullet or marker.ordinal != (ordinal or 0) + 1:
            continue
        sure = found["before"] in _PUNCTUATION or (not found["blank"] and found["before"].isspace())
        if sure or (not sure_only and _CAPITAL.match(raw, marker.end, block.end)):
            yield marker._replace(before=found.end("before"), sure=sure)
            ordinal = marker.ordinal
