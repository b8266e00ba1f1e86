"""Open a file as documents of one format each, and detect the format, without regard to the file's
name.

Files are plain, gzip or zip, detected by their first bytes. Nothing is unpacked to disk, so names
inside an archive can do no harm.
"""

import gzip
import io
import lzma
import re
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import IO, BinaryIO, cast

from extractor.formats.aact import TABLES, OpenTable, is_aact_header, is_aact_table, read_aact
from extractor.formats.document_records import PDF, read_pdf, read_word
from extractor.formats.documents import is_word
from extractor.formats.drafts import Found, Unreadable
from extractor.formats.eu_register import is_register_text, read_register_text
from extractor.formats.flat import read_plain
from extractor.formats.json_studies import read_json
from extractor.formats.others import find_register, refuse_other_table
from extractor.formats.streams import (
    BLOCK_BYTES,
    Bytes,
    SteadyStream,
    UnpackMeter,
    peek_block,
    to_utf8,
)
from extractor.formats.tables import has_equal_rows, is_table, read_table
from extractor.formats.xml_records import read_xml

Reader = Callable[[BinaryIO], Iterator[Found]]

BROKEN_STREAM = (
    OSError,
    EOFError,
    zlib.error,
    zipfile.BadZipFile,
    lzma.LZMAError,
    NotImplementedError,
)
"""Exceptions of the standard library for damaged or unreadable data, at any time while reading."""
_BROKEN_DIRECTORY = (*BROKEN_STREAM, ValueError, RuntimeError, struct.error)
"""Exceptions that leak from ``zipfile`` when an archive's directory is damaged."""
_GZIP = b"\x1f\x8b"
_ZIPS = (b"PK\x03\x04", b"PK\x05\x06")
_ENCRYPTED = 0x1
_WORD_FIRST = b"[Content_Types].xml"
_FIRST_NAMES = 200
"""The name of the first member of a Word file, and how far from its beginning it stands."""
_SPOOL_BYTES = 32 * 1024**2


@dataclass(frozen=True, slots=True)
class Document:
    """What one format's reader finds in a file, or in a member of an archive.

    ``stem`` names records without an id; ``member`` is the name inside an archive.
    """

    stem: str
    items: Iterator[Found]
    member: str | None = None


_DATA = re.compile(r"\.(?:csv|tsv|jsonl?|ndjson|xml)(?:\.\w+)?$", re.IGNORECASE)
"""Names of files that hold data: what they hold otherwise is no free text."""
_TABULAR = re.compile(r"\.(?:csv|tsv)(?:\.\w+)?$", re.IGNORECASE)


def open_documents(name: str, source: Bytes, *, named: bool = True) -> Iterator[Document]:
    """Yield the documents in a file. Read each one before requesting the next. ``named``: the
    user named this file.
    """
    raw = SteadyStream(source)
    stream = _buffer(raw)
    if peek_block(stream).startswith(_ZIPS):
        with _rewind(stream, source) as archive_file:
            yield from _open_members(archive_file, _get_stem(name))
    else:
        named = named and not _DATA.search(name)
        tabular = _TABULAR.search(name) is not None
        yield Document(
            _get_stem(name), _read(to_utf8(_unpack(stream, raw)), named=named, tabular=tabular)
        )


def _get_stem(name: str) -> str:
    """Return a file's name without folders and suffixes, including those of packing."""
    return PurePosixPath(name.removesuffix(".gz")).stem


def _buffer(raw: SteadyStream) -> BinaryIO:
    return cast("BinaryIO", io.BufferedReader(raw, BLOCK_BYTES))


def _unpack(stream: BinaryIO, raw: SteadyStream) -> BinaryIO:
    head = peek_block(stream)
    if head.startswith(_ZIPS) and _WORD_FIRST in head[:_FIRST_NAMES]:
        return stream
    if head.startswith(_ZIPS):
        raise Unreadable("a zip inside a zip", "unpack the inner one and give it by itself")
    if not peek_block(stream).startswith(_GZIP):
        return stream
    meter = UnpackMeter(packed=lambda: raw.position)
    unpacked = _buffer(SteadyStream(cast("Bytes", gzip.GzipFile(fileobj=stream)), meter))
    if peek_block(unpacked).startswith((_GZIP, *_ZIPS)):
        raise Unreadable("packed twice", "unpack it once and give the result")
    return unpacked


@contextmanager
def _rewind(stream: BinaryIO, source: Bytes) -> Iterator[IO[bytes]]:
    """Yield the archive as a seekable file, which zip needs; a pipe is spooled."""
    if isinstance(source, io.IOBase) and source.seekable():
        yield cast("IO[bytes]", source)
        return
    with tempfile.SpooledTemporaryFile(_SPOOL_BYTES) as spool:
        shutil.copyfileobj(stream, spool)
        yield spool


def _open_members(archive_file: IO[bytes], stem: str) -> Iterator[Document]:
    packed = archive_file.seek(0, io.SEEK_END)
    meter = UnpackMeter(packed=lambda: packed)
    try:
        archive = zipfile.ZipFile(archive_file)
    except _BROKEN_DIRECTORY as error:
        raise as_unreadable(error) from error
    with archive:
        if is_word(archive):
            archive_file.seek(0)
            yield Document(stem, read_word(archive_file))
            return
        if kind := _name_office(archive):
            raise Unreadable(f"{kind}, which is not read", _COPY)
        members = [member for member in archive.infolist() if _is_visible(member)]
        if not members:
            raise Unreadable("the archive holds no files", "give an archive with records")
        tables = {
            name: partial(_open_table, archive, one, meter)
            for one in members
            if (name := _name_table(one))
        }
        if _is_aact(tables):
            yield Document("studies", read_aact(tables))
            return
        for member in members:
            member_stem = _get_stem(member.filename)
            try:
                with _open_member(archive, member, meter) as stream:
                    tabular = _TABULAR.search(member.filename) is not None
                    yield Document(member_stem, _read(stream, tabular=tabular), member.filename)
            except (Unreadable, *_BROKEN_DIRECTORY) as error:
                yield Document(member_stem, iter([as_unreadable(error)]), member.filename)


@contextmanager
def _open_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, meter: UnpackMeter
) -> Iterator[BinaryIO]:
    if member.flag_bits & _ENCRYPTED:
        raise Unreadable("the archive's member is encrypted", "unpack it with its password first")
    meter.add(0)  # members may share their data, so what follows a bomb is not unpacked at all
    with archive.open(member) as stored:
        raw = SteadyStream(stored, meter)
        yield to_utf8(_unpack(_buffer(raw), raw))


@contextmanager
def _open_table(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, meter: UnpackMeter
) -> Iterator[BinaryIO]:
    """Open a table of AACT; a problem that ends reading it has its name as place."""
    try:
        with _open_member(archive, member, meter) as stream:
            yield stream
    except (Unreadable, *_BROKEN_DIRECTORY) as error:
        problem = as_unreadable(error)
        raise Unreadable(
            problem.problem, problem.remedy, place=problem.place or member.filename
        ) from error


def _name_table(member: zipfile.ZipInfo) -> str | None:
    """Return the name of AACT's table if the member is named like one that is read."""
    stem = _get_stem(member.filename)
    return stem if stem in TABLES else None


def _name_office(archive: zipfile.ZipFile) -> str | None:
    """Return what an archive is if it is the file of an office program."""
    names = archive.namelist()
    if "[Content_Types].xml" in names:
        return "a workbook or a presentation"
    if names[:1] == ["mimetype"] and "content.xml" in names:
        return "a document of OpenOffice"
    return None


def _is_aact(tables: Mapping[str, OpenTable]) -> bool:
    """Return whether an archive is an export of AACT, by the header of its table of studies."""
    if "studies" not in tables:
        return False
    try:
        with tables["studies"]() as stream:
            return is_aact_header(peek_block(stream))
    except (Unreadable, *_BROKEN_DIRECTORY):
        return False  # reported when it is read as a document


def _is_visible(member: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(member.filename)
    return not (member.is_dir() or path.name.startswith(".") or "__MACOSX" in path.parts)


def as_unreadable(problem: Exception) -> Unreadable:
    """Convert a library exception to ``Unreadable``."""
    if isinstance(problem, Unreadable):
        return problem
    if isinstance(problem, PermissionError):
        return Unreadable("no permission to read it", "change its permissions")
    if isinstance(problem, NotImplementedError):
        return Unreadable(
            f"packed in a way that is not supported ({problem})", "pack it with deflate"
        )
    reason = (
        (isinstance(problem, OSError) and problem.strerror)
        or str(problem)
        or type(problem).__name__
    )
    return Unreadable(
        f"the data is damaged or cannot be read ({reason})", "check or download the file again"
    )


def _read(stream: BinaryIO, *, named: bool = False, tabular: bool = False) -> Iterator[Found]:
    """Yield what the reader of the document's format finds. ``tabular``: the name is that of a
    table.
    """
    head = peek_block(stream)
    reader = detect_format(head)
    if reader is not read_plain:
        yield from reader(stream)
    elif tabular and has_equal_rows(head.decode("utf-8", "replace")):
        yield from read_table(stream)  # which says that no column is known
    else:
        yield from read_plain(stream, named=named)


_COPY = "save it as PDF or .docx, or download the record from its registry as JSON, XML or CSV"
_SAVE = "save it as .docx without a password"
_OTHERS = {
    rb"\x89PNG|\xff\xd8\xff|GIF8|BM.{4}\0\0|II\*\0|MM\0\*|RIFF.{4}WEBP": (
        "an image, not a record",
        "leave it out",
    ),
    rb"\{\\rtf": ("a document in RTF, which is not read", _SAVE),
    rb"\xd0\xcf\x11\xe0": (
        "an encrypted document, or one of an old Word or Excel, which is not read",
        _SAVE,
    ),
}
"""What else a file may be, by its first bytes: its kind, and what to do."""
_PAGE = re.compile(
    rb"\s*(?:<!--.{0,2000}?-->\s*)*(?:<!doctype html|<html)", re.IGNORECASE | re.DOTALL
)
_JSON = re.compile(r"\s*(?:\{\s*(?:[\"}]|$)|\[\s*(?:[{\]]|$))")
_XML = re.compile(r"\s*<[?!A-Za-z]")


def _find_document_reader(head: bytes) -> Reader | None:
    """Return the reader of a PDF or a Word file; None for another format."""
    if PDF.match(head):
        return read_pdf
    return read_word if head.startswith(_ZIPS) else None


def _refuse_others(head: bytes) -> None:
    """Raise ``Unreadable`` for a file of another kind, by its first bytes."""
    for mark, (kind, remedy) in _OTHERS.items():
        if re.match(mark, head, re.DOTALL):
            raise Unreadable(kind, remedy)


def detect_format(head: bytes) -> Reader:
    r"""Return the reader of a document's format.

    ``head`` is the first block of the document, in UTF-8. Raises ``Unreadable`` for an empty file
    or binary data.

    >>> (
    ...     detect_format(b' [ {"protocolSection": ') is read_json,
    ...     detect_format(b"[18F]-Tracer imaging\n") is read_plain,
    ... )
    (True, True)
    """
    if document := _find_document_reader(head):
        return document
    if not head.strip():
        raise Unreadable("the file is empty", "give a file with a record")
    _refuse_others(head)
    if _PAGE.match(head):
        name, remedy = find_register(head)
        of_whom = f" of {name}" if name else ""
        raise Unreadable(
            f"a web page{of_whom}, which is not read",
            f"copy its text into a text file, or {remedy}",
        )
    is_xml = _XML.match(head.decode("utf-8", "replace"))
    if b"\0" in head and not is_xml:  # one in XML is mended
        raise Unreadable(
            "binary data, not text",
            "give a text, JSON, XML or CSV record, plain, in gzip or in zip",
        )
    text = head.decode("utf-8", "replace")
    if is_aact_table(text):
        raise Unreadable(
            "one table of an AACT export", "give the export's zip, or a zip of all its tables"
        )
    if _JSON.match(text):
        return read_json
    if is_xml:
        return read_xml
    refuse_other_table(text)
    if is_register_text(text):
        return read_register_text
    return read_table if is_table(text) else read_plain
