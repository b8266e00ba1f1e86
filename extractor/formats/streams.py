"""Byte streams with limits that prevent a hostile or broken file from exhausting memory."""

import codecs
import io
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import BinaryIO, Protocol, cast

from extractor.formats.found import UnreadableSource

BLOCK_BYTES = 64 * 1024
"""Number of bytes read at a time. The format of a document is detected from its first block."""
MAX_RECORD_BYTES = 50 * 1000**2
"""Maximum size of a record, line or table row, in bytes. The largest records in registries,
including results, are smaller than 20 MB.
"""
MAX_UNPACKED_RATIO = 200
"""Maximum ratio of unpacked to packed size. Records become 5 to 20 times as large when unpacked,
and decompression bombs up to 1,000 times as large.
"""
RATIO_FREE_BYTES = 10 * 1000**2
"""Unpacked size, in bytes, up to which any ratio is allowed, because short repetitive files
compress well.
"""

_REST = "; the rest of the file is lost, and the number of records in it is unknown"


class Bytes(Protocol):
    """A source of bytes."""

    def read(self, size: int = -1, /) -> bytes: ...


OpenTable = Callable[[], AbstractContextManager[io.BufferedReader]]
"""Opens a member of an archive."""


@contextmanager
def name_damage() -> Iterator[None]:
    """Raise ``UnreadableSource`` in place of any exception that a library raises while it unpacks
    or decodes data.
    """
    try:
        yield
    except UnreadableSource:
        raise
    # gzip, zlib, zipfile and the decoders raise many kinds of errors for damaged data
    except Exception as error:
        reason = getattr(error, "strerror", None) or error or type(error).__name__
        raise UnreadableSource(
            f"the data is damaged or cannot be read ({reason})"
        ) from error


class SteadyStream(io.RawIOBase):
    """A stream that reads full blocks from any source, so that a buffered reader can peek at the
    whole first block.

    Damage is raised once, after all bytes before it were read. The stream then ends, so that a
    reader that reports the damage at a record and skips the rest of the record does not report it
    again.

    Attributes:
        position: The number of bytes read.
    """

    def __init__(self, source: Bytes, packed: "SteadyStream | None" = None) -> None:
        # after damage in the middle of a block, gzip's read would lose the block's beginning
        self._read = getattr(source, "read1", source.read)
        self._packed = packed
        self._damage: UnreadableSource | None = None
        self.position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        filled = 0
        try:
            with name_damage():
                # a pipe may return fewer bytes than requested before its end
                while block := self._read(len(buffer) - filled):
                    buffer[filled : filled + len(block)] = block
                    filled += len(block)
                    self.position += len(block)
                    # a decompression bomb is noticed before it fills the memory
                    if self._packed:
                        check_unpacked(self.position, self._packed.position)
        except UnreadableSource as damage:
            self._read = io.BytesIO().read
            self._damage = damage
            if self.position:
                damage.problem += _REST
        if self._damage and not filled:
            raised = self._damage
            self._damage = None
            raise raised
        return filled


def check_unpacked(size: int, packed: int) -> None:
    """Raise ``UnreadableSource`` if the unpacked size is too large relative to the packed size."""
    if size > RATIO_FREE_BYTES + MAX_UNPACKED_RATIO * packed:
        raise UnreadableSource(
            f"unpacks to {size:,} bytes or more, as decompression bombs do",
            "unpack it yourself if you trust it, and pass the unpacked file",
        )


def buffer_stream(
    source: Bytes, packed: io.BufferedReader | None = None
) -> io.BufferedReader:
    """Return a stream without its byte order mark. The stream's ``peek`` returns the whole first
    block.

    Args:
        source: The source to read.
        packed: The packed stream that the source unpacks, or None. Its size limits the unpacked
            size.
    """
    below = None
    if packed:
        below = cast("SteadyStream", packed.raw)
    raw: io.RawIOBase = SteadyStream(source, below)
    stream: io.BufferedReader = io.BufferedReader(raw, BLOCK_BYTES)
    if stream.peek().startswith(codecs.BOM_UTF8):
        stream.read(len(codecs.BOM_UTF8))
    return stream


def check_source_size(size: int, place: str | None = None) -> None:
    """Raise ``UnreadableSource`` if a record, line or row is larger than any genuine one."""
    if size > MAX_RECORD_BYTES:
        raise UnreadableSource(
            f"a record of more than {MAX_RECORD_BYTES:,} bytes",
            "split the file into records",
            place=place,
        )


class TextBuffer:
    """The text of a stream, which is read on demand. Consumed text is discarded.

    Bytes that are invalid in the encoding are decoded with ``surrogateescape``.

    Attributes:
        text: The buffered text.
        at: The offset in ``text`` at which the unconsumed text begins.
        line: The line number at ``at``.
    """

    def __init__(self, stream: io.BufferedReader, encoding: str = "utf-8") -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("surrogateescape")
        self.text = ""
        self.at = 0
        self.line = 1

    def read_on(self) -> bool:
        """Double the amount of buffered text, so that a search takes linear time. Return False at
        the end of the stream. Raises ``UnreadableSource`` if the buffer exceeds the maximum size
        of a record.
        """
        waiting = len(self.text) - self.at
        check_source_size(waiting - BLOCK_BYTES)
        # read would lose the bytes before damage
        block = self._stream.read1(max(waiting, BLOCK_BYTES))
        self.text = self.text[self.at :] + self._decoder.decode(block, final=not block)
        self.at = 0
        return bool(block)

    def find(
        self, pattern: re.Pattern[str], *, ahead: int = 0, skips: bool = False
    ) -> re.Match[str] | None:
        """Return the first match that begins at least ``ahead`` characters after ``at``, reading on
        as needed. Return None if the rest of the stream has no match. If ``skips`` is True, the
        text before the match is consumed during the search and may have any length.
        """
        while not (match := pattern.search(self.text, self.at + ahead)):
            # the last character stays, because a match may begin with it
            if skips:
                self.take(-1)
            if not self.read_on():
                return None
        return match

    def take(self, end: int | None = None) -> str:
        """Consume and return the buffered text up to offset ``end``, or all of it if ``end`` is
        None.
        """
        taken = self.text[self.at : end]
        self.line += taken.count("\n")
        self.at += len(taken)
        return taken


def read_numbered_lines(stream: BinaryIO) -> Iterator[tuple[int, str]]:
    """Yield (number, line) pairs, with lines numbered from 1. Bytes that are not UTF-8 are decoded
    with ``surrogateescape``. Raises ``UnreadableSource`` if a line is too long.
    """
    number = 0
    # one byte more than allowed, so that a line that is too long can be told from the longest one
    while line := stream.readline(MAX_RECORD_BYTES + 1):
        number += 1
        check_source_size(len(line), f"line {number}")
        yield number, line.decode(errors="surrogateescape")


_ODD_BYTES = re.compile("[\udcc2-\udcf4][\udc80-\udcbf]+|[\udc80-\udcff]")
"""Bytes that are not UTF-8, as decoded with ``surrogateescape``: an incomplete character, or a
single byte.
"""


def replace_odd_bytes(text: str) -> tuple[str, tuple[str, ...]]:
    r"""Return a text that was decoded with ``surrogateescape``, with its invalid bytes replaced by
    characters, and a tuple that contains a note if there were any such bytes.

    A single byte is read as Windows-1252. An incomplete character is replaced by "�".

    >>> replace_odd_bytes(b"5 \xb5g".decode(errors="surrogateescape"))[0]
    '5 µg'
    """

    def decode(odd: re.Match[str]) -> str:
        content = odd[0].encode(errors="surrogateescape")
        if len(content) == 1:
            return content.decode("cp1252", "replace")
        return "\ufffd"

    text, count = _ODD_BYTES.subn(decode, text)
    if not count:
        return text, ()
    note = (
        f"bytes that are not UTF-8 were read as Windows-1252 ({count}): compare the text with the "
        "register"
    )
    return text, (note,)
