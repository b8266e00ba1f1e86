r"""The layout of a list: its lines with their bullets or numbers, and the blocks that they make up.

A block is a line together with those into which it was wrapped or that continue it. Several items that run on in one
line ("1. Adult 2. Asthma 3. Consent") are a block each. Lines are taken from the raw text, because indentation and
line breaks are what a list is made of.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from extractor.text.book import rule
from extractor.text.clean import CleanText
from extractor.text.lexer import Tokens, lex
from extractor.text.passage import Passage, Section

from .headings import find_headings, read_list_heading


class Bullet(StrEnum):
    """What stands in front of an item."""

    NUMBER = "number"
    DECIMAL = "decimal"
    LETTER = "letter"
    ROMAN = "roman"
    DASH = "dash"
    STAR = "star"
    CIRCLE = "circle"


@dataclass(frozen=True, slots=True)
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
        last = lines[-1] if lines and not gap else None  # whose words may go on in this line
        wrapped = bool(last and last.width > 50 and _OPEN_END.search(raw, last.start, last.end))
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


def _read_line(raw: str, start: int, end: int, *, gap: bool) -> Line | None:
    words = _skip_padding(raw, start, end)
    bullet, ordinal = None, None
    for _ in range(3):  # "* 1. Age" has two markers; more are none
        marker = _read_marker(raw, words, end)
        if not marker or _skip_padding(raw, marker[2], end) >= end:
            break
        bullet, ordinal = bullet or marker[0], marker[1] if ordinal is None else ordinal
        words = _skip_padding(raw, marker[2], end)
    stop = words + len(raw[words:end].rstrip())
    return Line(words, stop, words - start, end - start, gap, bullet, ordinal) if stop > words else None


def _read_marker(raw: str, start: int, end: int) -> tuple[Bullet, int | None, int] | None:
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


_ENUMERATED = re.compile(
    r"(?P<before>[.;:,)\]）；。]|\w|\s)(?P<blank>\s*)"
    r"(?=[(（]?(?:\d{1,2}(?:[.-]\d{1,2}\s?\\?[.)）、\s]|\s?\\?[.)）、])|(?:[a-z]|[ivx]{2,4})\s?\\?[.)）、]))"
)
_SURE = ".;:,)]）；。"
_ROMAN_LETTERS = {"v": 5, "x": 10}
_CIRCLED = re.compile(r"(?<=[\s;])[•●▪◦■②-⑳]\s*(?=[^\W\d])")
_CAPITAL = re.compile(r"\s*(?:[A-Z\d]|\\?[<>≤≥])")


class _Mark(NamedTuple):
    """``raw[start:end]`` is the number or bullet of a further item; ``closed`` is where the item before it ends."""

    bullet: Bullet
    ordinal: int | None
    closed: int
    start: int
    end: int
    sure: bool = True


def _find_marks(raw: str, start: int, end: int, first: tuple[Bullet, int] | None, follows: int | None) -> list[_Mark]:
    """The marks within ``raw[start:end]``, an item whose own mark is ``first``; ``follows`` numbers the next item.

    Numbers and letters count up from the item's own. Without punctuation in front of them they are believed
    if there are several, or if the next item goes on counting where they end.
    """
    bullets = [
        _Mark(Bullet.CIRCLE, None, found.start(), found.start(), found.end())
        for found in _CIRCLED.finditer(raw, start, end)
        if raw.count("(", start, found.start()) <= raw.count(")", start, found.start())
    ]
    counted = list(_count_up(raw, start, end, *first)) if first else []
    guessed = any(not mark.sure for mark in counted) and follows != (counted[-1].ordinal or 0) + 1
    if first and guessed and (len(counted) < 2 or follows in [mark.ordinal for mark in counted]):
        counted = list(_count_up(raw, start, end, *first, sure_only=True))
    return sorted([*bullets, *counted], key=lambda mark: mark.start)


def _count_up(
    raw: str, start: int, end: int, bullet: Bullet, ordinal: int, *, sure_only: bool = False
) -> Iterator[_Mark]:
    seen = 0
    for found in _ENUMERATED.finditer(raw, start, end):
        marker = _read_marker(raw, found.end(), end)
        if not marker:
            continue
        number = marker[1] or 0
        if bullet is Bullet.ROMAN and marker[0] is Bullet.LETTER:
            number = _ROMAN_LETTERS.get(raw[found.end()], 0)
        elif marker[0] is not bullet:
            continue
        sure = found["before"] in _SURE or (not found["blank"] and found["before"].isspace())
        skips = number == ordinal + 2 and bullet is Bullet.LETTER and seen >= 2
        if number != ordinal + 1 and not (skips and sure):
            continue
        if sure or (not sure_only and _CAPITAL.match(raw, marker[2], end)):
            yield _Mark(bullet, number, found.end("before"), found.end(), marker[2], sure)
            ordinal, seen = number, seen + 1


_NOWHERE = Passage(Section("", "", CleanText(""), lex("")), 0, 0)


@dataclass(frozen=True, slots=True)
class Block:
    """One heading, item or paragraph, at ``start:end`` in the raw text, without its bullet, and alone in one line.

    ``column`` is its indentation.
    """

    start: int
    end: int
    column: int
    bullet: Bullet | None = None
    ordinal: int | None = None
    passage: Passage = _NOWHERE

    @property
    def span(self) -> tuple[int, int]:
        return self.start, self.end

    @property
    def tokens(self) -> Tokens:
        return self.passage.tokens


_AHEAD = 12
_DANGLING = re.compile(r"(?<!\s)\s++[-–*•]\s*+$|(?<=\.)\s*+[;；]\s*+$|(?<!\s)\s++$")
_SPACE = re.compile(r"\s*+")
_NEAR = 200
"""How many characters in front of a sub-item can introduce it."""
_LONGEST_HEADING = 2000
"""Characters, white space of the layout included."""
_ENDS = tuple(".;:!?；。：")


def read_blocks(section: Section) -> list[Block]:
    r"""The blocks of an eligibility section.

    >>> raw = "Criteria:\n\n  1. Able to give\n     consent\n\n  2. Adult"
    >>> [" ".join(raw[b.start:b.end].split()) for b in read_blocks(read_section("eligibility", raw))]
    ['Criteria:', 'Able to give consent', 'Adult']
    """
    raw, lines = section.raw, read_lines(section)
    width = _wrap_width(lines)
    blocks: list[Block] = []
    last: Line | None = None
    for line in lines:
        if last and _continues(section, blocks[-1], last, line, width):
            blocks[-1] = replace(blocks[-1], end=line.end)
        else:
            blocks.append(Block(line.start, line.end, line.column, line.bullet, line.ordinal))
        last = line
    parts: list[Block] = []
    for place, block in enumerate(blocks):
        # The next item with the same kind of number, on the far side of its sub-items.
        ahead = blocks[place + 1 : place + 1 + _AHEAD]
        following = next((other.ordinal for other in ahead if other.bullet is block.bullet), None)
        parts += _split_run_on(raw, block, following)
    return [replace(part, passage=section.between(*part.span).alone()) for part in parts]


def _wrap_width(lines: list[Line]) -> int | None:
    """The width at which the text was wrapped, or None if its lines were never wrapped."""
    widest = sorted(line.width for line in lines)[-3:]
    return widest[-1] if len(lines) > 2 and 72 <= widest[-1] <= 112 and widest[0] >= widest[-1] - 12 else None


def _continues(section: Section, block: Block, last: Line, line: Line, width: int | None) -> bool:
    """Whether a line goes on with a block: by its layout, unless one of them is a heading."""
    if line.bullet or not _fits(section.raw, block, last, line, width):
        return False
    places = [place for place in (block.span, (line.start, line.end)) if place[1] - place[0] <= _LONGEST_HEADING]
    return not any(read_list_heading(section.between(*place).alone().tokens, bulleted=False)[0] for place in places)


def _fits(raw: str, block: Block, last: Line, line: Line, width: int | None) -> bool:
    before = raw[last.start : last.end]
    if line.gap:
        level = 0 < block.column - 1 <= line.column <= block.column + 1
        return bool(block.bullet) and level and not before.endswith(":")
    if block.bullet and line.column >= max(block.column - 1, 1):
        return True
    first_word = raw[line.start : line.end].split(maxsplit=1)[0]
    if width and last.width + 1 + len(first_word) > width - 2:
        return True
    return raw[line.start].islower() and not before.endswith(_ENDS) and (len(before) > 60 or before.endswith(","))


def _split_run_on(raw: str, block: Block, follows: int | None) -> Iterator[Block]:
    """Cut a block that holds several items ("1. a 2. b 3. c"), and leave out what belongs to the layout.

    ``follows`` is the number of the next item. Layout is a dangling dash, and the semicolon between items of one line.
    """
    own = (block.bullet, block.ordinal) if block.bullet and block.ordinal else None
    parts = [block]
    for mark in _find_marks(raw, block.start, block.end, own, follows):
        text = _SPACE.match(raw, mark.end, block.end)
        start = text.end() if text else mark.end
        if start < block.end and mark.closed > parts[-1].start:
            before = raw[max(block.start, mark.closed - _NEAR) : mark.closed].rstrip()
            inner = mark.bullet is Bullet.CIRCLE and before.endswith((":", "："))
            bullet, column = (mark.bullet, block.column + 2) if inner else (block.bullet or mark.bullet, block.column)
            parts[-1] = replace(parts[-1], end=mark.closed)
            parts.append(Block(start, block.end, column, bullet, mark.ordinal))
    for part in parts:
        words = raw[part.start : part.end]
        words = words if words[-1:].isalnum() else _DANGLING.sub("", words)
        yield replace(part, end=part.start + len(words.rstrip(" \t\r\n;；") if len(parts) > 1 else words))
