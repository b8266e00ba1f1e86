"""Tell a document's format from its first block, and its encoding from the byte order mark."""

import codecs
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from .ctgov_csv import is_table_header, read_ctgov_csv
from .ctgov_json import read_ctgov_json
from .ctgov_xml import read_ctgov_xml
from .drafts import Found, Unreadable
from .flat import read_flat
from .limits import BLOCK_BYTES, Bytes, SteadyStream, peek_block

__all__ = ["Reader", "detect_reader", "to_utf8"]

_JSON = re.compile(r"\s*(?:\{\s*(?:[\"}]|$)|\[\s*(?:[{\]]|$))")
_XML = re.compile(r"\s*<[?!A-Za-z]")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Reader:
    """A format's name as it stands in ``Source.format``, and what reads it."""

    format: str
    read: Callable[[BinaryIO], Iterator[Found]]


_FLAT = Reader("flat", read_flat)
_CTGOV_JSON = Reader("ctgov_json", read_ctgov_json)
_CTGOV_XML = Reader("ctgov_xml", read_ctgov_xml)
_CTGOV_CSV = Reader("ctgov_csv", read_ctgov_csv)


def detect_reader(head: bytes) -> Reader:
    r"""The reader for a document that begins with these bytes, in UTF-8.

    >>> detect_reader(b' [ {"protocolSection": ').format, detect_reader(b"[18F]-Tracer imaging\n").format
    ('ctgov_json', 'flat')
    """
    if not head.strip():
        raise Unreadable("the file is empty", "give a file with a record")
    if b"\0" in head:
        raise Unreadable("binary data, not text", "give a text, JSON, XML or CSV record, plain, in gzip or in zip")
    text = head.decode("utf-8", "replace")
    if _JSON.match(text):
        return _CTGOV_JSON
    if _XML.match(text):
        return _CTGOV_XML
    return _CTGOV_CSV if is_table_header(text) else _FLAT


def to_utf8(stream: BinaryIO) -> BinaryIO:
    """The stream in UTF-8 without byte order mark; UTF-16 is known by its mark."""
    mark = peek_block(stream)[:3]
    if mark.startswith(_UTF16):
        return io.BufferedReader(SteadyStream(_Utf16Source(stream)), BLOCK_BYTES)
    if mark == codecs.BOM_UTF8:
        stream.read(len(mark))
    return stream


class _Utf16Source:
    def __init__(self, stream: Bytes) -> None:
        self._stream, self._ready = stream, b""
        self._decoder = codecs.getincrementaldecoder("utf-16")()

    def read(self, size: int = -1, /) -> bytes:
        if not self._ready:
            block = self._stream.read(BLOCK_BYTES)
            try:
                self._ready = self._decoder.decode(block, final=not block).encode()
            except UnicodeError as problem:
                raise Unreadable("damaged UTF-16 text", "save the file as UTF-8") from problem
        taken, self._ready = self._ready[:size], self._ready[size:]
        return taken
