"""The text of a PDF, page by page. Only this module imports pypdfium2 (extra ``documents``).

Lines stay in the order in which the file draws them, which is that of reading in nearly all files.
"""

import ctypes
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import NamedTuple

import pypdfium2 as pdfium
import pypdfium2.raw as api

from extractor.formats.documents.content import (
    DocumentContent,
    DocumentProblem,
    place_lines,
)
from extractor.formats.documents.limits import MAX_PAGES

_AGAIN = "download it again, or print it to a new PDF"
_BROKEN_WORD = "\x02\ufffe"
"""What PDFium writes instead of the line end after a hyphen that breaks a word."""
_CELL_GAP = 2.5
"""Width between two cells of a row, in sizes of the letters; justified lines have narrower gaps."""
_LABEL_GAP = 2
"""The largest distance of two lines of a label, in sizes of the letters."""
_EDGE = 0.1
"""The share of a page's height, at its top and its bottom, of running heads and feet."""
_LARGER = 1.12
"""How much larger than most letters those of a heading are."""
_HEADING_CHARACTERS = 160
_DIGITS = re.compile(r"\d+")


class _Sign(NamedTuple):
    """A character of a page, its number there, and its place."""

    sign: str
    number: int
    left: float
    right: float
    bottom: float
    top: float


@dataclass(frozen=True, slots=True)
class _Line:
    """A line, or a cell of a row: its letters' size, its place, and if it is at a page's edge."""

    text: str
    size: float
    left: float
    right: float
    middle: float
    is_bold: bool
    at_edge: bool

    @property
    def running_words(self) -> str:
        """The words without the numbers that count pages."""
        return _DIGITS.sub("0", self.text)

    def is_level(self, other: "_Line") -> bool:
        """Return whether both lines have about the same height on the page."""
        return abs(self.middle - other.middle) < other.size / 2


def read_pdf(given: bytes) -> DocumentContent:
    """Return the content of a PDF. Raises ``DocumentProblem`` for one that is damaged, encrypted,
    too long, or a scan without text.
    """
    document = _open(given)
    pages = [_read_page(document, number) for number in range(len(document))]
    if not any(pages):
        raise DocumentProblem(
            "the PDF is a scan, a picture of pages without a text",
            "recognise its text first (OCR), such as with ocrmypdf",
        )
    return _write(pages)


def _open(given: bytes) -> pdfium.PdfDocument:
    try:
        document = pdfium.PdfDocument(given)
    except pdfium.PdfiumError as error:
        if "password" in str(error).lower():
            remedy = "save a copy without its password"
            raise DocumentProblem("the PDF is encrypted", remedy) from None
        raise DocumentProblem("the PDF is damaged", _AGAIN) from None
    if len(document) > MAX_PAGES:
        problem = f"a PDF of {len(document):,} pages, more than {MAX_PAGES:,}"
        remedy = "save only the pages with eligibility, treatment and outcomes"
        raise DocumentProblem(problem, remedy)
    return document


def _read_page(document: pdfium.PdfDocument, number: int) -> list[_Line]:
    """Return the lines of a page; none of a broken page."""
    try:
        page = document[number]
        text = page.get_textpage()
    except pdfium.PdfiumError:
        return []
    height = page.get_height()
    lines = [_make_line(text, cell, height) for cell in _read_cells(text)]
    text.close()
    page.close()
    return _join_cells(lines)


# From characters to lines.


def _read_cells(text: pdfium.PdfTextPage) -> Iterator[list[_Sign]]:
    """Yield the signs of each line of a page; a wide gap within a line separates two cells, which
    are lines of their own.
    """
    cell: list[_Sign] = []
    for number in range(text.count_chars()):
        code = api.FPDFText_GetUnicode(text, number)
        if not 0 < code <= 0x10FFFF or 0xD800 <= code < 0xE000:
            continue
        sign = chr(code)
        is_end = sign in "\r\n"
        if sign.isspace() and not is_end:
            # PDFium invents most blanks, so that their boxes mean nothing.
            cell += [cell[-1]._replace(sign=" ")] if cell else []
            continue
        left, bottom, right, top = text.get_charbox(number, loose=True)
        is_far = cell and left - cell[-1].right > _CELL_GAP * (top - bottom)
        if cell and (is_end or is_far):
            yield cell
            cell = []
        if not is_end:
            is_broken = sign in _BROKEN_WORD
            shown = "-" if is_broken else sign
            cell.append(_Sign(shown, number, left, right, bottom, top))
            if is_broken:
                yield cell
                cell = []
    if cell:
        yield cell


def _make_line(text: pdfium.PdfTextPage, cell: Sequence[_Sign], height: float) -> _Line:
    """Make a line of its signs. It is bold if the name of its first letter's font indicates it."""
    first = cell[0]
    name = ctypes.create_string_buffer(200)
    api.FPDFText_GetFontInfo(text, first.number, name, len(name), ctypes.c_int())
    middle = (first.top + first.bottom) / 2
    return _Line(
        text=" ".join("".join(one.sign for one in cell).split()),
        size=first.top - first.bottom,
        left=first.left,
        right=cell[-1].right,
        middle=middle,
        is_bold=b"bold" in name.value.lower(),
        at_edge=not _EDGE * height <= middle <= (1 - _EDGE) * height,
    )


# From lines to rows and paragraphs.


def _join_cells(lines: Sequence[_Line]) -> list[_Line]:
    """Join the cells of a row with a tab, if each has one line. A cell of several lines stays below
    its label.
    """
    joined: list[_Line] = []
    for line, below in zip(lines, [*lines[1:], None], strict=False):
        _join_label(joined, line)
        label = joined[-1] if joined else None
        is_row = label is not None and line.is_level(label) and label.right < line.left
        if label is None or not is_row or _goes_on(line, below, label):
            joined.append(line)
            continue
        row = f"{label.text}\t{line.text}"
        joined[-1] = replace(label, text=row, right=line.right)
    return joined


def _join_label(lines: list[_Line], line: _Line) -> None:
    """Join the last two lines if a line begins beside the upper one: a label of two lines."""
    if len(lines) < 2 or line.is_level(lines[-1]):
        return
    above, label = lines[-2:]
    is_left = above.left == label.left and max(above.right, label.right) < line.left
    is_close = 0 < above.middle - label.middle <= _LABEL_GAP * above.size
    if (
        is_left
        and is_close
        and abs(above.middle - line.middle) <= _LABEL_GAP * line.size
    ):
        lines[-2:] = [replace(above, text=f"{above.text} {label.text}")]


def _goes_on(line: _Line, below: _Line | None, label: _Line) -> bool:
    """Return whether the cell right of a label has another line."""
    if below is None or below.left <= label.right:
        return False
    return below.middle < line.middle - line.size / 2


# From lines to a text.


def _write(pages: Sequence[Sequence[_Line]]) -> DocumentContent:
    """Return the text of pages, without what recurs at their edges: running heads and feet."""
    running = Counter(
        words
        for lines in pages
        for words in {line.running_words for line in lines if line.at_edge}
    )
    kept: list[_Line] = []
    first: list[int] = []
    for lines in pages:
        first.append(len(kept))
        kept += [
            line
            for line in lines
            if not line.at_edge or running[line.running_words] < 2
        ]
    text, starts = place_lines([line.text for line in kept])
    ranks = zip(starts, _list_ranks(kept), strict=False)
    return DocumentContent(
        text=text,
        pages=tuple(starts[number] for number in first),
        headings=tuple((at, rank) for at, rank in ranks if rank),
        empty_pages=tuple(number for number, lines in enumerate(pages, 1) if not lines),
    )


def _list_ranks(lines: Sequence[_Line]) -> Iterator[int]:
    """Yield the rank of each line as a heading: 1 for larger letters than most, 2 for bold ones if
    these are rare, 0 for none.
    """
    usual = median(line.size for line in lines)
    is_bold_rare = 2 * sum(line.is_bold for line in lines) < len(lines)
    for line in lines:
        is_short = len(line.text) <= _HEADING_CHARACTERS and "\t" not in line.text
        is_larger = line.size > _LARGER * usual
        is_heading = is_short and (is_larger or (line.is_bold and is_bold_rare))
        yield 2 - is_larger if is_heading else 0
