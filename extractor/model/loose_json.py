r"""Read a JSON value as models write it, if its slips leave no doubt about what it is.

Forgiven are a comma behind the last member, a missing one between two objects, a raw line break in
a string, a backslash that escapes nothing, comments, and Python's words and quotation marks. If an
answer's list of items is complete, a missing closing bracket is added. Nothing else is
invented: a value that is cut off, a word or number that JSON does not have, and a key with two
different values are not read. Depth and length are bounded, so that no reply takes long.
"""

import json
import re
from contextlib import suppress
from typing import Any

_LONGEST = 400_000
"""Characters of a value. No answer has as many."""
_DEEPEST = 16
_TOKEN = re.compile(
    r"""
      (?P<blank> (?: \s+ | //[^\n]{0,500} | /\*.{0,500}?\*/ )++ )  # white space and comments
    | , (?P<surplus> (?=\s*[}\]]) )
    | (?P<mark>["']) (?P<string> (?: \\. | (?!(?P=mark))[^\\] )*+ ) (?P=mark)
    | (?P<open> [{\[] )
    | (?P<close> [}\]] ) (?: (?<=\}) (?P<gap> (?=\s*\{) ) )?
    | [,:]
    # what has a greater exponent is no number of Python's
    | -?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,2})?
    | (?:true|false|null|True|False|None)\b
    """,
    re.VERBOSE | re.DOTALL,
)
# How a slip is written as strict JSON, by its name in the pattern, or its text.
_STRICT = {
    "blank": " ",
    "surplus": "",
    "gap": "},",
    "True": "true",
    "False": "false",
    "None": "null",
}
# An escape of JSON, a single quotation mark escaped for Python, and what needs an escape.
_ESCAPE = re.compile(r"""(\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt]))|\\(')|([\\"])""")
_LACKS_BRACKET = re.compile(r'\{\s*"items"\s*:.*\]\s*', re.DOTALL)


def read_value(text: str, start: int = 0) -> tuple[Any, int]:
    r"""Read the object or list at ``start``. Return it, and the offset behind it; None, and the
    offset from which others may begin, if it is cut off, or is not JSON despite what is forgiven.

    >>> read_value('{"items": [{"n": 1, "quote": "two\nlines",},],} and more')
    ({'items': [{'n': 1, 'quote': 'two\nlines'}]}, 46)
    """
    strict = ""
    depth = 0
    last = start
    end = start
    while depth <= _DEEPEST and end - start < _LONGEST:
        token = _TOKEN.match(text, end)
        if token is None:
            break
        last = end
        end = token.end()
        depth += bool(token["open"]) - bool(token["close"])
        strict += _write_token(token)
        if depth == 0:
            last = end
            strict = strict.rstrip(",")
            break
    if end == len(text) and _LACKS_BRACKET.fullmatch(strict):
        # fails if another list than that of the items has ended
        strict += "}"
    with suppress(ValueError):
        return _DECODER.decode(strict), end
    # a string without an end may have an answer in it
    return None, max(last, start + 1)


def _write_token(token: re.Match[str]) -> str:
    """Write a token as strict JSON. A backslash that escapes nothing stays one."""
    if token.lastgroup != "string":
        return _STRICT.get(token.lastgroup or token[0], token[0])
    inside = _ESCAPE.sub(
        lambda found: found[1] or found[2] or f"\\{found[3]}", token["string"]
    )
    return f'"{inside}"'


def _join_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of these members. Raises ``ValueError`` for a key with two values."""
    joined: dict[str, Any] = {}
    for key, value in pairs:
        if joined.setdefault(key, value) != value:
            raise ValueError("a key has two values")
    return joined


_DECODER = json.JSONDecoder(strict=False, object_pairs_hook=_join_pairs)
