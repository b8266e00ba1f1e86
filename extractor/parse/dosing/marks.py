"""A value together with the words that state it."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import attrgetter
from typing import Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Mark(Generic[T_co]):
    """``value`` stands at the half-open ``start:end`` of a section's cleaned text; ``confidence`` says how surely."""

    value: T_co
    start: int
    end: int
    confidence: float = 1.0
    section: str = ""


_start = attrgetter("start")
_SENTENCE_END = re.compile(r"[.;]\s|\n")


def number_sentences(text: str, marks: Sequence[Mark[object]]) -> list[int]:
    """For each mark the number of its sentence, or part of one that a semicolon ends.

    >>> number_sentences("a. b, c; d", [Mark("a", 0, 1), Mark("b", 3, 4), Mark("c", 6, 7), Mark("d", 9, 10)])
    [0, 1, 1, 2]
    """
    ends = [found.end() for found in _SENTENCE_END.finditer(text)] if marks else []
    return [bisect_right(ends, mark.start) for mark in marks]


def within(marks: Sequence[Mark[T_co]], start: int, end: int) -> tuple[Mark[T_co], ...]:
    """The marks, which are in reading order, that lie wholly inside ``start:end``."""
    if not marks:
        return ()
    first = bisect_left(marks, start, key=_start)
    last = bisect_right(marks, end, lo=first, key=_start)
    return tuple(mark for mark in marks[first:last] if mark.end <= end)


def drop_inside(marks: Iterable[Mark[T_co]], others: Sequence[Mark[object]]) -> tuple[Mark[T_co], ...]:
    """The marks but those within another one that begins before; the others are in order and do not overlap.

    >>> moment = Mark("before oral intake", 0, 18)
    >>> [m.value for m in drop_inside([Mark("oral", 7, 11), Mark("daily", 19, 24)], [moment])]
    ['daily']
    """
    kept = []
    for mark in marks:
        place = bisect_left(others, mark.start, key=_start) - 1  # the last that begins before
        if place < 0 or mark.end > others[place].end:
            kept.append(mark)
    return tuple(kept)


def drop_touching(marks: Iterable[Mark[T_co]], others: Iterable[Mark[object]]) -> tuple[Mark[T_co], ...]:
    """The marks that share no character with any of the others.

    >>> [m.value for m in drop_touching([Mark("oral", 7, 11), Mark("daily", 19, 24)], [Mark("10 mg oral", 1, 11)])]
    ['daily']
    """
    ordered = sorted(others, key=_start)
    starts = [other.start for other in ordered]
    furthest = list(accumulate((other.end for other in ordered), max, initial=0))
    return tuple(mark for mark in marks if furthest[bisect_left(starts, mark.end)] <= mark.start)


def drop_overlaps(marks: Iterable[Mark[T_co]]) -> tuple[Mark[T_co], ...]:
    """Marks in reading order; of two that overlap, the longer one, or the one given first.

    >>> [m.value for m in drop_overlaps([Mark("daily", 6, 11), Mark("twice daily", 0, 11), Mark("oral", 12, 16)])]
    ['twice daily', 'oral']
    """
    kept: list[Mark[T_co]] = []
    for mark in sorted(marks, key=lambda m: (m.start, -m.end)):
        if not kept or mark.start >= kept[-1].end:
            kept.append(mark)
        elif mark.end - mark.start > kept[-1].end - kept[-1].start:
            kept[-1] = mark
    return tuple(kept)
