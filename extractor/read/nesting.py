"""Refuse JSON nested so deeply that a streaming parser's time and memory would grow without bound."""

import re
from itertools import accumulate

from .drafts import Unreadable
from .limits import Bytes

__all__ = ["MAX_NESTING", "NestingGuard"]

MAX_NESTING = 500
"""Deepest nesting of lists and objects; the registry's studies stay below 20."""
_STRING = re.compile(rb'"[^"]*(?:"|$)')
_REST = bytes(set(range(256)) - set(b'"[]{}'))


class NestingGuard:
    """A stream of JSON that measures its nesting on the way.

    Only quotes and brackets are kept of each block, so this costs little beside the parsing.
    """

    def __init__(self, stream: Bytes) -> None:
        self._stream = stream
        self._open = b""  # a backslash or quote that was open at the end of the block before
        self._depth = 0

    def read(self, size: int = -1, /) -> bytes:
        block = self._stream.read(size)
        self._measure(block)
        return block

    def _measure(self, block: bytes) -> None:
        text = (self._open + block).replace(rb"\\", b"")
        escape = b"\\" if text.endswith(b"\\") else b""
        marks = text.replace(rb"\"", b"").translate(None, _REST)
        in_string = b'"' if marks.count(b'"') % 2 else b""
        brackets = _STRING.sub(b"", marks)
        self._open = in_string + escape
        steps = [1 if mark in b"[{" else -1 for mark in brackets]
        if max(accumulate(steps, initial=self._depth)) > MAX_NESTING:
            raise Unreadable(f"JSON nested more than {MAX_NESTING} deep", "give studies of the registry's API v2")
        self._depth += sum(steps)
