"""The text of a Word document. Only this module imports python-docx and lxml (extra
``documents``).
"""

import codecs
import io
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import docx
from docx.oxml.ns import qn
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph
from lxml import etree

from extractor.formats.documents.content import (
    DocumentContent,
    DocumentProblem,
    Span,
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
_CONTENTS = re.compile(
    r"(?:toc|contents)\s*\d?|table of (?:figures|contents)", re.IGNORECASE
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
    contents: list[Span] = []
    for text, style in lines:
        span = writer.add(text)
        named = _HEADING.fullmatch(style)
        if named:
            headings.append((span[0], int(named["level"] or 0) or 1))
        if _CONTENTS.fullmatch(style):
            contents.append(span)
    return DocumentContent(
        writer.text, headings=tuple(headings), contents=tuple(contents)
    )


def _list_lines(document: Any) -> Iterator[tuple[str, str]]:
    """Yield the lines of a document as it reads with all tracked changes accepted."""
    body = document.element.body
    etree.strip_elements(body, *_LEFT_OUT, with_tail=False)
    etree.strip_tags(body, *_UNWRAPPED)
    marks = _Marks(document)
    for block in document.iter_inner_content():
        if isinstance(block, Table):
            for line in _list_rows(block, marks):
                yield line, ""
        else:
            text = marks.write(block)
            # a blank line is no heading
            yield text, marks.name_style(block) if text else ""


def _list_rows(table: Table, marks: "_Marks") -> Iterator[str]:
    """Yield the lines of a table: of a row's only filled cell, of a short label above its list,
    or else the cells of a row on one line, with tabs between them.
    """
    for row in table._tbl.tr_lst:
        cells = [_read_cell(_Cell(cell, table), marks) for cell in row.tc_lst]
        filled = [cell for cell in cells if cell]
        if len(filled) == 1 or _is_labelled_list(cells):
            for cell in filled:
                yield from cell
        elif filled:
            yield "\t".join(" ".join(cell) for cell in cells)


def _is_labelled_list(cells: Sequence[Sequence[str]]) -> bool:
    """Return whether a row is a short label beside several lines."""
    if len(cells) != 2:
        return False
    label, content = cells
    is_label = len(label) == 1 and len(label[0]) <= _LABEL_CHARACTERS
    return is_label and len(content) > 1


def _read_cell(cell: _Cell, marks: "_Marks") -> list[str]:
    """Return the lines of a cell; none for a cell that continues the one above."""
    if cell._tc.vMerge == "continue":
        return []
    lines: list[str] = []
    for block in cell.iter_inner_content():
        if isinstance(block, Table):
            lines += _list_rows(block, marks)
        else:
            lines += marks.write(block).split("\n")
    return [line for line in lines if line.strip()]


class _Marks:
    """The marks of items and the numbers of headings, which Word keeps apart from their text."""

    def __init__(self, document: Any) -> None:
        self._styles = {style.style_id: style for style in document.styles}
        self._forms = _read_forms(document)
        self._counts: dict[int, dict[int, int]] = defaultdict(dict)

    def name_style(self, paragraph: Paragraph) -> str:
        """Return the name of a paragraph's style; "" without one."""
        style = self._styles.get(paragraph._p.style)
        return (style.name or "") if style is not None else ""

    def write(self, paragraph: Paragraph) -> str:
        """Return the text of a paragraph behind its mark, and count the item; "" for a blank
        one.
        """
        text = paragraph.text
        if not text.strip():
            return ""
        numbering = self._find_numbering(paragraph)
        # 0 takes an item out of the list of its style
        is_heading = _HEADING.fullmatch(self.name_style(paragraph))
        list_id = None if numbering is None else numbering.numId
        if list_id is None or not list_id.val or is_heading:
            return text
        level = numbering.ilvl.val if numbering.ilvl is not None else 0
        return self._mark(list_id.val, level) + text

    def _find_numbering(self, paragraph: Paragraph) -> Any:
        """Return the numbering of a paragraph, or else of its style or a base of that."""
        style = self._styles.get(paragraph._p.style)
        element: Any = paragraph._p
        for _ in range(_MOST_BASES):
            properties = element.find(qn("w:pPr"))
            if properties is not None and properties.numPr is not None:
                return properties.numPr
            if style is None:
                break
            element = style.element
            style = getattr(style, "base_style", None)
        return None

    def _mark(self, list_id: int, level: int) -> str:
        """Return the mark of the next item: a bullet or its number, behind an indent."""
        counts = self._counts[list_id]
        counts[level] = counts.get(level, 0) + 1
        for deeper in [other for other in counts if other > level]:
            del counts[deeper]
        form = self._forms.get((list_id, level), "bullet")
        if form == "none":
            return ""
        return "  " * level + ("- " if form == "bullet" else f"{counts[level]}. ")


def _read_forms(document: Any) -> dict[tuple[int, int], str]:
    """Return the form of the marks of each list and level, such as "bullet" or "decimal"."""
    try:
        numbering = document.part.numbering_part.element
    except (KeyError, NotImplementedError):
        return {}
    # A list ("num") takes the forms of its levels from a definition ("abstractNum").
    levels = {
        definition.get(qn("w:abstractNumId")): definition.findall(qn("w:lvl"))
        for definition in numbering.findall(qn("w:abstractNum"))
    }
    forms: dict[tuple[int, int], str] = {}
    for listed in numbering.num_lst:
        for level in levels.get(str(listed.abstractNumId.val), ()):
            form = level.find(qn("w:numFmt"))
            name = form.get(qn("w:val")) if form is not None else "decimal"
            forms[listed.numId, int(level.get(qn("w:ilvl")))] = name
    return forms
