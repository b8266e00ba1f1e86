"""Set the lines of a PDF as text: rows of tables, columns, and lines that were wrapped at the right
margin.

The order in which the file draws its lines is kept, because it is that of reading in nearly all
files; only columns that are drawn line by line are put after each other.
"""

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from extractor.formats.documents.content import DocumentContent, Span
from extractor.formats.documents.edges import find_edges
from extractor.formats.documents.lines import Glyph, Line, Page

_NARROW_GAP = 0.4
_GAP = 1.0
_WIDE_GAP = 3.0
"""Widths of the gap between two cells of a row, in sizes of the letters: a narrow one needs several
lines that begin behind it, a wide one needs none. A line that is set to both margins has narrow
gaps, too.
"""
_FEWEST_BELOW = 3
_FEWEST_LINES = 2
"""Gaps that end, and lines that begin, at the same place as a cell."""
_ALIGNED = 2.0
"""Points by which two lines that begin below each other may differ."""
_MOST_LINES_OF_LABEL = 12
"""Lines of a row's first cell; more are a column of text."""
_TIGHT = 1.45
"""Distance of two lines of one paragraph or cell, in sizes of the letters."""
_LEADING = 1.15
_MOST_LEADING = 2.2
"""The same, in usual distances of lines; the largest such distance in sizes of the letters."""
_STACKED = 2.2
"""Distance of two lines of one cell, whose paragraphs may be apart."""
_FEWEST_AT_MARGIN = 3
_FEWEST_BEFORE_CAPITAL = 4
"""Lines that end near the right margin, if there is one; more are needed before a line that may
begin a sentence.
"""
_NARROWEST = 16
"""Width of the narrowest column of text, in sizes of the letters."""
_MARGIN = 4.0
"""Width before the right margin where the ragged lines of a paragraph end, in sizes of the
letters.
"""
_INDENT = 4.0
_FEWEST_ROWS_OF_COLUMNS = 6
_FULL_ROWS = 0.7
_LARGER = 1.12
_LONGEST_HEADING = 160
_MARK = re.compile(
    r"(?:[(\[]?\d{1,2}(?:\.\d{1,2})*[.)\]]+|\d{1,2}(?:\.\d{1,2})+(?=\s+[A-Z])|\(?[A-Za-z][.)]"
    r"|[ivx]{1,5}[.)]|[-–—*+•·▪◦●○‣⁃∙□■➢►✓\uf0b7\uf0a7])(?:\s|$)"
)
"""What begins an item of a list, or a numbered heading."""


@dataclass(frozen=True)
class _Part:
    """A line, or the part of it that is one cell of a table."""

    text: str
    left: float
    right: float
    middle: float
    size: float
    first_word: float
    is_bold: bool
    leading: float
    """The usual distance of two lines in the document."""

    @property
    def tight(self) -> float:
        """The largest distance of two lines of one paragraph."""
        return max(_TIGHT * self.size, _LEADING * self.leading)


@dataclass
class _Row:
    """Cells beside each other, each with its lines; most rows have one cell with one line."""

    cells: list[list[_Part]]

    @property
    def first(self) -> _Part:
        return self.cells[0][0]

    @property
    def last(self) -> _Part:
        return self.cells[-1][-1]

    @property
    def is_single(self) -> bool:
        return len(self.cells) == 1


@dataclass
class _Text:
    """The text of a document as it grows."""

    written: list[str] = field(default_factory=list)
    size: int = 0
    pages: list[int] = field(default_factory=list)
    headings: list[int] = field(default_factory=list)
    letters: list[tuple[bool, float, bool]] = field(default_factory=list)
    edges: list[Span] = field(default_factory=list)

    def add(self, words: str) -> int:
        """Add words and a line break, and return where they begin."""
        start = self.size
        self.written.append(words + "\n")
        self.size += len(words) + 1
        return start


def set_text(pages: Sequence[Page]) -> DocumentContent:
    """Return the text of a PDF's pages."""
    edges = find_edges(pages)
    body = [
        [line for at, line in enumerate(page.lines) if at not in left_out]
        for page, left_out in zip(pages, edges, strict=True)
    ]
    letters = Counter[float]()
    bold = Counter[bool]()
    for line in (line for lines in body for line in lines):
        letters[round(line.size, 1)] += len(line.text)
        bold[line.is_bold] += len(line.text)
    usual = letters.most_common(1)[0][0] if letters else 0.0
    bold_stands_out = bold[True] < bold[False]
    leading = _find_leading(body)
    text = _Text()
    for lines in body:
        text.pages.append(text.size)
        margins = _Margins(lines)
        for words, part in _write_rows(_part_columns(_find_rows(lines, leading)), margins):
            start = text.add(words)
            stands_out = (part.is_bold and bold_stands_out) or part.size > _LARGER * usual
            if stands_out and len(words) <= _LONGEST_HEADING and "\t" not in words:
                text.headings.append(start)
                text.letters.append((not words.isupper(), -round(part.size), not part.is_bold))
    for words in dict.fromkeys(
        page.lines[at].text for page, kept in zip(pages, edges, strict=True) for at in sorted(kept)
    ):
        start = text.add(words)
        text.edges.append((start, text.size - 1))
    empty = tuple(number for number, page in enumerate(pages, 1) if not page.lines)
    return DocumentContent(
        "".join(text.written),
        pages=tuple(text.pages),
        headings=tuple(text.headings),
        ranks=_rank(text.letters),
        edges=tuple(text.edges),
        empty_pages=empty,
    )


def _rank(letters: Sequence[tuple[bool, float, bool]]) -> tuple[int, ...]:
    """Return the rank of each heading: capitals are above other letters, then larger ones above
    smaller ones.
    """
    kinds = sorted(set(letters))
    return tuple(kinds.index(one) + 1 for one in letters)


def _find_leading(pages: Sequence[Sequence[Line]]) -> float:
    """Return the distance that most lines have from the line before; 0 if there is none."""
    distances = Counter(
        round(2 * (before.middle - line.middle)) / 2
        for lines in pages
        for before, line in pairwise(lines)
        if 0.5 * line.size < before.middle - line.middle <= _MOST_LEADING * line.size
    )
    return distances.most_common(1)[0][0] if distances else 0.0


class _Margins:
    """Where the lines of a page begin and end."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._places = [(line.left, line.right) for line in lines]

    def find_right(self, part: _Part, fewest: int) -> float | None:
        """Return the right margin of the paragraph that a line belongs to; None if few lines end
        near it.
        """
        width = _INDENT * part.size
        rights = sorted(
            (right for left, right in self._places if abs(left - part.left) <= width), reverse=True
        )
        for right, third in zip(rights, rights[fewest - 1 :], strict=False):
            if right - third <= _MARGIN * part.size:
                return right
        return None


def _find_rows(lines: Sequence[Line], leading: float) -> list[_Row]:
    """Return the rows of a page, in the order of the file."""
    starts = _Starts(lines)
    rows: list[_Row] = []
    for line in lines:
        for part in _part_line(line, starts, leading):
            _place_part(rows, part)
    return rows


def _place_part(rows: list[_Row], part: _Part) -> None:
    """Add a part to the row where it stands, or begin a row with it."""
    last = rows[-1].last if rows else None
    if last is None:
        rows.append(_Row([[part]]))
        return
    size = max(part.size, last.size)
    is_right = (
        part.left > last.left + size
        and part.left >= max(one.right for one in rows[-1].cells[-1]) - size
    )
    goes_up = part.middle > last.middle + size / 2
    is_level = abs(part.middle - last.middle) <= size / 2
    if is_right and (is_level or goes_up):
        label = _take_label(rows, part) if rows[-1].is_single else None
        if label:
            rows.append(_Row([label, [part]]))
            return
        if not rows[-1].is_single and _is_beside(rows[-1], part):
            rows[-1].cells.append([part])
            return
    continues = (
        not rows[-1].is_single
        and abs(part.left - rows[-1].cells[-1][0].left) <= _INDENT * size
        and part.left > max(one.right for one in rows[-1].cells[-2]) - size
        and 0 < last.middle - part.middle <= _STACKED * size
    )
    if continues:
        rows[-1].cells[-1].append(part)
    else:
        rows.append(_Row([[part]]))


def _is_beside(row: _Row, part: _Part) -> bool:
    top = max(cell[0].middle for cell in row.cells)
    return part.middle <= top + part.size


def _take_label(rows: list[_Row], part: _Part) -> list[_Part] | None:
    """Remove the lines that are the cell to the left of a part from the rows, and return them;
    None for a column.
    """
    taken: list[_Part] = []
    for row in reversed(rows):
        below = taken[-1] if taken else None
        if not row.is_single or row.first.left > part.left:
            break
        if below:
            is_tight = 0 < row.first.middle - below.middle <= _TIGHT * below.size
            is_aligned = abs(row.first.left - below.left) <= _ALIGNED
            if not (is_tight and is_aligned):
                break
        taken.append(row.first)
        if len(taken) > _MOST_LINES_OF_LABEL:
            return None
    top = taken[-1].middle if taken else 0.0
    if not taken or part.middle > top + 1.5 * part.size:
        return None
    del rows[-len(taken) :]
    return taken[::-1]


class _Starts:
    """Where the lines of a page begin, and what stands behind a gap in them."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = sorted(line.left for line in lines)
        self._behind = sorted(
            glyph.left
            for line in lines
            for before, glyph in pairwise(line.said)
            if _find_gap(line, before, glyph) > _GAP
        )

    def is_cell(self, line: Line, before: Glyph, glyph: Glyph) -> bool:
        """Return whether a cell begins with a letter."""
        gap = _find_gap(line, before, glyph)
        left = glyph.left
        if gap <= _NARROW_GAP:
            return False
        lines = _count_near(self._lines, left)
        behind = _count_near(self._behind, left)
        is_aligned = gap > _GAP and (lines > 0 or behind > _FEWEST_BELOW)
        is_inside = left - line.left > _INDENT * line.size
        return gap > _WIDE_GAP or is_aligned or (is_inside and lines >= _FEWEST_LINES)


def _find_gap(line: Line, before: Glyph, glyph: Glyph) -> float:
    """Return the width between two letters, in sizes of the letters."""
    return (glyph.left - before.right) / line.size


def _count_near(places: Sequence[float], left: float) -> int:
    return bisect_right(places, left + _ALIGNED) - bisect_left(places, left - _ALIGNED)


def _part_line(line: Line, starts: _Starts, leading: float) -> Iterator[_Part]:
    """Yield the cells of a line: they are apart, and other lines begin where they do."""
    begun = 0
    before = None
    for at, glyph in enumerate(line.glyphs):
        if glyph.sign.isspace():
            continue
        if before and starts.is_cell(line, before, glyph):
            yield _make_part(Line(line.glyphs[begun:at], line.is_bold), leading)
            begun = at
        before = glyph
    yield _make_part(Line(line.glyphs[begun:], line.is_bold), leading)


def _make_part(line: Line, leading: float) -> _Part:
    text = " ".join(line.text.split())
    return _Part(
        text, line.left, line.right, line.middle, line.size, line.first_word, line.is_bold, leading
    )


def _part_columns(rows: list[_Row]) -> list[_Row]:
    """Put columns after each other that the file draws line by line."""
    ordered: list[_Row] = []
    at = 0
    while at < len(rows):
        run = _find_columns(rows, at)
        if run:
            ordered += [_Row([row.cells[0]]) for row in run]
            ordered += [_Row([row.cells[1]]) for row in run if len(row.cells) > 1]
            at += len(run)
        else:
            ordered.append(rows[at])
            at += 1
    return ordered


def _find_columns(rows: Sequence[_Row], start: int) -> list[_Row]:
    """Return the rows from ``start`` on that are lines of two columns; a table's cells leave
    more room.
    """
    run: list[_Row] = []
    for row in rows[start:]:
        is_pair = len(row.cells) == 2 and all(len(cell) == 1 for cell in row.cells)
        if not is_pair or (run and abs(row.cells[1][0].left - run[0].cells[1][0].left) > _ALIGNED):
            break
        run.append(row)
    if len(run) < _FEWEST_ROWS_OF_COLUMNS:
        return []
    lefts = [row.cells[0][0] for row in run]
    gutter = run[0].cells[1][0].left
    width = gutter - min(part.left for part in lefts)
    full = sum(part.right - part.left > _FULL_ROWS * width for part in lefts)
    return run if full >= _FULL_ROWS * len(run) else []


def _write_rows(rows: Sequence[_Row], margins: _Margins) -> Iterator[tuple[str, _Part]]:
    """Yield the text of each paragraph or row, with its first line."""
    paragraph: list[_Part] = []
    for row in rows:
        if (
            row.is_single
            and paragraph
            and len(row.cells[0]) == 1
            and _is_wrapped(paragraph[-1], row.first, margins)
        ):
            paragraph.append(row.first)
            continue
        if paragraph:
            yield _join(paragraph), paragraph[0]
            paragraph = []
        if row.is_single and len(row.cells[0]) == 1:
            paragraph = [row.first]
        else:
            yield from ((words, row.first) for words in _write_row(row))
    if paragraph:
        yield _join(paragraph), paragraph[0]


def _write_row(row: _Row) -> Iterator[str]:
    """Yield the lines of a table's row: a label above its list, or the cells between tabs."""
    cells = [_write_cell(cell) for cell in row.cells]
    label, *others = cells
    if len(others) == 1 and len(label) == 1 and len(others[0]) > 1:
        yield label[0]
        yield from others[0]
    else:
        yield "\t".join(" ".join(lines) for lines in cells)


def _write_cell(cell: Sequence[_Part]) -> list[str]:
    """Return the paragraphs of a cell."""
    right = max(part.right for part in cell)
    paragraphs: list[list[_Part]] = []
    for part in cell:
        before = paragraphs[-1][-1] if paragraphs else None
        if (
            before
            and not _MARK.match(part.text)
            and _fills(before, part, right)
            and _is_near(before, part)
        ):
            paragraphs[-1].append(part)
        else:
            paragraphs.append([part])
    if (
        not any(_MARK.match(one[0].text) for one in paragraphs)
        and len(cell) <= _FEWEST_AT_MARGIN
        and _is_label(cell)
    ):
        return [_join(cell)]
    return [_join(one) for one in paragraphs]


def _is_label(cell: Sequence[_Part]) -> bool:
    """Return whether the lines of a cell are a few words."""
    return sum(len(part.text.split()) for part in cell) <= 2 * _FEWEST_AT_MARGIN and not any(
        part.text[0].isupper() for part in cell[1:]
    )


def _is_wrapped(before: _Part, part: _Part, margins: _Margins) -> bool:
    """Return whether a line goes on with the paragraph of the line before it: the next word had
    no room there.
    """
    if (
        _MARK.match(part.text)
        or not _is_near(before, part)
        or abs(part.left - before.left) > _INDENT * part.size
    ):
        return False
    right = margins.find_right(
        before, _FEWEST_BEFORE_CAPITAL if part.text[0].isupper() else _FEWEST_AT_MARGIN
    )
    return (
        right is not None
        and right - before.left > _NARROWEST * part.size
        and _fills(before, part, right)
    )


def _is_near(before: _Part, part: _Part) -> bool:
    alike = abs(before.size - part.size) <= 0.15 * part.size
    return alike and 0 < before.middle - part.middle <= part.tight


def _fills(before: _Part, part: _Part, right: float) -> bool:
    return before.right + 0.2 * part.size + part.first_word > right - 0.2 * part.size


def _join(parts: Sequence[_Part]) -> str:
    """Join lines. A hyphen at the end of one keeps its line break, by which a reader knows it."""
    words = parts[0].text
    for part in parts[1:]:
        words += ("\n" if words.endswith("-") else " ") + part.text
    return words
