"""The text of a PDF, page by page. Only this module imports pypdfium2 (extra ``documents``).

Lines remain in drawing order, which is the reading order in nearly all files.
"""

import ctypes
import re
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

import pypdfium2 as pdfium
import pypdfium2.raw as api

from extractor.formats.documents.content import (
    DocumentContent,
    DocumentProblem,
    write_content,
)
from extractor.formats.documents.limits import MAX_PAGES

_BROKEN_WORD = "\x02\ufffe"
"""The character that PDFium writes instead of a line end after a hyphen that splits a word."""
_CELL_GAP = 2.5
"""Minimum gap between two cells of a row, as a multiple of the font size; justified lines have
narrower gaps.
"""
_EDGE = 0.1
"""The share of a page's height, at the top and at the bottom, that may contain running headers and
footers.
"""
_LARGER = 1.12
"""The minimum ratio of a heading's font size to the usual font size."""
_HEADING_CHARACTERS = 160
_DIGITS = re.compile(r"\d+")
_SURROGATES = range(0xD800, 0xE000)


@dataclass(slots=True)
class _Line:
    """A line, or a cell of a row. ``size`` is the font size, ``middle`` the vertical position on
    the page, and ``at_edge`` whether the line is where running headers and footers are printed.
    """

    size: float
    left: float
    right: float
    middle: float
    is_bold: bool
    at_edge: bool
    signs: list[str] = field(default_factory=list)
    text: str = ""


def read_pdf(given: bytes) -> DocumentContent:
    """Return the content of a PDF. Raises ``DocumentProblem`` for a PDF that is damaged,
    encrypted, too long, or a scan without text.
    """
    try:
        document = pdfium.PdfDocument(given)
    except pdfium.PdfiumError as error:
        if "password" in str(error).lower():
            remedy = "save a copy without its password"
            raise DocumentProblem("the PDF is encrypted", remedy) from None
        remedy = "download it again, or print it to a new PDF"
        raise DocumentProblem("the PDF is damaged", remedy) from None
    if len(document) > MAX_PAGES:
        problem = f"a PDF of {len(document):,} pages, more than {MAX_PAGES:,}"
        remedy = "save only the pages with eligibility, treatment and outcomes"
        raise DocumentProblem(problem, remedy)
    pages = [_read_page(document, number) for number in range(len(document))]
    if not any(pages):
        problem = "the PDF is a scan, a picture of pages without a text"
        remedy = "recognise its text first (OCR), such as with ocrmypdf"
        raise DocumentProblem(problem, remedy)
    return _write(pages)


def _read_page(document: pdfium.PdfDocument, number: int) -> list[_Line]:
    """Return the lines of a page; empty for a broken page."""
    try:
        page = document[number]
        text = page.get_textpage()
    except pdfium.PdfiumError:
        return []
    lines = _list_cells(text, page.get_height())
    text.close()
    page.close()
    return _join_cells(lines)


def _list_cells(text: pdfium.PdfTextPage, height: float) -> list[_Line]:
    """Return the lines of a page. A wide gap within a line separates two cells, which become
    separate lines.
    """
    lines: list[_Line] = []
    is_open = False
    blank = ""
    for number in range(text.count_chars()):
        code = api.FPDFText_GetUnicode(text, number)
        if not 0 < code <= sys.maxunicode or code in _SURROGATES:
            continue
        sign = chr(code)
        if sign.isspace():
            is_open = is_open and sign not in "\r\n"
            # PDFium invents most blanks, so that their boxes mean nothing.
            blank = " "
            continue
        left, bottom, right, top = text.get_charbox(number, loose=True)
        if not is_open or left - lines[-1].right > _CELL_GAP * (top - bottom):
            middle = (top + bottom) / 2
            at_edge = not _EDGE * height <= middle <= (1 - _EDGE) * height
            is_bold = _is_bold(text, number)
            lines.append(_Line(top - bottom, left, right, middle, is_bold, at_edge))
        is_open = sign not in _BROKEN_WORD
        lines[-1].signs += [blank, sign if is_open else "-"]
        lines[-1].right = right
        blank = ""
    for line in lines:
        line.text = " ".join("".join(line.signs).split())
    return lines


def _is_bold(text: pdfium.PdfTextPage, number: int) -> bool:
    """Return whether the name of a character's font indicates bold type."""
    name = ctypes.create_string_buffer(200)
    api.FPDFText_GetFontInfo(text, number, name, len(name), ctypes.c_int())
    return b"bold" in name.value.lower()


def _join_cells(lines: Sequence[_Line]) -> list[_Line]:
    """Join the cells of a row with a tab, if each has one line. A cell of several lines stays below
    its label.
    """
    joined = list(lines[:1])
    for line, below in zip(lines[1:], [*lines[2:], None], strict=False):
        if len(joined) > 1 and _is_label(joined[-2], joined[-1], line):
            second = joined.pop()
            joined[-1].text += f" {second.text}"
        label = joined[-1]
        is_level = abs(line.middle - label.middle) < label.size / 2
        goes_on = (
            below is not None
            and below.left > label.right
            and below.middle < line.middle - line.size / 2
        )
        if is_level and label.right < line.left and not goes_on:
            label.text += f"\t{line.text}"
            label.right = line.right
        else:
            joined.append(line)
    return joined


def _is_label(above: _Line, label: _Line, line: _Line) -> bool:
    """Return whether two lines are a label, because a line begins beside the upper one."""
    is_left = above.left == label.left and max(above.right, label.right) < line.left
    return is_left and label.middle < line.middle - line.size / 2 < above.middle


def _write(pages: Sequence[Sequence[_Line]]) -> DocumentContent:
    """Return the text of the pages without running headers and footers."""
    running: Counter[str] = Counter()
    for lines in pages:
        running.update({_count(line) for line in lines if line.at_edge})
    kept: list[_Line] = []
    first: list[int] = []
    for lines in pages:
        first.append(len(kept))
        kept += [one for one in lines if not one.at_edge or running[_count(one)] < 2]
    empty = [number for number, lines in enumerate(pages, 1) if not lines]
    return write_content([line.text for line in kept], _list_ranks(kept), first, empty)


def _list_ranks(lines: Sequence[_Line]) -> list[int]:
    """Return the rank of each line as a heading. Headings are recognised by larger type, or by
    bold type if it is rare.
    """
    usual = median(line.size for line in lines)
    is_bold_rare = 2 * sum(line.is_bold for line in lines) < len(lines)
    ranks: list[int] = []
    for line in lines:
        is_short = len(line.text) <= _HEADING_CHARACTERS and "\t" not in line.text
        is_larger = line.size > _LARGER * usual
        is_heading = is_short and (is_larger or (line.is_bold and is_bold_rare))
        ranks.append(2 - is_larger if is_heading else 0)
    return ranks


def _count(line: _Line) -> str:
    """Return the words of a line without page numbers."""
    return _DIGITS.sub("0", line.text)
