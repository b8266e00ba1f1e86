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
from extractor.concepts.doses.marks import Fact
from extractor.concepts.doses.prove_amounts import VAGUE
from extractor.evidence.drafts import Refusal, Span

_NEAR_LINKS = frozenset({Link.BESIDE, Link.CLAUSE})
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
        """Return where the agent has a value, why it is not the agent's, or None if the text
        leaves it open.
        """
        stated = [
            each
            for each in self.regimen.list_stated(self.field)
            if self.regimen.fits(each.one)
        ]
        if not stated:
            return None
        near = stated[0]
        same = self._find_same(value, stated)
        if same and self._is_sure(same):
            is_rivalled = any(
                each.place is Nearness.HERE and not is_same(each.value, value)
                for each in stated
            )
            return None if is_rivalled else self.regimen.span(same.mark)
        near = same or near
        if near.place > Nearness.HERE:
            return None
        return self._find_rival(near, value)

    def _find_same(self, value: Any, stated: Sequence[Stated]) -> Stated | None:
        """Return the nearest statement of a value, if nothing nearer says something else, or
        the agent's own arm does not.
        """
        near = stated[0]
        same = next((each for each in stated if is_same(each.value, value)), None)
        if same is None or same.place == near.place:
            return same
        is_beside = near.place > Nearness.HERE and same.place < Nearness.OTHER_ARM
        return same if is_beside else None

    def _is_sure(self, stated: Stated) -> bool:
        sections = self.regimen.text.sections
        link = find_link(stated.one, mark_of(self.field), stated.mark, sections)
        return link in _SURE[self.field]

    def _find_rival(self, near: Stated, value: Any) -> Refusal | None:
        """Return a refusal if the words of the regimen say another value explicitly."""
        rival, mark = choose_rival(near, mark_of(self.field), value)
        if is_same(rival, value) or not VAGUE.isdisjoint({value, rival}):
            return None
        if not near.one.holds(mark):
            return None
        # a single day and the rate of a dose say no frequency for sure
        is_explicit = mark not in near.one.amounts
        if mark is near.one.days:
            is_explicit = len(mark.value) > 1
        if not is_explicit:
            return None
        quoted = self._list_quoted(value)
        if any(self._is_held(each, near.one) for each in quoted):
            return None
        # the clause may go on to another step
        is_outside = not self.regimen.span(mark).overlaps(self.regimen.quote)
        is_of_agent = all(self._is_in_clause(each) for each in quoted)
        return None if is_outside and is_of_agent else self.regimen.refuse(mark)

    def _is_in_clause(self, mark: Fact) -> bool:
        """Return whether a mark stands in a clause that says something of the agent."""
        return any(statement.holds(mark) for _, statement in self.regimen.own)

    def _list_quoted(self, value: Any) -> list[Fact]:
        """Return the marks of a value in the words of the regimen."""
        regimen = self.regimen
        section = regimen.text.sections.get(regimen.quote.section)
        marks = getattr(section.marks, mark_of(self.field)) if section else ()
        return [
            mark
            for mark in marks
            if is_same(mark.value, value) and regimen.span(mark).overlaps(regimen.quote)
        ]

    def _is_held(self, mark: Fact, near: Statement) -> bool:
        """Return whether another statement of the agent, or one that names no agent, has a mark,
        and none but amounts of the regimen.
        """
        return any(
            statement.mention is None or statement.agent.key == self.regimen.key
            for statement in self.regimen.text.statements
            if READERS[self.field](statement)[1] == mark
            and statement is not near
            and self.regimen.fits(statement)
        )


def choose_rival(near: Stated, name: str, value: Any) -> tuple[Any, Fact]:
    """Return the value in the agent's part of a clause that is closest to its dose or name, with
    its mark.

    That is the given value, if it is an alternative to the closest one: "IV or by mouth".
    """
    statement = near.one
    marks = getattr(statement.clause.marks.inside(*statement.reach), name)
    if near.mark not in marks or len({mark.value for mark in marks}) < 2:
        return near.value, near.mark
    anchors = [
        (each.first, each.end)
        for each in (*statement.amounts, statement.mention)
        if each and statement.holds(each)
    ]
    anchors = anchors or [(statement.first, statement.end)]
    closest = min(marks, key=lambda mark: _distance(mark, anchors))
    for mark in marks:
        if mark.value == value and _are_alternatives(mark, closest, near):
            return value, mark
    return closest.value, closest


def _distance(mark: Fact, anchors: Sequence[tuple[int, int]]) -> int:
    return min(max(mark.first - end, first - mark.end) for first, end in anchors)


def _are_alternatives(one: Fact, other: Fact, near: Stated) -> bool:
    """Return whether "or" stands between two marks."""
    first, second = sorted((one, other), key=lambda mark: mark.first)
    tokens = near.one.clause.tokens
    return is_joint("or_between", tokens, first.end, second.first)
