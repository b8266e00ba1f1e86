"""Read records in XML. The element of each record is cut out of the document and parsed separately,
so that a broken record does not affect other records and the declarations of the document never
reach a parser.
"""

import codecs
import re
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from io import BufferedReader, BytesIO
from itertools import count
from typing import NamedTuple
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import ParseError, fromstring

from extractor.formats.fields import TEXT, write_text
from extractor.formats.found import (
    DOWNLOAD,
    ReadResult,
    RecordContent,
    UnreadableSource,
    build_content,
)
from extractor.formats.record import read_named_fields, read_record
from extractor.formats.registers import Register, fold_column, list_registers
from extractor.formats.streams import BLOCK_BYTES, TextBuffer, replace_odd_bytes
from extractor.schemas.base import JsonObject

_ENCODING = re.compile(
    r"\A\s*<\?xml[^>]{0,200}?\sencoding\s*=\s*[\"']([\w.:-]{1,40})", re.IGNORECASE
)
_UNICODE = re.compile(r"utf-?(?:8|16|32)|(?:us-)?ascii|unicode", re.IGNORECASE)
"""Declared encodings that are read as UTF-8."""
_ENCODINGS = re.compile(
    r"(?:iso-?8859|windows|cp)-?\d{1,4}|latin-?1|gb\d{4,5}|gbk|big5|shift_jis|euc[-_](?:jp|kr)"
    r"|koi8-[ru]",
    re.IGNORECASE,
)
"""Other encodings that registers use."""
_TAG = re.compile(r"<([A-Za-z_][\w:.-]{0,100})")
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML forbids."""
_BARE_AND = re.compile("&(?!(?:amp|lt|gt|quot|apos);)")
"""An "&" that does not begin an XML entity. Other references, such as "&micro;" or "&#2;", may
be the reason why the record is broken.
"""
_BARE_LESS = re.compile("<(?![A-Za-z_/!?])")


_PAPER_ROOTS = ("PubmedArticle", "article", "pmc-", "nlm-", "OAI-PMH")
"""The beginnings of the roots of files with papers."""


class _Kind(NamedTuple):
    """A kind of records.

    Attributes:
        element: The name of a record's element.
        build: Returns the content of the element.
        number_tag: The folded name of the element with the trial number, or "".
        skipped: The names of other elements that are not read, each with the problem to report.
    """

    element: str
    build: Callable[[Element], RecordContent]
    number_tag: str = ""
    skipped: Mapping[str, str] = {}


def read_xml(stream: BufferedReader) -> Iterator[ReadResult]:
    """Yield the records of one document in order, and a problem for each record that cannot be
    read. A document without records, or without its closing tag, is also reported as a problem.
    """
    head = stream.peek().decode("utf-8", "replace")
    root = "".join(_TAG.findall(head)[:1])
    kind = _find_kind(head, root)
    begins = re.compile(rf"<{kind.element}(?=[\s/>])")
    text = TextBuffer(stream, _find_encoding(head))
    last: ReadResult | None = None
    for number in count(1):
        opening = text.find(begins)
        line = f"line {text.line}"
        outside = text.take(opening.start() if opening else None)
        tags = _TAG.findall(outside)
        for name, problem in kind.skipped.items():
            if name in tags:
                yield UnreadableSource(problem, "leave it out", place=line)
        # a number outside the records shows that the tag of its record is broken
        if kind.number_tag in map(fold_column, tags):
            yield UnreadableSource("broken XML (fields outside a record)", place=line)
        if not opening:
            break
        last = _read_record(text, kind, number)
        yield last
    # ``outside`` is now the end of the document; a record that is the root has checked its own end
    is_whole = root == kind.element or f"</{root}" in outside
    if not is_whole and isinstance(last, RecordContent):
        yield UnreadableSource(
            f"the file ends without </{root}>: records may be missing", place=line
        )


def _find_kind(head: str, root: str) -> _Kind:
    """Return the kind of records in a document. Raises ``UnreadableSource`` if the kind is unknown
    or the document declares entities.
    """
    kinds = [
        _Kind(
            register.element,
            partial(build_xml, register),
            fold_column(register.id.rpartition(".")[2]),
        )
        for register in list_registers("xml")
    ]
    if root.startswith(_PAPER_ROOTS):
        kinds = _list_paper_kinds()
    for kind in kinds:
        before, *after = re.split(rf"<{kind.element}[\s/>]", head, maxsplit=1)
        if "<!ENTITY" in before:
            raise UnreadableSource(
                "XML that declares entities", "remove the declaration"
            )
        if after:
            return kind
    raise UnreadableSource(
        f"XML without a record in a known format (its root is <{root}>)", DOWNLOAD
    )


def read_paper(xml: str) -> RecordContent:
    """Return the content of a paper from the XML of its element alone. Raises ``UnreadableSource``
    if the XML is broken or contains no paper.
    """
    root = "".join(_TAG.findall(xml)[:1])
    kind = _find_kind(xml[:BLOCK_BYTES], root)
    text = TextBuffer(BufferedReader(BytesIO(xml.encode())))
    opening = text.find(re.compile(rf"<{kind.element}(?=[\s/>])"))
    text.take(opening.start() if opening else None)
    content = _read_record(text, kind, 1)
    if isinstance(content, UnreadableSource):
        raise content
    return replace(content, place=None)


def _list_paper_kinds() -> list[_Kind]:
    # few documents are papers
    from extractor.formats.papers import jats, pubmed  # noqa: PLC0415

    return [
        _Kind(pubmed.ELEMENT, pubmed.build_pubmed, skipped=pubmed.SKIPPED),
        _Kind(jats.ELEMENT, jats.build_jats),
    ]


def _find_encoding(head: str) -> str:
    """Return the encoding that a document declares. Raises ``UnreadableSource`` if the encoding is
    unknown.
    """
    name = "".join(_ENCODING.findall(head)) or "utf-8"
    with suppress(LookupError):
        if _UNICODE.fullmatch(name):
            return "utf-8"
        if _ENCODINGS.fullmatch(name):
            return codecs.lookup(name).name
    raise UnreadableSource(
        f"XML in an unknown encoding ({name})",
        "save it as UTF-8, and declare UTF-8 as its encoding",
    )


def _read_record(text: TextBuffer, kind: _Kind, number: int) -> ReadResult:
    """Consume a record and return its content. If the record is broken but can be repaired, its
    content includes a note.

    A record that cannot be read is returned as ``UnreadableSource``, so that the next one is still
    read; a record beyond the maximum size raises it and ends the file.
    """
    first = text.line
    ends = re.compile(rf"</{kind.element}\s*>|(?=<{kind.element}[\s/>])")
    try:
        # the start of this record matches too, so the search begins behind it
        end = text.find(ends, ahead=1)
    except UnreadableSource as problem:
        raise problem.nest_place(f"line {first}") from None
    record = text.take(end.end() if end else None)
    # the beginning of the next record is matched without any text
    if not end or not end[0]:
        return UnreadableSource(
            "broken XML (the record is not closed)", place=f"line {first}"
        )
    notes: tuple[str, ...] = ()
    try:
        element = _parse(record)
    except ParseError as error:
        line = f"line {first + error.position[0] - 1}"
        notes = (
            f"the XML is broken at {line} and was repaired: compare it with the registry",
        )
        try:
            element = _parse(_mend(record))
        except ParseError as remaining_error:
            reason = str(remaining_error).partition(":")[0]
            return UnreadableSource(f"broken XML ({reason})", place=line)
    content = build_content(kind.build, element, f"record {number}")
    if isinstance(content, RecordContent):
        return replace(content, notes=(*notes, *content.notes))
    return content


def _mend(record: str) -> str:
    r"""Return a record in a form that a parser accepts: each "&" and "<" that is not markup is
    escaped, vertical tabs become line breaks, and other forbidden characters become "�".

    A parser in recovery mode would drop the "<" in "< 5".

    >>> _mend("<a>Age &gt; 18 & < 65\v5 &micro;g\x02</a>")
    '<a>Age &gt; 18 &amp; &lt; 65\n5 &amp;micro;g�</a>'
    """
    # Bytes of Windows-1252 become their characters first; those that remain are forbidden.
    text, _ = replace_odd_bytes(record)
    # Text copied from Word has vertical tabs for line breaks within a paragraph.
    text = _FORBIDDEN.sub("\ufffd", text.replace("\v", "\n"))
    return _BARE_LESS.sub("&lt;", _BARE_AND.sub("&amp;", text))


def _parse(record: str) -> Element:
    element: Element = fromstring(record.encode(errors="surrogateescape"))
    return element


def build_xml(register: Register, record: Element) -> RecordContent:
    """Return the content of a record's element. Raises ``UnreadableSource`` if an element has both
    text and child elements, or if a field contains elements, because some of that content would
    otherwise be ignored.
    """
    tree = _make_tree(record)
    if register.columns:
        return read_named_fields(
            register, _list_fields(register.columns_by_name, tree), "xml"
        )
    return read_record(register, tree, "xml")


def _make_tree(element: Element) -> JsonObject | str:
    """Return the text of an element that has no attributes or child elements. For any other
    element, return a dictionary of its attributes, its child elements by name, and its text.
    """
    text = element.text or ""
    tree: JsonObject = {f"@{name}": value for name, value in element.items()}
    for child in element:
        tree.setdefault(child.tag.rpartition("}")[2], []).append(_make_tree(child))
        text += child.tail or ""
    if text.strip():
        tree[TEXT] = text
    if list(tree) != [TEXT]:
        return tree
    return text


def _list_fields(
    columns: Container[str], tree: JsonObject | str
) -> Iterator[tuple[str, str]]:
    """Yield the (name, text) pairs of the elements that are columns, including elements in
    groups.
    """
    if isinstance(tree, str) or TEXT in tree:
        raise UnreadableSource("text where fields are expected")
    for name, values in tree.items():
        # attributes are texts, and child elements are lists
        if not isinstance(values, list):
            continue
        for value in values:
            children = {}
            if isinstance(value, dict):
                children = value
            if any(fold_column(child) in columns for child in children):
                yield from _list_fields(columns, children)
            elif fold_column(name) in columns:
                yield name, write_text(value, name)
