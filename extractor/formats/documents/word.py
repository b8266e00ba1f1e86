"""Read the text of a Word document. Only this module imports python-docx and lxml (extra
``documents``).
"""

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import docx
from docx.oxml.ns import qn
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph
from lxml import etree

from extractor.formats.documents.content import (
    DocumentContent,
    DocumentProblem,
    join_cells,
    write_content,
)

_DECLARATION = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_HEADING = re.compile(
    r"(?:heading|title|überschrift|titre)\s*(?P<level>\d?)", re.IGNORECASE
)
_SKIPPED = ("w:del", "w:moveFrom", "w:txbxContent", "w:instrText", "w:sdtPr")
"""Elements that are skipped: tracked deletions, text boxes, field codes and content-control
properties.
"""
_UNWRAPPED = (
    *("w:sdt", "w:sdtContent", "w:ins", "w:moveTo", "w:customXml"),
    *("w:smartTag", "w:fldSimple", "w:hyperlink"),
)
"""Content controls, insertions and other elements that are replaced by their content."""
_LIST = f"{qn('w:pPr')}/{qn('w:numPr')}"
_Styles = Mapping[str | None, Any]
_Lines = Iterator[tuple[str, int]]
"""(line, rank as a heading) pairs; the rank is 0 for a line that is not a heading."""


def read_word_content(file_bytes: bytes) -> DocumentContent:
    """Return the content of a Word document with all tracked changes accepted.

    Raises ``DocumentProblem`` if the document is damaged, declares entities or has no text.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(file_bytes)) as archive:
            _check_members(archive)
        document = docx.Document(io.BytesIO(file_bytes))
    except DocumentProblem:
        raise
    except Exception as error:  # noqa: BLE001 - libraries may raise anything for a broken file
        raise DocumentProblem(
            f"the Word document is damaged ({type(error).__name__})",
            "open it in Word, and save it again as .docx",
        ) from None
    body = document.element.body
    etree.strip_elements(body, *map(qn, _SKIPPED), with_tail=False)
    etree.strip_tags(body, *map(qn, _UNWRAPPED))
    styles = {style.style_id: style for style in document.styles}
    lines = list(_list_lines(document, styles))
    if not any(line.strip() for line, _ in lines):
        raise DocumentProblem(
            "the Word document has no text",
            "run text recognition (OCR) on its images first",
        )
    return write_content([line for line, _ in lines], [rank for _, rank in lines])


def _check_members(archive: zipfile.ZipFile) -> None:
    """Raise ``DocumentProblem`` if a document declares XML entities, which Word never does."""
    for name in archive.namelist():
        # in UTF-16, zero bytes between the letters would hide a declaration
        if not name.endswith((".xml", ".rels")):
            continue
        if not _DECLARATION.search(archive.read(name).replace(b"\0", b"")):
            continue
        raise DocumentProblem(
            f"{name} declares XML entities, which Word never does",
            "open it yourself if you trust it, and copy its text into a text file",
        )


def _list_lines(container: Any, styles: _Styles) -> _Lines:
    """Yield the lines of a document or cell."""
    for block in container.iter_inner_content():
        if isinstance(block, Table):
            for row in block._tbl.tr_lst:
                cells = [_Cell(cell, block) for cell in row.tc_lst]
                for line in _list_row([_read_cell(cell, styles) for cell in cells]):
                    yield line, 0
        else:
            yield _read_paragraph(block, styles)


def _read_cell(cell: _Cell, styles: _Styles) -> list[str]:
    """Return the lines of a cell, or an empty list if the cell is merged with the cell above
    it.
    """
    if cell._tc.vMerge == "continue":
        return []
    text = "\n".join(line for line, _ in _list_lines(cell, styles))
    return [line for line in text.split("\n") if line.strip()]


def _list_row(cells: list[list[str]]) -> Iterator[str]:
    """Yield the lines of a table row. If only one cell has text, or if the row has a short label
    and a cell with several lines, each line of each cell is kept separate. Otherwise, the cells
    are on a single line, separated by tabs.
    """
    filled = list(filter(None, cells))
    if len(filled) == 1 and cells[0]:
        yield from filled[0]
    elif filled:
        # "Inclusion criteria" beside the lines "Adults" and "Asthma"
        lines = join_cells(cells)
        yield from chain(*cells) if lines is None else lines


def _read_paragraph(paragraph: Paragraph, styles: _Styles) -> tuple[str, int]:
    """Return the text of a paragraph and its rank as a heading; the text of a list item has a
    leading dash.
    """
    text = paragraph.text
    if not text.strip():
        return text, 0
    numbering = paragraph._p.find(_LIST)
    style = styles.get(paragraph._p.style)
    if style is not None:
        heading = _HEADING.fullmatch(style.name or "")
        if heading:
            # "Title" has no level
            return text, int(heading["level"] or 0) or 1
        if numbering is None:
            numbering = style.element.find(_LIST)
    if numbering is None or numbering.numId is None:
        return text, 0
    # the number 0 cancels the list that the style specifies
    if not numbering.numId.val:
        return text, 0
    level = 0
    if numbering.ilvl is not None:
        level = numbering.ilvl.val
    return f"{'  ' * level}- {text}", 0
