"""Read the text of a PDF, page by page. Only this module imports pypdfium2 (extra ``documents``).

Lines are read in drawing order, which is the reading order in nearly all files.
"""

import ctypes
import sys
from dataclasses import dataclass, field

import pypdfium2 as pdfium
import pypdfium2.raw as api

from extractor.formats.documents.content import (
    DocumentContent,
    DocumentProblem,
    write_content,
)
from extractor.formats.documents.limits import MAX_PAGES
from extractor.formats.documents.printed import Page, PrintedLine, arrange

_BROKEN_WORD = "\x02\ufffe"
"""The characters that PDFium writes in place of a hyphen that splits a word at a line end."""
_CELL_GAP = 2.5
"""Minimum gap between two cells of a row, as a multiple of the font size; justified lines have
narrower gaps.
"""
_LABEL_GAP = 1.0
"""The same between a label in bold type and its text."""
_NEXT_LINE = 0.7
"""Minimum distance between two lines, as a multiple of the font size; raised and lowered signs are
closer to their line.
"""
_SURROGATES = range(0xD800, 0xE000)


@dataclass(slots=True)
class _OpenLine:
    """A line that is being read, see ``PrintedLine``. ``last`` is the number of its last
    character.
    """

    size: float
    left: float
    right: float
    middle: float
    is_bold: bool
    last: int = 0
    characters: list[str] = field(default_factory=list)

    def close(self) -> PrintedLine:
        """Return the line with its text."""
        text = " ".join("".join(self.characters).split())
        return PrintedLine(
            text, self.size, self.left, self.right, self.middle, self.is_bold
        )


def read_pdf_content(file_bytes: bytes) -> DocumentContent:
    """Return the content of a PDF. Raises ``DocumentProblem`` if the PDF is damaged, encrypted, too
    long, or a scan without text.
    """
    try:
        document = pdfium.PdfDocument(file_bytes)
    except pdfium.PdfiumError as error:
        if "password" in str(error).lower():
            raise DocumentProblem(
                "the PDF is encrypted", "save a copy without its password"
            ) from None
        raise DocumentProblem(
            "the PDF is damaged", "download it again, or print it to a new PDF"
        ) from None
    if len(document) > MAX_PAGES:
        raise DocumentProblem(
            f"a PDF of {len(document):,} pages, more than {MAX_PAGES:,}",
            "save only the pages that describe eligibility, treatment and outcomes",
        )
    pages = [_read_page(document, number) for number in range(len(document))]
    if not any(page.lines for page in pages):
        raise DocumentProblem(
            "the PDF is a scan: it contains images of pages, but no text",
            "run text recognition (OCR) on it first, for example with ocrmypdf",
        )
    text = arrange(pages)
    empty = [number for number, page in enumerate(pages, 1) if not page.lines]
    return write_content(text.lines, text.ranks, text.pages, empty, text.running)


def _read_page(document: pdfium.PdfDocument, number: int) -> Page:
    """Return a page, without lines if the page is broken."""
    try:
        page = document[number]
        text = page.get_textpage()
    except pdfium.PdfiumError:
        return Page(0, 0, [])
    return Page(page.get_width(), page.get_height(), _list_cells(text))


def _list_cells(text: pdfium.PdfTextPage) -> list[PrintedLine]:
    """Return the lines of a page. A wide gap within a line separates two cells, which become
    separate lines.
    """
    lines: list[_OpenLine] = []
    is_open = False  # whether the next character continues the last line
    blank = ""
    for number in range(text.count_chars()):
        code = api.FPDFText_GetUnicode(text, number)
        # not a character
        if not 0 < code <= sys.maxunicode:
            continue
        if code in _SURROGATES:
            continue
        character = chr(code)
        if character.isspace():
            is_open = is_open and character not in "\r\n"
            # PDFium generates most spaces, so their boxes are meaningless.
            blank = " "
            continue
        left, bottom, right, top = text.get_charbox(number, loose=True)
        size, middle = top - bottom, (top + bottom) / 2
        if is_open:
            last = lines[-1]
            gap = left - last.right
            is_lower = middle < last.middle - _NEXT_LINE * last.size and gap < 0
            is_next_cell = gap > _CELL_GAP * size or (
                gap > _LABEL_GAP * size and last.is_bold != _is_bold(text, number)
            )
            is_open = not (is_lower or is_next_cell)
        if not is_open:
            is_bold = _is_bold(text, number)
            lines.append(_OpenLine(size, left, right, middle, is_bold))
        is_open = character not in _BROKEN_WORD
        if not is_open:
            character = "-"
        lines[-1].characters += [blank, character]
        lines[-1].right = right
        lines[-1].last = number
        blank = ""
    for line in lines:
        # "Absorption: the drug is ...", with its first word in bold type, is no heading
        line.is_bold = line.is_bold and _is_bold(text, line.last)
    return [line.close() for line in lines]


def _is_bold(text: pdfium.PdfTextPage, number: int) -> bool:
    """Return whether the font name of a character indicates bold type."""
    name = ctypes.create_string_buffer(200)
    api.FPDFText_GetFontInfo(text, number, name, len(name), ctypes.c_int())
    return b"bold" in name.value.lower()
