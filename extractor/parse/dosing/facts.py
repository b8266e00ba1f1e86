"""What the clauses of a record say: facts, gathered in statements about one agent."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from extractor.schemas import Amount, Frequency, Period, Route, TimeUnit
from extractor.text.book import find_terms
from extractor.text.lexer import Tokens

from .agents import Agent
from .amounts import AmountMark, drop_explaining, find_amounts
from .days import find_days, find_moments
from .marks import Mark, drop_inside, drop_touching, within
from .schedule import find_cycles, find_frequencies, find_lengths

_Days = Mark[tuple[int, ...]]
FIELDS = ("route", "frequency", "cycle", "length", "days", "moment")
"""Fields of a statement that other clauses can fill."""


Fact = Mark[Any]
"""What a clause states; its section is known."""


@dataclass(frozen=True, slots=True, eq=False)
class Clause:
    """A clause, half-open ``start:end`` in the section's text, with what is marked in it and the agents it names.

    ``topic`` is who it speaks of if it names nobody; ``loyal`` holds where all of it is about the topic's
    passage, so that an amount of something unnamed is still part of the regimen.
    """

    tokens: Tokens
    start: int
    end: int
    marks: "Findings"
    named: Sequence[Mark[Agent]]
    topic: Agent | None
    loyal: bool

    @property
    def text(self) -> str:
        """The cleaned text of the whole section."""
        return self.tokens.text


@dataclass(frozen=True, slots=True)
class Statement:
    """What one clause says of one agent.

    ``start:end`` is the clause's part about it, in the section's cleaned text; ``linked`` how surely it is about
    this agent; ``mention`` where the clause itself names it; ``cyclic`` whether the passage speaks of cycles;
    ``clause`` what it stands in, ``reach`` how far to both sides that speaks of this agent; ``step`` counts the
    steps of a regimen ("5 mg for a week, then 10 mg") from 0; ``parts`` are the statements merged into this one.
    """

    agent: Agent
    section: str
    start: int
    end: int
    linked: float
    mention: Mark[Agent] | None
    cyclic: bool
    clause: Clause
    reach: tuple[int, int]
    step: int = 0
    amounts: tuple[Fact, ...] = ()
    route: Fact | None = None
    frequency: Fact | None = None
    cycle: Fact | None = None
    length: Fact | None = None
    days: Fact | None = None
    moment: Fact | None = None
    parts: "tuple[Statement, ...]" = ()

    @property
    def levels(self) -> tuple[Amount, ...]:
        return tuple(dict.fromkeys(amount for fact in self.amounts for amount in fact.value))

    def holds(self, fact: Fact) -> bool:
        """Whether a fact stands in the clause of the statement."""
        return fact.section == self.section and self.clause.start <= fact.start < self.clause.end


@dataclass(frozen=True, slots=True)
class Findings:
    """Marks of one text by what they state, each in reading order."""

    amounts: tuple[AmountMark, ...]
    route: tuple[Mark[Route], ...]
    frequency: tuple[Mark[Frequency], ...]
    cycle: tuple[Mark[Period | None], ...]
    length: tuple[Mark[Period | None], ...]
    days: tuple[_Days, ...]
    moment: tuple[Mark[str], ...]

    def inside(self, start: int, end: int) -> "Findings":
        """The marks that lie wholly inside ``start:end``."""
        return Findings(*[within(getattr(self, name), start, end) for name in ("amounts", *FIELDS)])

    def spans(self) -> list[tuple[int, int]]:
        return [(m.start, m.end) for name in ("amounts", *FIELDS) for m in getattr(self, name)]


def find_all(tokens: Tokens, section: str = "") -> Findings:
    """All marks in a section's tokens; they stand at characters of its cleaned text.

    What a moment contains ("before oral intake") says nothing of its own.

    >>> found = find_all(read_text("5 mg orally twice daily before meals"))
    >>> [len(marks) for marks in (found.amounts, found.route, found.frequency, found.moment)]
    [1, 1, 1, 1]
    """
    moments, cycles = find_moments(tokens), find_cycles(tokens)
    amounts = drop_explaining(tokens, find_amounts(tokens))
    totals = [mark for mark in amounts if mark.value[0].unit.endswith("/day")]  # "300 mg per day" is no frequency
    found: tuple[Sequence[Mark[Any]], ...] = (
        amounts,
        drop_inside(_find_routes(tokens), moments),
        drop_inside(find_frequencies(tokens), totals),
        cycles,
        _drop_cycles(find_lengths(tokens), cycles),
        _join_moments(tokens, drop_inside(find_days(tokens), moments), moments),
        moments,
    )
    return Findings(*[tuple(replace(mark, section=section) for mark in marks) for marks in found])


def _find_routes(tokens: Tokens) -> tuple[Mark[Route], ...]:
    return tuple(
        Mark(Route(term.value), *tokens.span(term.first, term.end), term.entry.confidence)
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


def _join_moments(tokens: Tokens, days: Sequence[_Days], moments: Sequence[Mark[str]]) -> tuple[_Days, ...]:
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
