r"""Blocks of a list: a line together with the lines into which it was wrapped or that continue it."""

import re
from dataclasses import replace

from extractor.parse.values import value
from extractor.text.lexer import Tokens, lex
from extractor.text.passage import Section

from .headings import read_list_heading
from .lines import Bullet, Line, read_lines
from .run_ons import find_marks

__all__ = ["Block", "read_blocks"]


_NO_TOKENS = lex("")


@value(frozen=True, slots=True)
class Block:
    """One heading, item or paragraph, at ``start:end`` in the raw text, without its bullet, and its tokens.

    ``column`` is its indentation.
    """

    start: int
    end: int
    column: int
    gap: bool
    bullet: Bullet | None = None
    ordinal: int | None = None
    tokens: Tokens = _NO_TOKENS


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

    >>> from extractor.text.passage import read_section
    >>> raw = "Criteria:\n\n  1. Able to give\n     consent\n\n  2. Adult"
    >>> [" ".join(raw[b.start:b.end].split()) for b in read_blocks(read_section("eligibility", raw))]
    ['Criteria:', 'Able to give consent', 'Adult']
    """
    blocks = _read_blocks(section)
    return [replace(block, tokens=section.between(block.start, block.end).alone().tokens) for block in blocks]


def _read_blocks(section: Section) -> list[Block]:
    raw, lines = section.raw, read_lines(section)
    width = _wrap_width(lines)
    blocks: list[Block] = []
    last: Line | None = None
    for line in lines:
        if last and blocks and _continues(section, blocks[-1], last, line, width):
            blocks[-1] = replace(blocks[-1], end=line.end)
        else:
            blocks.append(Block(line.start, line.end, line.column, line.gap, line.bullet, line.ordinal))
        last = line
    return [
        part for place, block in enumerate(blocks) for part in _split_run_on(raw, block, _next_alike(blocks, place))
    ]


def _next_alike(blocks: list[Block], place: int) -> Block | None:
    """The next item with the same kind of number, on the far side of its sub-items."""
    ahead = blocks[place + 1 : place + 1 + _AHEAD]
    return next((block for block in ahead if block.bullet is blocks[place].bullet), None)


def _wrap_width(lines: list[Line]) -> int | None:
    """The width at which the text was wrapped, or None if its lines were never wrapped."""
    widest = sorted(line.width for line in lines)[-3:]
    return widest[-1] if len(lines) > 2 and 72 <= widest[-1] <= 112 and widest[0] >= widest[-1] - 12 else None


def _continues(section: Section, block: Block, last: Line, line: Line, width: int | None) -> bool:
    if line.bullet or not _fits(section.raw, block, last, line, width):
        return False
    return not (_is_heading(section, block.start, block.end) or _is_heading(section, line.start, line.end))


def _fits(raw: str, block: Block, last: Line, line: Line, width: int | None) -> bool:
    """Whether a line continues a block by its layout."""
    before = raw[last.start : last.end]
    if line.gap:
        return (
            bool(block.bullet) and 0 < block.column - 1 <= line.column <= block.column + 1 and not before.endswith(":")
        )
    if block.bullet and line.column >= max(block.column - 1, 1):
        return True
    first_word = raw[line.start : line.end].split(maxsplit=1)[0]
    if width and last.width + 1 + len(first_word) > width - 2:
        return True
    return raw[line.start].islower() and not before.endswith(_ENDS) and (len(before) > 60 or before.endswith(","))


def _is_heading(section: Section, start: int, end: int) -> bool:
    if end - start > _LONGEST_HEADING:
        return False
    return read_list_heading(section.between(start, end).alone().tokens, bulleted=False)[0]


def _split_run_on(raw: str, block: Block, following: Block | None) -> list[Block]:
    """Cut a block that holds several items ("1. a 2. b 3. c")."""
    own = (block.bullet, block.ordinal) if block.bullet and block.ordinal else None
    follows = following.ordinal if following else None
    parts = [block]
    for mark in find_marks(raw, block.start, block.end, own, follows):
        text = _SPACE.match(raw, mark.end, block.end)
        start = text.end() if text else mark.end
        if start < block.end and mark.closed > parts[-1].start:
            before = raw[max(block.start, mark.closed - _NEAR) : mark.closed].rstrip()
            inner = mark.bullet is Bullet.CIRCLE and before.endswith((":", "："))
            bullet, column = (mark.bullet, block.column + 2) if inner else (block.bullet or mark.bullet, block.column)
            parts[-1] = replace(parts[-1], end=mark.closed)
            parts.append(Block(start, block.end, column, gap=False, bullet=bullet, ordinal=mark.ordinal))
    return [_trim(raw, part, run_on=len(parts) > 1) for part in parts]


def _trim(raw: str, block: Block, *, run_on: bool) -> Block:
    """Without what belongs to the layout: a dangling dash, and the semicolon between items of one line."""
    text = raw[block.start : block.end]
    if not text[-1:].isalnum():
        text = _DANGLING.sub("", text)
    if run_on:
        text = text.rstrip(" \t\r\n;；")
    end = block.start + len(text)
    return block if end == block.end else replace(block, end=end)
