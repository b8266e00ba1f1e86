"""Byte streams, with limits that prevent a hostile or broken file from exhausting memory."""

import codecs
import io
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import BinaryIO, Protocol, cast

from extractor.formats.found import UnreadableSource

BLOCK_BYTES = 64 * 1024
"""Bytes read at a time; a document's format is detected from its first block."""
MAX_RECORD_BYTES = 50 * 1000**2
"""Maximum size of a record, line or table row, in bytes. The registry's largest records, results
included, are below 20 MB.
"""
MAX_UNPACKED_RATIO = 200
"""Maximum ratio of unpacked to packed size. Records grow five- to twentyfold, the densest bombs
a thousandfold.
"""
RATIO_FREE_BYTES = 10 * 1000**2
"""Unpacked size, in bytes, up to which any ratio is allowed: short repetitive files pack well."""


class Bytes(Protocol):
    """A source of bytes."""

    def read(self, size: int = -1, /) -> bytes: ...


OpenTable = Callable[[], AbstractContextManager[io.BufferedReader]]
"""Opens a member of an archive."""


@contextmanager
def name_damage() -> Iterator[None]:
    """Raise whatever a library raises for data that it cannot unpack or decode as
    ``UnreadableSource``.
    """
    try:
        yield
    except UnreadableSource:
        raise
    except Exception as error:
        reason = getattr(error, "strerror", None) or error or type(error).__name__
        problem = f"the data is damaged or cannot be read ({reason})"
        raise UnreadableSource(problem) from error


class SteadyStream(io.RawIOBase):
    """Reads full blocks from any source, so that a buffer on top can show a whole first block.

    Attributes:
        position: The number of bytes read.
    """

    def __init__(self, source: Bytes, packed: "SteadyStream | None" = None) -> None:
        self._source = source
        self._packed = packed
        self.position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        filled = 0
        with name_damage():
            while block := self._source.read(len(buffer) - filled):
                buffer[filled : filled + len(block)] = block
                filled += len(block)
        self.position += filled
        if self._packed:
            check_unpacked(self.position, self._packed.position)
        return filled


def check_unpacked(size: int, packed: int) -> None:
    """Raise ``UnreadableSource`` for a size that is too large for the packed size."""
    if size > RATIO_FREE_BYTES + MAX_UNPACKED_RATIO * packed:
        raise UnreadableSource(
            f"unpacks to {size:,} bytes or more, as decompression bombs do",
            "unpack it yourself if you trust it, and give the unpacked file",
        )


def buffer_stream(
    source: Bytes, packed: io.BufferedReader | None = None
) -> io.BufferedReader:
    """Return a stream, without its byte order mark, whose whole first block is available to
    ``peek``.

    Args:
        source: The source to read. packed: The packed stream behind the source, whose size limits
        the unpacked size.
    """
    below = cast("SteadyStream", packed.raw) if packed else None
    raw: io.RawIOBase = SteadyStream(source, below)
    stream: io.BufferedReader = io.BufferedReader(raw, BLOCK_BYTES)
    if stream.peek().startswith(codecs.BOM_UTF8):
        stream.read(len(codecs.BOM_UTF8))
    return stream


def check_size(size: int, place: str | None = None) -> None:
    """Raise ``UnreadableSource`` because a record, line or row is larger than any genuine one."""
    if size > MAX_RECORD_BYTES:
        problem = f"a record of more than {MAX_RECORD_BYTES:,} bytes"
        raise UnreadableSource(problem, "split the file into records", place=place)


class TextBuffer:
    """The text of a stream, read on demand; consumed text is discarded.

    Bytes that are not characters of the encoding are kept as Python's ``surrogateescape`` has them.

    Attributes:
        text: The text that was read.
        at: The offset at which the unconsumed text begins.
        line: The number of the line at ``at``.
    """

    def __init__(self, stream: Bytes, encoding: str = "utf-8") -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("surrogateescape")
        self.text = ""
        self.at = 0
        self.line = 1

    def read_on(self) -> bool:
        """Double the buffered text, so that the search takes linear time. Return False at the end.
        Raises ``UnreadableSource`` if the buffer exceeds the size of a record.
        """
        waiting = len(self.text) - self.at
        check_size(waiting - BLOCK_BYTES)
        block = self._stream.read(max(waiting, BLOCK_BYTES))
        self.text = self.text[self.at :] + self._decoder.decode(block, final=not block)
        self.at = 0
        return bool(block)

    def find(
        self, pattern: re.Pattern[str], *, ahead: int = 0, skips: bool = False
    ) -> re.Match[str] | None:
        """Return the match found at least ``ahead`` characters ahead, reading on as needed; None
        at the end. If ``skips`` is true, the text before the match is consumed during the search
        and may have any length.
        """
        while not (found := pattern.search(self.text, self.at + ahead)):
            if skips:
                self.take(-1)
            if not self.read_on():
                return None
        return found

    def take(self, end: int | None = None) -> str:
        """Consume and return the text up to a place in it, or all of it."""
        taken = self.text[self.at : end]
        self.line += taken.count("\n")
        self.at += len(taken)
        return taken


def read_lines(stream: BinaryIO) -> Iterator[tuple[int, str]]:
    """Yield each line with its number, from 1. Bytes that are not UTF-8 are kept as Python's
    ``surrogateescape`` has them. Raises ``UnreadableSource`` for an over-long line.
    """
    number = 0
    while line := stream.readline(MAX_RECORD_BYTES + 1):
        number += 1
        check_size(len(line), f"line {number}")
        yield number, line.decode(errors="surrogateescape")


_ODD_BYTES = re.compile("[\udcc2-\udcf4][\udc80-\udcbf]+|[\udc80-\udcff]")
"""Bytes that are not UTF-8, as ``surrogateescape`` writes them: the beginning of a character, or
one byte.
"""


def replace_odd_bytes(text: str) -> tuple[str, tuple[str, ...]]:
    r"""Return a text in which ``surrogateescape`` kept bytes, with characters in their place, and
    a note of that.

    A single byte is read as Windows-1252, and the beginning of a character that lacks its end as
    "�".

    >>> replace_odd_bytes(b"5 \xb5g".decode(errors="surrogateescape"))[0]
    '5 µg'
    """

    def read(found: re.Match[str]) -> str:
        odd = found[0].encode(errors="surrogateescape")
        return odd.decode("cp1252", "replace") if len(odd) == 1 else "\ufffd"

    text, count = _ODD_BYTES.subn(read, text)
    note = (
        f"{count} bytes are not UTF-8 and were read as Windows-1252: compare the text with the "
        "register"
    )
    return text, (note,) if count else ()
