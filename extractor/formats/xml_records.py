"""Records in XML: of the registers that have a table for XML.

A document is one record, or wraps many. Each is parsed by itself, so that a fault loses one record
at most; one that does not parse is mended if it can be, with a note. Entities and external
references, which no record needs, are refused (defusedxml), as is text in places where it would
not be read.
"""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO, cast
from xml.etree.ElementTree import Element, ParseError, TreeBuilder  # defusedxml parses

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, iterparse

from extractor.formats.found import (
    DOWNLOAD,
    Found,
    RecordContent,
    UnreadableSource,
    build_content,
)
from extractor.formats.named_fields import read_named
from extractor.formats.record import read_record
from extractor.formats.registers import Register, list_registers
from extractor.formats.streams import (
    BLOCK_BYTES,
    MAX_NESTING,
    DecodedStream,
    SteadyStream,
    peek_block,
    too_large,
)
from extractor.formats.xml_mending import mend
from extractor.formats.xml_pieces import APART, PieceKind, XmlPiece, split_document

_CORRECT = "correct it or download the record again"
_DOWNLOAD_AGAIN = "check or download the file again"
_ENCODING = re.compile(
    rb"\s*<\?xml[^>]{0,200}?\sencoding\s*=\s*[\"']([\w.:-]{1,40})", re.IGNORECASE
)
_UNICODE = re.compile(r"utf-?(?:8|16|32)|(?:us-)?ascii|unicode", re.IGNORECASE)
"""Encodings of a declaration that are read as UTF-8: a stream in UTF-16 was converted before."""
_ENCODINGS = re.compile(
    r"(?:iso-?8859|windows|cp)-?\d{1,4}|latin-?1|gb\d{4,5}|gbk|big5|shift_jis|euc[-_](?:jp|kr)"
    r"|koi8-[ru]",
    re.IGNORECASE,
)
"""Other encodings that registers use."""
_NAME = re.compile(rb"<([A-Za-z_][\w.:-]{0,100})")
_NAMESPACE = re.compile(
    rb"\sxmlns(:[\w.-]{1,64})?\s*=\s*(?:\"[^\"<]{0,300}\"|'[^'<]{0,300}')"
)
_NUMBER = re.compile(
    rb"\b(?:NCT\d{8}|ISRCTN\d{8})\b"
    rb"|<(?:TrialID|trial_id|isrctn)\b[^<>]{0,200}>\s*([\w/.-]{4,40})\s*<"
)
_TITLE = re.compile(
    rb"<(?:[\w.-]{1,64}:)?(?:brief_title|[Pp]ublic_title|scientificTitle)\b"
)
"""A field of every record. Between two records it is that of one whose own tags are damaged."""
_COMMENT = re.compile(APART.partition("|")[0].encode(), re.DOTALL)


def read_xml(stream: BinaryIO) -> Iterator[Found]:
    """Yield the records of one document, in order, and the problem of each that cannot be read.

    The last one has a note if the file ends before its root element does. A document without any
    record is a problem.
    """
    head = peek_block(stream)
    registers = list_registers("xml")
    hidden = {
        name
        for register in registers
        if register.element.encode() in head
        for name in register.inside
    }
    names = [one.element for one in registers if one.element not in hidden]
    reader = _XmlReader(names)
    last: Found | None = None
    for piece in split_document(_convert(stream, head), names):
        content = reader.read(piece)
        if not content:
            continue
        # The last one is kept back: what follows it may show that the file ends too early.
        if last:
            yield last
        last = content
    if last is None:
        problem = (
            f"XML that holds no record of a known format (its root is <{reader.root}>)"
        )
        yield UnreadableSource(problem, DOWNLOAD)
    elif isinstance(last, RecordContent) and not reader.is_closed:
        note = f"the file ends without </{reader.root}>: records behind this one may be missing"
        yield replace(last, notes=(*last.notes, note))
    else:
        yield last


def _convert(stream: BinaryIO, head: bytes) -> BinaryIO:
    """Return the stream in UTF-8, from the encoding that the XML declares in its first block
    ``head``; the same stream if that is UTF-8. Raises ``UnreadableSource`` for an unknown one.
    """
    declared = _ENCODING.match(head)
    name = declared[1].decode("ascii", "replace") if declared else "utf-8"
    if _UNICODE.fullmatch(name):
        return stream
    if not _ENCODINGS.fullmatch(name):
        remedy = "save it as UTF-8, and declare that"
        raise UnreadableSource(f"XML in an unknown encoding ({name})", remedy)
    decoded = DecodedStream(stream, name, errors="surrogateescape")
    return cast("BinaryIO", io.BufferedReader(SteadyStream(decoded), BLOCK_BYTES))


class _XmlReader:
    """Reads the pieces of a document one after the other.

    Attributes:
        root: The name of the element around the records; empty if there is none.
        is_closed: Whether that element ends.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._number = 0
        self._opening = b""
        """A tag with the namespaces of the document, within which each record is parsed."""
        self.root = ""
        self.is_closed = True

    def read(self, piece: XmlPiece) -> Found | None:
        """Return the record of a piece, or what is wrong with it; None for what is between
        records.
        """
        if piece.content is None:
            self._number += 1
            return too_large("record")
        outside = b""
        if not self._opening or piece.kind is PieceKind.BETWEEN:
            outside = _COMMENT.sub(b"", piece.content)
        if not self._opening:
            self._read_opening(outside)
        is_between = piece.kind is PieceKind.BETWEEN
        if is_between and self.root and b"</" + self.root.encode() in outside:
            self.is_closed = True
        if is_between and not _TITLE.search(outside):
            return None
        self._number += 1
        if is_between:
            return _refuse(piece, "fields of a record that neither begins nor ends")
        if piece.kind is PieceKind.RECORD:
            return self._read_record(piece)
        return _refuse(piece, f"the record has no {piece.kind.value}")

    def _read_opening(self, outside: bytes) -> None:
        """Read what is before the first record. Raises ``UnreadableSource`` for declared
        entities.
        """
        if b"<!ENTITY" in outside:
            raise UnreadableSource(
                "XML that declares entities", "remove the declaration"
            )
        root = _NAME.search(outside)
        self.root = root[1].decode() if root else ""
        self.is_closed = not self.root
        namespaces = {found[1]: found[0] for found in _NAMESPACE.finditer(outside)}
        self._opening = b"<r" + b"".join(namespaces.values()) + b">"

    def _read_record(self, piece: XmlPiece) -> Found:
        """Return the record of a piece as it is, or as it can be mended with a note; a problem if
        it breaks a limit or cannot be parsed. Does not raise.
        """
        place = f"record {self._number}"
        content = piece.content or b""
        try:
            try:
                return build_content(_build, self._parse(content), place)
            except ParseError as error:
                problem = error
            line, column = self._locate(piece, problem)
            mended, changes = mend(content)
            try:
                found = build_content(_build, self._parse(mended), place)
            except ParseError:
                reason = str(problem).partition(":")[0]
                return _refuse(piece, reason, (line, column))
        except (DefusedXmlException, LookupError, ValueError) as error:
            return UnreadableSource(
                f"XML that is not read ({type(error).__name__})", _CORRECT, place=place
            )
        except UnreadableSource as error:
            return error
        if not isinstance(found, RecordContent):
            return found
        note = (
            f"the XML is broken at line {line}, column {column} and was mended "
            f"({changes}): compare it with the registry"
        )
        return replace(found, notes=(*found.notes, note))

    def _parse(self, content: bytes) -> Element:
        """Return the element of a record, without namespaces in the names of tags.

        Raises ``ParseError`` for broken XML, or for XML without the element of a record, and
        ``UnreadableSource`` for deep nesting.
        """
        parser = DefusedXMLParser(target=TreeBuilder(), encoding="utf-8")
        source = io.BytesIO(self._opening + content + b"</r>")
        record: Element | None = None
        depth = 0
        for event, element in iterparse(source, events=("start", "end"), parser=parser):
            depth += 1 if event == "start" else -1
            if depth > MAX_NESTING:
                raise UnreadableSource(
                    f"XML nested more than {MAX_NESTING} deep", _CORRECT
                )
            if event == "start":
                element.tag = element.tag.rpartition("}")[2]
                if record is None and element.tag in self._names:
                    record = element
        if record is None:
            raise ParseError("no record")
        return record

    def _locate(self, piece: XmlPiece, problem: ParseError) -> tuple[int, int]:
        """Return line and column in the file of a fault in a piece, which was parsed behind the
        opening.
        """
        line, column = problem.position
        if line > 1:
            return piece.line + line - 1, column
        return piece.line, max(0, column - len(self._opening)) + piece.column


def _refuse(
    piece: XmlPiece, reason: str, place: tuple[int, int] | None = None
) -> UnreadableSource:
    """Return the problem of a piece, with the number of the trial if the piece states one."""
    line, column = place or (piece.line, piece.column)
    where = f"line {line}, column {column}"
    number = _NUMBER.search(piece.content or b"")
    if number:
        stated = number[1] or number[0]
        where += f", in {stated.decode('utf-8', 'replace')}"
    return UnreadableSource(f"broken XML ({reason})", _DOWNLOAD_AGAIN, place=where)


@dataclass(frozen=True, slots=True)
class XmlFields:
    """An element of a record."""

    element: Element

    def list_items(self, path: str, _group: str = "") -> list["XmlFields"]:
        return [XmlFields(found) for found in self.element.findall(path)]

    def read(self, path: str, _types: tuple[type, ...] = ()) -> list[str]:
        for choice in path.split("|"):
            above, _, attribute = choice.partition("/@")
            found = self.element.findall(above)
            if attribute and found:
                return [element.get(attribute, "") for element in found]
            if found:
                return ["".join(element.itertext()) for element in found]
        return []


def _build(record: Element) -> RecordContent:
    """Return the content of a record's element. Raises ``UnreadableSource`` for text beside
    elements, and for elements within a field, which would not be read.
    """
    register = _choose_register(record)
    if register.columns:
        return read_named(register, _list_fields(register, record), "xml")
    _check_groups(register, record, record.tag)
    return read_record(register, XmlFields(record), "xml")


def _choose_register(record: Element) -> Register:
    """Return the register of a record: one whose groups it has, before one without groups."""
    tag = record.tag.lower()
    registers = [one for one in list_registers("xml") if one.element.lower() == tag]
    filled = {child.tag.lower() for child in record if len(child)}
    for register in registers:
        if filled & set(register.keys):
            return register
    return min(registers, key=lambda register: len(register.keys))


def _check_groups(register: Register, element: Element, place: str) -> None:
    _refuse_text(element, place)
    for child in element:
        below = f"{place}/{child.tag}"
        if below.partition("/")[2] in register.groups:
            _check_groups(register, child, below)


def _refuse_text(group: Element, place: str) -> None:
    """Raise ``UnreadableSource`` for text beside the elements of a group, which would not be
    read. White space is no text.
    """
    for text in [group.text, *(child.tail for child in group)]:
        if text and not text.isspace():
            raise UnreadableSource(
                "text where elements are expected", _CORRECT, place=place
            )


def _list_fields(register: Register, record: Element) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each field: of an element, or of the elements of a group."""
    _refuse_text(record, record.tag)
    for child in record:
        place = f"{record.tag}/{child.tag}"
        if len(child) and not register.keys:
            raise UnreadableSource(
                "elements where text is expected", _CORRECT, place=place
            )
        if len(child):
            _refuse_text(child, place)
        for field in list(child) or [child]:
            yield field.tag, "".join(field.itertext())
