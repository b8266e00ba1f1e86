"""Marks: values, and the tokens of a section that state them."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import attrgetter
from typing import Any, Generic, TypeVar

from extractor.language.book import rule
from extractor.language.lexer import Tokens

Place = tuple[int, int]
"""A half-open range of tokens."""
LINKED = ("amounts", "arms", "route", "frequency", "cycle", "duration")
"""The fields of a regimen whose link to its agent is proven."""
T_co = TypeVar("T_co", covariant=True)
_first = attrgetter("first")
_STOP = re.compile(r"[.;\n]")


@dataclass(frozen=True, slots=True)
class Mark(Generic[T_co]):
    """``tokens.words[first:end]`` of a section states ``value``, with this ``confidence``."""

    value: T_co
    first: int
    end: int
    confidence: float = 1.0
    section: str = ""


Fact = Mark[Any]


def number_sentences(tokens: Tokens, marks: Sequence[Mark[object]]) -> list[int]:
    """Return the number of each mark's sentence. Semicolons and line breaks end sentences too, a
    full stop without a space behind it does not.

    >>> number_sentences(
    ...     read_text("a. b, c; d"),
    ...     [Mark("a", 0, 1), Mark("b", 2, 3), Mark("c", 4, 5), Mark("d", 6, 7)],
    ... )
    [0, 1, 1, 2]
    """
    # the sentence of a single mark is compared with no other
    if len(marks) < 2:
        return [0] * len(marks)
    ends: list[int] = []
    for sign in _STOP.finditer(tokens.codes):
        at = sign.start()
        if tokens.codes[at] == "\n" or not tokens.joined(at + 1):
            ends.append(at)
    return [bisect_right(ends, mark.first) for mark in marks]


def within(marks: Sequence[Mark[T_co]], first: int, end: int) -> tuple[Mark[T_co], ...]:
    """Return the marks wholly inside the tokens ``first:end``; ``marks`` are in reading order."""
    if not marks:
        return ()
    start = bisect_left(marks, first, key=_first)
    stop = bisect_right(marks, end, lo=start, key=_first)
    return tuple(mark for mark in marks[start:stop] if mark.end <= end)


def drop_inside(
    marks: Iterable[Mark[T_co]], others: Sequence[Mark[object]]
) -> tuple[Mark[T_co], ...]:
    """Return the marks without those inside one of ``others`` that begins earlier; ``others`` are
    in reading order and do not overlap.

    >>> [
    ...     m.value
    ...     for m in drop_inside(
    ...         [Mark("oral", 1, 2), Mark("daily", 3, 4)],
    ...         [Mark("before oral intake", 0, 3)],
    ...     )
    ... ]
    ['daily']
    """
    kept: list[Mark[T_co]] = []
    for mark in marks:
        begun_before = bisect_left(others, mark.first, key=_first)
        is_inside = begun_before > 0 and mark.end <= others[begun_before - 1].end
        if not is_inside:
            kept.append(mark)
    return tuple(kept)


def drop_touching(
    marks: Iterable[Mark[T_co]], others: Iterable[Mark[object]]
) -> tuple[Mark[T_co], ...]:
    """Return the marks without those that share a token with any of the others.

    >>> [
    ...     m.value
    ...     for m in drop_touching(
    ...         [Mark("oral", 2, 3), Mark("daily", 3, 4)], [Mark("10 mg oral", 0, 3)]
    ...     )
    ... ]
    ['daily']
    """
    ordered = sorted(others, key=_first)
    # of the first 0, 1, 2, ... others, the furthest end
    furthest = list(accumulate((other.end for other in ordered), max, initial=0))
    kept: list[Mark[T_co]] = []
    for mark in marks:
        begun_before = bisect_left(ordered, mark.end, key=_first)
        if furthest[begun_before] <= mark.first:
            kept.append(mark)
    return tuple(kept)


def drop_overlaps(marks: Iterable[Mark[T_co]]) -> tuple[Mark[T_co], ...]:
    """Return marks in reading order. Of two that overlap, the longer one stays, or the earlier
    argument.

    >>> [
    ...     m.value
    ...     for m in drop_overlaps(
    ...         [Mark("daily", 1, 2), Mark("twice daily", 0, 2), Mark("oral", 2, 3)]
    ...     )
    ... ]
    ['twice daily', 'oral']
    """
    kept: list[Mark[T_co]] = []
    for mark in sorted(marks, key=lambda m: (m.first, -m.end)):
        if not kept:
            kept.append(mark)
            continue
        last = kept[-1]
        if mark.first >= last.end:
            kept.append(mark)
        elif mark.end - mark.first > last.end - last.first:
            kept[-1] = mark
    return tuple(kept)


def ends_any(names: Iterable[str], tokens: Tokens, first: int) -> bool:
    """Return whether one of some rules matches directly before a token."""
    return any(rule(name).ends(tokens, first) for name in names)


def starts_any(names: Iterable[str], tokens: Tokens, end: int) -> bool:
    """Return whether one of some rules matches from a token on."""
    return any(rule(name).starts(tokens, end) for name in names)
