"""What no match of a regular expression can lack: far cheaper to ask of a text than to search it."""

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

__all__ = ["Guarded", "Requirement", "find_requirement"]

_REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT)
_MOST_CHOICES = 100
_Choices = frozenset[str]
"""Pieces of text in lower case, one of which every match has, or stands beside."""
_DIGIT: _Choices = frozenset({r"\d"})


@dataclass(frozen=True, slots=True)
class Requirement:
    """A text that has a match contains ``letters``, one of ``choices`` if there are any, and perhaps a digit."""

    letters: str = ""
    choices: tuple[str, ...] = ()
    digit: bool = False


class Guarded:
    r"""An expression, in any case unless ``flags`` say otherwise, tried only where a text has what every match has.

    >>> asks = Guarded(r"\b(?:rescue|as needed)\b")
    >>> asks.search("Given daily") is None, asks.search("Given As Needed")[0]
    (True, 'As Needed')
    """

    def __init__(self, pattern: str, flags: int = re.IGNORECASE) -> None:
        self._expression = re.compile(pattern, flags)
        self._needed = find_requirement(pattern, flags, behind=False)

    def search(self, text: str, start: int = 0, end: int = sys.maxsize) -> re.Match[str] | None:
        """The first match in ``text[start:end]``, or None."""
        return self._expression.search(text, start, end) if self._may_match(text, start, end) else None

    def finditer(self, text: str, start: int = 0, end: int = sys.maxsize) -> Iterator[re.Match[str]]:
        """All matches in ``text[start:end]``."""
        return self._expression.finditer(text, start, end) if self._may_match(text, start, end) else iter(())

    def _may_match(self, text: str, start: int, end: int) -> bool:
        needed = self._needed
        folded = (text[start:end] if start or end < len(text) else text).lower()
        if needed.letters not in folded or (needed.digit and not _HAS_DIGIT(folded)):
            return False
        return not needed.choices or any(map(folded.__contains__, needed.choices))


_HAS_DIGIT = re.compile(r"\d").search


def find_requirement(pattern: str, flags: int = 0, *, behind: bool = True) -> Requirement:
    r"""What every text that the expression matches, in any case, contains: in the match or, if ``behind``, before it.

    >>> find_requirement(r"(?:in|during) the (?:last|past) \d+ days?")
    Requirement(letters=' the ', choices=('last', 'past'), digit=True)
    >>> find_requirement(r"\w+")
    Requirement(letters='', choices=(), digit=False)
    """
    found = [*_of_sequence(parser.parse(pattern, flags), behind=behind)]
    single = max((next(iter(one)) for one in found if len(one) == 1 and one != _DIGIT), key=len, default="")
    several = [one for one in found if 1 < len(one) <= _MOST_CHOICES]
    choices = max(several, key=_rate, default=frozenset())
    return Requirement(single, tuple(sorted(choices)), _DIGIT in found)


def _rate(choices: _Choices) -> tuple[int, int]:
    """Long and few pieces are rare."""
    return min(map(len, choices)), -len(choices)


def _of_sequence(items: Iterable[tuple[Any, Any]], *, behind: bool) -> Iterator[_Choices]:
    literal = ""
    for code, value in items:
        if code is codes.LITERAL:
            literal += chr(value)
            continue
        if literal:
            yield frozenset({literal.lower()})
            literal = ""
        yield from _of_item(code, value, behind=behind)
    if literal:
        yield frozenset({literal.lower()})


def _of_item(code: Any, value: Any, *, behind: bool) -> Iterator[_Choices]:
    if code is codes.SUBPATTERN:
        yield from _of_sequence(value[3], behind=behind)
    elif code is codes.ATOMIC_GROUP:
        yield from _of_sequence(value, behind=behind)
    elif code is codes.ASSERT:
        if behind or value[0] > 0:
            yield from _of_sequence(value[1], behind=behind)
    elif code in _REPEATS:
        if value[0] > 0:
            yield from _of_sequence(value[2], behind=behind)
    elif code is codes.IN and value == [(codes.CATEGORY, codes.CATEGORY_DIGIT)]:
        yield _DIGIT
    elif code is codes.BRANCH:
        yield from _of_branches([[*_of_sequence(branch, behind=behind)] for branch in value[1]])


def _of_branches(branches: list[list[_Choices]]) -> Iterator[_Choices]:
    """One of the best pieces of each branch, if each branch has one."""
    best = [max((one for one in branch if one != _DIGIT), key=_rate, default=None) for branch in branches]
    pieces = frozenset().union(*(one for one in best if one))
    if all(best):
        yield frozenset(piece for piece in pieces if not any(other in piece for other in pieces - {piece}))
