r"""Blocks of a list: a line together with the lines into which it was wrapped or that continue it."""

import re
from dataclasses import dataclass, replace

from .headings import read_list_heading
from .lines import Bullet, Line, read_lines, read_marker

__all__ = ["Block", "read_blocks"]


@dataclass(frozen=True, slots=True)
class Block:
    """``raw[start:end]`` is one heading, item or paragraph, without its bullet. ``column`` is its indentation."""

    start: int
    end: int
    column: int
    gap: bool
    bullet: Bullet | None = None
    ordinal: int | None = None

    def words(self, raw: str) -> str:
        """The text in one line."""
        return " ".join(raw[self.start : self.end].split())


_SEQUENCE = re.compile(r"(?P<before>[.;:,)\]）；。]|\w|\s)(?P<blank>\s*)(?=[(（]?(?:\d{1,2}|[a-z])\s?\\?[.)）、])")
_DANGLING = re.compile(r"\s+[-–*•]\s*$|(?<=\.)\s*[;；]\s*$|\s+$")
_ENDS = tuple(".;:!?；。：")


def read_blocks(raw: str) -> list[Block]:
    r"""The blocks of an eligibility section.

    >>> raw = "Criteria:\n\n  1. Able to give\n     consent\n\n  2. Adult"
    >>> [" ".join(raw[b.start:b.end].split()) for b in read_blocks(raw)]
    ['Criteria:', 'Able to give consent', 'Adult']
    """
    lines = read_lines(raw)
    width = _wrap_width(lines)
    blocks: list[Block] = []
    last: Line | None = None
    for line in lines:
        if last and blocks and _continues(raw, blocks[-1], last, line, width):
            blocks[-1] = replace(blocks[-1], end=line.end)
        else:
            blocks.append(Block(line.start, line.end, line.column, line.gap, line.bullet, line.ordinal))
        last = line
    return [part for block in blocks for part in _split_run_on(raw, block)]


def _wrap_width(lines: list[Line]) -> int | None:
    """The width at which the text was wrapped, or None if its lines were never wrapped."""
    widest = sorted(line.width for line in lines)[-3:]
    return widest[-1] if len(lines) > 2 and 72 <= widest[-1] <= 112 and widest[0] >= widest[-1] - 12 else None


def _continues(raw: str, block: Block, last: Line, line: Line, width: int | None) -> bool:
    if line.bullet or _is_heading(raw, block.start, block.end) or _is_heading(raw, line.start, line.end):
        return False
    before = raw[last.start : last.end]
    if line.gap:
        return (
            bool(block.bullet) and 0 < block.column - 1 <= line.column <= block.column + 1 and not before.endswith(":")
        )
    if block.bullet and line.column >= max(block.column - 1, 1):
        return True
    first_word = re.match(r"\S+", raw[line.start : line.end])
    if width and last.width + 1 + (first_word.end() if first_word else 0) > width - 2:
        return True
    return raw[line.start].islower() and not before.endswith(_ENDS) and (len(before) > 60 or before.endswith(","))


def _is_heading(raw: str, start: int, end: int) -> bool:
    return read_list_heading(" ".join(raw[start:end].split()), bulleted=False)[0]


def _split_run_on(raw: str, block: Block) -> list[Block]:
    """Cut "1. a 2. b 3. c" within one block, if its numbers or letters count up from the block's own."""
    parts = [block]
    if block.bullet not in (Bullet.NUMBER, Bullet.LETTER) or block.ordinal is None:
        return [_trim(raw, block, run_on=False)]
    for found in _SEQUENCE.finditer(raw, block.start, block.end):
        marker = read_marker(raw, found.end(), block.end)
        if not marker or marker[0] != block.bullet or marker[1] is None:
            continue
        step = marker[1] - (parts[-1].ordinal or 0)
        sure = found["before"] in ".;:,)]）；。" or (not found["blank"] and found["before"].isspace())
        if sure and (step == 1 or (step == 2 and block.bullet is Bullet.LETTER and len(parts) > 2)):
            start = marker[2] + len(raw[marker[2] : block.end]) - len(raw[marker[2] : block.end].lstrip())
            if start < block.end:
                parts[-1] = replace(parts[-1], end=found.end("before"))
                parts.append(replace(block, start=start, ordinal=marker[1], gap=False))
    return [_trim(raw, part, run_on=len(parts) > 1) for part in parts]


def _trim(raw: str, block: Block, *, run_on: bool) -> Block:
    """Without what belongs to the layout: a dangling dash, and the semicolon between items of one line."""
    text = _DANGLING.sub("", raw[block.start : block.end])
    if run_on:
        text = text.rstrip(" \t\r\n;；")
    return replace(block, end=block.start + len(text))
