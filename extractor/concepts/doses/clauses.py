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
    """A clause with its marks and the agents that it names: the tokens ``first:end`` of a section.

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
        tokens: set[int] = set()
        for first, end in self.marks.places():
            tokens.update(range(first, end))
        for mention in self.named:
            tokens.update(range(mention.first, mention.end))
        return tokens

    def speaks_of_dosing(self, first: int, end: int) -> bool:
        """Return whether all words in ``first:end`` are marks, agents, numbers, signs, salts, or
        words about a dose.
        """
        about_dose = rule("word_about_dose")
        for at in range(first, end):
            is_word = self.tokens.words[at][0].isalpha()
            if not is_word or at in self.explained:
                continue
            if about_dose.covers(self.tokens, at, at + 1):
                continue
            if not is_salt(self.tokens, at):
                return False
        return True


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
        """The amounts, each once: one fact may state several."""
        levels: dict[Amount, None] = {}
        for fact in self.amounts:
            levels.update(dict.fromkeys(fact.value))
        return tuple(levels)

    def holds(self, fact: Fact) -> bool:
        """Return whether the clause of the statement contains a fact, which may also have come to
        it from elsewhere.
        """
        if fact.section != self.section:
            return False
        return self.clause.first <= fact.first < self.clause.end


def is_aside(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether a clause is about aims, tests or follow-up, so that its days and intervals
    belong to no dose.

    >>> tokens = read_text(
    ...     "Patients are followed every 3 months. Patients receive 5 mg every 3 weeks."
    ... )
    >>> is_aside(tokens, 0, 7), is_aside(tokens, 7, 15)
    (True, False)
    """
    # "To determine the response"
    if rule("aim").starts(tokens, first, end):
        return True
    # "patients receive"
    if rule("gives").search(tokens, first, end):
        return False
    if rule("follow_up").search(tokens, first, end):
        return True
    # "blood is drawn", "visits every 4 weeks"
    if rule("observed").search(tokens, first, end) is None:
        return False
    # "treatment repeats"
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
    """Return the values of a field in the part of the clause about the agent, taken or not.
    ``name`` is the kind of finding: "amounts", "route", ...
    """
    marks = statement.clause.marks.inside(*statement.reach)
    return {mark.value for mark in getattr(marks, name)}


def find_link(
    statement: Statement, name: str, fact: Fact, sections: Mapping[str, DosingSection]
) -> Link:
    """Return the link of a fact to the agent of a statement that has it; ``name`` is the kind of
    finding.

    A fact of another clause is linked by its section, and only if its clause is about giving. In
    the statement's own clause, an amount that may be another agent's unlinks all other facts.
    """
    if not statement.holds(fact):
        if fact.section not in {statement.section, statement.agent.section}:
            return Link.ELSEWHERE
        is_of_giving = _is_of_giving(sections[fact.section], fact)
        return Link.SECTION if is_of_giving else Link.ELSEWHERE
    amounts: list[Fact] = []
    for amount in statement.amounts:
        if amount is fact or not statement.holds(amount):
            continue
        amounts.append(amount)
    # The amount of the clause may be that of another agent, and with it all that the clause says.
    if any(amount.confidence < 1 for amount in amounts):
        return Link.ELSEWHERE
    if len(list_near(statement, name)) > 1:
        return Link.RIVALS
    return _link_in_clause(statement, fact, amounts)


def _link_in_clause(statement: Statement, fact: Fact, amounts: Sequence[Fact]) -> Link:
    """Return the link of a fact of the clause: beside the agent if closely beside its name or one
    of its ``amounts``, with no other agent between; elsewhere if words between, or directly behind,
    name another act.
    """
    clause = statement.clause
    names: list[Mention] = []
    others: list[Mention] = []
    for mention in clause.named:
        if mention.value.key == statement.agent.key:
            names.append(mention)
        else:
            others.append(mention)
    anchors = [*amounts, *names]
    if not anchors:
        return Link.BESIDE if clause.about_topic else Link.CLAUSE
    reach_first, reach_end = statement.reach
    if not reach_first <= fact.first < reach_end:
        return Link.CLAUSE
    first, end = min((_find_gap(anchor, fact) for anchor in anchors), key=_measure)
    # "weekly blood samples"
    behind = min(clause.end, max(end, fact.end + _OTHER_ACT_REACH))
    if rule("other_act").search(clause.tokens, first, behind):
        return Link.ELSEWHERE
    # "5 mg of examplumab or placebo once daily": both have the frequency
    if any(first <= other.first < end for other in others):
        return Link.CLAUSE
    is_far = end - first > _BESIDE_REACH
    return Link.CLAUSE if is_far else Link.BESIDE


def _find_gap(anchor: Fact, fact: Fact) -> Place:
    """Return the tokens between two marks, whichever comes first. The end is before the beginning
    if they overlap.
    """
    return min(anchor.end, fact.end), max(anchor.first, fact.first)


def _measure(place: Place) -> int:
    first, end = place
    return end - first


def _is_of_giving(section: DosingSection, fact: Fact) -> bool:
    """Return whether the clause of a fact, or the title, is about what participants are given: it
    names no other act ("blood is drawn") and no other dose.
    """
    place = section.title
    for first, end in section.clauses:
        if first <= fact.first < end:
            place = (first, end)
            break
    if rule("other_act").search(section.tokens, *place):
        return False
    return not describes_other(section.tokens, *place)
