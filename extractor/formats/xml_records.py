"""Records in XML: the legacy XML of ClinicalTrials.gov, the XML of ISRCTN, the WHO's export from
the ICTRP, and the WHO's data set, in which registers deliver their trials.

A document is one record, or wraps many. Each is parsed by itself, so that a fault loses one record
at most; one that does not parse is mended if it can be, and says so. Entities and external
references, which no record needs, are refused (defusedxml), as are text and elements in places
where they would not be read.
"""

import codecs
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import BinaryIO, cast
from xml.etree.ElementTree import Element, ParseError, TreeBuilder  # defusedxml parses

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, iterparse

from extractor.formats.found import DOWNLOAD, Found, RecordContent, Unreadable, build_content
from extractor.formats.ictrp import COLUMNS, build_ictrp
from extractor.formats.streams import (
    BLOCK_BYTES,
    MAX_NESTING,
    DecodedStream,
    SteadyStream,
    peek_block,
    too_large,
)
from extractor.formats.study import StudyPaths, list_paths, read_study
from extractor.formats.who import FIELDS, build_who, is_who
from extractor.formats.xml_mending import mend_characters, mend_tags
from extractor.formats.xml_pieces import Kind, Piece, split_document

_CORRECT = "correct it or download the record again"
_DOWNLOAD_AGAIN = "check or download the file again"
_ENCODING = re.compile(
    rb"\s*<\?xml[^>]{0,200}?\sencoding\s*=\s*[\"']([\w.:-]{1,40})", re.IGNORECASE
)
_UNICODE = re.compile(r"utf-?(?:8|16|32)|(?:us-)?ascii|unicode", re.IGNORECASE)
"""Encodings of a declaration that are read as UTF-8: a stream in UTF-16 was converted before."""
_NO_ENCODINGS = ("idna", "punycode", "unicode_escape", "raw_unicode_escape", "utf_7", "undefined")
"""Encodings of Python that no file has, and that would take unbounded time."""
_NAMESPACE = re.compile(rb"\sxmlns(?::[\w.-]{1,64})?\s*=\s*(?:\"[^\"<]{0,300}\"|'[^'<]{0,300}')")
_NAME = re.compile(rb"<([A-Za-z_][\w.:-]{0,100})")
_LAST_NAME = re.compile(rb"</([\w.:-]{1,100})[\s>]*\Z")
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_NUMBER = re.compile(
    rb"\b(?:NCT\d{8}|ISRCTN\d{8})\b|<(?:TrialID|trial_id"
    rb"|isrctn)\b[^<>]{0,200}>\s*([\w/.-]{4,40})\s*<",
    re.IGNORECASE,
)
_FEWEST_FIELDS = 2
"""How many fields of records between two records show that they are those of a lost one."""


def read_xml(stream: BinaryIO) -> Iterator[Found]:
    """Yield the studies of one document, in order."""
    head = peek_block(stream)
    names = [name for name in _BUILDERS if name != "trial" or not _has_inner_trials(head)]
    reader = _XmlReader(names)
    last: Found | None = None
    for piece in split_document(_convert(stream, head), names):
        found = reader.read(piece)
        if found:
            yield from [last] if last else []
            last = found
    if not last:
        yield from reader.report_nothing()
    elif isinstance(last, RecordContent) and not reader.is_closed:
        note = (
            f"the file ends without </{reader.root.decode()}>: records behind this one may be "
            "missing"
        )
        yield replace(last, notes=(*last.notes, note))
    else:
        yield last


def _has_inner_trials(head: bytes) -> bool:
    """Return whether ``trial`` is an element within a record, as in ISRCTN's XML."""
    return b"<allTrials" in head or re.search(rb"<(?:[\w.-]{1,64}:)?fullTrial\b", head) is not None


def _convert(stream: BinaryIO, head: bytes) -> BinaryIO:
    """Return the stream in UTF-8, from the encoding that it declares. Raises ``Unreadable`` for
    an unknown one.
    """
    declared = _ENCODING.match(head)
    name = declared[1].decode("ascii", "replace") if declared else "utf-8"
    if _UNICODE.fullmatch(name):
        return stream
    try:
        codec = codecs.lookup(name)
        "".encode(name)  # raises if the codec is none of text
    except (LookupError, ValueError):
        codec = None
    if codec is None or codec.name.replace("-", "_") in _NO_ENCODINGS:
        raise Unreadable(
            f"XML in an unknown encoding ({name})", "save it as UTF-8, and declare that"
        )
    decoded = DecodedStream(stream, codec.name, errors=DecodedStream.MARKING)
    return cast("BinaryIO", io.BufferedReader(SteadyStream(decoded), BLOCK_BYTES))


@dataclass(slots=True)
class _XmlReader:
    """Reads the pieces of a document one after the other.

    Attributes:
        names: The names of the elements that hold records.
        number: How many records were met.
        root: The name of the element around the records; empty if there is none.
        is_closed: Whether that element ends.
        opening: A tag with the namespaces of the document, within which each record is parsed.
    """

    names: list[str]
    number: int = 0
    root: bytes = b""
    is_closed: bool = True
    opening: bytes = b"<r>"
    first: bytes = field(default=b"", repr=False)

    def read(self, piece: Piece) -> Found | None:
        """Return the record of a piece, or what is wrong with it; None for what stands between
        records.
        """
        if piece.too_large:
            self.number += piece.kind is not Kind.BETWEEN
            return too_large("record")
        if piece.kind is Kind.BETWEEN:
            return self._read_between(piece)
        if not self.number and piece.kind is Kind.HEADLESS:
            self._read_opening(piece.content)
        self.number += 1
        return self._read_record(piece)

    def report_nothing(self) -> Iterator[Unreadable]:
        """Yield why a document without a record cannot be read."""
        found = _NAME.search(_COMMENT.sub(b"", self.first))
        if found:
            root = found[1].decode()
            yield Unreadable(
                f"XML that holds no record of a known format (its root is <{root}>)", DOWNLOAD
            )

    def _read_between(self, piece: Piece) -> Unreadable | None:
        if not self.number and not self.first:
            self.first = piece.content[:BLOCK_BYTES]
            self._read_opening(piece.content)
        elif self.root and b"</" + self.root in piece.content:
            self.is_closed = True
        fields = set(_NAME.findall(_COMMENT.sub(b"", piece.content))) & _FIELDS
        if len(fields) < _FEWEST_FIELDS:
            return None
        self.number += 1
        problem = "broken XML (fields of a record that neither begins nor ends)"
        return Unreadable(problem, _DOWNLOAD_AGAIN, place=_locate(piece, piece.line, piece.column))

    def _read_opening(self, content: bytes) -> None:
        """Read what stands before the first record. Raises ``Unreadable`` for declared entities."""
        said = _COMMENT.sub(b"", content)
        if b"<!ENTITY" in said:
            raise Unreadable(
                "XML that declares entities, refers to other files or has an unknown encoding "
                "(EntitiesForbidden)",
                "remove the declaration",
            )
        root = _NAME.search(said)
        self.root = root[1] if root else b""
        self.is_closed = not self.root
        namespaces = dict.fromkeys(found.group().strip() for found in _NAMESPACE.finditer(said))
        self.opening = b"<r " + b" ".join(_take_first(namespaces)) + b">"

    def _read_record(self, piece: Piece) -> Found:
        """Return the record of a piece as it is, or as it can be mended."""
        if piece.kind is Kind.UNFINISHED and b"</" not in piece.content:
            return self._lose(piece, None)
        place = f"record {self.number}"
        content = piece.content
        problem: ParseError | None = None
        changes: list[str] = []
        for mend in (None, mend_characters, partial(mend_tags, is_known=_is_known)):
            if mend:
                content, change = mend(content)
                changes += [change] if change else []
            try:
                whole = piece.kind is Kind.RECORD or not mend
                record = self._parse(content if whole else self._complete(content, piece.kind))
            except ParseError as error:
                problem = problem or error
                continue
            except (DefusedXmlException, LookupError, ValueError) as error:
                return Unreadable(
                    f"XML that is not read ({type(error).__name__})", _CORRECT, place=place
                )
            except Unreadable as error:
                return error
            found = build_content(_build, record, place)
            if not problem:
                return found
            if isinstance(found, RecordContent):
                return replace(
                    found, notes=(*found.notes, _tell(piece, problem, changes, self.opening))
                )
        return self._lose(piece, problem)

    def _complete(self, content: bytes, kind: Kind) -> bytes:
        """Return a record with the tag that it lacks at its end or beginning."""
        if kind is Kind.UNFINISHED:
            start = _NAME.match(content)
            end = b"</" + (start[1] if start else b"") + b">"
            inside = content.rstrip().removesuffix(b"</" + self.root + b">").rstrip()
            return inside if inside.endswith(end) else inside + end
        begin = re.search(rf"<(?:{'|'.join(self.names)})(?=[\s/>])".encode(), content)
        if begin:  # the tag had a fault, which was mended
            return content[begin.start() :]
        last = _LAST_NAME.search(content)
        is_first = self.number == 1  # with what stands before all records
        return content if is_first or not last else b"<" + last[1] + b">" + content

    def _parse(self, content: bytes) -> Element:
        """Return the element of a record, without namespaces. Raises ``ParseError``."""
        parser = DefusedXMLParser(target=TreeBuilder(), encoding="utf-8")
        depth = 0
        record: Element | None = None
        source = io.BytesIO(self.opening + content + b"</r>")
        for event, element in iterparse(source, events=("start", "end"), parser=parser):
            depth += 1 if event == "start" else -1
            if depth > MAX_NESTING:
                raise Unreadable(f"XML nested more than {MAX_NESTING} deep", _CORRECT)
            if event == "start" and record is None and _drop_namespace(element.tag) in self.names:
                record = element
        if record is None:
            error = ParseError("no record: line 1, column 0")
            error.position = (1, 0)
            raise error
        for each in record.iter():
            each.tag = _drop_namespace(each.tag)
        return record

    def _lose(self, piece: Piece, problem: ParseError | None) -> Unreadable:
        reason = str(problem).partition(":")[0]
        if piece.kind is Kind.UNFINISHED:
            reason = "the record has no end"
        if piece.kind is Kind.HEADLESS:
            reason = "the record has no beginning"
        line, column = _find_place(piece, problem, self.opening)
        return Unreadable(
            f"broken XML ({reason})", _DOWNLOAD_AGAIN, place=_locate(piece, line, column)
        )


def _take_first(namespaces: dict[bytes, None]) -> list[bytes]:
    """Return declarations without a second one of the same prefix."""
    by_prefix: dict[bytes, bytes] = {}
    for one in namespaces:
        by_prefix.setdefault(one.partition(b"=")[0].strip(), one)
    return list(by_prefix.values())


def _find_place(piece: Piece, problem: ParseError | None, opening: bytes) -> tuple[int, int]:
    """Return line and column in the file of a fault in a piece, which was parsed behind the
    opening.
    """
    line, column = problem.position if problem else (1, 0)
    if line == 1:
        return piece.line, max(0, column - len(opening)) + piece.column
    return piece.line + line - 1, column


def _locate(piece: Piece, line: int, column: int) -> str:
    """Return the place of a fault, with the number of the trial if the piece states one."""
    number = _NUMBER.search(piece.content)
    stated = (number[1] or number[0]).decode("utf-8", "replace") if number else ""
    return f"line {line}, column {column}" + (f", in {stated}" if stated else "")


def _tell(piece: Piece, problem: ParseError, changes: list[str], opening: bytes) -> str:
    """Return the note of a record that was mended."""
    line, column = _find_place(piece, problem, opening)
    lacking = {Kind.UNFINISHED: "its end is missing", Kind.HEADLESS: "its beginning is missing"}
    what = ", ".join([*changes, *([lacking[piece.kind]] if piece.kind in lacking else [])])
    return (
        f"the XML is broken at line {line}, column {column} and was mended ({what}): compare "
        "it with the registry"
    )


def _drop_namespace(tag: str) -> str:
    return tag.rpartition("}")[2]


def _read_texts(element: Element, path: str) -> list[str]:
    path, _, attribute = path.partition("/@")
    found = element.findall(path)
    return [one.get(attribute, "") if attribute else "".join(one.itertext()) for one in found]


_KNOWN = {
    "main",
    "criteria",
    "contacts",
    "countries",
    "clinical_study",
    "fullTrial",
    "Trial",
    "trial",
}
"""Names of the elements of all formats; those of their fields are added below."""


def _is_known(name: str) -> bool:
    local = name.rpartition(":")[2]
    return local in _KNOWN or local.lower().replace("_", " ") in COLUMNS


def _make_builder(paths: StudyPaths) -> Callable[[Element], RecordContent]:
    """Return the function that checks a record's element and builds its content."""
    read = {paths.trial_id, paths.phases, *paths.texts.values(), *paths.registry.values()}
    read |= {*paths.criteria, *paths.lists.values()}
    read |= {
        f"{parts['path']}/{tag}"
        for parts in paths.items.values()
        for part, tag in parts.items()
        if part != "path"
    }
    read |= {f"{parts['path']}/{parts['name']}" for parts in paths.terms.values()}
    if paths.labels:
        read.add(f"{paths.items['interventions']['path']}/{paths.labels}")
    elements = {path for path in read if "@" not in path}
    inside = {
        "/".join(path.split("/")[:depth])
        for path in elements
        for depth in range(1, path.count("/") + 1)
    }
    tags = {tag for path in read for tag in path.split("/")}
    _KNOWN.update(tags)

    def check(element: Element, path: str, place: str) -> None:
        """Refuse content that would be lost: text or a known element in a wrong place, or
        elements inside a text.
        """
        if path and path not in inside:
            if len(element):
                raise Unreadable("elements where text is expected", _CORRECT, place=place)
            return
        texts = (element.text, *(child.tail for child in element))
        if any(text and not text.isspace() for text in texts):
            raise Unreadable("text where elements are expected", _CORRECT, place=place)
        for child in element:
            below = f"{path}/{child.tag}".lstrip("/")
            if below in elements or below in inside:
                check(child, below, f"{place}/{child.tag}")
            elif child.tag in tags:
                raise Unreadable(f"a {child.tag} that does not belong here", _CORRECT, place=place)

    def build(record: Element) -> RecordContent:
        check(record, "", record.tag)
        return read_study(record, paths, Element.findall, _read_texts)

    return build


def _build_trial(record: Element) -> RecordContent:
    """Build the content of a trial of the WHO: in its export a flat list of fields, in its data
    set groups of them.
    """
    if is_who(record):
        return build_who(record)
    for child in record:
        if len(child):
            raise Unreadable(
                "elements where text is expected", _CORRECT, place=f"{record.tag}/{child.tag}"
            )
    return build_ictrp({child.tag: child.text or "" for child in record}, "ictrp_xml")


_KNOWN.update(FIELDS)
_BUILDERS = {
    "clinical_study": _make_builder(list_paths("ctgov_xml")),
    "fullTrial": _make_builder(list_paths("isrctn_xml")),
    "Trial": _build_trial,
    "trial": _build_trial,
}
"""The elements that hold a record, each with the function that builds its content."""


def _build(record: Element) -> RecordContent:
    return _BUILDERS[record.tag](record)


_FIELDS = {
    *(
        b"brief_title",
        b"official_title",
        b"brief_summary",
        b"id_info",
        b"eligibility",
        b"primary_outcome",
        b"condition",
    ),
    *(b"trialDescription", b"participants", b"interventions", b"isrctn", b"scientificTitle"),
    *(
        b"TrialID",
        b"Public_title",
        b"Scientific_title",
        b"Inclusion_Criteria",
        b"Primary_outcome",
        b"Condition",
    ),
    *(
        b"main",
        b"criteria",
        b"trial_id",
        b"public_title",
        b"scientific_title",
        b"inclusion_criteria",
        b"hc_freetext",
    ),
}
"""Names of fields that stand in records only."""
