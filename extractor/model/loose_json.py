r"""Read a JSON value as models write it, if its errors do not make it ambiguous.

The following errors are accepted: a comma after the last member, a missing comma between two
objects, a raw line break in a string, an unnecessary backslash, comments, and Python's keywords and
quotation marks. If an answer's list of items is complete, a missing closing brace is added. Values
with other errors are not read: truncated values, words or numbers that JSON does not allow, and
objects in which a key has two different values. Depth and length are limited, so that every reply
is read quickly. The library json_repair would mend these errors too: it takes the last
of two values, and turns ``1 8`` into a value.
"""

import json
import re
from contextlib import suppress
from math import isfinite

_LONGEST = 400_000
"""Maximum number of characters in a value. Answers are never that long."""
_DEEPEST = 16
_TOKEN = re.compile(
    r"""
      (?P<blank> (?: \s+ | //[^\n]{0,500} | /\*.{0,500}?\*/ )++ )  # white space and comments
    | , (?P<surplus> (?=\s*[}\]]) )
    | (?P<mark>["']) (?P<string> (?: \\. | (?!(?P=mark))[^\\] )*+ ) (?P=mark)
    | (?P<open> [{\[] )
    | (?P<close> [}\]] ) (?: (?<=\}) (?P<gap> (?=\s*\{) ) )?
    | [,:]
    | -?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?
    | (?:true|false|null|True|False|None)\b
    """,
    re.VERBOSE | re.DOTALL,
)
# The strict JSON for each error, keyed by its group in the pattern or by its text.
_STRICT = {
    "blank": " ",
    "surplus": "",
    "gap": "},",
    "True": "true",
    "False": "false",
    "None": "null",
}
# A JSON escape, an escaped single quotation mark as in Python, or a character that needs an escape.
_ESCAPE = re.compile(r"""(\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt]))|\\(')|([\\"])""")
_LACKS_BRACKET = re.compile(r'\{\s*"items"\s*:.*\]\s*', re.DOTALL)


def read_value(text: str, start: int = 0) -> tuple[object, int]:
    r"""Read the object or list at ``start``. Return the value and the offset at which it ends. If
    the value is truncated or invalid, return None and the first offset at which another value may
    begin.

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
        # if the list that has ended is inside an item, decoding still fails
        strict += "}"
    with suppress(ValueError):
        return _DECODER.decode(strict), end
    # an answer may begin inside the last token, such as an unterminated string
    return None, max(last, start + 1)


def check_strict(text: str) -> None:
    """Raise ``ValueError`` for text that is not JSON, for an infinite number, and for an object in
    which a key has two different values.
    """
    _DECODER.decode(text)


def _write_token(token: re.Match[str]) -> str:
    """Return a token as strict JSON. A backslash that does not escape anything is kept as a
    character.
    """
    if token.lastgroup != "string":
        return _STRICT.get(token.lastgroup or token[0], token[0])
    inside = _ESCAPE.sub(
        lambda part: part[1] or part[2] or f"\\{part[3]}", token["string"]
    )
    return f'"{inside}"'


def _join_pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object with these members. Raises ``ValueError`` if a key has two different
    values.
    """
    joined: dict[str, object] = {}
    for key, value in pairs:
        if joined.setdefault(key, value) != value:
            raise ValueError("a key has two values")
    return joined


def _read_finite(digits: str) -> float:
    """Return a number. Raises ``ValueError`` if it is too large for Python."""
    number = float(digits)
    if not isfinite(number):
        raise ValueError("the number is too large")
    return number


_DECODER = json.JSONDecoder(
    strict=False,
    parse_float=_read_finite,
    parse_constant=_read_finite,
    object_pairs_hook=_join_pairs,
)
