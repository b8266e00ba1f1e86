"""What the clauses of a record say: facts, gathered in statements about one agent."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from extractor.schemas import Amount
from extractor.text.lexer import Tokens

from .agents import Agent
from .marks import Mark

if TYPE_CHECKING:
    from .findings import Findings

__all__ = ["FIELDS", "Clause", "Fact", "Statement"]

FIELDS = ("route", "frequency", "cycle", "length", "days", "moment")
"""Fields of a statement that other clauses can fill."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A mark and the section in which it stands."""

    mark: Mark[Any]
    section: str

    @property
    def value(self) -> Any:
        return self.mark.value


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
    steps of a regimen ("5 mg for a week, then 10 mg") from 0; ``told_by`` are the statements merged into this one.
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
    told_by: "tuple[Statement, ...]" = ()

    @property
    def levels(self) -> tuple[Amount, ...]:
        return tuple(dict.fromkeys(amount for fact in self.amounts for amount in fact.value))

    def holds(self, fact: Fact) -> bool:
        """Whether a fact stands in the clause of the statement."""
        return fact.section == self.section and self.clause.start <= fact.mark.start < self.clause.end

    @property
    def named(self) -> bool:
        return self.mention is not None

    @property
    def richness(self) -> int:
        return sum(getattr(self, name) is not None for name in FIELDS)
