"""The lines of a text in reading order, as the outline reads them.

A table row never continues another row. If its first cell is a heading, the other cells are its
content; columns whose names are headings are read one after the other.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby

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
_CELL = re.compile(r"[^|\t]+")
_PAGE_NUMBER = re.compile(r"[ \t]*[-–—] ?\d{1,4} ?[-–—][ \t]*$", re.MULTILINE)
_SIGN = re.compile(
    r"[ \t>]*(?P<sign>[*_]*(?:#{1,6}|={2,6}|(?:[A-Z]\.)?\d{1,2}(?:\.\d{1,2})*[.)]?"
    r"|[A-HIVX]{1,4}[.)]))[ \t]"
)
_DIGITS = re.compile(r"\d+")
_BREAK = re.compile(
    r"(?:(?<![\w-])(?P<word>[a-z]{2,40})-(?=[ \t]*\n\s*[a-z]))?(?<![ \t])[ \t]*+\n\s*+"
)
_WORD = re.compile(r"(?<![\w-])[a-z]{2,40}(?!-?\w|-[ \t]*\n)")
_SOFT = "\u00ad"
_MOST_CELLS = 4
"""The number of cells in a row that may be headings."""


@dataclass(slots=True)
class Entry:
    """A block of the outline in a text: ``text[start:end]``, with its mark; its words begin at
    ``words``. ``style`` is how its line is marked.

    ``is_behind``: it follows another one on its line. ``is_label``: it is a row of labels and
    texts, and its label is not a known heading.
    """

    block: Block
    start: int
    words: int
    end: int
    is_behind: bool
    is_label: bool
    style: str

    @property
    def is_item(self) -> bool:
        """Whether the block has a list marker."""
        return self.block.mark != "" or self.block.kind is BlockKind.ITEM


def read_entries(text: str, shown: str) -> list[Entry]:
    """Return the lines of a text without page edges. ``shown`` is the text as people see
    it, of the same length.
    """
    entries: list[Entry] = []
    for (first, last), is_label in _list_parts(text):
        end = -1
        for block in read_outline(read_section("text", text[first:last]), VOCABULARY):
            words = first + block.start
            begin = max(first, shown.rfind("\n", first, words) + 1)
            is_behind = begin < end
            end = first + block.end
            is_edge = _PAGE_NUMBER.match(shown, begin) is not None
            if block.kind is not BlockKind.FURNITURE and not is_edge:
                start = words if is_behind else begin
                sign = _SIGN.match(shown, begin)
                style = _DIGITS.sub("1", sign["sign"]) if sign else block.style
                entry = Entry(block, start, words, end, is_behind, is_label, style)
                entries.append(entry)
    return entries


def join_lines(text: str, entries: Sequence[Entry]) -> str:
    """Return a text of the same length whose wrapped lines are joined by blanks, or by soft hyphens
    where a hyphen breaks a word. Doubtful lines are unchanged.
    """
    # "treatment-naive" is no word that was broken, if "treatment" is one
    words = set(_WORD.findall(text))
    signs = list(text)
    for entry in entries:
        ends = _BREAK.finditer(text, entry.words, entry.end)
        for found in ends if not entry.block.doubt else ():
            word = found["word"] or ""
            kept = f"{word}-" if word in words else word
            filler = _SOFT if word else " "
            signs[slice(*found.span())] = kept.ljust(len(found[0]), filler)
    return "".join(signs)


def find_cells(text: str, start: int, end: int) -> list[Span]:
    """Return the cells of a line that contain words.

    >>> find_cells("| Age | 18 |", 0, 12)
    [(2, 5), (8, 10)]
    """
    cells = _CELL.finditer(text, start, end)
    return [strip_span(text, *cell.span()) for cell in cells if cell[0].strip()]


def _list_parts(text: str) -> Iterator[tuple[Span, bool]]:
    """Yield the units to read together: the lines between tables, and the cells or rows of tables,
    each with a flag for a row whose label is unknown.
    """
    lines = [line.span() for line in LINE.finditer(text)]
    for is_table, group in groupby(lines, key=lambda line: _is_row(text, line)):
        rows = list(group)
        if is_table:
            yield from _list_cells(text, rows)
        else:
            yield (rows[0][0], rows[-1][1]), False


def _is_row(text: str, line: Span) -> bool:
    """Return whether a line has several cells or is an outcome rank that divides a table."""
    words = text[slice(*line)].strip()
    return words.lower() in RANKS or len(find_cells(text, *line)) > 1


def _list_cells(text: str, rows: Sequence[Span]) -> Iterator[tuple[Span, bool]]:
    """Yield the cells or rows of a table, without column names that are not headings."""
    columns: list[list[Span]] = []
    has_labels = False
    for row in rows:
        cells = find_cells(text, *row)
        shown = [text[slice(*cell)] for cell in cells]
        headings = [_is_heading(cell) for cell in shown[:_MOST_CELLS]]
        parts: list[Span] = []
        if _names_columns(shown):
            continue
        if headings.count(True) > 1:
            parts = list(chain(*columns))
            columns = [[cell] for cell in cells]
        elif columns:
            # a rank alone is one of all columns
            for column, cell in zip(columns, cells * len(columns), strict=False):
                column.append(cell)
        elif headings[0] and len(cells) > 1:
            has_labels = True
            parts = [cells[0], (cells[1][0], cells[-1][1])]
        elif any(headings):
            parts = cells
        else:
            yield row, has_labels
        for part in parts:
            yield part, False
    for part in chain(*columns):
        yield part, False


def _is_heading(cell: str) -> bool:
    """Return whether a cell is a heading or begins with a criteria heading."""
    heading = find_heading(read_passage(cell), VOCABULARY)
    if heading is None or heading.name in STATES:
        return False
    return heading.is_whole or name_section(heading.name) == ELIGIBILITY


def _names_columns(cells: Sequence[str]) -> bool:
    """Return whether the cells of a row are column names of a table of arms or outcomes."""
    names = [read_text(cell.strip(" *_:")) for cell in cells]
    pattern = rule("name_of_column")
    return all(pattern.covers(name, 0, len(name)) is not None for name in names)
