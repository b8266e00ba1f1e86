"""Records in XML: each element of a record is cut out of the document and parsed by itself, so that
one that is broken costs no other.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import ParseError, fromstring

from extractor.formats.fields import TEXT, Place, find_values, write_text
from extractor.formats.found import (
    DOWNLOAD,
    Found,
    RecordContent,
    UnreadableSource,
    build_content,
)
from extractor.formats.named_fields import read_named
from extractor.formats.record import read_record
from extractor.formats.registers import Register, fold_name, list_registers
from extractor.formats.streams import TextBuffer, peek_block
from extractor.formats.xml_mending import mend

_AGAIN = "check or download the file again"
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
_LONGEST_TAG = 120
_TAG = re.compile(r"<([A-Za-z_][\w:.-]{0,100})")
_NAMESPACE = re.compile(r"\sxmlns:[\w.-]{1,64}\s*=\s*(?:\"[^\"<]*\"|'[^'<]*')")


def read_xml(stream: BinaryIO) -> Iterator[Found]:
    """Yield the records of one document, in order, and the problem of each that cannot be read. A
    document without any record, or without its end, is a problem.
    """
    head = peek_block(stream)
    registers = list_registers("xml")
    inside = [one.inside for one in registers if one.element.encode() in head]
    names = [one.element for one in registers if one.element not in inside]
    document = _Document(TextBuffer(stream, _find_encoding(head)), names)
    yield from document.read()


def _find_encoding(head: bytes) -> str:
    """Return the encoding that a document declares. Raises ``UnreadableSource`` for an unknown
    one.
    """
    declared = _ENCODING.match(head)
    name = declared[1].decode("ascii", "replace") if declared else "utf-8"
    if _UNICODE.fullmatch(name):
        return "utf-8"
    if not _ENCODINGS.fullmatch(name):
        remedy = "save it as UTF-8, and declare that"
        raise UnreadableSource(f"XML in an unknown encoding ({name})", remedy)
    return name


class _Document:
    """Cuts a document into records. What is outside of them is looked through, and dropped."""

    def __init__(self, text: TextBuffer, names: Sequence[str]) -> None:
        self._text = text
        self._begins = re.compile(rf"<!--|<({'|'.join(names)})(?=[\s/>])")
        self._root = ""
        self._namespaces = ""
        self._is_closed = False
        self._has_lost = False

    def read(self) -> Iterator[Found]:
        number = 0
        name: str | None = ""
        while name is not None:
            name = self._find_record()
            line = f"line {self._text.line}"
            if self._has_lost:
                yield UnreadableSource(
                    "broken XML (fields outside of a record)", _AGAIN, place=line
                )
                self._has_lost = False
            if name:
                number += 1
                yield self._read_record(name, number)
        if not number:
            root = f"its root is <{self._root}>"
            yield UnreadableSource(
                f"XML that holds no record of a known format ({root})", DOWNLOAD
            )
        elif self._root and not self._is_closed:
            yield UnreadableSource(
                f"the file ends without </{self._root}>: records behind this one may be missing",
                _AGAIN,
                place=line,
            )

    def _find_record(self) -> str | None:
        """Go to the next record, and return the name of its element; None at the end."""
        text = self._text
        while True:
            found = self._begins.search(text.text, text.at)
            if found is None:
                self._look_outside(max(text.at, len(text.text) - _LONGEST_TAG))
                if not text.read_on():
                    self._look_outside(len(text.text))
                    return None
                continue
            self._look_outside(found.start())
            if found[1]:
                return found[1]
            while (end := text.text.find("-->", text.at)) < 0 and text.read_on():
                pass
            text.take(end + 3 if end >= 0 else len(text.text))

    def _look_outside(self, end: int) -> None:
        """Take the text outside of records up to a place in it. Raises ``UnreadableSource`` if it
        declares entities.
        """
        outside = self._text.take(end)
        if "<!ENTITY" in outside:
            raise UnreadableSource(
                "XML that declares entities", "remove the declaration"
            )
        tags = _TAG.findall(outside)
        self._root = self._root or "".join(tags[:1])
        self._namespaces = self._namespaces or "".join(_NAMESPACE.findall(outside))
        self._is_closed = self._is_closed or f"</{self._root}" in outside
        self._has_lost = self._has_lost or any(map(_is_number, tags))

    def _read_record(self, name: str, number: int) -> Found:
        """Take a record, and return its content; that of a broken one with a note if it can be
        mended.
        """
        line = self._text.line
        try:
            record = self._cut(name)
        except UnreadableSource as problem:
            return problem.below(f"line {line}")
        try:
            element = self._parse(record)
        except ParseError as problem:
            place = f"line {line + problem.position[0] - 2}"
            mended, changes = mend(record)
            note = f"the XML is broken at {place} and was mended ({changes})"
        else:
            return build_content(build_xml, element, f"record {number}")
        try:
            element = self._parse(mended)
        except ParseError as problem:
            reason = str(problem).partition(":")[0]
            return UnreadableSource(f"broken XML ({reason})", _AGAIN, place=place)
        found = build_content(build_xml, element, f"record {number}")
        if isinstance(found, RecordContent):
            note += ": compare it with the registry"
            found = replace(found, notes=(note, *found.notes))
        return found

    def _cut(self, name: str) -> str:
        """Take a record up to its end. Raises ``UnreadableSource`` for one that has none, or is too
        large; it is skipped.
        """
        text = self._text
        ends = re.compile(rf"</{name}\s*>|<{name}(?=[\s/>])")
        try:
            while not (found := ends.search(text.text, text.at + 1)):
                if not text.read_on():
                    break
        except UnreadableSource:
            text.take(len(text.text) - _LONGEST_TAG)
            raise
        record = text.take(found.start() if found else len(text.text))
        self._is_closed = not found
        if not found or found[0][1] != "/":
            raise UnreadableSource("broken XML (the record has no end)", _AGAIN)
        return record + text.take(found.end())

    def _parse(self, record: str) -> Element:
        document = f"<r{self._namespaces}>\n{record}</r>"
        return fromstring(document.encode(errors="surrogateescape"))[0]


def _is_number(tag: str) -> bool:
    """Return whether a tag is that of a trial's number in some register."""
    return any(
        fold_name(tag) == fold_name(register.id.rpartition(".")[2])
        for register in list_registers("xml")
    )


def build_xml(record: Element) -> RecordContent:
    """Return the content of a record's element. Raises ``UnreadableSource`` for text beside
    elements, and for elements within a field, which would not be read.
    """
    try:
        tree = _make_tree(record)
    except RecursionError:
        raise UnreadableSource("XML that is nested too deep", _AGAIN) from None
    [register] = [
        one for one in list_registers("xml") if one.element == _get_name(record)
    ]
    if not register.columns:
        return read_record(register, tree, "xml")
    return read_named(register, _list_fields(register, tree), "xml")


def _get_name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _make_tree(element: Element) -> Any:
    """Return the text of an element, or its attributes, its elements by name, and its text."""
    text = element.text or ""
    if not len(element) and not element.attrib:
        return text
    tree: dict[str, Any] = {f"@{name}": value for name, value in element.attrib.items()}
    children: dict[str, list[Any]] = {}
    for child in element:
        children.setdefault(_get_name(child), []).append(_make_tree(child))
        text += child.tail or ""
    for name, found in children.items():
        tree[name] = found if len(found) > 1 else found[0]
    if text.strip():
        tree[TEXT] = text
    return tree


def _list_fields(
    register: Register, group: dict[str, Any], place: Place = ()
) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each element that is a column, also of those in groups."""
    columns = register.columns_by_name
    for name in group:
        if name[:1] in ("", "@"):
            continue
        for value, where in find_values(group, name, place):
            below = value if isinstance(value, dict) else {}
            if any(fold_name(one) in columns for one in below):
                yield from _list_fields(register, below, where)
            elif fold_name(name) in columns:
                yield name, write_text(value, where)
