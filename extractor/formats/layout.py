"""The lines of a text in reading order, as the outline reads them.

A table row never continues another row. If its first cell is a heading, the others are what is
below it; columns whose names are headings are read one after the other.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from extractor.formats.headings import (
    ELIGIBILITY,
    RANKS,
    STATES,
    VOCABULARY,
    name_section,
)
from extractor.language.book import read_text, rule
from extractor.language.passage import read_passage, read_section, strip_span
from extractor.outline import Block, BlockKind, read_outline
from extractor.outline.headings import find_heading

Span = tuple[int, int]
"""Half-open offsets into a text."""
LINE = re.compile(r"[^\r\n]+")
_BORDER = re.compile(r"\|[ \t|]*|\t[ \t]*(?:\|[ \t|]*)?")
_PAGE_NUMBER = re.compile(r"[ \t]*[-–—] ?\d{1,4} ?[-–—][ \t]*$", re.MULTILINE)
_SIGN = re.compile(
    r"[ \t>]*(?P<sign>[*_]*(?:#{1,6}|={2,6}|(?:[A-Z]\.)?\d{1,2}(?:\.\d{1,2})*[.)]?"
    r"|[A-HIVX]{1,4}[.)]))[ \t]"
)
_BREAK = re.compile(
    r"(?:(?<![\w-])(?P<word>[a-z]{2,40})-(?=[ \t]*\n\s*[a-z]))?(?<![ \t])[ \t]*+\n\s*+"
)
_WORD = re.compile(r"(?<![\w-])[a-z]{2,40}(?!-?\w|-[ \t]*\n)")
_SOFT = "\u00ad"
_DIGITS = re.compile(r"\d+")
_MOST_CELLS = 4
"""The cells of a row that may be headings."""


@dataclass(slots=True)
class Entry:
    """A line of a text, or more that a sentence takes: ``text[start:end]``, with its mark.

    ``words`` is where its words begin, ``name`` the kind of a heading. ``is_behind``: it follows
    another one on its line. ``is_label``: it is a row of labels and texts, and its label is not
    a known heading.
    """

    start: int
    words: int
    end: int
    kind: BlockKind = BlockKind.PARAGRAPH
    name: str | None = None
    style: str = ""
    column: int = 0
    gap: bool = False
    is_doubted: bool = False
    is_behind: bool = False
    is_label: bool = False


class _Part(NamedTuple):
    """What the outline reads at once: lines, a cell or a row."""

    start: int
    end: int
    is_label: bool = False


def read_entries(text: str, shown: str) -> list[Entry]:
    """Return the lines of a text without page edges. ``shown`` is the text as people see
    it, of the same length.
    """
    entries: list[Entry] = []
    for part in _list_parts(text):
        section = read_section("text", text[part.start : part.end])
        end_above = -1
        for block in read_outline(section, VOCABULARY):
            begin = shown.rfind("\n", part.start, part.start + block.start) + 1
            begin = max(begin, part.start)
            is_edge = _PAGE_NUMBER.match(shown, begin) is not None
            if block.kind is not BlockKind.FURNITURE and not is_edge:
                entry = _make_entry(shown, part, block, begin)
                if begin < end_above:
                    entry.start = entry.words
                    entry.is_behind = True
                entries.append(entry)
            end_above = part.start + block.end
    return entries


def _make_entry(shown: str, part: _Part, block: Block, begin: int) -> Entry:
    sign = _SIGN.match(shown, begin)
    style = _DIGITS.sub("1", sign["sign"]) if sign else block.style
    return Entry(
        start=begin,
        words=part.start + block.start,
        end=part.start + block.end,
        kind=BlockKind.ITEM if block.mark else block.kind,
        name=block.name,
        style=style,
        column=block.column,
        gap=block.gap,
        is_doubted=block.doubt != "",
        is_label=part.is_label,
    )


def join_lines(text: str, entries: Sequence[Entry]) -> str:
    """Return a text of the same length whose wrapped lines are joined by blanks, or by soft hyphens
    where a hyphen breaks a word. Lines in doubt stay as they are.
    """
    # "treatment-naive" is no word that was broken, if "treatment" is one
    words = set(_WORD.findall(text))

    def fill(found: re.Match[str]) -> str:
        word = found["word"] or ""
        kept = f"{word}-" if word in words else word
        return kept.ljust(len(found[0]), _SOFT if word else " ")

    joined: list[str] = []
    done = 0
    for entry in sorted(entries, key=lambda entry: entry.words):
        if not entry.is_doubted and entry.words >= done:
            whole = text[entry.words : entry.end]
            joined += [text[done : entry.words], _BREAK.sub(fill, whole)]
            done = entry.end
    return "".join([*joined, text[done:]])


def find_cells(text: str, start: int, end: int) -> list[Span]:
    """Return the cells of a line that have words.

    >>> find_cells("| Age | 18 |", 0, 12)
    [(2, 5), (8, 10)]
    """
    borders = [border.span() for border in _BORDER.finditer(text, start, end)]
    begins = [start, *(behind for _, behind in borders)]
    ends = [*(before for before, _ in borders), end]
    spans = [strip_span(text, *bounds) for bounds in zip(begins, ends, strict=True)]
    return [(first, last) for first, last in spans if first < last]


def _list_parts(text: str) -> Iterator[_Part]:
    """Yield what is read together: the lines between tables, and the cells or rows of tables."""
    lines = [line.span() for line in LINE.finditer(text)]
    for is_table, group in groupby(lines, key=lambda line: _is_row(text, line)):
        rows = list(group)
        if is_table:
            yield from _list_cells(text, rows)
        else:
            yield _Part(rows[0][0], rows[-1][1])


def _is_row(text: str, line: Span) -> bool:
    """Return whether a line has several cells, or is a rank that divides a table."""
    words = text[slice(*line)].strip()
    return words.lower() in RANKS or len(find_cells(text, *line)) > 1


def _list_cells(text: str, rows: Sequence[Span]) -> Iterator[_Part]:
    """Yield the cells or rows of a table, without the names of columns that are not headings."""
    columns: list[list[Span]] = []
    has_labels = False
    for row in rows:
        cells = find_cells(text, *row)
        shown = [text[slice(*cell)] for cell in cells]
        headings = [_is_heading(cell) for cell in shown[:_MOST_CELLS]]
        if _names_columns(shown):
            continue
        if headings.count(True) > 1:
            yield from _read_columns(columns)
            columns = [[cell] for cell in cells]
        elif columns:
            # a rank alone is one of all columns
            for column, cell in zip(columns, cells * len(columns), strict=False):
                column.append(cell)
        elif headings[0] and len(cells) > 1:
            has_labels = True
            yield from _read_columns([cells[:1], [(cells[1][0], cells[-1][1])]])
        elif any(headings):
            yield from _read_columns([cells])
        else:
            yield _Part(*row, is_label=has_labels)
    yield from _read_columns(columns)


def _read_columns(columns: Sequence[Sequence[Span]]) -> Iterator[_Part]:
    for column in columns:
        for cell in column:
            yield _Part(*cell)


def _is_heading(cell: str) -> bool:
    """Return whether a cell is a heading, or begins with one of a list of criteria."""
    heading = find_heading(read_passage(cell), VOCABULARY)
    if heading is None or heading.name in STATES:
        return False
    return heading.is_whole or name_section(heading.name) == ELIGIBILITY


def _names_columns(cells: Sequence[str]) -> bool:
    """Return whether the cells of a row are the names of columns of arms or outcomes."""
    names = [read_text(cell.strip(" *_:")) for cell in cells]
    pattern = rule("name_of_column")
    return all(pattern.covers(name, 0, len(name)) is not None for name in names)
