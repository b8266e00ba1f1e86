"""Clauses, what each says of an agent, and how a fact came to its agent: by its place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from extractor.concepts.doses.agents import Agent, Mention
from extractor.concepts.doses.marks import Fact, Place
from extractor.concepts.doses.names import is_salt
from extractor.concepts.doses.sections import DosingSection, Findings
from extractor.language.book import rule
from extractor.language.lexer import Tokens
from extractor.schemas import Amount

_BESIDE_REACH = 12
"""The most tokens between an agent, or its amount, and a fact beside it."""
_OTHER_ACT_REACH = 3
"""How many tokens after a fact can name another act: "weekly blood samples"."""


@dataclass(frozen=True, eq=False)
class Clause:
    """A clause with its marks and the agents that it names.

    ``topic`` is its agent if it names none. ``about_topic``: the whole clause is about the topic,
    so an amount of something unnamed is still part of the regimen. ``has_one_topic``: the title
    names no second agent.
    """

    tokens: Tokens
    first: int
    end: int
    marks: Findings
    named: Sequence[Mention] = ()
    topic: Agent | None = None
    about_topic: bool = False
    has_one_topic: bool = True

    @cached_property
    def explained(self) -> set[int]:
        """The tokens of marks and of agents."""
        places = [*self.marks.places(), *((m.first, m.end) for m in self.named)]
        return {at for place in places for at in range(*place)}

    def speaks_of_dosing(self, first: int, end: int) -> bool:
        """Return whether all words in ``first:end`` are marks, agents, numbers, signs, salts, or
        words about a dose.
        """
        others = [
            at
            for at in range(first, end)
            if self.tokens.words[at][0].isalpha() and at not in self.explained
        ]
        known = rule("word_about_dose")
        return all(
            known.covers(self.tokens, at, at + 1) or is_salt(self.tokens, at)
            for at in others
        )


@dataclass(frozen=True, slots=True)
class Statement:
    """What one clause says about one agent.

    ``first:end`` is the part of the clause about the agent, ``linked`` the confidence in that link,
    ``mention`` the agent's name in the clause, ``reach`` the range of ``clause`` about this agent.
    ``cyclic``: the section mentions cycles. ``step`` counts the steps of a regimen ("5 mg for a
    week, then 10 mg") from 0. ``parts`` are the statements merged into this one.
    """

    agent: Agent
    section: str
    first: int
    end: int
    linked: float
    mention: Mention | None
    cyclic: bool
    clause: Clause
    reach: Place
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
        return tuple(
            dict.fromkeys(amount for fact in self.amounts for amount in fact.value)
        )

    def holds(self, fact: Fact) -> bool:
        """Return whether the clause of the statement contains a fact."""
        return (
            fact.section == self.section
            and self.clause.first <= fact.first < self.clause.end
        )


def is_aside(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether a clause is about aims, tests or follow-up, so that its days and intervals
    belong to no dose.

    >>> tokens = read_text(
    ...     "Patients are followed every 3 months. Patients receive 5 mg every 3 weeks."
    ... )
    >>> is_aside(tokens, 0, 7), is_aside(tokens, 7, 15)
    (True, False)
    """
    if rule("aim").starts(tokens, first, end):
        return True
    if rule("gives").search(tokens, first, end):
        return False
    if rule("follow_up").search(tokens, first, end):
        return True
    if not bool(rule("observed").search(tokens, first, end)):
        return False
    return not rule("treats").search(tokens, first, end)


def describes_other(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether a clause states doses of tests or other trials, or limits: "The approved
    dose is 5 mg.".
    """
    return rule("other_dose").search(tokens, first, end) is not None


class Link(StrEnum):
    """The place of a fact, as seen from its agent: its own words, its clause, its section, or any
    other words.

    ``RIVALS``: the agent's part of the clause has several values of the field. The names are cases
    of ``measured``.
    """

    BESIDE = "beside"
    CLAUSE = "in clause"
    RIVALS = "rivals"
    SECTION = "in section"
    ELSEWHERE = "elsewhere"


def list_near(statement: Statement, name: str) -> set[Any]:
    """Return the values of a field in the part of the clause about the agent."""
    return {
        mark.value
        for mark in getattr(statement.clause.marks.inside(*statement.reach), name)
    }


def find_link(
    statement: Statement, name: str, fact: Fact, sections: Mapping[str, DosingSection]
) -> Link:
    """Return the link of a fact of a statement; ``name`` is the kind of finding."""
    if not statement.holds(fact):
        own = fact.section in {statement.section, statement.agent.section}
        if own and _is_of_giving(sections[fact.section], fact):
            return Link.SECTION
        return Link.ELSEWHERE
    amounts = [mark for mark in statement.amounts if statement.holds(mark)]
    others = [mark for mark in amounts if mark is not fact]
    # The amount of the clause may be that of another agent, and with it all that the clause says.
    if any(mark.confidence < 1 for mark in others):
        return Link.ELSEWHERE
    if len(list_near(statement, name)) > 1:
        return Link.RIVALS
    return _link_in_clause(statement, fact, others)


def _link_in_clause(statement: Statement, fact: Fact, amounts: Sequence[Fact]) -> Link:
    """Return the link of a fact by its distance to the name and ``amounts`` of its agent, and by
    the words between.
    """
    clause = statement.clause
    key = statement.agent.key
    anchors = [*amounts, *(name for name in clause.named if name.value.key == key)]
    if not anchors or not statement.reach[0] <= fact.first < statement.reach[1]:
        return Link.BESIDE if clause.about_topic and not anchors else Link.CLAUSE
    gaps = [(min(at.end, fact.end), max(at.first, fact.first)) for at in anchors]
    first, end = min(gaps, key=lambda gap: gap[1] - gap[0])
    behind = min(clause.end, max(end, fact.end + _OTHER_ACT_REACH))
    if rule("other_act").search(clause.tokens, first, behind):
        return Link.ELSEWHERE
    for mention in clause.named:
        if first <= mention.first < end and mention.value.key != key:
            return Link.CLAUSE  # over another agent
    return Link.CLAUSE if end - first > _BESIDE_REACH else Link.BESIDE


def _is_of_giving(section: DosingSection, fact: Fact) -> bool:
    """Return whether the clause of a fact is about what participants are given."""
    place = next(
        (one for one in section.clauses if one[0] <= fact.first < one[1]), section.title
    )
    return not (
        rule("other_act").search(section.tokens, *place)
        or describes_other(section.tokens, *place)
    )
