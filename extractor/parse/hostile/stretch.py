"""A stretch of text and what is wrong with it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from extractor.schemas import FindingKind

__all__ = ["Stretch", "merge_stretches"]


@dataclass(frozen=True, slots=True)
class Stretch:
    """``text[start:end]`` is hostile; ``blanked``: nobody shall read it."""

    start: int
    end: int
    kind: FindingKind
    blanked: bool

    def move(self, start: int, end: int) -> "Stretch":
        """The same at another place: that of the raw text."""
        return replace(self, start=start, end=end)


def merge_stretches(stretches: Iterable[Stretch]) -> list[Stretch]:
    """In reading order, those of one kind that touch joined, and those that lie within a blanked one left out.

    >>> said = FindingKind.INSTRUCTION_IN_TEXT
    >>> merged = merge_stretches([Stretch(4, 9, said, True), Stretch(0, 5, said, True)])
    >>> [(one.start, one.end) for one in merged]
    [(0, 9)]
    """
    merged: list[Stretch] = []
    for stretch in sorted(stretches, key=lambda one: (one.start, -one.end)):
        last = merged[-1] if merged else None
        if last and stretch.start < last.end and (stretch.end <= last.end and last.blanked):
            continue
        if last and stretch.start <= last.end and (stretch.kind, stretch.blanked) == (last.kind, last.blanked):
            merged[-1] = replace(last, end=max(last.end, stretch.end))
        else:
            merged.append(stretch)
    return merged
