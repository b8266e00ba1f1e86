"""Byte streams, and the limits that keep a hostile or broken file from filling the memory."""

import codecs
import io
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Protocol, cast

from extractor.formats.found import UnreadableSource

BLOCK_BYTES = 64 * 1024
"""Bytes read at a time; a document's format is detected from its first block."""
MAX_RECORD_BYTES = 50 * 1000**2
"""Largest record, line or table row, in bytes. The registry's largest records, results included,
are below 20 MB.
"""
MAX_UNPACKED_BYTES = 200 * 1000**3
"""Largest unpacked size of a file, in bytes: several times the whole registry."""
MAX_UNPACKED_RATIO = 200
"""Largest ratio of unpacked to packed size. Records grow five- to twentyfold, the densest bombs
a thousandfold.
"""
RATIO_FREE_BYTES = 10 * 1000**2
"""Unpacked size, in bytes, up to which any ratio is allowed: short repetitive files pack well."""


class Bytes(Protocol):
    """A source of bytes."""

    def read(self, size: int = -1, /) -> bytes: ...


OpenTable = Callable[[], AbstractContextManager[BinaryIO]]
"""Opens a member of an archive."""


@dataclass
class UnpackMeter:
    """Counts the unpacked bytes of one packed file, and refuses files that unpack to too much, as
    such or for their packed size.

    Attributes:
        packed: Returns how many packed bytes were read.
        unpacked: How many bytes they became.
    """

    packed: Callable[[], int]
    unpacked: int = 0

    def add(self, size: int) -> None:
        self.unpacked += size
        most = RATIO_FREE_BYTES + MAX_UNPACKED_RATIO * self.packed()
        if self.unpacked > min(most, MAX_UNPACKED_BYTES):
            raise UnreadableSource(
                f"unpacks to more than {self.unpacked:,} bytes, as decompression bombs do",
                "unpack it yourself if you trust it, and give the unpacked file",
            )


class SteadyStream(io.RawIOBase):
    """Reads full blocks from any source, so that a buffered reader on top can peek at a whole
    first block.
    """

    def __init__(self, source: Bytes, meter: UnpackMeter | None = None) -> None:
        self._source = source
        self._meter = meter
        self.position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        view = memoryview(buffer)
        filled = 0
        while filled < len(view) and (block := self._source.read(len(view) - filled)):
            view[filled : filled + len(block)] = block
            filled += len(block)
        self.position += filled
        if self._meter:
            self._meter.add(filled)
        return filled


def buffer_stream(source: Bytes, meter: UnpackMeter | None = None) -> BinaryIO:
    """Return a stream of a source at whose whole first block ``peek_block`` can look."""
    raw = SteadyStream(source, meter)
    return cast("BinaryIO", io.BufferedReader(raw, BLOCK_BYTES))


def peek_block(stream: BinaryIO) -> bytes:
    """Return the next block without consuming it; it is shorter only at the end of the stream."""
    return cast("io.BufferedReader", stream).peek(BLOCK_BYTES)


def too_large(what: str, place: str | None = None) -> UnreadableSource:
    """Return the problem of a record, line or row that is larger than any honest one."""
    return UnreadableSource(
        f"a {what} of more than {MAX_RECORD_BYTES:,} bytes",
        "split the file into records",
        place=place,
    )


def check_size(size: int) -> None:
    """Raise ``UnreadableSource`` for the size of a record that is too large."""
    if size > MAX_RECORD_BYTES:
        raise too_large("record")


class TextBuffer:
    """The text of a stream, read on when it is wanted: what was taken is dropped.

    Bytes that are no character of the encoding are kept as Python's ``surrogateescape`` has them.

    Attributes:
        text: What was read.
        at: Where what was not taken begins.
        line: The number of the line at ``at``.
    """

    def __init__(self, stream: Bytes, encoding: str = "utf-8") -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("surrogateescape")
        self.text = ""
        self.at = 0
        self.line = 1

    def read_on(self) -> bool:
        """Read as much again as is waiting, so that all is searched in linear time. Return False at
        the end. Raises ``UnreadableSource`` if too much is waiting for one record.
        """
        waiting = len(self.text) - self.at
        check_size(waiting - BLOCK_BYTES)
        block = self._stream.read(max(waiting, BLOCK_BYTES))
        self.text = self.text[self.at :] + self._decoder.decode(block, final=not block)
        self.at = 0
        return bool(block)

    def take(self, end: int) -> str:
        """Return the text up to a place in it, which is taken."""
        taken = self.text[self.at : end]
        self.line += taken.count("\n")
        self.at = end
        return taken


def read_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes | UnreadableSource]]:
    """Yield each line with its number, from 1; an over-long line is skipped and reported."""
    number = 0
    while line := stream.readline(MAX_RECORD_BYTES + 1):
        number += 1
        if len(line) <= MAX_RECORD_BYTES:
            yield number, line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(BLOCK_BYTES)
        yield number, too_large("line", f"line {number}")


_ODD_BYTES = re.compile("[\udcc2-\udcf4][\udc80-\udcbf]+|[\udc80-\udcff]")
"""Bytes that are not UTF-8, as ``surrogateescape`` writes them: the beginning of a character, or
one byte.
"""


def replace_odd_bytes(text: str) -> tuple[str, int]:
    r"""Return a text in which ``surrogateescape`` kept bytes, with characters in their place, and
    how many bytes these were.

    A single byte is read as Windows-1252, and the beginning of a character that lacks its end as
    "�".

    >>> replace_odd_bytes(b"5 \xb5g".decode(errors="surrogateescape"))
    ('5 µg', 1)
    """
    number = 0

    def read(found: re.Match[str]) -> str:
        nonlocal number
        odd = found.group().encode(errors="surrogateescape")
        number += len(odd)
        return odd.decode("cp1252", "replace") if len(odd) == 1 else "\ufffd"

    return _ODD_BYTES.sub(read, text), number


def to_utf8(stream: BinaryIO) -> BinaryIO:
    """Convert the stream to UTF-8 without byte order mark; UTF-16 is detected by its mark."""
    mark = peek_block(stream)[:3]
    # Excel saves "Unicode text" as UTF-16, and CSV in UTF-8 with a mark.
    if mark.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return buffer_stream(_Recoded(stream))
    if mark == codecs.BOM_UTF8:
        stream.read(len(mark))
    return stream


class _Recoded:
    """A stream in UTF-16, converted to UTF-8."""

    def __init__(self, stream: Bytes) -> None:
        self._stream = stream
        self._ready = b""
        self._decoder = codecs.getincrementaldecoder("utf-16")()

    def read(self, size: int = -1, /) -> bytes:
        while not self._ready:
            block = self._stream.read(BLOCK_BYTES)
            try:
                text = self._decoder.decode(block, final=not block)
            except UnicodeError as problem:
                remedy = "save the file as UTF-8"
                raise UnreadableSource("damaged UTF-16 text", remedy) from problem
            self._ready = text.encode()
            if not block:
                break
        taken = self._ready[:size]
        self._ready = self._ready[size:]
        return taken
