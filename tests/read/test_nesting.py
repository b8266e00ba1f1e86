"""The nesting of JSON is measured whatever its strings hold and wherever its blocks end."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor.read.drafts import Unreadable
from extractor.read.nesting import MAX_NESTING, NestingGuard

TRICKY = ['"', "\\", '\\"', "[" * 600, "]" * 600, '{"', '"}', "\\\\", "é"]
STRINGS = st.lists(st.sampled_from(TRICKY), max_size=5).map("".join)
VALUES = st.recursive(STRINGS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(STRINGS, inner, max_size=3))


def read_through(content: bytes, size: int) -> bytes:
    guard = NestingGuard(io.BytesIO(content))
    return b"".join(iter(lambda: guard.read(size), b""))


@given(value=VALUES, size=st.integers(1, 50), ascii_only=st.booleans())
def test_brackets_in_strings_do_not_count(value, size, ascii_only):
    content = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert read_through(content, size) == content


@given(value=VALUES, size=st.integers(1, 50))
def test_nesting_behind_strings_counts(value, size):
    content = json.dumps(value).encode()
    deep = b"[" * MAX_NESTING
    assert read_through(deep + content.replace(b"[", b"(").replace(b"{", b"("), size)
    with pytest.raises(Unreadable, match="nested more than 500 deep"):
        read_through(b"[" + content + b"," + deep, size)
