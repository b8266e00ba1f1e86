"""Records in XML: the legacy XML of ClinicalTrials.gov, the XML of ISRCTN, the WHO's export from
the ICTRP, and the WHO's data set, in which registers deliver their trials.

A document is one record, or wraps many. Each is parsed by itself, so that a fault loses one record
at most; one that does not parse is mended if it can be, and says so. Entities and external
references, which no record needs, are refused (defusedxml), as is text in places where it would
not be read.
"""

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
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
from extractor.formats.ictrp import build_ictrp
from extractor.formats.streams import (
    BLOCK_BYTES,
    MAX_NESTING,
    DecodedStream,
    SteadyStream,
    peek_block,
    too_large,
)
from extractor.formats.study import StudyPaths, list_paths, read_study
from extractor.formats.who import build_who, is_who
from extractor.formats.xml_mending import mend
from extractor.formats.xml_pieces import PieceKind, XmlPiece, split_document

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


def read_xml(stream: BinaryIO) -> Iterator[Found]:
    """Yield the studies of one document, in order, and the problem of each that cannot be read.

    The last one has a note if the file ends before its root element does. A document without any
    record is a problem.
    """
    head = peek_block(stream)
    reader = _XmlReader(head)
    last: Found | None = None
    for piece in split_document(_convert(stream, head), reader.names):
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
        names: The names of the elements that hold records.
        number: How many records were met.
        root: The name of the element around the records; empty if there is none.
        is_closed: Whether that element ends.
        opening: A tag with the namespaces of the document, within which each record is parsed.
    """

    def __init__(self, head: bytes) -> None:
        # In the XML of ISRCTN, "trial" is an element within a record.
        has_inner_trials = b"<allTrials" in head or b"fullTrial" in head
        self.names = [
            name for name in _BUILDERS if name != "trial" or not has_inner_trials
        ]
        self.number = 0
        self.root = ""
        self.is_closed = True
        self.opening = b""

    def read(self, piece: XmlPiece) -> Found | None:
        """Return the record of a piece, or what is wrong with it; None for what stands between
        records.
        """
        if piece.too_large:
            self.number += 1
            return too_large("record")
        if not self.opening:
            self._read_opening(_drop_comments(piece.content))
        if piece.kind is PieceKind.BETWEEN:
            return self._read_between(piece, _drop_comments(piece.content))
        self.number += 1
        if piece.kind is PieceKind.RECORD:
            return self._read_record(piece)
        return _refuse(piece, f"the record has no {piece.kind.value}")

    def _read_opening(self, said: bytes) -> None:
        """Read what stands before the first record. Raises ``UnreadableSource`` for declared
        entities.
        """
        if b"<!ENTITY" in said:
            raise UnreadableSource(
                "XML that declares entities", "remove the declaration"
            )
        root = _NAME.search(said)
        self.root = root[1].decode() if root else ""
        self.is_closed = not self.root
        namespaces = {found[1]: found.group() for found in _NAMESPACE.finditer(said)}
        self.opening = b"<r" + b"".join(namespaces.values()) + b">"

    def _read_between(self, piece: XmlPiece, said: bytes) -> UnreadableSource | None:
        """Look in what stands between two records, without its comments (``said``), for the end of
        the root. Return a problem if it has the title of a record whose own tags are damaged.
        """
        if self.root and b"</" + self.root.encode() in said:
            self.is_closed = True
        if not _TITLE.search(said):
            return None
        self.number += 1
        return _refuse(piece, "fields of a record that neither begins nor ends")

    def _read_record(self, piece: XmlPiece) -> Found:
        """Return the record of a piece as it is, or as it can be mended; a problem if it breaks a
        limit or is refused. Does not raise.
        """
        place = f"record {self.number}"
        try:
            try:
                return build_content(_build, self._parse(piece.content), place)
            except ParseError as problem:
                return self._mend(piece, problem, place)
        except (DefusedXmlException, LookupError, ValueError) as error:
            return UnreadableSource(
                f"XML that is not read ({type(error).__name__})", _CORRECT, place=place
            )
        except UnreadableSource as error:
            return error

    def _mend(self, piece: XmlPiece, problem: ParseError, place: str) -> Found:
        """Return the record of a piece that could not be parsed, with a note that it was mended; a
        problem if it still cannot be parsed.
        """
        line, column = self._locate(piece, problem)
        mended, changes = mend(piece.content)
        try:
            content = build_content(_build, self._parse(mended), place)
        except ParseError:
            reason = str(problem).partition(":")[0]
            return _refuse(piece, reason, (line, column))
        if not isinstance(content, RecordContent):
            return content
        note = (
            f"the XML is broken at line {line}, column {column} and was mended "
            f"({changes}): compare it with the registry"
        )
        return replace(content, notes=(*content.notes, note))

    def _parse(self, content: bytes) -> Element:
        """Return the element of a record, without namespaces in the names of tags.

        Raises ``ParseError`` for broken XML, or for XML without the element of a record, and
        ``UnreadableSource`` for deep nesting.
        """
        parser = DefusedXMLParser(target=TreeBuilder(), encoding="utf-8")
        elements: list[Element] = []
        depth = 0
        source = io.BytesIO(self.opening + content + b"</r>")
        for event, element in iterparse(source, events=("start", "end"), parser=parser):
            depth += 1 if event == "start" else -1
            if depth > MAX_NESTING:
                raise UnreadableSource(
                    f"XML nested more than {MAX_NESTING} deep", _CORRECT
                )
            if event == "start":
                element.tag = element.tag.rpartition("}")[2]
                elements.append(element)
        for element in elements:
            if element.tag in self.names:
                return element
        raise ParseError("no record")

    def _locate(self, piece: XmlPiece, problem: ParseError) -> tuple[int, int]:
        """Return line and column in the file of a fault in a piece, which was parsed behind the
        opening.
        """
        line, column = problem.position
        # On its first line, the piece stands behind the opening when it is parsed, and behind other
        # bytes in the file.
        if line == 1:
            return piece.line, max(0, column - len(self.opening)) + piece.column
        return piece.line + line - 1, column


def _drop_comments(content: bytes) -> bytes:
    """Return a piece without its comments. A comment that does not end is text."""
    first, *others = content.split(b"<!--")
    kept = [first]
    for comment in others:
        _, closing, behind = comment.partition(b"-->")
        kept.append(behind if closing else comment)
    return b"".join(kept)


def _refuse(
    piece: XmlPiece, reason: str, place: tuple[int, int] | None = None
) -> UnreadableSource:
    """Return the problem of a piece, with the number of the trial if the piece states one."""
    line, column = place or (piece.line, piece.column)
    where = f"line {line}, column {column}"
    number = _NUMBER.search(piece.content)
    if number:
        stated = number[1] or number[0]
        where += f", in {stated.decode('utf-8', 'replace')}"
    return UnreadableSource(f"broken XML ({reason})", _DOWNLOAD_AGAIN, place=where)


def _read_texts(element: Element, path: str) -> list[str]:
    """Return the texts at a path of elements, or of an attribute of theirs ("group/@name")."""
    path, _, attribute = path.partition("/@")
    elements = element.findall(path)
    if attribute:
        return [inner.get(attribute, "") for inner in elements]
    return ["".join(inner.itertext()) for inner in elements]


def _refuse_text(group: Element, place: str) -> None:
    """Raise ``UnreadableSource`` for text beside the elements of a group, which would not be
    read. White space is no text.
    """
    for text in [group.text, *(child.tail for child in group)]:
        if text and not text.isspace():
            raise UnreadableSource(
                "text where elements are expected", _CORRECT, place=place
            )


def _make_builder(paths: StudyPaths) -> Callable[[Element], RecordContent]:
    """Return the function that builds the content of a record's element.

    It raises ``UnreadableSource`` for text beside the elements of any group that the ``paths`` go
    through.
    """
    groups = set(_list_groups(paths))

    def check(element: Element, path: str) -> None:
        _refuse_text(element, path)
        for child in element:
            below = f"{path}/{child.tag}"
            if below.partition("/")[2] in groups:
                check(child, below)

    def build(record: Element) -> RecordContent:
        check(record, record.tag)
        return read_study(record, paths, Element.findall, _read_texts)

    return build


def _list_groups(paths: StudyPaths) -> Iterator[str]:
    """Yield the paths of the elements that hold elements, and no text of their own."""
    texts: list[str] = [paths.trial_id, paths.phases, *paths.texts.values()]
    texts += [*paths.registry.values(), *paths.criteria, *paths.lists.values()]
    for parts in paths.items.values():
        for part, path in parts.items():
            if part != "path":
                texts.append(f"{parts['path']}/{path}")
    for path in texts:
        if "@" in path:
            continue
        steps = path.split("/")
        for depth in range(1, len(steps)):
            yield "/".join(steps[:depth])


def _build_trial(record: Element) -> RecordContent:
    """Build the content of a trial of the WHO: in its export a flat list of fields, in its data
    set groups of them.

    Raises ``UnreadableSource`` for text beside elements, and for elements within a field of the
    export, which would not be read.
    """
    _refuse_text(record, record.tag)
    if is_who(record):
        for child in record:
            if len(child):
                _refuse_text(child, f"{record.tag}/{child.tag}")
        return build_who(record)
    for child in record:
        if len(child):
            place = f"{record.tag}/{child.tag}"
            raise UnreadableSource(
                "elements where text is expected", _CORRECT, place=place
            )
    return build_ictrp({child.tag: child.text or "" for child in record}, "ictrp_xml")


_BUILDERS = {
    "clinical_study": _make_builder(list_paths("ctgov_xml")),
    "fullTrial": _make_builder(list_paths("isrctn_xml")),
    "Trial": _build_trial,
    "trial": _build_trial,
}
"""The elements that hold a record, each with the function that builds its content."""


def _build(record: Element) -> RecordContent:
    return _BUILDERS[record.tag](record)
