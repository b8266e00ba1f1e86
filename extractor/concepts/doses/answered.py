"""A regimen that a model answered, beside what the text says of its agent."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from operator import itemgetter
from typing import Any, NamedTuple

from extractor.concepts.doses.clauses import Statement
from extractor.concepts.doses.equality import amount_in
from extractor.concepts.doses.marks import Fact
from extractor.concepts.doses.read import DosingText
from extractor.concepts.doses.timing import resolve_frequency, resolve_length, value_of
from extractor.evidence.drafts import Draft, Refusal, Span, Why
from extractor.schemas import Amount


class Nearness(IntEnum):
    """Where a statement stands: in the words of the regimen, in its section or the agent's own,
    in another section, in another arm.
    """

    HERE, BESIDE, ELSEWHERE, OTHER_ARM = range(4)


class Stated(NamedTuple):
    """What a statement of the agent says of a field: how near it is, the value, and the mark
    that says it.
    """

    place: Nearness
    one: Statement
    value: Any
    mark: Fact


def _read_route(statement: Statement) -> tuple[Any, Fact | None]:
    """Return the route of a statement and its mark; (None, None) without one."""
    return value_of(statement.route), statement.route


def _read_frequency(statement: Statement) -> tuple[Any, Fact | None]:
    """Return the frequency of a statement, and the mark of its words, days or rate; the dose
    stands for a frequency that nothing states.
    """
    mark = statement.frequency or statement.days
    if mark is None and statement.amounts:
        mark = statement.amounts[0]
    return resolve_frequency(statement), mark


def _read_cycle(statement: Statement) -> tuple[Any, Fact | None]:
    """Return the cycle of a statement and its mark; (None, None) without one."""
    return value_of(statement.cycle), statement.cycle


def _read_duration(statement: Statement) -> tuple[Any, Fact | None]:
    """Return the length of treatment of a statement and its mark; (None, None) without one."""
    length = resolve_length(statement)
    return value_of(length), length


READERS: Mapping[str, Callable[[Statement], tuple[Any, Fact | None]]] = {
    "route": _read_route,
    "frequency": _read_frequency,
    "cycle": _read_cycle,
    "duration": _read_duration,
}
"""What a statement says of a field, and the mark that says it."""


@dataclass(frozen=True)
class AnsweredRegimen:
    """A regimen of a model. ``agent`` is its agent, as the record writes it."""

    draft: Draft
    text: DosingText
    agent: str

    @cached_property
    def key(self) -> str:
        """The key of its agent in the record."""
        return self.text.lexicon.key_of(self.agent)

    @cached_property
    def quote(self) -> Span:
        """The words of the regimen; without them, those that the model was asked about."""
        quote = self.draft.model.get("quote")
        return quote.spans[0] if quote and quote.spans else self.draft.chunk.span

    @cached_property
    def amounts(self) -> Sequence[Amount]:
        """The amounts of the regimen."""
        amounts = self.draft.model.get("amounts")
        return amounts.list_values() if amounts else ()

    @cached_property
    def own(self) -> Sequence[tuple[Nearness, Statement]]:
        """The statements of the agent, each with how near it is, the nearest first."""
        own: list[tuple[Nearness, Statement]] = []
        for statement in self.text.statements:
            if statement.agent.key != self.key:
                continue
            own.append((self._place(statement), statement))
        return sorted(own, key=itemgetter(0))

    def list_stated(self, field: str) -> list[Stated]:
        """Return what the text says of a field of the agent, the nearest first: each level of each
        amount, or the value of each statement that has one.
        """
        stated: list[Stated] = []
        for place, statement in self.own:
            if field != "amounts":
                value, mark = READERS[field](statement)
                if mark and value is not None:
                    stated.append(Stated(place, statement, value, mark))
                continue
            for fact in statement.amounts:
                stated += [
                    Stated(place, statement, level, fact) for level in fact.value
                ]
        return stated

    def fits(self, statement: Statement) -> bool:
        """Return whether a statement has an amount of the regimen, or one of the two has none."""
        if not self.amounts or not statement.amounts:
            return True
        return any(amount_in(each, statement.levels) for each in self.amounts)

    def span(self, fact: Fact) -> Span:
        """Return the raw span of a mark."""
        return self.text.sections[fact.section].span(fact.first, fact.end)

    def refuse(self, mark: Fact) -> Refusal:
        """Return a refusal: the text gives the agent another value at the mark."""
        return Refusal(Why.OTHER_VALUE, self.span(mark))

    def _place(self, statement: Statement) -> Nearness:
        """Return how near a statement is to the words of the regimen."""
        if statement.section == self.quote.section:
            section = self.text.sections[statement.section]
            clause = section.span(statement.clause.first, statement.clause.end)
            is_here = clause.overlaps(self.quote)
            return Nearness.HERE if is_here else Nearness.BESIDE
        if statement.section == statement.agent.section:
            return Nearness.BESIDE
        is_in_arm = statement.section.startswith("arms")
        if is_in_arm and self.quote.section.startswith("arms"):
            return Nearness.OTHER_ARM
        return Nearness.ELSEWHERE
