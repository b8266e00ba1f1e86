"""Check that the route, the frequency, the cycle and the duration of a model's regimen are its
agent's.

A value is linked if a statement of the agent with one of the regimen's amounts has it. It is
refused if such a statement in the words of the regimen has another one there. All others stay
open.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from extractor.concepts.doses.agents import is_joint
from extractor.concepts.doses.answered import (
    READERS,
    AnsweredRegimen,
    Nearness,
    Stated,
)
from extractor.concepts.doses.clauses import Link, Statement, find_link
from extractor.concepts.doses.equality import is_same
from extractor.concepts.doses.marks import Fact, Place
from extractor.concepts.doses.prove_amounts import VAGUE
from extractor.evidence.drafts import Refusal, Span

_NEAR_LINKS = frozenset({Link.BESIDE, Link.CLAUSE})
"""The links within the agent's own clause."""
_SURE = {
    "route": _NEAR_LINKS,
    "frequency": _NEAR_LINKS,
    "cycle": _NEAR_LINKS | {Link.SECTION},
    "duration": _NEAR_LINKS,
}
"""The links of each field that are seldom wrong."""


def mark_of(field: str) -> str:
    """Return the name of a field's marks."""
    return "length" if field == "duration" else field


@dataclass(frozen=True)
class CodeProof:
    """The proof of one field of a regimen."""

    regimen: AnsweredRegimen
    field: str

    def judge(self, value: Any) -> Span | Refusal | None:
        """Return where the agent has a value, why it is not the agent's, or None if the text leaves
        it open. Only statements with an amount of the regimen, or none, are asked.
        """
        stated: list[Stated] = []
        for other in self.regimen.list_stated(self.field):
            if not self.regimen.fits(other.one):
                continue
            stated.append(other)
        if not stated:
            return None
        same = self._find_same(value, stated)
        if same and self._is_sure(same):
            is_rivalled = any(_is_rival_here(other, value) for other in stated)
            return None if is_rivalled else self.regimen.span(same.mark)
        near = same or stated[0]
        if near.place > Nearness.HERE:
            return None
        return self._find_rival(near, value)

    def _find_same(self, value: Any, stated: Sequence[Stated]) -> Stated | None:
        """Return the nearest statement of a value, or None. A statement further away counts only if
        none in the words of the regimen says something else, and it is not of another arm.
        """
        nearest = stated[0].place
        for same in stated:
            if not is_same(same.value, value):
                continue
            if same.place == nearest:
                return same
            is_beside = nearest > Nearness.HERE and same.place < Nearness.OTHER_ARM
            return same if is_beside else None
        return None

    def _is_sure(self, stated: Stated) -> bool:
        """Return whether the link of a statement's mark to the agent is seldom wrong."""
        sections = self.regimen.text.sections
        link = find_link(stated.one, mark_of(self.field), stated.mark, sections)
        return link in _SURE[self.field]

    def _find_rival(self, near: Stated, value: Any) -> Refusal | None:
        """Return a refusal if the words of the regimen say another value explicitly; None if they
        do not, if either value is vague, or if the answered value stands in them for another
        statement of the agent or another step.
        """
        rival, mark = choose_rival(near, mark_of(self.field), value)
        if is_same(rival, value) or not VAGUE.isdisjoint({value, rival}):
            return None
        if not near.one.holds(mark):
            return None
        # a single day and the rate of a dose say no frequency for sure
        if mark is near.one.days:
            is_explicit = len(mark.value) > 1
        else:
            is_explicit = mark not in near.one.amounts
        if not is_explicit:
            return None
        quoted = self._list_quoted(value)
        if any(self._is_held(other, near.one) for other in quoted):
            return None
        # the clause may go on to another step
        is_outside = not self.regimen.span(mark).overlaps(self.regimen.quote)
        if is_outside and all(self._is_in_clause(other) for other in quoted):
            return None
        return self.regimen.refuse(mark)

    def _is_in_clause(self, mark: Fact) -> bool:
        """Return whether a mark stands in a clause that says something of the agent."""
        return any(statement.holds(mark) for _, statement in self.regimen.own)

    def _list_quoted(self, value: Any) -> list[Fact]:
        """Return the marks of a value in the words of the regimen."""
        regimen = self.regimen
        section = regimen.text.sections.get(regimen.quote.section)
        if section is None:
            return []
        quoted: list[Fact] = []
        for mark in getattr(section.marks, mark_of(self.field)):
            if not is_same(mark.value, value):
                continue
            if regimen.span(mark).overlaps(regimen.quote):
                quoted.append(mark)
        return quoted

    def _is_held(self, mark: Fact, near: Statement) -> bool:
        """Return whether another statement than ``near`` has a mark, with no amounts but those of
        the regimen: one of the agent, or one that names no agent.
        """
        for statement in self.regimen.text.statements:
            if statement is near or READERS[self.field](statement)[1] != mark:
                continue
            is_of_other = statement.agent.key != self.regimen.key
            if is_of_other and statement.mention is not None:
                continue
            if self.regimen.fits(statement):
                return True
        return False


def _is_rival_here(stated: Stated, value: Any) -> bool:
    """Return whether a statement in the words of the regimen has another value."""
    return stated.place is Nearness.HERE and not is_same(stated.value, value)


def choose_rival(near: Stated, name: str, value: Any) -> tuple[Any, Fact]:
    """Return the value in the agent's part of a clause that is closest to its dose or name, with
    its mark. Without several values there, that is the statement's own.

    ``value`` is returned if it is an alternative to the closest one: "IV or by mouth". ``name`` is
    the kind of finding.
    """
    statement = near.one
    marks = getattr(statement.clause.marks.inside(*statement.reach), name)
    values = {mark.value for mark in marks}
    if near.mark not in marks or len(values) < 2:
        return near.value, near.mark
    anchors: list[Place] = []
    for mark in (*statement.amounts, statement.mention):
        if mark is None or not statement.holds(mark):
            continue
        anchors.append((mark.first, mark.end))
    if not anchors:
        anchors = [(statement.first, statement.end)]
    closest = min(marks, key=lambda mark: _distance(mark, anchors))
    for mark in marks:
        if mark.value == value and _are_alternatives(mark, closest, near):
            return value, mark
    return closest.value, closest


def _distance(mark: Fact, anchors: Sequence[Place]) -> int:
    """Return how many tokens stand between a mark and the nearest of some places; below 0 within
    one.
    """
    # where the two do not overlap, one of the differences is negative
    return min(max(mark.first - end, first - mark.end) for first, end in anchors)


def _are_alternatives(one: Fact, other: Fact, near: Stated) -> bool:
    """Return whether "or" stands between two marks."""
    first, second = sorted((one, other), key=lambda mark: mark.first)
    tokens = near.one.clause.tokens
    return is_joint("or_between", tokens, first.end, second.first)
