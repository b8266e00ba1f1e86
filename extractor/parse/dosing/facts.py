"""What the clauses of a record say: facts, gathered in statements about one agent."""

from typing import TYPE_CHECKING, Any

from extractor.parse.values import value
from extractor.schemas import Amount

from .agents import Agent
from .marks import Mark

if TYPE_CHECKING:
    from .linking import Clause

__all__ = ["FIELDS", "Fact", "Statement"]

FIELDS = ("route", "frequency", "cycle", "length", "days", "moment")
"""Fields of a statement that other clauses can fill."""


@value(frozen=True, slots=True)
class Fact:
    """A mark and the section in which it stands."""

    mark: Mark[Any]
    section: str

    @property
    def value(self) -> Any:
        return self.mark.value


@value(frozen=True, slots=True)
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
    clause: "Clause"
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

    @property
    def named(self) -> bool:
        return self.mention is not None

    @property
    def richness(self) -> int:
        return sum(getattr(self, name) is not None for name in FIELDS)
