"""Cut an XML document into its records, without parsing it: a fault in one record leaves the others
whole.

Only the tags that begin and end records are looked for. A record ends with its end tag, or where
the next one begins.
"""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import BinaryIO, NamedTuple

from extractor.formats.streams import BLOCK_BYTES, exceeds_record

_LONGEST_TAG = 256
"""Bytes within which the name of a tag ends."""
_LONGEST_COMMENT = 1024 * 1024
"""Bytes after which a comment or CDATA that does not end is taken for text."""
APART = r"<!--(?:(?!<!--).)*?-->|<!\[CDATA\[(?:(?!<!\[CDATA\[).)*?\]\]>"
"""A comment or CDATA. One that holds another has no end of its own, and is text."""


class PieceKind(StrEnum):
    """What a piece is: a record, a record without its end tag or its start tag, or what is between
    records. The value names what is missing.
    """

    RECORD = "record"
    UNFINISHED = "end"
    HEADLESS = "beginning"
    BETWEEN = "between"


class XmlPiece(NamedTuple):
    """Some bytes of the document, the line on which they begin, from 1, and how many bytes are
    before them on that line; the bytes are None if they are more than a record may have.
    """

    kind: PieceKind
    content: bytes | None
    line: int
    column: int


class _Tag(NamedTuple):
    name: bytes
    start: int
    end: int
    is_end: bool


def split_document(stream: BinaryIO, names: Sequence[str]) -> Iterator[XmlPiece]:
    """Yield all pieces of a document in UTF-8. ``names`` are those of the elements that hold
    records.
    """
    splitter = _Splitter(stream, names)
    opened: bytes | None = None
    while True:
        tag = splitter.find_tag()
        # An element of another name within a record is one of its fields.
        if tag and opened and tag.name != opened:
            continue
        if tag and tag.is_end:
            kind = PieceKind.RECORD if opened else PieceKind.HEADLESS
            yield splitter.cut(kind, tag.end)
            opened = None
            continue
        kind = PieceKind.UNFINISHED if opened else PieceKind.BETWEEN
        yield splitter.cut(kind, tag.start if tag else None)
        if not tag:
            return
        opened = tag.name


class _Splitter:
    """Reads blocks into a buffer that begins where the next piece begins."""

    def __init__(self, stream: BinaryIO, names: Sequence[str]) -> None:
        any_name = "|".join(map(re.escape, names))
        tag = rf"<(?P<end>/)?(?:[\w.-]{{1,64}}:)?(?P<name>{any_name})(?=[\s/>])[^<>]*>?"
        signs = rf"{APART}|(?P<open><!--|<!\[CDATA\[)|{tag}"
        self._sign = re.compile(signs.encode(), re.DOTALL)
        self._stream = stream
        self._buffer = bytearray()
        self._searched = 0
        self._line = 1
        self._column = 0
        self._is_cut = False

    def find_tag(self) -> _Tag | None:
        """Return the next tag of a record, outside of comments and CDATA; None at the end of the
        document.
        """
        while True:
            sign = self._sign.search(self._buffer, self._searched)
            if not sign:
                # A tag may be cut by the end of the buffer.
                tail = len(self._buffer) - _LONGEST_TAG
                self._searched = max(self._searched, tail)
                if not self._read_more():
                    return None
            elif self._may_go_on(sign) and self._read_more():
                self._searched = max(0, min(sign.start(), self._searched))
            else:
                self._searched = sign.end()
                if sign["name"]:
                    is_end = sign["end"] is not None
                    return _Tag(sign["name"], sign.start(), sign.end(), is_end)

    def _may_go_on(self, sign: re.Match[bytes]) -> bool:
        """Return whether more must be read to know where a sign ends: a tag at the end of the
        buffer, or a comment or CDATA without an end, unless it is so long that it is text.
        """
        if not sign["open"]:
            return sign.end() == len(self._buffer) and not sign[0].endswith(b">")
        is_long = len(self._buffer) - sign.end() > _LONGEST_COMMENT
        holds_another = self._buffer.find(sign["open"], sign.end()) >= 0
        return not is_long and not holds_another

    def cut(self, kind: PieceKind, end: int | None) -> XmlPiece:
        """Take the buffer up to ``end``, or all of it, as a piece."""
        end = len(self._buffer) if end is None else end
        content = None if self._is_cut else bytes(self._buffer[:end])
        piece = XmlPiece(kind, content, self._line, self._column)
        self._drop(end)
        self._is_cut = False
        return piece

    def _drop(self, end: int) -> None:
        """Take the buffer up to ``end`` away, and go on counting lines and columns."""
        breaks = self._buffer.count(b"\n", 0, end)
        self._line += breaks
        last = self._buffer.rfind(b"\n", 0, end)
        self._column = end - last - 1 if breaks else self._column + end
        del self._buffer[:end]
        self._searched = max(0, self._searched - end)

    def _read_more(self) -> bool:
        """Add a block to the buffer; False at the end of the document. Of a piece that is larger
        than a record, what was searched is dropped.
        """
        block = self._stream.read(BLOCK_BYTES)
        if exceeds_record(len(self._buffer)):
            self._is_cut = True
            self._drop(max(self._searched, len(self._buffer) - _LONGEST_COMMENT))
        self._buffer += block
        return bool(block)
