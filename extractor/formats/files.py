"""Open a file as documents of one format each.

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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import IO, BinaryIO, cast

from extractor.formats.detection import (
    ZIPS,
    detect_format,
    find_reader,
    is_aact_studies,
)
from extractor.formats.flat import build_plain
from extractor.formats.found import Found, UnreadableSource, build_content
from extractor.formats.streams import (
    MAX_RECORD_BYTES,
    Bytes,
    OpenTable,
    SteadyStream,
    UnpackMeter,
    buffer_stream,
    check_size,
    peek_block,
    to_utf8,
)

BROKEN_STREAM = (
    OSError,
    EOFError,
    zlib.error,
    zipfile.BadZipFile,
    lzma.LZMAError,
    NotImplementedError,
)
"""Exceptions of the standard library for damaged or unreadable data, at any time while reading."""
_BROKEN_ARCHIVE = (*BROKEN_STREAM, ValueError, RuntimeError, struct.error)
"""Exceptions that leak from ``zipfile`` when an archive's directory is damaged."""
_GZIP = b"\x1f\x8b"
_ENCRYPTED = 0x1
_WORD_FIRST = b"[Content_Types].xml"
"""The name of the first member of a Word file, and of other files of Office."""
_FIRST_NAME_WITHIN = 200
"""The bytes at the beginning of a zip in which the name of its first member is."""
_SPOOL_BYTES = 32 * 1024**2
_DATA = re.compile(r"\.(?:(?P<table>csv|tsv)|jsonl?|ndjson|xml)(?:\.\w+)?$", re.I)
"""Names of files that hold data: what they hold otherwise is no free text."""


@dataclass(frozen=True, slots=True)
class Document:
    """What one format's reader finds in a file, or in a member of an archive.

    ``stem`` names records without an id; ``member`` is the name inside an archive.
    """

    stem: str
    items: Iterator[Found]
    member: str | None = None


def open_documents(
    name: str, source: Bytes, *, named: bool = True
) -> Iterator[Document]:
    """Yield the documents in a file: one for each member of a zip, else one. Read each one before
    requesting the next.

    Args:
        name: The name of the file, of which its documents have their stems.
        source: Its bytes.
        named: Whether the user named this very file, as in ``build_plain``.
    """
    stream = buffer_stream(source)
    if peek_block(stream).startswith(ZIPS):
        with _rewind(stream, source) as archive_file:
            yield from _open_archive(archive_file, _get_stem(name))
    else:
        items = _read(to_utf8(_unpack(stream)), name, named=named)
        yield Document(_get_stem(name), items)


def as_unreadable(problem: Exception) -> UnreadableSource:
    """Convert a library exception to ``UnreadableSource``."""
    if isinstance(problem, UnreadableSource):
        return problem
    reason = problem.strerror if isinstance(problem, OSError) else None
    return UnreadableSource(
        f"the data is damaged or cannot be read ({reason or problem or type(problem).__name__})",
        "check or download the file again",
    )


def _read(stream: BinaryIO, name: str, *, named: bool) -> Iterator[Found]:
    """Yield what the reader of the document's format finds.

    The format is detected from the content. The name matters only for what seems plain text: a
    table whose columns are not known, and data that is none of its format, are no free text.
    """
    kind = detect_format(peek_block(stream))
    data = _DATA.search(name)
    if kind != "plain":
        yield from find_reader(kind)(stream)
    elif data and data["table"]:
        # refuses one whose columns are not known
        yield from find_reader("table")(stream)
    else:
        yield _read_plain(stream, named=named and not data)


def _read_plain(stream: BinaryIO, *, named: bool) -> Found:
    """Return the one record of a plain text; ``named`` as in ``build_plain``."""
    written = stream.read(MAX_RECORD_BYTES + 1)
    check_size(len(written))
    try:
        text = written.decode("utf-8")
    except UnicodeDecodeError as problem:
        place = f"byte {problem.start}"
        return UnreadableSource(
            "text that is not UTF-8", "save it as UTF-8", place=place
        )
    return build_content(partial(build_plain, named=named), text, None)


def _get_stem(name: str) -> str:
    """Return a file's name without folders and suffixes, including those of packing."""
    return PurePosixPath(name.removesuffix(".gz")).stem


def _unpack(stream: BinaryIO) -> BinaryIO:
    """Return a stream without gzip; the same stream if it is not packed, or is a Word file within
    an archive, which is a zip itself.

    Raises ``UnreadableSource`` for any other zip and for what is packed twice.
    """
    head = peek_block(stream)
    if head.startswith(ZIPS) and _WORD_FIRST not in head[:_FIRST_NAME_WITHIN]:
        raise UnreadableSource(
            "a zip inside a zip", "unpack the inner one and give it by itself"
        )
    if not head.startswith(_GZIP):
        return stream
    raw = cast("SteadyStream", cast("io.BufferedReader", stream).raw)
    meter = UnpackMeter(packed=lambda: raw.position)
    unpacked = buffer_stream(cast("Bytes", gzip.GzipFile(fileobj=stream)), meter)
    if peek_block(unpacked).startswith((_GZIP, *ZIPS)):
        raise UnreadableSource("packed twice", "unpack it once and give the result")
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


def _open_archive(archive_file: IO[bytes], stem: str) -> Iterator[Document]:
    """Yield the documents of a zip: the Word document that it is, the export of AACT that its
    members make up, or one for each member that is not hidden.

    Raises ``UnreadableSource`` for a damaged or empty archive, and for a workbook or presentation.
    """
    packed = archive_file.seek(0, io.SEEK_END)
    meter = UnpackMeter(packed=lambda: packed)
    try:
        archive = zipfile.ZipFile(archive_file)
    except _BROKEN_ARCHIVE as error:
        raise as_unreadable(error) from error
    with archive:
        names = archive.namelist()
        if any(name.startswith("word/document") for name in names):
            archive_file.seek(0)
            yield Document(stem, find_reader("docx")(archive_file))
            return
        # the first members of the other files of Office, and of OpenOffice
        if "[Content_Types].xml" in names or names[:1] == ["mimetype"]:
            raise UnreadableSource(
                "a workbook, a presentation or a document of OpenOffice, which is not read",
                "save it as PDF, .docx or CSV",
            )
        members = {
            member.filename: partial(_open_member, archive, member, meter)
            for member in archive.infolist()
            if _is_visible(member)
        }
        if not members:
            raise UnreadableSource(
                "the archive holds no files", "give an archive with records"
            )
        tables = {_get_stem(name): opener for name, opener in members.items()}
        if "studies" in tables and _is_aact(tables["studies"]):
            yield Document("studies", find_reader("aact")(tables))
            return
        for name, opener in members.items():
            yield from _read_member(name, opener)


def _is_aact(open_studies: OpenTable) -> bool:
    """Return whether an archive is an export of AACT, by the header of its table of studies."""
    try:
        with open_studies() as stream:
            return is_aact_studies(peek_block(stream))
    except UnreadableSource:
        return False  # reported when it is read as a document


def _read_member(name: str, open_member: OpenTable) -> Iterator[Document]:
    """Yield the document of a member of an archive. A member that cannot be opened or read is a
    document with that problem, so that the others are read.
    """
    try:
        with open_member() as stream:
            yield Document(_get_stem(name), _read(stream, name, named=False), name)
    except UnreadableSource as problem:
        own = UnreadableSource(problem.problem, problem.remedy)
        yield Document(_get_stem(name), iter([own]), name)


@contextmanager
def _open_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, meter: UnpackMeter
) -> Iterator[BinaryIO]:
    """Yield the unpacked bytes of a member in UTF-8. Raises ``UnreadableSource``, with the name of
    the member as place, for an encrypted or damaged one.
    """
    if member.flag_bits & _ENCRYPTED:
        raise UnreadableSource(
            "the archive's member is encrypted",
            "unpack it with its password first",
            place=member.filename,
        )
    try:
        # members may share their data, so what follows a bomb is not unpacked at all
        meter.add(0)
        with archive.open(member) as stored:
            yield to_utf8(_unpack(buffer_stream(stored, meter)))
    except (UnreadableSource, *_BROKEN_ARCHIVE) as error:
        problem = as_unreadable(error)
        place = problem.place or member.filename
        raise UnreadableSource(problem.problem, problem.remedy, place=place) from error


def _is_visible(member: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(member.filename)
    return not (
        member.is_dir() or path.name.startswith(".") or "__MACOSX" in path.parts
    )
