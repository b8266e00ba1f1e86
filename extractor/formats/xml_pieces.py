"""Cut an XML document into its records, without parsing it: a fault in one record leaves the others
whole.

Only the tags that begin and end records are looked for. A record ends with its end tag, or where
the next one begins.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO

from extractor.formats.streams import BLOCK_BYTES, exceeds_record

_LONGEST_TAG = 256
"""Bytes within which a tag says its name."""
_LONGEST_COMMENT = 1024 * 1024
"""Bytes after which a comment or CDATA that does not end is taken for text."""
_CLOSINGS = {b"<!--": b"-->", b"<![CDATA[": b"]]>"}


class PieceKind(StrEnum):
    """What a piece is: a record, a record without its end tag or its start tag, or what stands
    between records. The value names what is missing.
    """

    RECORD = "record"
    UNFINISHED = "end"
    HEADLESS = "beginning"
    BETWEEN = "between"


@dataclass(frozen=True, slots=True)
class XmlPiece:
    """Some bytes of the document.

    Attributes:
        kind: What it is.
        content: The bytes; empty if they are too many.
        line: The line on which it begins, from 1.
        column: How many bytes stand before it on that line.
        too_large: Whether it is larger than a record may be.
    """

    kind: PieceKind
    content: bytes
    line: int
    column: int
    too_large: bool = False


@dataclass(frozen=True, slots=True)
class _Tag:
    name: bytes
    start: int
    end: int
    is_end: bool


def split_document(stream: BinaryIO, names: Sequence[str]) -> Iterator[XmlPiece]:
    """Yield all pieces of a document in UTF-8. ``names`` are those of the elements that hold
    records.
    """
    return iter(_Splitter(stream, names))


class _Splitter:
    """Reads blocks into a buffer that begins where the next piece begins."""

    def __init__(self, stream: BinaryIO, names: Sequence[str]) -> None:
        # ``_searched``: up to where tags were looked for. ``_absent``: up to where a closing sign
        # is not found.
        self._stream = stream
        any_name = "|".join(map(re.escape, names))
        tag = rf"<(?P<end>/)?(?:[\w.-]{{1,64}}:)?(?P<name>{any_name})(?=[\s/>])"
        self._sign = re.compile(rf"{tag}|<!--|<!\[CDATA\[".encode())
        self._buffer = bytearray()
        self._searched = 0
        self._line = 1
        self._column = 0
        self._dropped = False
        self._absent = dict.fromkeys(_CLOSINGS.values(), 0)

    def __iter__(self) -> Iterator[XmlPiece]:
        opened: bytes | None = None
        while True:
            tag = self._find_tag()
            # An element of another name within a record is one of its fields.
            if tag and opened and tag.name != opened:
                continue
            if tag and tag.is_end:
                kind = PieceKind.RECORD if opened else PieceKind.HEADLESS
                yield self._cut(kind, tag.end)
                opened = None
                continue
            kind = PieceKind.UNFINISHED if opened else PieceKind.BETWEEN
            if tag is None:
                yield self._cut(kind, len(self._buffer))
                return
            yield self._cut(kind, tag.start)
            opened = tag.name

    def _cut(self, kind: PieceKind, end: int) -> XmlPiece:
        """Take the buffer up to ``end`` as a piece. A piece of which a part was dropped has no
        content, and is too large.
        """
        content = bytes(self._buffer[:end])
        piece = XmlPiece(
            kind,
            b"" if self._dropped else content,
            self._line,
            self._column,
            too_large=self._dropped,
        )
        self._drop(end)
        self._dropped = False
        return piece

    def _drop(self, end: int) -> None:
        """Take the buffer up to ``end`` away, and go on counting lines and columns."""
        breaks = self._buffer.count(b"\n", 0, end)
        if breaks:
            self._line += breaks
            self._column = end - self._buffer.rfind(b"\n", 0, end) - 1
        else:
            self._column += end
        del self._buffer[:end]
        self._searched = max(0, self._searched - end)
        for closing, reached in self._absent.items():
            self._absent[closing] = max(0, reached - end)

    def _find_tag(self) -> _Tag | None:
        """Return the next tag of a record, outside of comments and CDATA; None at the end of the
        document.
        """
        while True:
            sign = self._sign.search(self._buffer, self._searched)
            if not sign:
                # A tag may be cut by the end of the buffer.
                self._searched = max(self._searched, len(self._buffer) - _LONGEST_TAG)
                if not self._read_more():
                    return None
            elif sign["name"]:
                end = self._buffer.find(b">", sign.end())
                if end >= 0 or not self._read_more():
                    return self._read_tag(sign, end)
            elif not self._skip(sign) and not self._read_more():
                self._searched = sign.end()

    def _read_tag(self, found: re.Match[bytes], end: int) -> _Tag:
        """Return the tag that was found, and go on behind it. ``end`` is where its ">" stands, -1
        if there is none: then, or if another tag begins before, the tag ends with its name.
        """
        self._searched = len(self._buffer) if end < 0 else end + 1
        # the tag itself does not end
        if end < 0 or b"<" in self._buffer[found.end() : end]:
            self._searched = found.end()
        return _Tag(
            found["name"], found.start(), self._searched, found["end"] is not None
        )

    def _skip(self, opening: re.Match[bytes]) -> bool:
        """Go on behind a comment or CDATA, or behind its opening sign if it is text: a comment that
        holds another, or what does not end within ``_LONGEST_COMMENT``. Return False, without going
        on, if more must be read to tell.
        """
        closing = _CLOSINGS[opening.group()]
        # What was searched before is not searched again, so that many signs without an end take
        # linear time.
        start = max(opening.end(), self._absent[closing])
        stop = min(len(self._buffer), opening.end() + _LONGEST_COMMENT)
        end = self._buffer.find(closing, start, stop)
        if end >= 0:
            is_comment = opening.group() == b"<!--"
            # A comment that holds another has no end of its own, and is text.
            if is_comment and self._buffer.find(b"<!--", opening.end(), end) >= 0:
                self._searched = opening.end()
            else:
                self._searched = end + len(closing)
            return True
        self._absent[closing] = max(start, stop - len(closing) + 1)
        if len(self._buffer) - opening.end() > _LONGEST_COMMENT:
            self._searched = opening.end()
            return True
        return False

    def _read_more(self) -> bool:
        """Add a block to the buffer; False at the end of the document. Of a piece that is larger
        than a record, what was searched is dropped.
        """
        block = self._stream.read(BLOCK_BYTES)
        if not block:
            return False
        if exceeds_record(len(self._buffer)):
            self._dropped = True
            self._drop(max(self._searched, len(self._buffer) - _LONGEST_TAG))
        self._buffer += block
        return True
