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
_LABEL_HEIGHT = 5
_LABEL_GAP = 2
"""The largest distance of two lines of a label, in sizes of the letters."""
_EDGE = 0.1
"""The share of a page's height, at its top and its bottom, of running heads and feet."""
_LARGER = 1.12
"""How much larger than most letters those of a heading are."""
_HEADING_CHARACTERS = 160
_Look = tuple[bool, float, bool]
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
    """Join the cells of a row with a tab, if each has one line. A cell of several lines stays below
    its label.
    """
    joined: list[_Line] = []
    for line, below in zip(lines, [*lines[1:], None], strict=False):
        if joined and joined[-1].right < line.left:
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
    """Join the last two lines if both are left of a line and close: a label beside it."""
    while len(lines) > 1 and not line.is_level(lines[-1]):
        above, label = lines[-2:]
        is_close = 0 < above.middle - label.middle <= _LABEL_GAP * above.size
        is_level = abs(above.middle - line.middle) <= _LABEL_HEIGHT * line.size
        is_label = is_close and is_level and above.left == label.left
        is_beside = is_label and above.right < line.left
        if not is_beside or "\t" in above.text:
            return
        lines[-2:] = [replace(above, text=f"{above.text} {label.text}")]


def _goes_on(line: _Line, below: _Line | None, label: _Line) -> bool:
    """Return whether the cell right of a label has another line."""
    if below is None or below.left <= label.right:
        return False
    return below.middle < line.middle - line.size / 2


# From lines to a text.


def _write(pages: Sequence[Sequence[_Line]]) -> DocumentContent:
    """Return the text of pages. Running heads and feet, which recur at the edges of pages, follow
    at its end, each once.
    """
    counted: Counter[str] = Counter()
    for lines in pages:
        counted.update({line.running_words for line in lines if line.at_edge})
    usual = _find_usual([line for lines in pages for line in lines])
    writer = Writer("PDF")
    begun: list[int] = []
    looks: dict[int, _Look] = {}
    running: dict[str, None] = {}
    for lines in pages:
        begun.append(writer.size)
        for line in lines:
            if line.at_edge and counted[line.running_words] > 1:
                running[line.text] = None
                continue
            start, _ = writer.add(line.text)
            if _is_heading(line, *usual):
                is_small = not line.text.isupper()
                looks[start] = (is_small, -round(line.size), not line.is_bold)
    # Capitals rank highest, then larger letters, then bold ones.
    order = sorted(set(looks.values()))
    return DocumentContent(
        edges=tuple(writer.add(words) for words in running),
        text=writer.text,
        pages=tuple(begun),
        headings=tuple((at, order.index(look) + 1) for at, look in looks.items()),
        empty_pages=tuple(number for number, lines in enumerate(pages, 1) if not lines),
    )


def _is_heading(line: _Line, usual: float, is_rare: bool) -> bool:  # noqa: FBT001 - what is usual
    """Return whether a line is short, and in larger letters than most, or in bold ones if these are
    rare.
    """
    if len(line.text) > _HEADING_CHARACTERS or "\t" in line.text:
        return False
    return line.size > _LARGER * usual or (line.is_bold and is_rare)


def _find_usual(lines: Sequence[_Line]) -> tuple[float, bool]:
    """Return the size of most letters, and whether bold ones are few."""
    sizes: Counter[float] = Counter()
    bold = 0
    for line in lines:
        sizes[round(line.size, 1)] += len(line.text)
        bold += len(line.text) * line.is_bold
    [(usual, _)] = sizes.most_common(1)
    is_rare = 2 * bold < sizes.total()
    return usual, is_rare
