"""Byte streams, and the limits that keep a hostile or broken file from filling the memory."""

import codecs
import io
import re
from collections.abc import Callable, Iterator
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


MAX_NESTING = 500
"""Deepest nesting of lists, objects or elements; the registry's studies stay below 20."""


class Bytes(Protocol):
    """A source of bytes."""

    def read(self, size: int = -1, /) -> bytes: ...


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
        out_of_proportion = (
            self.unpacked > RATIO_FREE_BYTES + MAX_UNPACKED_RATIO * self.packed()
        )
        if out_of_proportion or self.unpacked > MAX_UNPACKED_BYTES:
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


def peek_block(stream: BinaryIO) -> bytes:
    """Return the next block without consuming it; it is shorter only at the end of the stream."""
    return cast("io.BufferedReader", stream).peek(BLOCK_BYTES)


def exceeds_record(size: int) -> bool:
    """Return whether bytes that were read since the last record are more than a record and the
    blocks around it.
    """
    return size > MAX_RECORD_BYTES + 2 * BLOCK_BYTES


class CappedStream:
    """A stream for pull parsers that refuses a record that is too large."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._since_record = 0

    def read(self, size: int = -1, /) -> bytes:
        block = self._stream.read(size)
        self._since_record += len(block)
        if exceeds_record(self._since_record):
            raise too_large("record")
        return block

    def start_record(self) -> None:
        """Reset the limit for the next record."""
        self._since_record = 0


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


def decode_loosely(content: bytes) -> tuple[str, int]:
    r"""Return the text of bytes in UTF-8, and how many bytes are no UTF-8.

    A single such byte is read as Windows-1252, and the beginning of a character that lacks its end
    as "�".

    >>> decode_loosely(b"5 \xb5g")
    ('5 µg', 1)
    """
    number = 0

    def read(found: re.Match[str]) -> str:
        nonlocal number
        odd = found.group().encode(errors="surrogateescape")
        number += len(odd)
        return odd.decode("cp1252", "replace") if len(odd) == 1 else "\ufffd"

    try:
        return content.decode(), 0
    except UnicodeDecodeError:
        text = _ODD_BYTES.sub(read, content.decode(errors="surrogateescape"))
        return text, number


def too_large(what: str, place: str | None = None) -> UnreadableSource:
    """Return the problem of a record, line or row that is larger than any honest one."""
    return UnreadableSource(
        f"a {what} of more than {MAX_RECORD_BYTES:,} bytes",
        "split the file into records",
        place=place,
    )


def to_utf8(stream: BinaryIO) -> BinaryIO:
    """Convert the stream to UTF-8 without byte order mark; UTF-16 is detected by its mark."""
    mark = peek_block(stream)[:3]
    # Excel saves "Unicode text" as UTF-16, and CSV in UTF-8 with a mark.
    if mark.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return io.BufferedReader(
            SteadyStream(DecodedStream(stream, "utf-16")), BLOCK_BYTES
        )
    if mark == codecs.BOM_UTF8:
        stream.read(len(mark))
    return stream


class DecodedStream:
    """A stream converted to UTF-8 from another encoding.

    Args:
        stream: The source.
        encoding: Its encoding.
        errors: What to do with bytes that are no character: "strict" raises ``UnreadableSource``,
            "surrogateescape" keeps them.
    """

    def __init__(self, stream: Bytes, encoding: str, *, errors: str = "strict") -> None:
        self._stream = stream
        self._ready = b""
        self._encoding = encoding
        self._errors = errors
        self._decoder = codecs.getincrementaldecoder(encoding)(errors)

    def read(self, size: int = -1, /) -> bytes:
        while not self._ready:
            block = self._stream.read(BLOCK_BYTES)
            try:
                self._ready = self._decoder.decode(block, final=not block).encode(
                    errors=self._errors
                )
            except UnicodeError as problem:
                name = self._encoding.upper()
                raise UnreadableSource(
                    f"damaged {name} text", "save the file as UTF-8"
                ) from problem
            if not block:
                break
        taken = self._ready[:size]
        self._ready = self._ready[size:]
        return taken
