"""Turn the printed lines of pages into the lines of a text, by their places on the page.

Running headers and footers are found by recurrence. The lines of a cell belong together, and the
cells of a table row are joined by tabs. A line whose right end shows that the next word did not
fit is joined to the line below it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from statistics import median

from extractor.formats.documents.content import join_cells

_EDGE = 0.1
"""The share of the page height at the top and at the bottom that may contain running headers or
footers.
"""
_HEADER = 0.25
"""The share of the page height at the top and at the bottom in which a line is a running header or
footer if it stands at the same height of several pages.
"""
_SAME_HEIGHT = 3
"""Lines are at the same height if they differ by less than this many points."""
_FEW_PAGES = 3
"""Minimum number of pages with a running line that is not at the very edge."""
_SAME_WORD = 0.15
_SAME_CELL = 1.0
"""Maximum gap between two parts of a word, and of a line, as a multiple of the font size."""
_BODY = 0.4
"""Minimum width of a line of running text, as a share of the page width."""
_FULL = 0.9
"""The share of the lines of running text that end to the left of the right margin."""
_LEADING = 1.9
"""Maximum distance between two lines of a paragraph, as a multiple of the font size."""
_SPACED = 1.15
"""Minimum ratio of the distance between two paragraphs to the distance between two lines."""
_OVERLAP = 1.3
"""Minimum ratio of a font size to the distance between two lines at which the size is wrong."""
_LARGER = 1.12
"""Minimum ratio of a heading's font size to the usual font size."""
_HEADING_CHARACTERS = 160
_TITLE_CHARACTERS = 400
_MOST_LINES = 12
"""Maximum number of lines in a cell whose row becomes a single line."""
_COLUMN = 0.3
"""Minimum width of a line in a column of text, as a share of the page width."""
_MANY_ROWS = 10
"""Minimum number of rows with two such lines on a page with two columns."""
_DIGITS = re.compile(r"\d+")
_MARK = re.compile(
    r"(?:[•·▪◦○●■□➢✓✔→∙*o\uf0b7\uf0a7\uf0d8–—−-]"
    r"|[(\[]?(?:\d{1,2}|[a-zA-Z]|[ivx]{2,5})[.)\]])(?:\s+|\Z)"
)
"""A list marker at the start of a line."""
_LONE_MARK = re.compile(rf"(?:{_MARK.pattern})\Z")
_BEGINS = re.compile(
    rf"{_MARK.pattern}|\d{{1,2}}(?:\.\d{{1,2}}){{1,5}}\.?\s*[A-Z]|\d{{1,2}}\.[A-Z][a-z]"
    r"|(?:Table|Figure|Appendix)\s[\dA-Z]|N(?:OTE|ote)\b"
)
"""The start of a line that continues no other line, however full that line is."""
_ENDS = re.compile(r"[.;:!?]\Z")
_LEADERS = re.compile(r"(?:\.\s?|…\s?|_){4,}")
_PIECE = re.compile(r"(?<![\w-])[A-Za-z]{2,40}(?:-[A-Za-z]{2,40})?(?![\w-])")
_LONGEST_WORD = 50
_BROKEN = re.compile(r"(?<![\w-])(?P<first>[A-Za-z]{2,40})-\Z")
_REST = re.compile(r"[a-z][A-Za-z]{1,40}")


@dataclass(frozen=True, slots=True)
class PrintedLine:
    """A line, or the part of a line in one cell of a table.

    Attributes:
        text: The words.
        size: The font size.
        left: The left edge, in points.
        right: The right edge.
        middle: The vertical position, which increases upwards.
        is_bold: Whether it is set in bold type.
    """

    text: str
    size: float
    left: float
    right: float
    middle: float
    is_bold: bool = False

    @property
    def first_word(self) -> float:
        """The approximate width of the first word."""
        word = self.text.split(maxsplit=1)[0]
        return (self.right - self.left) * len(word) / len(self.text)


@dataclass(frozen=True, slots=True)
class Page:
    """The printed lines of a page in drawing order, with its width and height in points."""

    width: float
    height: float
    lines: Sequence[PrintedLine]


@dataclass(frozen=True, slots=True)
class Arranged:
    """The lines of a text.

    Attributes:
        lines: The lines.
        ranks: The rank of each line as a heading, 0 for others.
        pages: The index of the first line of each page.
        running: The number of lines in headers and footers that were left out.
    """

    lines: Sequence[str]
    ranks: Sequence[int]
    pages: Sequence[int]
    running: int


@dataclass(slots=True)
class _Cell:
    """The lines of a cell, or of a part of a page outside of tables, with its edges."""

    lines: list[PrintedLine]
    left: float
    right: float

    @classmethod
    def of(cls, lines: Sequence[PrintedLine]) -> "_Cell":
        """Return a cell with at least one line."""
        left = min(line.left for line in lines)
        return cls(list(lines), left, max(line.right for line in lines))

    def add(self, line: PrintedLine) -> None:
        """Add the next line."""
        self.lines.append(line)
        self.left = min(self.left, line.left)
        self.right = max(self.right, line.right)


def arrange(pages: Sequence[Page]) -> Arranged:
    """Return the text of pages, of which at least one has a line."""
    pages = _mend_sizes(pages)
    kept = _drop_running(pages)
    # pages that have nothing but headers and footers
    if not _list_all(kept):
        kept = pages
    running = len(_list_all(pages)) - len(_list_all(kept))
    setter = _Setter(kept)
    starts: list[int] = []
    lines: list[PrintedLine] = []
    for page in kept:
        starts.append(len(lines))
        below = list(setter.list_lines(page))
        if lines and below and setter.goes_on(lines[-1], below[0]):
            lines[-1] = setter.join([lines[-1], below.pop(0)])
        lines += below
    texts = [line.text for line in lines]
    ranks = [setter.rank(line) for line in lines]
    return Arranged(texts, ranks, starts, running)


def _list_all(pages: Sequence[Page]) -> list[PrintedLine]:
    """Return the lines of all pages."""
    lines: list[PrintedLine] = []
    for page in pages:
        lines += page.lines
    return lines


def _mend_sizes(pages: Sequence[Page]) -> list[Page]:
    """Return the pages, with a lower font size if the fonts of a file state one with which the
    lines would overlap.
    """
    distance = _measure_distance(pages)
    if not distance:
        return list(pages)
    usual = median(line.size for line in _list_all(pages))
    if usual < _OVERLAP * distance:
        return list(pages)
    mended: list[Page] = []
    for page in pages:
        lines = [replace(line, size=min(line.size, distance)) for line in page.lines]
        mended.append(replace(page, lines=lines))
    return mended


def _measure_distance(pages: Sequence[Page]) -> float:
    """Return the usual distance between two lines; 0.0 if no line is below another one."""
    distances: list[float] = []
    for page in pages:
        for upper, lower in pairwise(page.lines):
            is_below = lower.left < upper.right and upper.left < lower.right
            if is_below and upper.middle > lower.middle:
                distances.append(upper.middle - lower.middle)
    if distances:
        return median(distances)
    return 0.0


def _find_narrowest(lines: Sequence[PrintedLine]) -> float:
    """Return the least distance of a line to the one below it; 0.0 if none is below another."""
    distances: list[float] = []
    for upper, lower in pairwise(lines):
        if upper.middle > lower.middle:
            distances.append(upper.middle - lower.middle)
    return min(distances, default=0.0)


# Headers and footers.


def _drop_running(pages: Sequence[Page]) -> list[Page]:
    """Return the pages without running headers and footers: lines at the page edges that are the
    same on several pages, apart from numbers, and lines near the edges that are also at the same
    height and end no sentence.
    """
    at_edges: Counter[str] = Counter()
    at_heights: Counter[tuple[str, int]] = Counter()
    for page in pages:
        # what a page repeats counts once
        texts = set[str]()
        heights = set[tuple[str, int]]()
        for line in page.lines:
            if _is_near_edge(line, page, _EDGE):
                texts.add(_mask_digits(line))
            if _is_near_edge(line, page, _HEADER):
                heights.update(_list_heights(line))
        at_edges.update(texts)
        at_heights.update(heights)
    kept: list[Page] = []
    for page in pages:
        lines = [
            line
            for line in page.lines
            if not _is_running(line, page, at_edges, at_heights)
        ]
        kept.append(replace(page, lines=lines))
    return kept


def _is_running(
    line: PrintedLine,
    page: Page,
    at_edges: Counter[str],
    at_heights: Counter[tuple[str, int]],
) -> bool:
    if _is_near_edge(line, page, _EDGE) and at_edges[_mask_digits(line)] > 1:
        return True
    if not _is_near_edge(line, page, _HEADER):
        return False
    if _ENDS.search(line.text):
        return False
    return max(at_heights[place] for place in _list_heights(line)) >= _FEW_PAGES


def _is_near_edge(line: PrintedLine, page: Page, share: float) -> bool:
    return not share * page.height <= line.middle <= (1 - share) * page.height


def _mask_digits(line: PrintedLine) -> str:
    """Return the text of a line with every number replaced by "0"."""
    return _DIGITS.sub("0", line.text)


def _list_heights(line: PrintedLine) -> list[tuple[str, int]]:
    """Return the masked text of a line with the two steps of height that it is close to."""
    step = int(line.middle // _SAME_HEIGHT)
    return [(_mask_digits(line), step), (_mask_digits(line), step + 1)]


# From printed lines to lines of text.


class _Setter:
    """Arranges the lines of a page, with what is known of all pages: the right margins, the usual
    font size and the words.
    """

    def __init__(self, pages: Sequence[Page]) -> None:
        # the right ends of the long lines, by the width of the page
        ends: dict[int, list[float]] = {}
        for page in pages:
            for line in page.lines:
                if line.right - line.left >= _BODY * page.width:
                    ends.setdefault(round(page.width), []).append(line.right)
        self._margins: dict[int, float] = {}
        for width, rights in ends.items():
            rights.sort()
            self._margins[width] = rights[int(_FULL * (len(rights) - 1))]
        lines = _list_all(pages)
        self._usual = median(line.size for line in lines)
        self._distance = _measure_distance(pages)
        bold = sum(line.is_bold for line in lines)
        self._is_bold_rare = 2 * bold < len(lines)
        self._words = set[str]()
        for line in lines:
            self._words.update(_PIECE.findall(line.text))

    def rank(self, line: PrintedLine) -> int:
        """Return the rank of a line as a heading: 1 for a larger font, 2 for a bold font if bold
        lines are rare, and 0 for any other line.
        """
        if len(line.text) > _TITLE_CHARACTERS:
            return 0
        if "\t" in line.text:
            return 0
        if line.size > _LARGER * self._usual:
            return 1
        is_short = len(line.text) <= _HEADING_CHARACTERS
        if line.is_bold and self._is_bold_rare and is_short:
            return 2
        return 0

    def goes_on(self, last: PrintedLine, first: PrintedLine) -> bool:
        """Return whether the last line of a page goes on in the first line of the next page."""
        # headings
        if self.rank(last) > 0 or self.rank(first) > 0:
            return False
        # rows of tables
        if "\t" in last.text or "\t" in first.text:
            return False
        if not first.text[0].islower():
            return False
        if _BEGINS.match(first.text):
            return False
        return not _ENDS.search(last.text)

    def list_lines(self, page: Page) -> Iterator[PrintedLine]:
        """Yield the lines of a page in reading order."""
        lines = _order_columns(_join_parts(page.lines), page.width)
        margin = self._margins.get(round(page.width), page.width)
        for row in _list_rows(lines):
            margins = [margin]
            # in a table, the longest line shows where a cell ends
            if len(row) > 1:
                margins = [cell.right for cell in row]
            cells = list(map(self._join_wrapped, row, margins))
            yield from _write_row(row, cells)

    def _join_wrapped(self, cell: _Cell, margin: float) -> list[PrintedLine]:
        """Return the paragraphs of a cell, which ends at the right ``margin``."""
        narrow = _find_narrowest(cell.lines)
        paragraphs = [[cell.lines[0]]]
        for upper, lower in pairwise(cell.lines):
            # below a space between paragraphs, a line with a capital begins one
            is_spaced = upper.middle - lower.middle > _SPACED * narrow
            if is_spaced and lower.text[0].isupper():
                paragraphs.append([lower])
            elif self._is_wrapped(paragraphs[-1], lower, margin):
                paragraphs[-1].append(lower)
            else:
                paragraphs.append([lower])
        return [self.join(paragraph) for paragraph in paragraphs]

    def _is_wrapped(
        self, paragraph: Sequence[PrintedLine], lower: PrintedLine, margin: float
    ) -> bool:
        """Return whether a line continues the paragraph above it."""
        first, upper = paragraph[0], paragraph[-1]
        if _BEGINS.match(lower.text):
            return False
        if _LEADERS.search(upper.text):
            return False
        if self.rank(first) != self.rank(lower):
            return False
        if not self._are_near(upper, lower):
            return False
        space = upper.size / 4
        if upper.right + space + lower.first_word < margin - space:
            return False
        if not lower.text[0].isupper():
            return True
        if _ENDS.search(upper.text):
            return False
        # two capitals may be two items, unless the first one has a mark or goes on already
        has_mark = _MARK.match(first.text) is not None
        return has_mark or len(paragraph) > 1 or self.rank(lower) > 0

    def _are_near(self, upper: PrintedLine, lower: PrintedLine) -> bool:
        """Return whether two lines may be of one paragraph, by their places."""
        distance = upper.middle - lower.middle
        most = max(_LEADING * max(upper.size, lower.size), _SPACED * self._distance)
        if not 0 < distance <= most:
            return False
        # the first line of a paragraph may be set in, no other line
        is_set_in = lower.left > upper.left + 4 * upper.size
        return not is_set_in and lower.right >= upper.left

    def join(self, lines: Sequence[PrintedLine]) -> PrintedLine:
        """Return the lines of a paragraph as one."""
        texts = [line.text for line in lines]
        for place, (upper, lower) in enumerate(pairwise(texts)):
            texts[place] = self._end_line(upper, lower)
        return replace(lines[0], text="".join(texts))

    def _end_line(self, upper: str, lower: str) -> str:
        """Return a line with what stands between it and the next one: a blank, or nothing behind a
        hyphen. A hyphen that splits a word is removed.
        """
        broken = _BROKEN.search(upper, max(0, len(upper) - _LONGEST_WORD))
        rest = _REST.match(lower)
        if broken is None or rest is None:
            return f"{upper} "
        first = broken["first"]
        if f"{first}{rest[0]}" in self._words:
            return upper[:-1]
        # "treatment-naive" keeps its hyphen where "treatment" is a word of the text
        is_compound = first in self._words or f"{first}-{rest[0]}" in self._words
        if is_compound or first.isupper():
            return upper
        return upper[:-1]


def _join_parts(lines: Iterable[PrintedLine]) -> list[PrintedLine]:
    """Return the lines, joining the parts of a line between which there is no gap, as behind a
    raised number: "10", "9", "/L".
    """
    joined: list[PrintedLine] = []
    for line in lines:
        if not joined:
            joined.append(line)
            continue
        last = joined[-1]
        gap = line.left - last.right
        is_same_cell = -1 < gap < _SAME_CELL * last.size
        if not is_same_cell or not _are_level(last, line):
            joined.append(line)
            continue
        blank = " "
        if gap < _SAME_WORD * last.size:
            blank = ""
        joined[-1] = replace(
            last, text=f"{last.text}{blank}{line.text}", right=line.right
        )
    return joined


def _order_columns(lines: list[PrintedLine], width: float) -> list[PrintedLine]:
    """Return the lines of a page in reading order. If the file draws two columns of text line by
    line, the left column comes before the right one.
    """
    # the left edges of the lines that stand beside another one
    edges: list[float] = []
    for left, right in pairwise(lines):
        if not _are_level(left, right) or left.right >= right.left:
            continue
        narrower = min(left.right - left.left, right.right - right.left)
        if narrower > _COLUMN * width:
            edges.append(right.left)
    if len(edges) < _MANY_ROWS:
        return lines
    gutter = min(edges)
    ordered: list[PrintedLine] = []
    right_column: list[PrintedLine] = []
    for line in lines:
        is_right = line.left >= gutter - 1
        # a line that crosses the gutter ends both columns
        if line.right > gutter and not is_right:
            ordered += right_column
            right_column = []
        if is_right:
            right_column.append(line)
        else:
            ordered.append(line)
    return ordered + right_column


def _are_level(left: PrintedLine, right: PrintedLine) -> bool:
    """Return whether two lines are at the same height."""
    return abs(left.middle - right.middle) < left.size / 2


def _list_rows(lines: Sequence[PrintedLine]) -> Iterator[list[_Cell]]:
    """Yield the rows of a page, each with its cells. Lines outside of tables are rows with one
    cell. A cell to the right of another one begins no lower than that one ends.
    """
    row: list[_Cell] = []
    for line in lines:
        if not row:
            row = [_Cell.of([line])]
        elif _is_below(row[-1], line, in_table=len(row) > 1):
            row[-1].add(line)
        elif _is_beside(row[-1], line):
            above, beside = _split_above(row[-1].lines, line)
            # only the first cell of a row may have lines of text above it
            if above and len(row) == 1:
                yield [_Cell.of(above)]
                row = [_Cell.of(beside)]
            row.append(_Cell.of([line]))
        else:
            yield row
            row = [_Cell.of([line])]
    if row:
        yield row


def _is_below(cell: _Cell, line: PrintedLine, *, in_table: bool) -> bool:
    """Return whether a line goes on below the last line of a cell. In a table row, it does not
    begin further left than the cell.
    """
    last = cell.lines[-1]
    if in_table and line.left < cell.left - line.size:
        return False
    if line.middle > last.middle - min(last.size, line.size) / 2:
        return False
    return line.left < cell.right and line.right > cell.lines[0].left


def _is_beside(cell: _Cell, line: PrintedLine) -> bool:
    """Return whether a line begins the cell to the right of a cell."""
    _, level = _split_above(cell.lines, line)
    if not level:
        return False
    return line.left > max(each.right for each in level)


def _split_above(
    lines: list[PrintedLine], line: PrintedLine
) -> tuple[list[PrintedLine], list[PrintedLine]]:
    """Return the lines of a cell that are above a line, and the others."""
    number = sum(each.middle > line.middle + line.size * 0.6 for each in lines)
    return lines[:number], lines[number:]


def _write_row(
    row: Sequence[_Cell], cells: Sequence[list[PrintedLine]]
) -> Iterator[PrintedLine]:
    """Yield the lines of a row. The cells are joined by tabs, unless one of them is long, or the
    second one has several paragraphs beside a short label. A list marker joins its item.
    """
    first, *others = cells
    if not others:
        yield from first
        return
    if len(first) == 1 and _LONE_MARK.match(first[0].text):
        begun, *rest = others[0]
        text = f"{first[0].text} {begun.text}"
        yield from _write_row(
            row[1:], [[replace(begun, text=text), *rest], *others[1:]]
        )
        return
    lines = None
    if max(len(cell.lines) for cell in row) <= _MOST_LINES:
        lines = join_cells([[line.text for line in cell] for cell in cells])
    if lines is None:
        yield from chain.from_iterable(cells)
        return
    for line in lines:
        yield replace(first[0], text=line, right=others[-1][0].right)
