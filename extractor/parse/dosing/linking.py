"""Which agent an amount belongs to, and which stretch of a clause speaks of which agent."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .agents import Agent
from .clauses import BREAK
from .facts import Clause
from .findings import AmountMark
from .marks import Mark

__all__ = ["Unit", "link_amounts"]

_SHORT_GAP = re.compile(r"\s*(?:of|de)?\s*(?:the\s|oral\s|intravenous\s|IV\s|each\s)?", re.IGNORECASE)
_OTHER_AGENT = re.compile(
    r"\sof\s(?!the|each|an?\b|body|study|drug|medication|treatment|active|this|it|\w+\sdose|dose|product|CAR|cells)[A-Za-z]{4,}",
    re.IGNORECASE,
)
_OF_GAP = re.compile(r"\s?(?:of|de)\s(?:[\w-]{1,20}\s){0,3}", re.IGNORECASE)
_CLOSE_GAP = re.compile(
    r"[\s(:,=-]*(?:at\s)?(?:an?\s)?(?:the\s)?(?:(?:starting|initial|fixed|flat|target|single|total|daily|oral|iv|dosed?|dosage|intravenous)\s?)*(?:of|at|is|:)?[\s(:]*",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Unit:
    """An agent in a clause, its amounts, and the stretch of text in which its other marks stand."""

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


def link_amounts(clause: Clause) -> list[Unit]:
    """The clause's agents in reading order, each with its amounts and its stretch of text."""
    units = [Unit(m.value, m.confidence, m.start, m.end, m, amounts=[]) for m in clause.named]
    loose: list[Unit] = []
    for amount in clause.marks.amounts:
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
    unit = _nearest(clause.text, amount, units)
    if not clause.loyal and _OTHER_AGENT.match(clause.text, amount.end) and (unit is None or unit.start < amount.start):
        return None  # a dose of something that no vocabulary names
    if unit is None and clause.topic is not None:
        if not loose:
            loose.append(Unit(clause.topic, 0.8, amount.start, amount.end, None, amounts=[]))
        unit = loose[0]
    return unit or next((u for u in units if u.start >= amount.end), None)


def _nearest(text: str, amount: AmountMark, units: Sequence[Unit]) -> Unit | None:
    before = next((u for u in reversed(units) if u.named and u.end <= amount.start), None)
    after = next((u for u in units if u.named and u.start >= amount.end), None)
    if after and any(gap.fullmatch(text, amount.end, after.start) for gap in (_SHORT_GAP, _OF_GAP)):
        close = before is not None and _CLOSE_GAP.fullmatch(text, before.end, amount.start)
        return before if close else after
    return before


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


def _joins_routes(clause: Clause, joint: re.Match[str], following: Unit) -> bool:
    """Whether "or" stands between two routes of one agent: "oral or IV", but not "A IV or oral B"."""
    routes = clause.marks.route
    before = any(0 <= joint.start() - route.end <= 1 for route in routes)
    behind = (route for route in routes if 0 <= route.start - joint.end() <= 1)
    return before and any(route.end + 1 != following.start for route in behind)


def _share_out(clause: Clause, units: list[Unit]) -> None:
    """Each unit's stretch runs to the last break before the next unit."""
    taken = clause.marks.spans()
    position = clause.start
    followers: list[Unit | None] = [*units[1:], None]
    for unit, following in zip(units, followers, strict=False):
        if following is None:
            unit.territory = (position, clause.end)
            return
        breaks = [
            m.start()
            for m in BREAK.finditer(clause.text, min(unit.end, following.start), following.start)
            if not any(first < m.start() < last for first, last in taken) and not _joins_routes(clause, m, following)
        ]
        border = breaks[-1] if breaks else following.start
        unit.territory = (position, border)
        position = border
