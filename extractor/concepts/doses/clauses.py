"""Clauses, what each says of an agent, and how a fact came to its agent: by its place."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from typing import Any

from extractor.concepts.doses.agents import Agent, Mention
from extractor.concepts.doses.marks import Fact, Place, within
from extractor.concepts.doses.names import is_salt
from extractor.concepts.doses.sections import DosingSection, Findings
from extractor.language.book import rule
from extractor.language.lexer import Tokens
from extractor.schemas import Amount

Piece = tuple[int, int, bool]
"""A half-open clause, and whether it continues the one before ("then ...")."""
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
    def _explained(self) -> set[int]:
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
            if self.tokens.words[at][0].isalpha() and at not in self._explained
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


def list_clauses(section: DosingSection, mentions: Sequence[Mention]) -> list[Piece]:
    """Return the title of a section and the clauses of its body, split at steps of a regimen
    ("then ...").
    """
    tokens = section.tokens
    marks = section.marks
    pieces: list[Piece] = (
        [(*section.title, False)] if section.title[1] > section.title[0] else []
    )
    starts = sorted(first for first, _ in marks.places())
    for first, end in section.clauses:
        if not section.is_group and bisect_left(starts, first) == bisect_left(
            starts, end
        ):
            continue
        stated = marks.inside(first, end)
        if (
            not section.is_group
            and not stated.amounts
            and (not stated.places() or is_aside(tokens, first, end))
        ):
            continue
        described = rule("described_people").starts(tokens, first, end)
        position = described.end if described else first
        is_step = False
        for step in rule("next_step").find(tokens, first, end):
            if _both_give(
                marks.inside(position, step.first), marks.inside(step.end, end)
            ):
                pieces.append((position, step.first, is_step))
                position = step.end
                is_step = True
        cut = _cut_regimens(tokens, (position, end), stated, mentions)
        pieces += [
            (*place, is_step and number == 0) for number, place in enumerate(cut)
        ]
    return pieces


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


def _both_give(before: Findings, after: Findings) -> bool:
    """Return whether both sides of "then" state a dose, a route or a frequency."""
    if before.amounts and after.amounts:
        return True
    if before.route and after.route and before.route[-1].value != after.route[0].value:
        return True
    return bool((before.frequency or before.days) and (after.frequency or after.days))


def _cut_regimens(
    tokens: Tokens, clause: Place, stated: Findings, mentions: Sequence[Mention]
) -> list[Place]:
    """Return parts with different frequencies that each name the same agent, or that each state an
    amount.

    "A every 2 weeks and A every 4 weeks", "300 mg every 2 weeks or 600 mg every 4 weeks".
    """
    timed = sorted([*stated.frequency, *stated.days], key=lambda mark: mark.first)
    if len(timed) < 2:
        return [clause]
    gaps = [
        (one.end, other.first)
        for one, other in pairwise(within(mentions, *clause))
        if one.value.key == other.value.key
        and _differ(stated.frequency, (one.end, other.first), other.end)
    ]
    for amount, following in pairwise(within(stated.amounts, *clause)):
        differing = _differ(timed, (amount.end, following.first), following.end)
        if differing and not any(
            differing[0].end <= m.first < differing[1].first for m in mentions
        ):
            gaps.append((differing[0].end, following.first))
    pieces = []
    position, end = clause
    for gap in sorted(gaps):
        for found in list(rule("agent_break").find(tokens, *gap))[-1:]:
            pieces.append((position, found.first))
            position = found.end
    return [*pieces, (position, end)]


def _differ(
    stated: Sequence[Fact], between: Place, behind: int
) -> tuple[Fact, Fact] | None:
    """Return the last time of giving between two places and the first one after the second, if
    they differ.
    """
    before = within(stated, *between)
    after = [m for m in stated if m.first >= behind]
    if before and after and before[-1].value != after[0].value:
        return (before[-1], after[0])
    return None


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
    clause = statement.clause
    if not statement.holds(fact):
        own = fact.section in {statement.section, statement.agent.section}
        if own and _is_of_giving(sections[fact.section], fact):
            return Link.SECTION
        return Link.ELSEWHERE
    anchors = [
        one for one in statement.amounts if one is not fact and statement.holds(one)
    ]
    # The amount of the clause may be that of another agent, and with it all that the clause says.
    if any(one.confidence < 1 for one in anchors):
        return Link.ELSEWHERE
    if len(list_near(statement, name)) > 1:
        return Link.RIVALS
    anchors += [one for one in clause.named if one.value.key == statement.agent.key]
    if not anchors or not statement.reach[0] <= fact.first < statement.reach[1]:
        return Link.BESIDE if clause.about_topic and not anchors else Link.CLAUSE
    gaps = [(min(one.end, fact.end), max(one.first, fact.first)) for one in anchors]
    first, end = min(gaps, key=lambda gap: gap[1] - gap[0])
    if rule("other_act").search(
        clause.tokens, first, min(clause.end, max(end, fact.end + _OTHER_ACT_REACH))
    ):
        return Link.ELSEWHERE
    others = any(
        first <= one.first < end and one.value.key != statement.agent.key
        for one in clause.named
    )
    return Link.CLAUSE if others or end - first > _BESIDE_REACH else Link.BESIDE


def _is_of_giving(section: DosingSection, fact: Fact) -> bool:
    """Return whether the clause of a fact is about what participants are given."""
    place = next(
        (one for one in section.clauses if one[0] <= fact.first < one[1]), section.title
    )
    return not (
        rule("other_act").search(section.tokens, *place)
        or describes_other(section.tokens, *place)
    )
