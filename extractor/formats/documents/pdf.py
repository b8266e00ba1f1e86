"""Read the text of a PDF, page by page. Only this module imports pypdfium2 (extra ``documents``).

Lines are read in drawing order, which is the reading order in nearly all files.
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
"""The characters that PDFium writes in place of a hyphen that splits a word at a line end."""
_CELL_GAP = 2.5
"""Minimum gap between two cells of a row, as a multiple of the font size; justified lines have
narrower gaps.
"""
_EDGE = 0.1
"""The share of the page height at the top and at the bottom that may contain running headers or
footers.
"""
_LARGER = 1.12
"""Minimum ratio of a heading's font size to the usual font size."""
_HEADING_CHARACTERS = 160
_DIGITS = re.compile(r"\d+")
_SURROGATES = range(0xD800, 0xE000)


@dataclass(slots=True)
class _Line:
    """A line, or a cell of a table row. ``size`` is the font size, ``left`` and ``right`` are the
    horizontal edges, and ``middle`` is the vertical position, which increases upwards. ``at_edge``
    means that the line is in the area of running headers and footers.
    """

    size: float
    left: float
    right: float
    middle: float
    is_bold: bool
    at_edge: bool
    characters: list[str] = field(default_factory=list)
    text: str = ""


def read_pdf(file_bytes: bytes) -> DocumentContent:
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
    if not any(pages):
        raise DocumentProblem(
            "the PDF is a scan: it contains images of pages, but no text",
            "run text recognition (OCR) on it first, for example with ocrmypdf",
        )
    return _write(pages)


def _read_page(document: pdfium.PdfDocument, number: int) -> list[_Line]:
    """Return the lines of a page, or an empty list if the page is broken."""
    try:
        page = document[number]
        text = page.get_textpage()
    except pdfium.PdfiumError:
        return []
    return _join_cells(_list_cells(text, page.get_height()))


def _list_cells(text: pdfium.PdfTextPage, height: float) -> list[_Line]:
    """Return the lines of a page. A wide gap within a line separates two cells, which become
    separate lines.
    """
    lines: list[_Line] = []
    is_open = False  # whether the next character continues the last line
    blank = ""
    for number in range(text.count_chars()):
        code = api.FPDFText_GetUnicode(text, number)
        # not a character
        if not 0 < code <= sys.maxunicode or code in _SURROGATES:
            continue
        character = chr(code)
        if character.isspace():
            is_open = is_open and character not in "\r\n"
            # PDFium generates most spaces, so their boxes are meaningless.
            blank = " "
            continue
        left, bottom, right, top = text.get_charbox(number, loose=True)
        if not is_open or left - lines[-1].right > _CELL_GAP * (top - bottom):
            middle = (top + bottom) / 2
            at_edge = not _EDGE * height <= middle <= (1 - _EDGE) * height
            lines.append(
                _Line(
                    top - bottom, left, right, middle, _is_bold(text, number), at_edge
                )
            )
        is_open = character not in _BROKEN_WORD
        if not is_open:
            character = "-"
        lines[-1].characters += [blank, character]
        lines[-1].right = right
        blank = ""
    for line in lines:
        line.text = " ".join("".join(line.characters).split())
    return lines


def _is_bold(text: pdfium.PdfTextPage, number: int) -> bool:
    """Return whether the font name of a character indicates bold type."""
    name = ctypes.create_string_buffer(200)
    api.FPDFText_GetFontInfo(text, number, name, len(name), ctypes.c_int())
    return b"bold" in name.value.lower()


def _join_cells(lines: Sequence[_Line]) -> list[_Line]:
    """Return the lines of a page. If every cell in a table row has a single line, the cells are
    joined by tabs: "Sponsor<tab>Acme".

    If a cell has several lines, its lines remain separate, below the label in the cell to the
    left. The lines of a two-line label are joined by a space.
    """
    joined = list(lines[:1])
    # the last line has no next one (None); a page may have no lines at all
    for line, next_line in zip(lines[1:], [*lines[2:], None], strict=False):
        if len(joined) > 1 and _is_two_line_label(joined[-2], joined[-1], line):
            second = joined.pop()
            joined[-1].text += f" {second.text}"
        left = joined[-1]
        is_same_row = abs(line.middle - left.middle) < left.size / 2
        is_next_cell = is_same_row and left.right < line.left
        if is_next_cell and not _continues_cell(left, line, next_line):
            left.text += f"\t{line.text}"
            left.right = line.right
        else:
            joined.append(line)
    return joined


def _continues_cell(left: _Line, line: _Line, next_line: _Line | None) -> bool:
    """Return whether the next line is below ``line`` and in the same cell, which is to the
    right of the cell ``left``.
    """
    if next_line is None:
        return False
    if next_line.left <= left.right:
        return False
    return next_line.middle < line.middle - line.size / 2


def _is_two_line_label(upper: _Line, lower: _Line, line: _Line) -> bool:
    """Return whether two lines form a two-line label: they are left-aligned, and the line after
    them is to the right of both and begins level with the upper line.
    """
    is_left = upper.left == lower.left and max(upper.right, lower.right) < line.left
    if not is_left:
        return False
    return lower.middle < line.middle - line.size / 2 < upper.middle


def _write(pages: Sequence[Sequence[_Line]]) -> DocumentContent:
    """Return the text of the pages, excluding running headers and footers: lines at the page edges
    that are the same on several pages, apart from numbers.
    """
    running: Counter[str] = Counter()
    for lines in pages:
        running.update({_mask_digits(line) for line in lines if line.at_edge})
    body_lines: list[_Line] = []
    page_starts: list[int] = []
    for lines in pages:
        page_starts.append(len(body_lines))
        body_lines += [
            line
            for line in lines
            if not line.at_edge or running[_mask_digits(line)] < 2
        ]
    empty = [number for number, lines in enumerate(pages, 1) if not lines]
    return write_content(
        [line.text for line in body_lines], _list_ranks(body_lines), page_starts, empty
    )


def _list_ranks(lines: Sequence[_Line]) -> list[int]:
    """Return the rank of each line as a heading: 1 for a larger font, 2 for a bold font if bold
    lines are rare, and 0 for any other line.
    """
    usual = median(line.size for line in lines)
    is_bold_rare = 2 * sum(line.is_bold for line in lines) < len(lines)
    ranks: list[int] = []
    for line in lines:
        is_short = len(line.text) <= _HEADING_CHARACTERS and "\t" not in line.text
        rank = 0
        if is_short and line.size > _LARGER * usual:
            rank = 1
        elif is_short and line.is_bold and is_bold_rare:
            rank = 2
        ranks.append(rank)
    return ranks


def _mask_digits(line: _Line) -> str:
    """Return the text of a line with every number replaced by "0"."""
    return _DIGITS.sub("0", line.text)
