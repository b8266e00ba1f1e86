"""The text of a Word document. Only this module imports python-docx and lxml (extra
``documents``).
"""

import codecs
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
    Writer,
)
from extractor.formats.documents.limits import (
    MAX_UNPACKED_BYTES,
    MAX_UNPACKED_RATIO,
    MAX_XML_BYTES,
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
_ENCRYPTED = 0x1
_LABEL_CHARACTERS = 80
_MOST_BASES = 20
"""Most styles that are based on each other; in a broken file, they go in a circle."""


def read_word(given: bytes) -> DocumentContent:
    """Return the content of a Word document. Raises ``DocumentProblem`` for one that is damaged,
    encrypted, unpacks to too much or has no text.
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
    content = _write(_list_lines(document))
    if not content.text.strip():
        raise DocumentProblem(
            "the Word document has no text",
            "recognise the text of its pictures first (OCR)",
        )
    return content


def _check_members(archive: zipfile.ZipFile, packed: int) -> None:
    """Refuse an archive of ``packed`` bytes that is encrypted, unpacks to too much, or declares
    entities, which Word never does.
    """
    members = archive.infolist()
    if any(member.flag_bits & _ENCRYPTED for member in members):
        raise DocumentProblem(
            "the Word document is encrypted", "save a copy without its password"
        )
    size = sum(member.file_size for member in members)
    if size > min(MAX_UNPACKED_BYTES, RATIO_FREE_BYTES + MAX_UNPACKED_RATIO * packed):
        problem = f"unpacks to {size:,} bytes, as decompression bombs do"
        raise DocumentProblem(problem, _BOMB)
    for member in members:
        if not member.filename.endswith((".xml", ".rels")):
            continue
        if member.file_size > MAX_XML_BYTES:
            problem = f"{member.filename} unpacks to {member.file_size:,} bytes"
            raise DocumentProblem(problem, _BOMB)
        part = archive.read(member)
        # In UTF-16, zeros between the letters would hide a declaration.
        if (
            part.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
            or b"\0" in part[:4]
        ):
            part = part.replace(b"\0", b"")
        if _DECLARATION.search(part):
            problem = f"{member.filename} declares XML entities, which Word never does"
            raise DocumentProblem(problem, _BOMB)


def _write(lines: Iterator[tuple[str, str]]) -> DocumentContent:
    """Return the content of lines, each with the name of its style."""
    writer = Writer("Word document")
    headings: list[tuple[int, int]] = []
    for text, style in lines:
        start = writer.add(text)
        named = _HEADING.fullmatch(style)
        if named:
            headings.append((start, int(named["level"] or 0) or 1))
    return DocumentContent(writer.text, headings=tuple(headings))


def _list_lines(document: Any) -> Iterator[tuple[str, str]]:
    """Yield the lines of a document as it reads with all tracked changes accepted, each with the
    name of its style.
    """
    body = document.element.body
    etree.strip_elements(body, *_LEFT_OUT, with_tail=False)
    etree.strip_tags(body, *_UNWRAPPED)
    styles: dict[str | None, Any] = {style.style_id: style for style in document.styles}
    for block in document.iter_inner_content():
        if isinstance(block, Table):
            for line in _list_rows(block, styles):
                yield line, ""
        else:
            style = styles.get(block._p.style)
            text = _read_paragraph(block, styles)
            # a blank line is no heading
            yield text, (style.name or "") if text and style is not None else ""


def _list_rows(table: Table, styles: Mapping[str | None, Any]) -> Iterator[str]:
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


def _read_cell(cell: _Cell, styles: Mapping[str | None, Any]) -> list[str]:
    """Return the lines of a cell; none for a cell that continues the one above."""
    lines: list[str] = []
    if cell._tc.vMerge == "continue":
        return lines
    for block in cell.iter_inner_content():
        if isinstance(block, Table):
            lines += _list_rows(block, styles)
        else:
            lines += _read_paragraph(block, styles).split("\n")
    return [line for line in lines if line.strip()]


def _read_paragraph(paragraph: Paragraph, styles: Mapping[str | None, Any]) -> str:
    """Return the text of a paragraph, behind a dash for an item of a list; "" for a blank one."""
    text: str = paragraph.text
    style = styles.get(paragraph._p.style)
    is_heading = style is not None and _HEADING.fullmatch(style.name or "")
    if not text.strip() or is_heading:
        return text.strip() and text
    numbering = _find_numbering(paragraph._p, style)
    # 0 takes an item out of the list of its style
    if numbering is None or numbering.numId is None or not numbering.numId.val:
        return text
    level = numbering.ilvl.val if numbering.ilvl is not None else 0
    return f"{'  ' * level}- {text}"


def _find_numbering(element: Any, style: Any) -> Any:
    """Return the numbering of a paragraph, or else of its style or a base of that."""
    for _ in range(_MOST_BASES):
        properties = element.find(qn("w:pPr"))
        if properties is not None and properties.numPr is not None:
            return properties.numPr
        if style is None:
            break
        element = style.element
        style = getattr(style, "base_style", None)
    return None
