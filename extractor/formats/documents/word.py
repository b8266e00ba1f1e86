"""The text of a Word document. Only this module imports python-docx and lxml (extra
``documents``).
"""

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import docx
from docx.oxml.ns import qn
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph
from lxml import etree

from extractor.formats.documents.content import (
    DocumentContent,
    DocumentProblem,
    place_lines,
)
from extractor.formats.documents.limits import (
    MAX_UNPACKED_BYTES,
    MAX_UNPACKED_RATIO,
    RATIO_FREE_BYTES,
)

_BOMB = "unpack it yourself if you trust it, and copy its text into a text file"
_SAVE_AGAIN = "open it in Word, and save it again as .docx"
_DECLARATION = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_HEADING = re.compile(
    r"(?:heading|title|überschrift|titre)\s*(?P<level>\d?)", re.IGNORECASE
)
_LEFT_OUT = tuple(
    map(qn, ("w:del", "w:moveFrom", "w:txbxContent", "w:instrText", "w:sdtPr"))
)
"""What a tracked change deleted, text boxes, codes of fields, properties of content controls."""
_UNWRAPPED = tuple(
    map(
        qn,
        (
            *("w:sdt", "w:sdtContent", "w:ins", "w:moveTo", "w:customXml"),
            *("w:smartTag", "w:fldSimple", "w:hyperlink"),
        ),
    )
)
"""Content controls, insertions and other elements whose content is read in their place."""
_LABEL_CHARACTERS = 80
_Styles = Mapping[str | None, Any]


def read_word(given: bytes) -> DocumentContent:
    """Return the content of a Word document. Raises ``DocumentProblem`` for one that is damaged,
    unpacks to too much or has no text.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(given)) as archive:
            _check_members(archive, len(given))
        document = docx.Document(io.BytesIO(given))
    except DocumentProblem:
        raise
    except Exception as error:  # noqa: BLE001 - whatever the libraries raise for a broken file
        problem = f"the Word document is damaged ({type(error).__name__})"
        raise DocumentProblem(problem, _SAVE_AGAIN) from None
    lines = list(_list_lines(document))
    text, starts = place_lines([line for line, _ in lines])
    if not text.strip():
        raise DocumentProblem(
            "the Word document has no text",
            "recognise the text of its pictures first (OCR)",
        )
    ranks = zip(starts, (rank for _, rank in lines), strict=False)
    headings = tuple((at, rank) for at, rank in ranks if rank)
    return DocumentContent(text, headings=headings)


def _check_members(archive: zipfile.ZipFile, packed: int) -> None:
    """Refuse an archive of ``packed`` bytes that unpacks to too much, or declares entities, which
    Word never does.
    """
    members = archive.infolist()
    size = sum(member.file_size for member in members)
    if size > min(MAX_UNPACKED_BYTES, RATIO_FREE_BYTES + MAX_UNPACKED_RATIO * packed):
        problem = f"unpacks to {size:,} bytes, as decompression bombs do"
        raise DocumentProblem(problem, _BOMB)
    for member in members:
        # in UTF-16, zeros between the letters would hide a declaration
        is_xml = member.filename.endswith((".xml", ".rels"))
        part = archive.read(member).replace(b"\0", b"") if is_xml else b""
        if _DECLARATION.search(part):
            problem = f"{member.filename} declares XML entities, which Word never does"
            raise DocumentProblem(problem, _BOMB)


def _list_lines(document: Any) -> Iterator[tuple[str, int]]:
    """Yield the lines of a document as it reads with all tracked changes accepted, each with its
    rank as a heading, 0 for none.
    """
    body = document.element.body
    etree.strip_elements(body, *_LEFT_OUT, with_tail=False)
    etree.strip_tags(body, *_UNWRAPPED)
    styles: dict[str | None, Any] = {style.style_id: style for style in document.styles}
    for block in document.iter_inner_content():
        if isinstance(block, Table):
            for line in _list_rows(block, styles):
                yield line, 0
        else:
            yield _read_paragraph(block, styles)


def _list_rows(table: Table, styles: _Styles) -> Iterator[str]:
    """Yield the lines of a table: of a row's only filled cell, of a short label above its list,
    or else the cells of a row on one line, with tabs between them.
    """
    for row in table._tbl.tr_lst:
        cells = [_read_cell(_Cell(cell, table), styles) for cell in row.tc_lst]
        filled = [cell for cell in cells if cell]
        label = cells[0] if len(cells) == 2 else []
        is_label = len(label) == 1 and len(label[0]) <= _LABEL_CHARACTERS
        if len(filled) == 1 or (is_label and len(cells[1]) > 1):
            for cell in filled:
                yield from cell
        elif filled:
            yield "\t".join(" ".join(cell) for cell in cells)


def _read_cell(cell: _Cell, styles: _Styles) -> list[str]:
    """Return the lines of a cell; none for a cell that continues the one above."""
    lines: list[str] = []
    if cell._tc.vMerge == "continue":
        return lines
    for block in cell.iter_inner_content():
        if isinstance(block, Table):
            lines += _list_rows(block, styles)
        else:
            text, _ = _read_paragraph(block, styles)
            lines += text.split("\n")
    return [line for line in lines if line.strip()]


def _read_paragraph(paragraph: Paragraph, styles: _Styles) -> tuple[str, int]:
    """Return the text of a paragraph, after a dash for an item of a list, and its rank as a
    heading; "" and 0 for a blank one.
    """
    text: str = paragraph.text
    if not text.strip():
        return "", 0
    style = styles.get(paragraph._p.style)
    heading = _HEADING.fullmatch(style.name or "") if style is not None else None
    if heading:
        return text, int(heading["level"] or 0) or 1
    own = paragraph._p.find(f"{qn('w:pPr')}/{qn('w:numPr')}")
    if own is None and style is not None:
        own = style.element.find(f"{qn('w:pPr')}/{qn('w:numPr')}")
    # 0 takes an item out of the list of its style
    if own is None or own.numId is None or not own.numId.val:
        return text, 0
    level = own.ilvl.val if own.ilvl is not None else 0
    return f"{'  ' * level}- {text}", 0
