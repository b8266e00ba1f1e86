"""The text of a PDF, page by page. Only this module imports pypdfium2 (extra ``documents``).

The order in which the file draws its lines is kept, because it is that of reading in nearly all
files. Cells are told by the gaps between letters, and wrapped lines by where they end.
"""

import ctypes
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

import pypdfium2 as pdfium
import pypdfium2.raw as api

from extractor.formats.documents.content import DocumentContent, DocumentProblem, Span
from extractor.formats.documents.limits import MAX_DOCUMENT_CHARACTERS, MAX_PAGES

_AGAIN = "download it again, or print it to a new PDF"
_SOME_PAGES = "save only the pages with eligibility, treatment and outcomes"
_LINE_ENDS = frozenset("\r\n")
_HYPHENS = frozenset("\x02\ufffe")
"""What pdfium writes for a hyphen at the end of a line, with which a word is broken."""
_BOLD = 600
"""The weight of bold letters."""
_GAP = 2.5
"""Width between two cells of a table's row, in sizes of the letters. Lines that are set to both
margins have narrower ones."""
_MOST_LINES_OF_LABEL = 4
_EDGE = 0.1
"""The share of a page's height, at its top and at its bottom, where headers and footers stand."""
_LARGER = 1.12
"""How much larger than most letters those of a heading are."""
_LONGEST_HEADING = 160
_TIGHT = 1.6
"""The largest distance of two lines of one paragraph, in sizes of the letters."""
_INDENT = 4
_MARGIN = 4
"""How far the lines of a paragraph may begin and end from each other, in sizes of the letters."""
_FEWEST_AT_MARGIN = 3
_MARK = re.compile(
    r"(?:[(\[]?\d{1,2}(?:\.\d{1,2})*[.)\]]+|\d{1,2}(?:\.\d{1,2})+(?=\s+[A-Z])|\(?[A-Za-z][.)]"
    r"|[ivx]{1,5}[.)]|[-–—*+•·▪◦●○‣⁃∙□■➢►✓\uf0b7\uf0a7])(?:\s|$)"
)
"""What begins an item of a list, or a numbered heading."""
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class _Line:
    """A line, with the size of its first letter, where it stands on the page, and whether headers
    and footers stand there.
    """

    text: str
    size: float
    left: float
    right: float
    middle: float
    is_bold: bool
    is_outer: bool

    @property
    def words(self) -> str:
        """What the line says, without numbers, which count pages."""
        return _DIGITS.sub("0", self.text)


def read_pdf(given: bytes) -> DocumentContent:
    """Return the content of a PDF. Raises ``DocumentProblem`` for one that is damaged, encrypted,
    too long, or a scan without text.
    """
    document = _open(given)
    pages: list[list[_Line]] = []
    size = 0
    for number in range(len(document)):
        lines = _read_page(document, number)
        pages.append(lines)
        size += sum(len(line.text) for line in lines)
        if size > MAX_DOCUMENT_CHARACTERS:
            problem = f"a PDF of more than {MAX_DOCUMENT_CHARACTERS:,} characters"
            raise DocumentProblem(problem, _SOME_PAGES)
    if not pages:
        raise DocumentProblem("the PDF has no pages", _AGAIN)
    if not any(pages):
        raise DocumentProblem(
            "the PDF is a scan, a picture of pages without a text",
            "recognise its text first (OCR), such as with ocrmypdf",
        )
    return _set_text(pages)


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
        raise DocumentProblem(problem, _SOME_PAGES)
    return document


def _read_page(document: pdfium.PdfDocument, number: int) -> list[_Line]:
    """Return the lines of a page, in the order in which the file draws them. A broken page has
    none.
    """
    try:
        page = document[number]
        height = page.get_height()
        text = page.get_textpage()
    except pdfium.PdfiumError:
        return []
    try:
        return _join_wrapped(_join_cells(list(_read_lines(text, height))))
    finally:
        text.close()
        page.close()


def _read_lines(text: pdfium.PdfTextPage, height: float) -> Iterator[_Line]:
    """Yield the lines of a page of this height, each cell of a table's row as a line of its own."""
    begun = 0
    for number in range(text.count_chars()):
        sign = _read_sign(text, number)
        # PDFium writes such a hyphen in the place of the line break, within a word.
        if sign in _HYPHENS:
            yield from _read_line(text, begun, number + 1, height)
            begun = number + 1
        elif sign in _LINE_ENDS:
            yield from _read_line(text, begun, number, height)
            begun = number + 1
    yield from _read_line(text, begun, text.count_chars(), height)


def _read_line(
    text: pdfium.PdfTextPage, start: int, end: int, height: float
) -> Iterator[_Line]:
    """Yield the line of the characters ``start:end``, or each cell of a table's row as a line: a
    gap wider than ``_GAP`` parts two cells.
    """
    cell: list[tuple[str, api.FS_RECTF]] = []
    for number in range(start, end):
        sign = _read_sign(text, number)
        if not sign:
            continue
        if sign.isspace():
            # The box of a blank says nothing, as PDFium makes up most blanks.
            if cell:
                cell.append((" ", cell[-1][1]))
            continue
        box = _read_box(text, number)
        if cell:
            gap = box.left - cell[-1][1].right
            if gap > _GAP * (box.top - box.bottom):
                yield _make_line(cell, height, is_bold=_is_bold(text, number - 1))
                cell = []
        cell.append(("-" if sign in _HYPHENS else sign, box))
    if cell:
        yield _make_line(cell, height, is_bold=_is_bold(text, start))


def _make_line(
    cell: Sequence[tuple[str, api.FS_RECTF]], height: float, *, is_bold: bool
) -> _Line:
    first = cell[0][1]
    middle = (first.top + first.bottom) / 2
    is_outer = not _EDGE * height <= middle <= (1 - _EDGE) * height
    return _Line(
        text=" ".join("".join(sign for sign, _ in cell).split()),
        size=first.top - first.bottom,
        left=first.left,
        right=cell[-1][1].right,
        middle=middle,
        is_bold=is_bold,
        is_outer=is_outer,
    )


def _join_cells(lines: Sequence[_Line]) -> list[_Line]:
    """Join the cells of a table's rows: with a tab between a label of one line and a cell of one
    line. A cell of several lines, or beside a label of several, stands below its label, which
    becomes one line.
    """
    joined: list[_Line] = []
    for line, following in zip_longest(lines, lines[1:]):
        label = _find_label(joined, line)
        if not label:
            joined.append(line)
            continue
        first = label[0]
        words = " ".join(part.text for part in label)
        del joined[-len(label) :]
        is_level = len(label) == 1 and abs(first.middle - line.middle) < line.size / 2
        if is_level and not _goes_on_below(first, line, following):
            row = f"{words}\t{line.text}"
            joined.append(replace(first, text=row, right=line.right))
        else:
            joined += [replace(first, text=words), line]
    return joined


def _goes_on_below(label: _Line, line: _Line, following: _Line | None) -> bool:
    """Return whether the cell beside a label has another line below this one."""
    if following is None:
        return False
    is_beside = following.left > label.right
    return is_beside and following.middle < line.middle - line.size / 2


def _find_label(lines: Sequence[_Line], line: _Line) -> Sequence[_Line]:
    """Return the last lines if they are the cell to the left of a line, its label; empty if they
    are not, or are too many for a label.

    The lines of a label stand to the left, close below each other, and the lowest is not above the
    line's own height. The search ends at a line on the same height.
    """
    first = len(lines)
    while first:
        part = lines[first - 1]
        if part.right >= line.left or part.middle >= line.middle + line.size:
            break
        if first < len(lines):
            distance = part.middle - lines[first].middle
            if not 0 < distance <= 2 * part.size:
                break
        first -= 1
        is_level = abs(part.middle - line.middle) < line.size / 2
        if is_level:
            break
    # Longer than a label, the lines are a column of text beside another one.
    is_column = len(lines) - first > _MOST_LINES_OF_LABEL
    return () if is_column else lines[first:]


def _join_wrapped(lines: Sequence[_Line]) -> list[_Line]:
    """Join the lines of each paragraph that was wrapped at the right margin of the page."""
    joined: list[_Line] = []
    for number, line in enumerate(lines):
        if number == 0 or not _is_wrapped(lines[number - 1], line, lines):
            joined.append(line)
            continue
        # A hyphen at the end of a line keeps its line break, by which a reader knows it.
        space = "\n" if lines[number - 1].text.endswith("-") else " "
        joined[-1] = replace(joined[-1], text=f"{joined[-1].text}{space}{line.text}")
    return joined


def _is_wrapped(before: _Line, line: _Line, lines: Sequence[_Line]) -> bool:
    """Return whether a line goes on with the line before it, where its first word had no room.

    It begins no item, stands close below with letters of the same size and weight, begins at about
    the same place, and the line before ends near the right margin. ``lines`` are all of the page:
    those that begin there show where the margin is, if enough of them end near it.
    """
    if _MARK.match(line.text) or "\t" in line.text:
        return False
    if not 0 < before.middle - line.middle <= _TIGHT * line.size:
        return False
    if before.is_bold != line.is_bold or abs(before.size - line.size) >= 1:
        return False
    indent = _INDENT * line.size
    if abs(line.left - before.left) > indent:
        return False
    rights = [other.right for other in lines if abs(other.left - before.left) <= indent]
    margin = max(rights)
    at_margin = [right for right in rights if margin - right <= _MARGIN * line.size]
    # A few short lines beside each other are a list, and end nowhere near a margin.
    if len(at_margin) < _FEWEST_AT_MARGIN:
        return False
    share = len(line.text.split()[0]) / len(line.text)
    first_word_width = (line.right - line.left) * share
    return before.right + first_word_width > margin - line.size / 2


def _read_sign(text: pdfium.PdfTextPage, number: int) -> str:
    code = api.FPDFText_GetUnicode(text, number)
    is_text = 0 < code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF
    return chr(code) if is_text else ""


def _read_box(text: pdfium.PdfTextPage, number: int) -> api.FS_RECTF:
    """Return the box of a character, which reaches from the descent to the ascent of its font."""
    box = api.FS_RECTF()
    api.FPDFText_GetLooseCharBox(text, number, box)
    return box


def _is_bold(text: pdfium.PdfTextPage, number: int) -> bool:
    if api.FPDFText_GetFontWeight(text, number) >= _BOLD:
        return True
    name = ctypes.create_string_buffer(200)
    flags = ctypes.c_int()
    size = api.FPDFText_GetFontInfo(text, number, name, len(name), flags)
    return 0 < size <= len(name) and b"bold" in name.value.lower()


def _set_text(pages: Sequence[Sequence[_Line]]) -> DocumentContent:
    """Return the text of pages with the places of pages, headings and edges.

    The headers and footers, which recur at the edges of pages, stand at the end of the text, each
    once. The rank of a heading comes from its letters, 1 for the highest.
    """
    edges = _find_edges(pages)
    stands_out = _find_headings([line for lines in pages for line in lines])
    written: list[str] = []
    begun: list[int] = []
    headings: dict[int, tuple[bool, float, bool]] = {}
    left_out: dict[str, None] = {}
    size = 0
    for lines in pages:
        begun.append(size)
        for line in lines:
            if line.is_outer and line.words in edges:
                left_out[line.text] = None
                continue
            if stands_out(line):
                headings[size] = _rank_letters(line)
            written.append(line.text + "\n")
            size += len(written[-1])
    spans: list[Span] = []
    for words in left_out:
        spans.append((size, size + len(words)))
        written.append(words + "\n")
        size += len(written[-1])
    kinds = sorted(set(headings.values()))
    return DocumentContent(
        "".join(written),
        pages=tuple(begun),
        headings=tuple(headings),
        ranks=tuple(kinds.index(kind) + 1 for kind in headings.values()),
        edges=tuple(spans),
        empty_pages=tuple(number for number, lines in enumerate(pages, 1) if not lines),
    )


def _rank_letters(line: _Line) -> tuple[bool, float, bool]:
    """Return what headings are sorted by, the highest first: capitals, then larger letters, then
    bold ones.
    """
    return not line.text.isupper(), -round(line.size), not line.is_bold


def _find_edges(pages: Sequence[Sequence[_Line]]) -> set[str]:
    """Return the words of headers and footers: what recurs near the top or bottom of pages."""
    pages_with: Counter[str] = Counter()
    for lines in pages:
        pages_with.update({line.words for line in lines if line.is_outer})
    return {words for words, number in pages_with.items() if number > 1}


def _find_headings(lines: Sequence[_Line]) -> Callable[[_Line], bool]:
    """Return a function that tells whether a line is a heading: short, without tabs, and in larger
    letters than most of the document, or in bold ones if most are not.
    """
    sizes: Counter[float] = Counter()
    bold = 0
    for line in lines:
        sizes[round(line.size, 1)] += len(line.text)
        if line.is_bold:
            bold += len(line.text)
    usual = sizes.most_common(1)[0][0]
    bold_stands_out = 2 * bold < sizes.total()

    def stands_out(line: _Line) -> bool:
        if len(line.text) > _LONGEST_HEADING or "\t" in line.text:
            return False
        if line.is_bold and bold_stands_out:
            return True
        return line.size > _LARGER * usual

    return stands_out
