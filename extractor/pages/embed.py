"""Data inside a page of HTML, for its script."""

import json
import re
from bisect import bisect_left
from collections.abc import Callable
from typing import Any

__all__ = ["escape_json", "to_utf16"]

_WIDE = re.compile("[\U00010000-\U0010ffff]")


def escape_json(data: Any) -> str:
    r"""JSON that is safe inside a ``script`` element: no character of it can end the element or open a comment.

    >>> escape_json({"title": "</script>"})
    '{"title":"\\u003c/script\\u003e"}'
    """
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def to_utf16(text: str) -> Callable[[int], int]:
    """Turns offsets into a text to offsets as JavaScript counts them, in units of UTF-16.

    >>> to_utf16("day \N{GRINNING FACE} 28")(6), to_utf16("day 28")(6)
    (7, 6)
    """
    wide = [found.start() for found in _WIDE.finditer(text)]
    if not wide:
        return int
    return lambda offset: offset + bisect_left(wide, offset)
