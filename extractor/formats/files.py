"""Open a file as one or more documents, each in a single format.

A file can be uncompressed, compressed with gzip, or a zip archive; its type is detected from its
first bytes. Nothing is unpacked to disk, so the names inside an archive are harmless.
"""

import gzip
import io
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import PurePosixPath
from typing import IO, TypeVar, cast

from extractor.formats.detection import ZIPS, detect_format, find_reader
from extractor.formats.flat import build_plain
from extractor.formats.found import (
    NONE_CHOSEN,
    Columns,
    ReadResult,
    UnreadableSource,
    build_content,
    refuse_unexpected,
)
from extractor.formats.streams import (
    MAX_RECORD_BYTES,
    Bytes,
    buffer_stream,
    check_source_size,
    check_unpacked,
    name_damage,
)

_GZIP = b"\x1f\x8b"
_AACT = {"studies", "eligibilities"}
"""The names of two tables that identify an AACT export."""
_NAMED = {
    ".csv": "table",
    ".tsv": "table",
    ".jsonl": "json",
    ".ndjson": "json",
    ".nbib": "medline",
}
"""The formats of files that seem to be plain text, because their first line is damaged or unknown.
"""
_WITH_COLUMNS = {"table", "json", "later_json"}
"""The formats whose records may be rows with the user's own names of columns."""
DATA = (*_NAMED, ".json", ".xml")
"""The suffixes of data files, whose content is never read as free text."""
_ABOUT_FILES = re.compile(
    r"(?:.*/)?(?:read-?me|licen[cs]e|copying|notice|change-?log|authors|contributing|makefile)\b[^/]*"
    r"|.*\.(?:log|py|r|sh|sql|toml|ya?ml|ini|cfg|conf|css|js|ts|tex|bib|ris|ipynb)",
    re.IGNORECASE | re.DOTALL,
)
"""Names of texts about files, and of code, which may be in a folder of records and are none."""
_RENAME = "give the file the suffix .txt to read it as one description, or add headings"
_SPECIFY = "pass it as a file of its own to read it as one description, or add headings"
_CORRECT = (
    "correct the names of its columns, or read it as one description in a run without names of "
    "columns"
)
_HIDDEN = re.compile(r"(?:.*/)?(?:\.[^/]*)?|(?:.*/)?__MACOSX/.*")
"""The names of folders and hidden files in an archive."""
_Item = TypeVar("_Item")
Document = tuple[str | None, Iterator[ReadResult]]
"""The name of the document in its archive, or None, and the items that the reader of its format
yields.
"""


def contain(items: Iterator[_Item]) -> Iterator[_Item | UnreadableSource]:
    """Yield the items, followed by the problem, if any, that stopped the reader.

    >>> [failure] = contain(map(int, ["a"]))
    >>> failure.problem
    'an unexpected ValueError'
    """
    try:
        yield from items
    except Exception as error:  # noqa: BLE001 - one file's failure must not stop the others
        yield refuse_unexpected(error)


def open_documents(
    name: str,
    source: Bytes,
    *,
    is_specified: bool,
    chosen: Columns = NONE_CHOSEN,
) -> Iterator[Document]:
    """Yield the documents in a file: one for each member of a zip, or else a single document. Read
    each document before requesting the next.

    Args:
        name: The name of the file.
        source: The bytes of the file.
        is_specified: Whether the user specified this particular file rather than a folder or an
            archive, in which a README is not a record.
        chosen: The columns of tables that the user chose.
    """
    stream = buffer_stream(source)
    if not stream.peek().startswith(ZIPS):
        yield None, _read(_unpack(stream), name, chosen, is_specified=is_specified)
    elif isinstance(source, io.IOBase) and source.seekable():
        yield from _open_archive(cast("IO[bytes]", source), chosen)
    else:
        with tempfile.TemporaryFile() as spool:
            shutil.copyfileobj(stream, spool)
            yield from _open_archive(spool, chosen)


def _read(
    stream: io.BufferedReader,
    name: str,
    chosen: Columns,
    *,
    is_specified: bool,
) -> Iterator[ReadResult]:
    """Yield the records and problems that the reader of the document's format finds.

    The format is detected from the content. The name is used only if the content seems to be plain
    text: a file with the suffix of a data format is not treated as free text. What seems to be
    plain text is a table if it has columns that the user chose.
    """
    head = stream.peek()
    kind = detect_format(head)
    bare = name.lower().removesuffix(".gz")
    if kind == "plain":
        # the table reader rejects a table without known columns
        kind = _NAMED.get(PurePosixPath(bare).suffix, kind)
        if kind == "plain" and chosen:
            from extractor.formats.tables import begins_with_columns  # noqa: PLC0415 - rarely needed

            kind = "table" if begins_with_columns(head, chosen) else kind
    if kind != "plain":
        read = find_reader(kind)
        if chosen and kind in _WITH_COLUMNS:
            read = partial(read, chosen=chosen)
            if kind == "table":
                read = partial(read, is_specified=is_specified)
        yield from read(stream)
        return
    written = stream.read(MAX_RECORD_BYTES + 1)
    check_source_size(len(written))
    with name_damage():
        text = written.decode()
    remedy = None
    if bare.endswith(DATA):
        remedy = _RENAME
    elif _ABOUT_FILES.fullmatch(bare) and not is_specified:
        remedy = _SPECIFY
    elif chosen and is_specified:
        remedy = _CORRECT
    build = partial(build_plain, remedy=remedy)
    yield build_content(build, text, None)


def _unpack(stream: io.BufferedReader) -> io.BufferedReader:
    """If a stream is compressed with gzip, return it decompressed; otherwise, return the same
    stream.
    """
    if not stream.peek().startswith(_GZIP):
        return stream
    return buffer_stream(cast("Bytes", gzip.GzipFile(fileobj=stream)), stream)


def _open_archive(archive_file: IO[bytes], chosen: Columns) -> Iterator[Document]:
    """Yield the documents of a zip archive: a single document for a Word file or an AACT export,
    or otherwise one document for each member that is not hidden.

    Raises ``UnreadableSource`` for an empty archive, another kind of Office file, or an archive
    that is too large when unpacked.
    """
    with name_damage():
        archive = zipfile.ZipFile(archive_file)
    with archive:
        # zipfile never unpacks more than the size that the archive declares for a member
        check_unpacked(
            sum(member.file_size for member in archive.infolist()),
            archive_file.seek(0, io.SEEK_END),
        )
        names = [name for name in archive.namelist() if not _HIDDEN.fullmatch(name)]
        # the tables of an AACT export are opened by name
        openers = {
            PurePosixPath(name).stem: partial(_open_member, archive, name)
            for name in names
        }
        if any(name.startswith("word/document") for name in names):
            archive_file.seek(0)
            yield None, find_reader("docx")(archive_file)
        # the first members of other Office files and of OpenOffice files
        elif "[Content_Types].xml" in names or names[:1] == ["mimetype"]:
            raise UnreadableSource(
                "an unsupported workbook, presentation or OpenOffice document",
                "save it as PDF, .docx or CSV",
            )
        elif not names:
            raise UnreadableSource(
                "the archive contains no files", "pass an archive with records"
            )
        elif openers.keys() >= _AACT:
            yield None, find_reader("aact")(openers)
        else:
            for name in names:
                yield name, _read_member(archive, name, chosen)


def _read_member(
    archive: zipfile.ZipFile, name: str, chosen: Columns
) -> Iterator[ReadResult]:
    with _open_member(archive, name) as stream:
        yield from _read(stream, name, chosen, is_specified=False)


@contextmanager
def _open_member(archive: zipfile.ZipFile, name: str) -> Iterator[io.BufferedReader]:
    """Open a member of an archive, unpacking it if it is compressed with gzip."""
    with name_damage():
        stored = archive.open(name)
    with stored:
        yield _unpack(buffer_stream(cast("Bytes", stored)))
