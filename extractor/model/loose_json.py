"""Rewrite JSON as models write it into strict JSON, if its slips leave no doubt about a value.

Read are a comma behind the last member, a missing one between two objects, a raw line break in a
string, half of a surrogate pair, a backslash that escapes nothing, comments, and Python's words and
quotation marks. Nothing is made up: a text that ends too early stays open, and any other error is
an error.
"""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

_DEEPEST = 60
"""Levels of a value. No answer needs more, and Python's stack is short."""
_BETWEEN = re.compile(r"(?:\s+|//[^\n]*(?:\n|$)|/\*.{0,500}?\*/)*", re.DOTALL)
"""White space and comments. One between stars ends soon, so that no place is read to the end of
the text in vain.
"""
_QUOTED = {
    '"': re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL),
    "'": re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL),
}
_SCALAR = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|-?[A-Za-z]+")
_WORDS = {
    "true": "true",
    "false": "false",
    "null": "null",
    "True": "true",
    "False": "false",
    "None": "null",
}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)|\"", re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")


class NotJson(ValueError):
    """A text that is no JSON, whatever slips are forgiven."""


class TooDeep(NotJson):
    """A value with more levels than any answer has; ``at`` is the place of the first one too
    many.
    """

    def __init__(self, at: int) -> None:
        super().__init__("the value has too many levels")
        self.at = at


class BrokenOff(NotJson):
    """A text that ends before its value does. ``strict`` is what there is of it, as strict JSON
    that ends as early.
    """

    def __init__(self, strict: str) -> None:
        super().__init__("the text ends before the value does")
        self.strict = strict


def tidy_value(text: str, start: int = 0) -> tuple[str, int]:
    r"""Return the value at ``start`` as strict JSON, and the place behind it.

    Raises ``BrokenOff`` if the text ends too early, ``NotJson`` if it is no JSON.

    >>> tidy_value('{"items": [{"n": 1, "quote": "two\nlines",},],} and more')
    ('{"items":[{"n":1,"quote":"two\\nlines"}]}', 46)
    """
    try:
        _, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        end = start
    if end > start and not _SURROGATE.search(text, start, end):
        return text[start:end], end
    writer = _Writer(text, start)
    writer.copy_value(_DEEPEST)
    return "".join(writer.strict), writer.at


def load_value(strict: str) -> Any:
    """Return the value of strict JSON. Of a key that stands twice, lists are joined, and an empty
    value says nothing.

    >>> load_value('{"items": [1], "items": [2]}')
    {'items': [1, 2]}
    """
    return json.loads(strict, object_pairs_hook=_join_pairs)


def repair_characters(text: str) -> str:
    r"""Put a mark in the place of halves of surrogate pairs, which no file can hold; halves that
    fit become a letter.

    >>> repair_characters("caf\ud83d")
    'caf\ufffd'
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no value of JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _join_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    joined: dict[str, Any] = {}
    for key, value in pairs:
        known = joined.get(key)
        if isinstance(known, list) and isinstance(value, list):
            joined[key] = known + value
        elif key not in joined or value not in (None, "", [], {}):
            joined[key] = value
    return joined


class _Writer:
    """Copies one value of ``text`` into the pieces of ``strict``; ``at`` is the place of the
    next character.
    """

    def __init__(self, text: str, start: int) -> None:
        self._text = text
        self.at = start
        self.strict: list[str] = []

    def copy_value(self, levels: int) -> None:
        """Copy the value that begins here, of at most so many ``levels``."""
        first = self._look()
        if not levels:
            raise TooDeep(self.at)
        if first == "{":
            self._copy_members("}", levels)
        elif first == "[":
            self._copy_members("]", levels)
        elif first in _QUOTED:
            self._copy_string(first)
        else:
            self._copy_scalar()

    def _copy_members(self, closing: str, levels: int) -> None:
        """Copy an object or a list with its brackets."""
        self._copy_sign()
        is_first = True
        while True:
            found = self._look()
            if found == closing:
                self._copy_sign()
                return
            if not is_first:
                self._pass_comma(found)
                if self._look() == closing:  # the comma stood behind the last member
                    continue
                self.strict.append(",")
            if closing == "}":
                self._copy_key()
            self.copy_value(levels - 1)
            is_first = False

    def _copy_key(self) -> None:
        mark = self._look()
        if mark not in _QUOTED:
            raise NotJson(f"a key is expected at character {self.at}")
        self._copy_string(mark)
        if self._look() != ":":
            raise NotJson(f"a colon is expected at character {self.at}")
        self._copy_sign()

    def _pass_comma(self, found: str) -> None:
        """Pass the comma between two members. Between two objects of a list none is needed."""
        if found == ",":
            self.at += 1
        elif not (found == "{" and self.strict[-1] == "}"):
            raise NotJson(f"a comma is expected at character {self.at}")

    def _copy_string(self, mark: str) -> None:
        whole = _QUOTED[mark].match(self._text, self.at)
        inside = whole[1] if whole else self._text[self.at + 1 :]
        decoded = _decode_string(inside, is_whole=whole is not None)
        written = json.dumps(repair_characters(decoded), ensure_ascii=False)
        if whole is None:
            raise BrokenOff("".join(self.strict) + written.removesuffix('"'))
        self.strict.append(written)
        self.at = whole.end()

    def _copy_scalar(self) -> None:
        found = _SCALAR.match(self._text, self.at)
        if found is None:
            raise NotJson(f"a value is expected at character {self.at}")
        if found.end() == len(self._text):  # 1 may be the beginning of 12
            raise BrokenOff("".join(self.strict) + found[0])
        word = found[0]
        if not word[-1].isdigit():
            if word not in _WORDS:
                raise NotJson(f"{word[:20]!r} is no value")
            word = _WORDS[word]
        self.strict.append(word)
        self.at = found.end()

    def _copy_sign(self) -> None:
        self.strict.append(self._text[self.at])
        self.at += 1

    def _look(self) -> str:
        """Return the next character that counts, without passing it."""
        between = _BETWEEN.match(self._text, self.at)
        assert between, "it matches nothing, too"
        self.at = between.end()
        if self.at == len(self._text):
            raise BrokenOff("".join(self.strict))
        return self._text[self.at]


def _decode_string(inside: str, *, is_whole: bool) -> str:
    """Decode what stands between quotation marks. A backslash that escapes nothing stands for
    itself.
    """

    def repair(found: re.Match[str]) -> str:
        escaped = found[1]
        if escaped is None:  # a quotation mark between single ones
            return '\\"'
        if escaped == "'":
            return "'"
        is_known = escaped[0] in '"\\/bfnrt' or len(escaped) > 1
        return found[0] if is_known else f"\\\\{escaped}"

    if not is_whole:  # an escape that is cut in the middle says nothing yet
        inside = re.sub(r"(?<!\\)((?:\\\\)*)\\(?:u[0-9a-fA-F]{0,3})?$", r"\1", inside)
    decoded: str = json.loads(f'"{_ESCAPE.sub(repair, inside)}"', strict=False)
    return decoded


def read_objects(text: str, key: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Read the objects that begin with this key, each by itself. Return those that are whole, and
    texts of the others.

    >>> read_objects('[{"n": 1}, {"n": 2, "quote": "the "best" one"}, {"n": 3}]', "n")
    ([{'n': 1}, {'n': 3}], ['{"n": 2, "quote": "the "best" one"}, '])
    """
    whole: list[dict[str, Any]] = []
    broken: list[str] = []
    starts = [found.start() for found in re.finditer(rf"\{{\s*[\"']{key}[\"']\s*:", text)]
    passed = 0
    for start, following in pairwise([*starts, len(text)]):
        if start < passed:
            continue
        try:
            strict, passed = tidy_value(text, start)
            whole.append(load_value(strict))
        except (ValueError, RecursionError):
            broken.append(text[start:following])
    return whole, broken


def find_starts(text: str, start: int = 0) -> Iterator[int]:
    """Yield the places of brackets that may begin a value of JSON, an object or a list of
    objects.
    """
    return (found.start() for found in _START.finditer(text, start))


_START = re.compile(r"\{|\[(?=\s*[\[{\"'\]])")
