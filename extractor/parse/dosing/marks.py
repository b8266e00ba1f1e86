"""A value together with the words that state it."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Generic, TypeVar

__all__ = ["Mark", "drop_overlaps", "within"]

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Mark(Generic[T_co]):
    """``value`` stands at the half-open ``start:end`` of a section's cleaned text; ``confidence`` says how surely."""

    value: T_co
    start: int
    end: int
    confidence: float = 1.0


_start = attrgetter("start")


def within(marks: Sequence[Mark[T_co]], start: int, end: int) -> tuple[Mark[T_co], ...]:
    """The marks, which are in reading order, that lie wholly inside ``start:end``."""
    if not marks:
        return ()
    first = bisect_left(marks, start, key=_start)
    last = bisect_right(marks, end, lo=first, key=_start)
    return tuple(mark for mark in marks[first:last] if mark.end <= end)


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
