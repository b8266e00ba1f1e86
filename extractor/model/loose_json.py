"""Rewrite JSON as models write it into strict JSON, if its slips leave no doubt about a value.

Read are a comma behind the last member, a missing one between two objects, a raw line break in a
string, half of a surrogate pair, a backslash that escapes nothing, comments, and Python's words
and quotation marks. Nothing is made up: a text that ends too early stays open, and any other error
is an error.
"""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from pydantic_core import from_json

_DEEPEST = 60
"""Levels of a value. No answer needs more, and Python's stack is short."""
_TOKEN = re.compile(
    r"""
      (?P<blank> (?: \s+ | //[^\n]* | /\*.{0,500}?\*/ )++ )  # white space and comments
    | (?P<string> "(?:[^"\\]|\\.)*+" | '(?:[^'\\]|\\.)*+' )
    | (?P<unended> ["'] )
    | (?P<open> [{\[] )
    | (?P<close> [}\]] )
    | (?P<sign> [,:] )
    | (?P<word> -?\d+(?:\.\d+)?(?:[eE][+-]?\d+)? | -?[A-Za-z]+ )
    """,
    re.VERBOSE | re.DOTALL,
)
_WORDS_OF_PYTHON = {"True": "true", "False": "false", "None": "null"}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)|\"", re.DOTALL)
_CUT_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\(?:u[0-9a-fA-F]{0,3})?$")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
_START = re.compile(r"\{|\[(?=\s*[\[{\"'\]])")


class NotJson(ValueError):
    """A text that is no JSON, whatever slips are forgiven."""


class BrokenOff(NotJson):
    """A text that ends before its value does.

    ``strict`` is what there is of it, as strict JSON that ends as early.
    """

    def __init__(self, strict: str) -> None:
        super().__init__("the text ends before the value does")
        self.strict = strict


def tidy_value(text: str, start: int = 0) -> tuple[str, int]:
    r"""Return the value at ``start`` as strict JSON, and the place behind it.

    A value that is strict JSON stays as it is, white space included. Raises ``BrokenOff`` if the
    text ends too early, ``NotJson`` if it is no JSON.

    >>> tidy_value('{"items": [{"n": 1, "quote": "two\nlines",},],} and more')
    ('{"items":[{"n":1,"quote":"two\\nlines"}]}', 46)
    """
    try:
        _, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return _rewrite(text, start)
    # "caf\ud83d" is strict JSON, and no text that a file can hold
    if _SURROGATE.search(text, start, end):
        return _rewrite(text, start)
    return text[start:end], end


def load_value(strict: str) -> Any:
    """Return the value of strict JSON. Of a key that stands twice in an object, lists are joined;
    else the last value that is not empty counts.

    >>> load_value('{"items": [1], "items": [2]}')
    {'items': [1, 2]}
    """
    return json.loads(strict, object_pairs_hook=_join_pairs)


def repair_characters(text: str) -> str:
    r"""Put a mark in the place of halves of surrogate pairs, which no file can hold.

    Halves that fit become a letter.

    >>> repair_characters("caf\ud83d")
    'caf\ufffd'
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def find_starts(text: str) -> Iterator[int]:
    """Yield the places of brackets that may begin a value: an object, or a list of objects."""
    for bracket in _START.finditer(text):
        yield bracket.start()


def read_objects(text: str, key: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Read the objects that begin with this key, each by itself. An object within another one is
    not read again.

    Return the values of those that are whole, and the texts of the others, each up to the next
    object.

    >>> read_objects('[{"n": 1}, {"n": 2, "quote": "the "best" one"}, {"n": 3}]', "n")
    ([{'n': 1}, {'n': 3}], ['{"n": 2, "quote": "the "best" one"}, '])
    """
    whole: list[dict[str, Any]] = []
    broken: list[str] = []
    beginnings = re.finditer(rf"\{{\s*[\"']{key}[\"']\s*:", text)
    starts = [beginning.start() for beginning in beginnings]
    passed = 0
    for start, following in pairwise([*starts, len(text)]):
        # inside of an object that was read
        if start < passed:
            continue
        try:
            strict, passed = tidy_value(text, start)
            whole.append(load_value(strict))
        except (ValueError, RecursionError):
            broken.append(text[start:following])
    return whole, broken


def _refuse_constant(name: str) -> Any:
    """Refuse NaN and Infinity, which Python would read and JSON has not."""
    raise ValueError(f"{name} is no value of JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _join_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of these members. Of a key that stands twice, lists are joined, and an
    empty value does not replace another.
    """
    joined: dict[str, Any] = {}
    for key, value in pairs:
        earlier = joined.get(key)
        # a list that stands twice: {"items": [1], "items": [2]}
        if isinstance(earlier, list) and isinstance(value, list):
            joined[key] = earlier + value
            continue
        is_empty = value in (None, "", [], {})
        if key not in joined or not is_empty:
            joined[key] = value
    return joined


def _rewrite(text: str, start: int) -> tuple[str, int]:
    """Write the value at ``start`` token by token as strict JSON. Return it, and the place behind
    it.

    A comma before a closing bracket is left out, a missing one between two objects is added. What
    is no JSON otherwise is found by reading the result. Raises ``BrokenOff`` if the text ends
    first, ``NotJson`` or another ``ValueError`` for anything that is no JSON.
    """
    strict: list[str] = []
    depth = 0
    for token in _list_tokens(text, start):
        # {"n": 1, "quote": "no history of
        if token["unended"]:
            # an escape that the end of the text cuts says nothing yet: "5 \\u00b"
            rest = _CUT_ESCAPE.sub(r"\1", text[token.end() :])
            strict.append(_write_string(rest).removesuffix('"'))
            break
        if token["open"]:
            depth += 1
        elif token["close"]:
            depth -= 1
        if depth > _DEEPEST:
            raise NotJson("the value has too many levels")
        before = strict[-1] if strict else ""
        # a comma too many, as in "[1, 2,]"
        if before == "," and token["close"]:
            strict.pop()
        # a comma too few, as in '[{"n": 1} {"n": 2}]'
        elif before == "}" and token[0] == "{":
            strict.append(",")
        is_last = token.end() == len(text)
        strict.append(_write_token(token, is_last=is_last))
        if depth == 0:
            written = "".join(strict)
            json.loads(written)
            return written, token.end()
    raise _break_off("".join(strict))


def _list_tokens(text: str, start: int) -> Iterator[re.Match[str]]:
    """Yield the tokens from ``start`` on, without comments. Raises ``NotJson`` at anything else."""
    at = start
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise NotJson(f"{text[at]!r} is no part of JSON")
        at = token.end()
        if not token["blank"]:
            yield token


def _break_off(strict: str) -> NotJson:
    """Return the error for a value that the end of the text cuts: ``BrokenOff`` if it was JSON
    until there, else ``NotJson``.
    """
    try:
        from_json(strict, allow_partial="trailing-strings")
    except ValueError as error:
        return NotJson(str(error))
    return BrokenOff(strict)


def _write_token(token: re.Match[str], *, is_last: bool) -> str:
    """Write a token as strict JSON: strings with double quotation marks, words of Python in JSON's.

    Raises ``NotJson`` for a word that is no value, unless it is the last token of the text and may
    go on.
    """
    text = token[0]
    if token["string"]:
        return _write_string(text[1:-1])
    is_number = text[-1].isdigit()
    if not token["word"] or is_number:
        return text
    if text in _WORDS_OF_PYTHON:
        return _WORDS_OF_PYTHON[text]
    # "tru" may be the beginning of "true"
    if is_last or text in ("true", "false", "null"):
        return text
    raise NotJson(f"{text[:20]!r} is no value")


def _write_string(inside: str) -> str:
    r"""Write what stands between quotation marks as strict JSON. A backslash that escapes nothing
    stands for itself.

    >>> print(_write_string(r"a \d and \u12"))
    "a \\d and \\u12"
    """
    escaped = _ESCAPE.sub(_repair_escape, inside)
    decoded = json.loads(f'"{escaped}"', strict=False)
    return json.dumps(repair_characters(decoded), ensure_ascii=False)


def _repair_escape(escape: re.Match[str]) -> str:
    r"""Write an escape, or a bare double quotation mark, as JSON has it: ``\'`` without the
    backslash, an unknown one such as ``\d`` with two.
    """
    escaped = escape[1]
    # 'the "best" one': a double mark between single ones
    if escaped is None:
        return '\\"'
    if escaped == "'":
        return "'"
    is_unicode = len(escaped) > 1
    if is_unicode or escaped in '"\\/bfnrt':
        return escape[0]
    return f"\\\\{escaped}"
