"""Everything about giving that is marked in one text, whoever it is said of."""

import re
from dataclasses import dataclass
from typing import TypeVar

from extractor.parse.vocabulary import load_vocabulary
from extractor.schemas import Amount, Frequency, Period, Route

from .amounts import find_amounts
from .days import find_days
from .facts import FIELDS
from .frequencies import find_frequencies
from .marks import Mark, within
from .periods import find_cycles, find_lengths, find_moments

__all__ = ["AmountMark", "Findings", "find_all"]

AmountMark = Mark[tuple[Amount, ...]]
T = TypeVar("T")

_ROUTES = load_vocabulary("routes")
_CONDITION = re.compile(r"\s?(?:if|for|in)\b")
_BRACKET_REACH = 60


@dataclass(frozen=True, slots=True)
class Findings:
    """Marks of one text by what they state, each in reading order."""

    amounts: tuple[AmountMark, ...]
    route: tuple[Mark[Route], ...]
    frequency: tuple[Mark[Frequency], ...]
    cycle: tuple[Mark[Period | None], ...]
    length: tuple[Mark[Period | None], ...]
    days: tuple[Mark[tuple[int, ...]], ...]
    moment: tuple[Mark[str], ...]

    def inside(self, start: int, end: int) -> "Findings":
        return Findings(*(within(getattr(self, name), start, end) for name in ("amounts", *FIELDS)))

    def spans(self) -> list[tuple[int, int]]:
        return [(m.start, m.end) for name in ("amounts", *FIELDS) for m in getattr(self, name)]


def find_all(text: str) -> Findings:
    """All marks in cleaned text. What a moment contains ("before oral intake") says nothing of its own.

    >>> found = find_all("5 mg orally twice daily before meals")
    >>> [len(marks) for marks in (found.amounts, found.route, found.frequency, found.moment)]
    [1, 1, 1, 1]
    """
    moments = find_moments(text)

    def outside(marks: tuple[Mark[T], ...]) -> tuple[Mark[T], ...]:
        return tuple(m for m in marks if not any(o.start < m.start and m.end <= o.end for o in moments))

    routes = tuple(Mark(Route(m.value), m.start, m.end, m.entry.confidence) for m in _ROUTES.find(text))
    return Findings(
        _drop_bracketed(text, find_amounts(text)),
        outside(routes),
        outside(find_frequencies(text)),
        outside(find_cycles(text)),
        outside(find_lengths(text)),
        outside(find_days(text)),
        moments,
    )


def _drop_bracketed(text: str, amounts: tuple[AmountMark, ...]) -> tuple[AmountMark, ...]:
    """Without amounts that only explain the one before: "3 capsules (500 mg each)"."""
    kept: list[AmountMark] = []
    for amount in amounts:
        if not kept or not _explains(text, kept[-1].end, amount):
            kept.append(amount)
    return tuple(kept)


def _explains(text: str, start: int, amount: AmountMark) -> bool:
    between = text[start : amount.start]
    if len(between) >= _BRACKET_REACH or between.count("(") <= between.count(")") or re.search(r"[;\n]", between):
        return False
    return not _CONDITION.match(text, amount.end) and " or " not in between
