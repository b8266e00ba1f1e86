"""All marks of giving in one text, before they are linked to agents."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from extractor.schemas import Frequency, Period, Route, TimeUnit
from extractor.text.book import find_terms
from extractor.text.lexer import Tokens

from .amounts import AmountMark, drop_explaining, find_amounts
from .days import find_days, find_moments
from .durations import find_cycles, find_lengths
from .facts import FIELDS
from .frequencies import find_frequencies
from .marks import Mark, drop_inside, drop_touching, within

__all__ = ["AmountMark", "Findings", "find_all"]

DaysMark = Mark[tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Findings:
    """Marks of one text by what they state, each in reading order."""

    amounts: tuple[AmountMark, ...]
    route: tuple[Mark[Route], ...]
    frequency: tuple[Mark[Frequency], ...]
    cycle: tuple[Mark[Period | None], ...]
    length: tuple[Mark[Period | None], ...]
    days: tuple[DaysMark, ...]
    moment: tuple[Mark[str], ...]

    def inside(self, start: int, end: int) -> "Findings":
        """The marks that lie wholly inside ``start:end``."""
        return Findings(*[within(marks, start, end) if marks else () for marks in self._all()])

    def _all(self) -> "tuple[tuple[Mark[Any], ...], ...]":
        return (self.amounts, self.route, self.frequency, self.cycle, self.length, self.days, self.moment)

    def spans(self) -> list[tuple[int, int]]:
        return [(m.start, m.end) for name in ("amounts", *FIELDS) for m in getattr(self, name)]


def find_all(tokens: Tokens) -> Findings:
    """All marks in a section's tokens; they stand at characters of its cleaned text.

    What a moment contains ("before oral intake") says nothing of its own.

    >>> from extractor.text.book import read_text
    >>> found = find_all(read_text("5 mg orally twice daily before meals"))
    >>> [len(marks) for marks in (found.amounts, found.route, found.frequency, found.moment)]
    [1, 1, 1, 1]
    """
    moments, cycles = find_moments(tokens), find_cycles(tokens)
    amounts = drop_explaining(tokens, find_amounts(tokens))
    totals = [mark for mark in amounts if mark.value[0].unit.endswith("/day")]  # "300 mg per day" is no frequency
    return Findings(
        amounts,
        drop_inside(_find_routes(tokens), moments),
        drop_inside(find_frequencies(tokens), totals),
        cycles,
        _drop_cycles(find_lengths(tokens), cycles),
        _join_moments(tokens, drop_inside(find_days(tokens), moments), moments),
        moments,
    )


def _find_routes(tokens: Tokens) -> tuple[Mark[Route], ...]:
    return tuple(
        Mark(Route(term.value), tokens.starts[term.first], tokens.ends[term.end - 1], term.entry.confidence)
        for term in find_terms(tokens, "routes")
        if not (tokens.words[term.first].isupper() and tokens.text[: tokens.starts[term.first]].endswith("-"))  # DSM-IV
    )


def _drop_cycles(
    lengths: Sequence[Mark[Period | None]], cycles: Sequence[Mark[Period | None]]
) -> tuple[Mark[Period | None], ...]:
    """Without the lengths that are those of a cycle ("each cycle lasts 3 weeks"); "6 21-day cycles" counts them."""
    counted = [mark for mark in lengths if mark.value and mark.value.unit is TimeUnit.CYCLE]
    others = drop_touching((mark for mark in lengths if mark not in counted), cycles) if cycles else lengths
    return tuple(sorted({*counted, *others}, key=lambda mark: mark.start))


def _join_moments(tokens: Tokens, days: Sequence[DaysMark], moments: Sequence[Mark[str]]) -> tuple[DaysMark, ...]:
    """Days together with the moment behind them: "on days 1 and 8, after breakfast"."""
    starts = {tokens.at(moment.start): moment for moment in moments}
    joined = []
    for mark in days:
        at = tokens.before(mark.end)
        opened = at + (at < len(tokens) and tokens.words[at] == ",")
        bracket = opened < len(tokens) and tokens.words[opened] == "("
        moment = starts.get(opened + bracket)
        end = mark.end if moment is None else moment.end
        behind = tokens.before(end)
        if moment and bracket and behind < len(tokens) and tokens.words[behind] == ")":
            end = tokens.ends[behind]
        joined.append(Mark(mark.value, mark.start, end, mark.confidence))
    return tuple(joined)
