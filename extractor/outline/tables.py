"""The lines of a section as written, and the cells of its tables.

If the header of a table names lists ("Inclusion | Exclusion"), the cells are returned column by
column, each column below its heading. In other rows, a heading in a cell is a line of its own, and
a row without a heading is one line.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from extractor.language.passage import LexedSection, Passage
from extractor.outline.headings import Heading, Vocabulary, find_heading

_CELL_END = re.compile(r"[\t|]")
_COLUMN_END = re.compile(r"[\t|]|(?<=\S) {3,}(?=\S)|(?<=\n) {3,}(?=\S)")
"""Columns that are only set apart by spaces need a header that names lists."""
_RULE = re.compile(r"(?:[|:\-=_*\s]{3,}+|\s*+>+)$")
_RULED = re.compile(r"\s*\|[\s:|-]*-[\s:|-]*(?:\n|$)")
_ROW = re.compile(r"\s*\|.*\S\s*$")
_MOST_CELLS = 4
"""Only this many cells at the start of a row are searched for a heading."""


@dataclass(frozen=True, slots=True)
class Written:
    """A line as written, or a cell of a table.

    Attributes:
        passage: Its words.
        begin: The offset in the cleaned text from which its column is counted.
        gap: Whether an empty line precedes it.
        is_row: Whether it is a row or a cell of a table.
        is_furniture: Whether it is a header that names no list.
    """

    passage: Passage
    begin: int
    gap: bool
    is_row: bool = False
    is_furniture: bool = False


def list_written(section: LexedSection, vocabulary: Vocabulary) -> Iterator[Written]:
    """Yield the lines of a section that contain words, and the cells of its tables."""
    lines = list(_list_lines(section))
    place = 0
    while place < len(lines):
        line = lines[place]
        place += 1
        columns = _list_cells(line, _COLUMN_END)
        headings = _find_headings(columns, vocabulary)
        if len({heading.name for heading in headings.values()}) > 1:
            end = _find_end(lines, place, vocabulary)
            yield from _list_columns(line, lines[place:end])
            place = end
        else:
            yield from _read_row(line, vocabulary)


def _list_lines(section: LexedSection) -> Iterator[Written]:
    text = section.tokens.text
    end_above = 0
    written = list(section.lines())
    is_quoted = len(written) > 1 and all(line.text[0] == ">" for line in written)
    for line in written:
        start, end = section.tokens.span(line.first, line.end)
        begin = text.rfind("\n", 0, start) + 1
        gap = text.count("\n", end_above, start) > 1
        end_above = end
        passage = strip_punctuation(line, "-•·")
        if _RULE.match(text, begin, end):
            continue
        if is_quoted:  # as an e-mail quotes another one
            passage = passage.part(line.first + 1, passage.end)
            begin = start + 1
        if passage.end > passage.first:
            yield Written(passage, begin, gap)


def strip_punctuation(passage: Passage, characters: str = ";,~") -> Passage:
    """Return a passage without leftover punctuation at its end."""
    words = passage.tokens.words
    end = passage.end
    while end > passage.first and words[end - 1] in characters:
        end -= 1
    return passage.part(passage.first, end)


def _list_cells(line: Written, cell_end: re.Pattern[str]) -> list[Passage]:
    """Return the cells of a line, some of which may be empty. Tabs are spaces in the cleaned text,
    so that they are searched in the raw one.
    """
    section = line.passage.section
    start, end = line.passage.raw_span
    start = section.raw.rfind("\n", 0, start) + 1
    stop = section.raw.find("\n", end)
    if stop < 0:
        stop = len(section.raw)
    cells: list[Passage] = []
    for match in cell_end.finditer(section.raw, start, stop):
        cells.append(section.between(start, match.start()))
        start = match.end()
    cells.append(section.between(start, stop))
    return cells


def _find_headings(
    cells: Sequence[Passage], vocabulary: Vocabulary
) -> dict[int, Heading]:
    """Return the cells that are nothing but a heading, by their places in a row of several."""
    found: dict[int, Heading] = {}
    if len(cells) == 1:
        return found
    for place, cell in enumerate(cells[:_MOST_CELLS]):
        heading = find_heading(cell, vocabulary)
        if heading and heading.is_whole:
            found[place] = heading
    return found


def _find_end(lines: Sequence[Written], place: int, vocabulary: Vocabulary) -> int:
    """Return the place after the last row of a table. A line without cells is the end if an empty
    line precedes it, or if it is a heading.
    """
    while place < len(lines):
        line = lines[place]
        cells = _list_cells(line, _COLUMN_END)
        is_line = len(cells) == 1
        if is_line and (line.gap or find_heading(line.passage, vocabulary)):
            return place
        place += 1
    return place


def _list_columns(header: Written, rows: Sequence[Written]) -> Iterator[Written]:
    """Yield the cells of a table that are not empty, column by column."""
    table = [_list_cells(row, _COLUMN_END) for row in (header, *rows)]
    for place in range(max(map(len, table))):
        for cells in table:
            yield from _make_cells(header, cells[place : place + 1])


def _make_cells(
    row: Written, cells: Sequence[Passage], *, are_furniture: bool = False
) -> Iterator[Written]:
    """Yield the cells that contain words, as lines of their own."""
    for cell in cells:
        passage = strip_punctuation(cell, "-•·")
        if passage.end > passage.first:
            begin = passage.tokens.starts[passage.first]
            yield Written(
                passage, begin, row.gap, is_row=True, is_furniture=are_furniture
            )


def _read_row(line: Written, vocabulary: Vocabulary) -> Iterator[Written]:
    """Yield a line or, of a row of cells, its heading and what follows it."""
    cells = _list_cells(line, _CELL_END)
    is_ruled = _ROW.match(line.passage.text) is not None
    headings = _find_headings(cells, vocabulary)
    if is_ruled and _is_header(line):
        yield from _make_cells(line, [_join_cells(line.passage)], are_furniture=True)
    elif headings:
        place = min(headings)
        yield from _make_cells(line, cells[:place], are_furniture=True)
        yield from _make_cells(line, cells[place:])
    elif is_ruled:
        yield replace(line, passage=_join_cells(line.passage), is_row=True)
    else:
        yield line


def _is_header(line: Written) -> bool:
    """Return whether a row is followed by a ruled line."""
    tokens = line.passage.tokens
    _, end = tokens.span(line.passage.first, line.passage.end)
    return _RULED.match(tokens.text[end : end + 80].lstrip("\n")) is not None


def _join_cells(passage: Passage) -> Passage:
    """Return the part of a row from the first cell that contains a word to the last cell."""
    words = passage.tokens.words
    first = passage.first
    stop = passage.end
    for at in range(first, stop):
        if words[at] == "|":
            first = at + 1
        elif words[at][:1].isalpha():
            break
    while stop > first and words[stop - 1] == "|":
        stop -= 1
    return passage.part(first, stop)
