"""The text of a PDF, page by page. Only this module imports pypdfium2 (extra ``documents``).

Lines stay in the order in which the file draws them, which is that of reading in nearly all files.
"""

import ctypes
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pypdfium2 as pdfium
import pypdfium2.raw as api

from extractor.formats.documents.content import DocumentContent, DocumentProblem, Writer
from extractor.formats.documents.limits import MAX_PAGES

_AGAIN = "download it again, or print it to a new PDF"
_SOME_PAGES = "save only the pages with eligibility, treatment and outcomes"
_BROKEN_WORD = "\x02\ufffe"
"""What PDFium writes for the hyphen of a word that a line end breaks, in place of the line end."""
_BOLD_WEIGHT = 600
_CELL_GAP = 2.5
"""Width between two cells of a row, in sizes of the letters; justified lines have narrower gaps."""
_LABEL_LINES = 4
"""Most lines of a label beside a cell; a longer one is a column of text."""
_EDGE = 0.1
"""The share of a page's height, at its top and its bottom, of running heads and feet."""
_LARGER = 1.12
"""How much larger than most letters those of a heading are."""
_HEADING_CHARACTERS = 160
_DIGITS = re.compile(r"\d+")


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
    if not pages:
        raise DocumentProblem("the PDF has no pages", _AGAIN)
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
        raise DocumentProblem(problem, _SOME_PAGES)
    return document


def _read_page(document: pdfium.PdfDocument, number: int) -> list[_Line]:
    """Return the lines of a page; none of a broken page."""
    try:
        page = document[number]
        text = page.get_textpage()
    except pdfium.PdfiumError:
        return []
    try:
        return _join_cells(list(_read_cells(text, page.get_height())))
    finally:
        text.close()
        page.close()


# From characters to lines.


def _read_cells(text: pdfium.PdfTextPage, height: float) -> Iterator[_Line]:
    """Yield the lines of a page; a wide gap within a line separates two cells, which are lines of
    their own.
    """
    signs: list[str] = []
    first = last = api.FS_RECTF()
    is_bold = False
    for number in range(text.count_chars()):
        sign = _read_sign(text, number)
        if sign in ("\r", "\n"):
            if signs:
                yield _make_line(signs, first, last, height, is_bold=is_bold)
            signs = []
        elif sign.isspace():
            # PDFium invents most blanks, so that their boxes mean nothing.
            signs += [" "] * bool(signs)
        elif sign:
            box = api.FS_RECTF()
            api.FPDFText_GetLooseCharBox(text, number, box)
            if signs and box.left - last.right > _CELL_GAP * (box.top - box.bottom):
                yield _make_line(signs, first, last, height, is_bold=is_bold)
                signs = []
            if not signs:
                first = box
                is_bold = _is_bold(text, number)
            last = box
            signs.append("-" if sign in _BROKEN_WORD else sign)
            if sign in _BROKEN_WORD:
                yield _make_line(signs, first, last, height, is_bold=is_bold)
                signs = []
    if signs:
        yield _make_line(signs, first, last, height, is_bold=is_bold)


def _make_line(
    signs: Sequence[str],
    first: api.FS_RECTF,
    last: api.FS_RECTF,
    height: float,
    *,
    is_bold: bool,
) -> _Line:
    """Make a line of its signs, and the boxes of the first and the last of them."""
    middle = (first.top + first.bottom) / 2
    return _Line(
        text=" ".join("".join(signs).split()),
        size=first.top - first.bottom,
        left=first.left,
        right=last.right,
        middle=middle,
        is_bold=is_bold,
        at_edge=not _EDGE * height <= middle <= (1 - _EDGE) * height,
    )


def _read_sign(text: pdfium.PdfTextPage, number: int) -> str:
    code = api.FPDFText_GetUnicode(text, number)
    is_text = 0 < code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF
    return chr(code) if is_text else ""


def _is_bold(text: pdfium.PdfTextPage, number: int) -> bool:
    if api.FPDFText_GetFontWeight(text, number) >= _BOLD_WEIGHT:
        return True
    name = ctypes.create_string_buffer(200)
    size = api.FPDFText_GetFontInfo(text, number, name, len(name), ctypes.c_int())
    return 0 < size <= len(name) and b"bold" in name.value.lower()


# From lines to rows and paragraphs.


def _join_cells(lines: Sequence[_Line]) -> list[_Line]:
    """Join the cells of a row with a tab, if each has one line. A cell of several lines follows its
    label, whose lines become one.
    """
    joined: list[_Line] = []
    for number, line in enumerate(lines):
        label = _find_label(joined, line)
        if not label:
            joined.append(line)
            continue
        below = lines[number + 1] if number + 1 < len(lines) else None
        goes_on = (
            below is not None
            and below.left > label[0].right
            and below.middle < line.middle - line.size / 2
        )
        words = " ".join(part.text for part in label)
        del joined[-len(label) :]
        if len(label) == 1 and line.is_level(label[0]) and not goes_on:
            row = f"{words}\t{line.text}"
            joined.append(replace(label[0], text=row, right=line.right))
        else:
            joined += [replace(label[0], text=words), line]
    return joined


def _find_label(lines: Sequence[_Line], line: _Line) -> list[_Line]:
    """Return the last lines if they are the cell left of a line: close below each other, the lowest
    not above the line. Empty if there is none.
    """
    label: list[_Line] = []
    for part in reversed(lines[-_LABEL_LINES - 1 :]):
        is_left = part.right < line.left and part.middle < line.middle + line.size
        if not is_left:
            break
        if label and not 0 < part.middle - label[0].middle <= 2 * part.size:
            break
        label.insert(0, part)
        if part.is_level(line):
            break
    return label if len(label) <= _LABEL_LINES else []


# From lines to a text.


def _write(pages: Sequence[Sequence[_Line]]) -> DocumentContent:
    """Return the text of pages. Running heads and feet, which recur at the edges of pages, follow
    at its end, each once.
    """
    counted: Counter[str] = Counter()
    for lines in pages:
        counted.update({line.running_words for line in lines if line.at_edge})
    usual, bold_is_rare = _find_usual([line for lines in pages for line in lines])
    writer = Writer("PDF")
    begun: list[int] = []
    looks: dict[int, tuple[bool, float, bool]] = {}
    running: dict[str, None] = {}
    for lines in pages:
        begun.append(writer.size)
        for line in lines:
            if line.at_edge and counted[line.running_words] > 1:
                running[line.text] = None
                continue
            start, _ = writer.add(line.text)
            is_larger = line.size > _LARGER * usual
            is_short = len(line.text) <= _HEADING_CHARACTERS and "\t" not in line.text
            if is_short and (is_larger or (line.is_bold and bold_is_rare)):
                is_capital = line.text.isupper()
                looks[start] = (not is_capital, -round(line.size), not line.is_bold)
    # Capitals rank highest, then larger letters, then bold ones.
    order = sorted(set(looks.values()))
    return DocumentContent(
        edges=tuple(writer.add(words) for words in running),
        text=writer.text,
        pages=tuple(begun),
        headings=tuple((at, order.index(look) + 1) for at, look in looks.items()),
        empty_pages=tuple(number for number, lines in enumerate(pages, 1) if not lines),
    )


def _find_usual(lines: Sequence[_Line]) -> tuple[float, bool]:
    """Return the size of most letters, and whether bold ones are few."""
    sizes: Counter[float] = Counter()
    bold = 0
    for line in lines:
        sizes[round(line.size, 1)] += len(line.text)
        bold += len(line.text) * line.is_bold
    return sizes.most_common(1)[0][0], 2 * bold < sizes.total()
