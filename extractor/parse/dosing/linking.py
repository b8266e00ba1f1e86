"""Which agent an amount belongs to, and which span of a clause speaks of which agent."""

from collections.abc import Sequence
from dataclasses import dataclass

from extractor.text.book import rule

from .agents import Agent
from .clauses import find_breaks
from .facts import Clause
from .findings import AmountMark
from .marks import Mark

__all__ = ["Unit", "is_between", "link_amounts"]


@dataclass(slots=True)
class Unit:
    """An agent in a clause, its amounts, and the span of text in which its other marks stand."""

    agent: Agent
    linked: float
    start: int
    end: int
    mention: Mark[Agent] | None
    amounts: list[AmountMark]
    territory: tuple[int, int] = (0, 0)

    @property
    def named(self) -> bool:
        return self.mention is not None


def is_between(name: str, clause: Clause, start: int, end: int) -> bool:
    """Whether a rule covers all that stands, if anything does, in ``text[start:end]``."""
    tokens = clause.tokens
    first, last = tokens.at(start), tokens.before(end)
    return first == last or (first < last and rule(name).covers(tokens, first, last) is not None)


def link_amounts(clause: Clause) -> list[Unit]:
    """The clause's agents in reading order, each with its amounts and its span of text."""
    units = [Unit(m.value, m.confidence, m.start, m.end, m, amounts=[]) for m in clause.named]
    loose: list[Unit] = []
    for amount in clause.marks.amounts:
        if rule("dose_change").ends(clause.tokens, clause.tokens.before(amount.start)):
            continue
        if unit := _find_owner(clause, amount, units, loose):
            unit.amounts.append(amount)
    units = _join_same([*units, *loose])
    if not units and clause.topic is not None and clause.marks.spans():
        units = [Unit(clause.topic, 0.7, clause.start, clause.end, None, amounts=[])]
    for unit in units:
        unit.amounts = _keep_fractions(unit.amounts)
        unit.start = min([unit.start, *(a.start for a in unit.amounts)])
        unit.end = max([unit.end if unit.named or not unit.amounts else 0, *(a.end for a in unit.amounts)])
    units.sort(key=lambda u: u.start)
    _share_out(clause, units)
    return units


def _find_owner(clause: Clause, amount: AmountMark, units: Sequence[Unit], loose: list[Unit]) -> Unit | None:
    unit = _nearest(clause, amount, units)
    unknown = not clause.loyal and rule("other_agent").starts(clause.tokens, clause.tokens.before(amount.end))
    if unknown and (unit is None or unit.start < amount.start):
        return None
    if unit is None and clause.topic is not None:
        if not loose:
            loose.append(Unit(clause.topic, 0.8, amount.start, amount.end, None, amounts=[]))
        unit = loose[0]
    return unit or next((u for u in units if u.start >= amount.end), None)


def _nearest(clause: Clause, amount: AmountMark, units: Sequence[Unit]) -> Unit | None:
    """The agent named before an amount, or the one right behind it."""
    before = next((u for u in reversed(units) if u.named and u.end <= amount.start), None)
    after = next((u for u in units if u.named and u.start >= amount.end), None)
    if after is None or not is_between("dose_of", clause, amount.end, after.start):
        return before
    return before if before and is_between("dosed_at", clause, before.end, amount.start) else after


def _keep_fractions(amounts: list[AmountMark]) -> list[AmountMark]:
    """Of a total dose of radiation and the dose of a fraction, the fraction."""
    if len(amounts) < 2 or any(level.unit != "Gy" for amount in amounts for level in amount.value):
        return amounts
    smallest = min(amounts, key=lambda a: a.value[0].high or 0)
    return [a for a in amounts if (a.value[0].high or 0) <= 5 * (smallest.value[0].high or 0)]


def _join_same(units: list[Unit]) -> list[Unit]:
    """Units of one agent become one, except where each has amounts of its own."""
    joined: list[Unit] = []
    for unit in sorted(units, key=lambda u: u.start):
        same = next((u for u in joined if u.agent.key == unit.agent.key), None)
        if same is None:
            joined.append(unit)
        else:
            same.amounts += unit.amounts
            same.mention = same.mention or unit.mention
    return joined


def _share_out(clause: Clause, units: list[Unit]) -> None:
    """Each unit's span runs to the last break before the next unit."""
    taken = clause.marks.spans()
    position = clause.start
    followers: list[Unit | None] = [*units[1:], None]
    for unit, following in zip(units, followers, strict=False):
        if following is None:
            unit.territory = (position, clause.end)
            return
        breaks = [
            found.span[0]
            for found in find_breaks(clause.tokens, min(unit.end, following.start), following.start)
            if not any(first < found.span[0] < last for first, last in taken)
        ]
        border = breaks[-1] if breaks else following.start
        unit.territory = (position, border)
        position = border
