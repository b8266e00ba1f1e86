"""What the clauses of a record say: facts, gathered in statements about one agent."""

from dataclasses import dataclass
from typing import Any

from extractor.schemas import Amount

from .agents import Agent
from .marks import Mark

__all__ = ["FIELDS", "Fact", "Statement"]

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


@dataclass(frozen=True, slots=True)
class Statement:
    """What one clause says of one agent.

    ``start:end`` is the clause's part about it, in the section's cleaned text; ``linked`` how surely it is about
    this agent; ``named`` whether the clause itself names it; ``cyclic`` whether the passage speaks of cycles.
    """

    agent: Agent
    section: str
    start: int
    end: int
    linked: float
    named: bool
    cyclic: bool
    amounts: tuple[Fact, ...] = ()
    route: Fact | None = None
    frequency: Fact | None = None
    cycle: Fact | None = None
    length: Fact | None = None
    days: Fact | None = None
    moment: Fact | None = None

    @property
    def levels(self) -> tuple[Amount, ...]:
        return tuple(dict.fromkeys(amount for fact in self.amounts for amount in fact.value))

    @property
    def richness(self) -> int:
        return sum(getattr(self, name) is not None for name in FIELDS)
