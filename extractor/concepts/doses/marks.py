"""Marks: the pieces of dosing information in a text, with their token ranges."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any, Protocol, TypeVar

from extractor.language.values import value_class
from extractor.schemas import StepKind

Place = tuple[int, int]
"""A half-open range of tokens."""
LINKED = ("amounts", "arms", "route", "frequency", "cycle", "duration")
"""The regimen fields whose link to the agent is proven."""

PART = "part"
"""The field of the length of a first part of the treatment."""
STEP = "step"
"""The field of the length of a step, before the dose of another one."""


@value_class()
class Step:
    """The number of a statement among the steps of its agent in a text, and what it is for."""

    number: int
    kind: StepKind | None = None


class Placed(Protocol):
    """An object with a token range."""

    @property
    def first(self) -> int: ...

    @property
    def end(self) -> int: ...


_Placed = TypeVar("_Placed", bound=Placed)


@value_class()
class Mark:
    """The tokens ``first:end``, which state ``value`` for a field of a regimen. ``confidence``
    applies only to the reading, not to its link to an agent.
    """

    field: str
    value: Any
    first: int
    end: int
    confidence: float = 1.0

    @property
    def place(self) -> Place:
        return self.first, self.end


def drop_overlaps(marks: Iterable[Mark]) -> list[Mark]:
    """Return the marks from left to right. If several marks share a token, only the longest mark is
    kept or, if they have the same length, the most certain one.
    """

    def rank(mark: Mark) -> tuple[int, float, int]:
        return mark.first - mark.end, -mark.confidence, mark.first

    kept: list[Mark] = []
    taken: set[int] = set()
    for mark in sorted(marks, key=rank):
        tokens = range(mark.first, mark.end)
        if taken.isdisjoint(tokens):
            kept.append(mark)
            taken.update(tokens)
    return sorted(kept, key=attrgetter("first"))


def drop_inside(places: Iterable[_Placed], excluded: Iterable[Placed]) -> list[_Placed]:
    """Return the marks or mentions that do not share a token with any of the ``excluded`` ones."""
    taken = {at for other in excluded for at in range(other.first, other.end)}
    return [
        place for place in places if taken.isdisjoint(range(place.first, place.end))
    ]


def list_beginning(
    places: Sequence[_Placed], first: int, end: int
) -> Sequence[_Placed]:
    """Return the marks or mentions, which are in reading order, that begin in a range of tokens."""
    begin, stop = (
        bisect_left(places, at, key=attrgetter("first")) for at in (first, end)
    )
    return places[begin:stop]


def within(marks: Sequence[Mark], first: int, end: int) -> list[Mark]:
    """Return the marks, which are in reading order, that are entirely within a range of tokens."""
    return [mark for mark in list_beginning(marks, first, end) if mark.end <= end]
