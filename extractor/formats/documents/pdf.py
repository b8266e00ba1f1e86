"""The text of a PDF, page by page. Only this module imports pypdfium2 (extra ``documents``)."""

import ctypes
from collections.abc import Iterator

import pypdfium2 as pdfium
import pypdfium2.raw as api

from extractor.formats.documents.content import DocumentContent, DocumentProblem
from extractor.formats.documents.limits import MAX_DOCUMENT_CHARACTERS, MAX_PAGES
from extractor.formats.documents.lines import Glyph, Line, Page
from extractor.formats.documents.typeset import set_text

_SCAN = "recognise its text first (OCR), such as with ocrmypdf"
_LINE_ENDS = frozenset("\r\n")
_HYPHENS = frozenset("\x02\ufffe")
"""What pdfium writes for a hyphen at the end of a line, with which a word is broken."""
_BOLD = 600


def read_pdf(given: bytes) -> DocumentContent:
    """Return the content of a PDF. Raises ``DocumentProblem``."""
    try:
        document = pdfium.PdfDocument(given)
    except pdfium.PdfiumError as error:
        if "password" in str(error).lower():
            raise DocumentProblem(
                "the PDF is encrypted", "save a copy without its password"
            ) from None
        raise DocumentProblem(
            "the PDF is damaged", "download it again, or print it to a new PDF"
        ) from None
    if len(document) > MAX_PAGES:
        problem = f"a PDF of {len(document):,} pages, more than {MAX_PAGES:,}"
        raise DocumentProblem(
            problem, "save only the pages with eligibility, treatment and outcomes"
        )
    pages: list[Page] = []
    size = 0
    for number in range(len(document)):
        page = _read_page(document, number)
        pages.append(page)
        size += sum(len(line.text) for line in page.lines)
        if size > MAX_DOCUMENT_CHARACTERS:
            problem = f"a PDF of more than {MAX_DOCUMENT_CHARACTERS:,} characters"
            raise DocumentProblem(
                problem, "save only the pages with eligibility, treatment and outcomes"
            )
    if not any(page.lines for page in pages):
        if not pages:
            raise DocumentProblem(
                "the PDF has no pages", "download it again, or print it to a new PDF"
            )
        raise DocumentProblem("the PDF is a scan, a picture of pages without a text", _SCAN)
    return set_text(pages)


def _read_page(document: pdfium.PdfDocument, number: int) -> Page:
    """Return the lines of a page, in the order in which the file draws them. A broken page has
    none.
    """
    try:
        page = document[number]
        width, height = page.get_size()
        text = page.get_textpage()
    except pdfium.PdfiumError:
        return Page(0, 0, ())
    try:
        return Page(width, height, tuple(_read_lines(text)))
    finally:
        text.close()
        page.close()


def _read_lines(text: pdfium.PdfTextPage) -> Iterator[Line]:
    glyphs: list[Glyph] = []
    for number in range(text.count_chars()):
        sign = _read_sign(text, number)
        if sign in _HYPHENS:
            glyphs.append(_place(text, number, "-"))
        if sign in _LINE_ENDS or sign in _HYPHENS:
            if line := _end_line(text, glyphs, number):
                yield line
            glyphs = []
        elif sign:
            glyphs.append(_place(text, number, sign))
    if line := _end_line(text, glyphs, text.count_chars()):
        yield line


def _read_sign(text: pdfium.PdfTextPage, number: int) -> str:
    code = api.FPDFText_GetUnicode(text, number)
    is_text = 0 < code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF
    return chr(code) if is_text else ""


def _place(text: pdfium.PdfTextPage, number: int, sign: str) -> Glyph:
    """Return a character with its box, which reaches from the descent to the ascent of its font."""
    box = api.FS_RECTF()
    api.FPDFText_GetLooseCharBox(text, number, box)
    return Glyph(sign, box.left, box.right, box.bottom, box.top)


def _end_line(text: pdfium.PdfTextPage, glyphs: list[Glyph], end: int) -> Line | None:
    said = [glyph for glyph in glyphs if not glyph.sign.isspace()]
    if not said:
        return None
    first = max(0, end - len(glyphs))
    return Line(tuple(glyphs), is_bold=_is_bold(text, first))


def _is_bold(text: pdfium.PdfTextPage, number: int) -> bool:
    if api.FPDFText_GetFontWeight(text, number) >= _BOLD:
        return True
    name = ctypes.create_string_buffer(200)
    flags = ctypes.c_int()
    size = api.FPDFText_GetFontInfo(text, number, name, len(name), flags)
    return 0 < size <= len(name) and b"bold" in name.value.lower()
