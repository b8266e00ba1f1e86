"""The text of a Word document. Only this module imports python-docx and lxml (extra
``documents``).
"""

import codecs
import io
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import docx
from docx.oxml.ns import qn
from lxml import etree

from extractor.formats.documents.content import DocumentContent, DocumentProblem, Span
from extractor.formats.documents.limits import (
    MAX_DEPTH,
    MAX_DOCUMENT_CHARACTERS,
    MAX_UNPACKED_BYTES,
    MAX_UNPACKED_RATIO,
    MAX_XML_BYTES,
    RATIO_FREE_BYTES,
)

_BOMB = "unpack it yourself if you trust it, and copy its text into a text file"
_DECLARATION = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_HEADING = re.compile(
    r"(?:heading|title|überschrift|titre)\s*(?P<level>\d?)", re.IGNORECASE
)
_CONTENTS = re.compile(
    r"(?:toc|contents)\s*\d?|table of (?:figures|contents)", re.IGNORECASE
)
_LEFT_OUT = frozenset(map(qn, ("w:del", "w:moveFrom", "w:txbxContent", "w:instrText")))
"""What was deleted by a tracked change, text boxes, and codes of fields."""
_AROUND = frozenset(
    map(qn, ("w:sdt", "w:sdtContent", "w:ins", "w:customXml", "w:moveTo"))
)
"""Content controls, and what was inserted by a tracked change."""
_ENCRYPTED = 0x1
_LONGEST_NUMBER = 6
_SHORT_LABEL = 80


def read_word(given: bytes) -> DocumentContent:
    """Return the content of a Word document. Raises ``DocumentProblem`` for one that is damaged,
    encrypted, unpacks to too much or has no text.
    """
    _check_archive(given)
    try:
        document = docx.Document(io.BytesIO(given))
    except (ValueError, KeyError, zipfile.BadZipFile, etree.XMLSyntaxError) as error:
        problem = f"the Word document is damaged ({type(error).__name__})"
        raise DocumentProblem(
            problem, "open it in Word, and save it again as .docx"
        ) from None
    content = _Writer(document).write()
    if not content.text.strip():
        raise DocumentProblem(
            "the Word document has no text",
            "recognise the text of its pictures first (OCR)",
        )
    return content


def _check_archive(given: bytes) -> None:
    """Refuse an archive that unpacks to too much, is encrypted, or declares entities. Word
    writes none.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(given)) as archive:
            _check_members(archive, len(given))
    except (
        zipfile.BadZipFile,
        EOFError,
        NotImplementedError,
        RuntimeError,
        OSError,
        ValueError,
    ) as error:
        problem = f"the Word document is damaged ({type(error).__name__})"
        raise DocumentProblem(
            problem, "open it in Word, and save it again as .docx"
        ) from None


def _check_members(archive: zipfile.ZipFile, packed: int) -> None:
    """Raise ``DocumentProblem`` for an archive of ``packed`` bytes that must not be unpacked."""
    members = archive.infolist()
    if any(member.flag_bits & _ENCRYPTED for member in members):
        raise DocumentProblem(
            "the Word document is encrypted", "save a copy without its password"
        )
    size = sum(member.file_size for member in members)
    out_of_proportion = size > RATIO_FREE_BYTES + MAX_UNPACKED_RATIO * packed
    if size > MAX_UNPACKED_BYTES or out_of_proportion:
        raise DocumentProblem(
            f"unpacks to {size:,} bytes, as decompression bombs do", _BOMB
        )
    for member in members:
        if member.filename.endswith((".xml", ".rels")):
            _check_xml(archive, member)


def _check_xml(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    if member.file_size > MAX_XML_BYTES:
        raise DocumentProblem(
            f"{member.filename} unpacks to {member.file_size:,} bytes", _BOMB
        )
    part = archive.read(member)
    # In UTF-16, zeros stand between the letters of a declaration and would hide it.
    has_mark = part.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if has_mark or b"\0" in part[:4]:
        part = part.replace(b"\0", b"")
    if _DECLARATION.search(part):
        raise DocumentProblem(
            f"{member.filename} declares XML entities, which Word never does", _BOMB
        )


class _Writer:
    """Writes the text of a document: its paragraphs, the marks of its lists, and the rows of its
    tables.
    """

    def __init__(self, document: Any) -> None:
        self._document = document
        self._styles = {style.style_id: style for style in document.styles}
        self._formats = _read_numbering(document)
        self._counts: dict[str, dict[int, int]] = defaultdict(dict)
        self._written: list[str] = []
        self._size = 0
        self._headings: list[int] = []
        self._ranks: list[int] = []
        self._contents: list[Span] = []

    def write(self) -> DocumentContent:
        for element in _list_blocks(self._document.element.body):
            if element.tag == qn("w:p"):
                self._write_paragraph(element)
            else:
                self._write_table(element)
        text = "".join(self._written)
        return DocumentContent(
            text,
            headings=tuple(self._headings),
            ranks=tuple(self._ranks),
            contents=tuple(self._contents),
        )

    def _add(self, line: str) -> int:
        """Add a line to the text, and return where it begins. Raises ``DocumentProblem`` if the
        text becomes too long.
        """
        start = self._size
        self._written.append(line + "\n")
        self._size += len(line) + 1
        if self._size > MAX_DOCUMENT_CHARACTERS:
            problem = (
                f"a Word document of more than {MAX_DOCUMENT_CHARACTERS:,} characters"
            )
            raise DocumentProblem(
                problem, "save only the part with eligibility, treatment and outcomes"
            )
        return start

    def _write_paragraph(self, paragraph: Any) -> None:
        """Write a paragraph as a line. By its style, it is noted as an entry of a table of contents
        or as a heading, whose rank is the number in the name of the style, or 1.
        """
        text = self._read_paragraph(paragraph)
        if not text.strip():
            self._add("")
            return
        style = self._name_style(paragraph)
        start = self._add(text)
        if _CONTENTS.fullmatch(style):
            self._contents.append((start, self._size - 1))
        elif named := _HEADING.fullmatch(style):
            self._headings.append(start)
            self._ranks.append(int(named["level"] or 0) or 1)

    def _write_table(self, table: Any) -> None:
        """Write the rows of a table, without blank ones: the lines of a row's only filled cell, a
        label above its list, or the cells between tabs on one line.
        """
        for row in _find_children(table, "w:tr"):
            cells = [self._read_cell(cell) for cell in _find_children(row, "w:tc")]
            filled = [cell for cell in cells if cell]
            if not filled:
                continue
            if len(filled) == 1 or _is_labelled_list(cells):
                for cell in filled:
                    for line in cell:
                        self._add(line)
            else:
                self._add("\t".join(" ".join(cell) for cell in cells))

    def _read_cell(self, cell: Any) -> list[str]:
        """Return the lines of a cell; none for a cell that continues the one above."""
        merged = cell.find(f"{qn('w:tcPr')}/{qn('w:vMerge')}")
        # The first of several merged cells says "restart", the others say nothing or "continue".
        if merged is not None and merged.get(qn("w:val")) != "restart":
            return []
        texts: list[str] = []
        for block in _list_blocks(cell):
            if block.tag == qn("w:p"):
                texts.append(self._read_paragraph(block))
            else:
                texts += self._read_inner_table(block)
        lines: list[str] = []
        for text in texts:
            lines += [line for line in text.split("\n") if line.strip()]
        return lines

    def _read_inner_table(self, table: Any) -> list[str]:
        """Return the rows of a table within a cell, with tabs between their cells."""
        rows: list[str] = []
        for row in _find_children(table, "w:tr"):
            cells = [self._read_cell(cell) for cell in _find_children(row, "w:tc")]
            rows.append("\t".join(" ".join(cell) for cell in cells))
        return rows

    def _read_paragraph(self, paragraph: Any) -> str:
        text = "".join(_read_runs(paragraph))
        if not text.strip():
            return ""
        return self._mark_item(paragraph) + text

    def _name_style(self, paragraph: Any) -> str:
        style = self._find_style(paragraph)
        return (style.name or "") if style is not None else ""

    def _find_style(self, paragraph: Any) -> Any:
        named = paragraph.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
        return self._styles.get(named.get(qn("w:val"))) if named is not None else None

    def _list_properties(self, paragraph: Any) -> Iterator[Any]:
        """Yield the properties of a paragraph, of its style, and of the styles that this one is
        based on.
        """
        own = paragraph.find(qn("w:pPr"))
        if own is not None:
            yield own
        # A list style gives its marks to all paragraphs of that style.
        style = self._find_style(paragraph)
        for _ in range(MAX_DEPTH):  # styles may be based on each other in a circle
            if style is None:
                return
            properties = style.element.find(qn("w:pPr"))
            if properties is not None:
                yield properties
            style = style.base_style if hasattr(style, "base_style") else None

    def _mark_item(self, paragraph: Any) -> str:
        """Return the mark of an item, which Word keeps apart from its text: a bullet, its number or
        letter behind an indent, or the whole number of a heading ("5.2"); "" for what is no item.
        The item is counted.
        """
        numbering = self._find_numbering(paragraph)
        if numbering is None:
            return ""
        list_id = _read_value(numbering, "w:numId")
        level = _read_number(_read_value(numbering, "w:ilvl"))
        # 0 takes an item out of the list of its style
        if list_id in ("", "0"):
            return ""
        number = self._count_item(list_id, level)
        form = self._formats.get((list_id, level), "bullet")
        indent = "  " * level
        if form == "none":
            return ""
        if form == "bullet":
            return f"{indent}- "
        if _HEADING.fullmatch(self._name_style(paragraph)):
            counts = self._counts[list_id]
            numbers = [str(counts.get(above, 1)) for above in range(level + 1)]
            return f"{'.'.join(numbers)} "
        # "lowerLetter" or "upperLetter"
        if "etter" in form and number <= 26:
            return f"{indent}{chr(ord('a') + number - 1)}) "
        return f"{indent}{number}. "

    def _find_numbering(self, paragraph: Any) -> Any:
        """Return the numbering of a paragraph, or else of its style; None without any."""
        for properties in self._list_properties(paragraph):
            numbering = properties.find(qn("w:numPr"))
            if numbering is not None:
                return numbering
        return None

    def _count_item(self, list_id: str, level: int) -> int:
        """Return the number of the next item on a level. The levels below it begin again."""
        counts = self._counts[list_id]
        counts[level] = counts.get(level, 0) + 1
        for deeper in [other for other in counts if other > level]:
            del counts[deeper]
        return counts[level]


def _is_labelled_list(cells: list[list[str]]) -> bool:
    """Return whether a row is a short label beside several lines."""
    if len(cells) != 2:
        return False
    label, content = cells
    if len(label) != 1 or len(content) < 2:
        return False
    return len(label[0]) <= _SHORT_LABEL


def _list_blocks(parent: Any) -> Iterator[Any]:
    """Yield the paragraphs and tables of a body or a cell."""
    return _find_children(parent, "w:p", "w:tbl")


def _find_children(parent: Any, *names: str, depth: int = 0) -> Iterator[Any]:
    """Yield the elements of these names in a part, those within content controls and tracked
    insertions too.
    """
    if depth > MAX_DEPTH:
        raise DocumentProblem(
            "a Word document with too many nested parts", "save it as PDF"
        )
    for child in parent:
        if child.tag in map(qn, names):
            yield child
        elif child.tag in _AROUND:
            yield from _find_children(child, *names, depth=depth + 1)


def _read_runs(element: Any, depth: int = 0) -> Iterator[str]:
    """Yield the words of a paragraph, or of an element in it, as it reads with all changes
    accepted. Text boxes are left out, and elements nested too deep.
    """
    if depth > MAX_DEPTH:
        return
    for child in element:
        if child.tag in _LEFT_OUT:
            continue
        if child.tag == qn("w:t"):
            yield child.text or ""
        elif child.tag == qn("w:tab"):
            yield "\t" if element.tag == qn("w:r") else ""
        elif child.tag in (qn("w:br"), qn("w:cr")):
            yield "\n"
        elif child.tag == qn("w:noBreakHyphen"):
            yield "-"
        elif child.tag == qn("w:sym"):
            yield ""
        else:
            yield from _read_runs(child, depth + 1)


def _read_value(parent: Any, name: str) -> str:
    found = parent.find(qn(name))
    return (found.get(qn("w:val")) or "") if found is not None else ""


def _read_numbering(document: Any) -> dict[tuple[str, int], str]:
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
    forms: dict[tuple[str, int], str] = {}
    for listed in numbering.findall(qn("w:num")):
        list_id = listed.get(qn("w:numId"))
        for level in levels.get(_read_value(listed, "w:abstractNumId"), ()):
            number = _read_number(level.get(qn("w:ilvl")))
            forms[list_id, number] = _read_value(level, "w:numFmt") or "decimal"
    return forms


def _read_number(written: str | None) -> int:
    """Return a number of an attribute; 0 for what is none."""
    if not written or not written.isdecimal():
        return 0
    return int(written) if len(written) < _LONGEST_NUMBER else 0
