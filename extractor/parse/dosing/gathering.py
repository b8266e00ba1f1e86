"""What a clause says of one of its agents, in its own words and in those that it shares with others."""

import re
from collections.abc import Sequence
from typing import Any

from extractor.parse.requirements import Guarded
from extractor.schemas import Frequency, Period, TimeUnit

from .agents import PROCEDURES
from .facts import FIELDS, Clause
from .findings import Findings
from .linking import Unit
from .marks import Mark

__all__ = ["choose_mark", "gather_marks"]

_RATES = {
    Frequency.QD: re.compile(r"(?:/|per|\*)\s?(?:d|day|daily|24\s?h(?:ours)?)\)?$", re.IGNORECASE),
    Frequency.QW: re.compile(r"(?:/|per)\s?(?:week|weekly|wk)\)?$", re.IGNORECASE),
    Frequency.CONTINUOUS: re.compile(
        r"(?:/|per)\s?(?:min(?:ute)?|h|hr|hour)\)?$|\b(?:h|hr|min)\s?-\s?1\)?$", re.IGNORECASE
    ),
}
"""What a dose is given per, and how often it is given if nothing else says so."""
_ELSEWHERE = Guarded(
    r"\bas\s(?:(?:described|given|stated|administered|outlined)\s)?(?:in|for|above|per)\b(?=\s(?:the\s)?"
    r"(?:arm|group|regimen|part|cohort|stratum|induction|phase|course|step|\W|$))"
)
"""A clause that points to another one ("as in arm I") lends nothing to the agents that it lists."""
_SURE = 0.5
"""Lengths that are less sure share their sentence with others."""
_JOINT = re.compile(r"\s(?:and|or|and/or)\s")


def gather_marks(clause: Clause, units: list[Unit], place: int, own: Findings) -> dict[str, Mark[Any]]:
    """The mark of each field that the clause states of the unit at ``place``; ``own`` are those of its own part."""
    fields: dict[str, Mark[Any]] = {}
    refers = _ELSEWHERE.search(clause.text, clause.start, clause.end)
    for name in FIELDS:
        mark = choose_mark(getattr(own, name), name)
        lends = name != "route" or units[place].agent.kind not in PROCEDURES
        timed = own.frequency or own.days
        shared = name in {"cycle", "length"} or not timed or (name == "route" and _is_joined(units, place, clause))
        if mark is None and not (name == "length" and own.length) and lends and not refers and shared:
            mark = _borrow(units, place, clause.marks, name)
            if name == "length" and timed and mark and not _counts_cycles(mark):
                mark = None
        if mark is not None:
            fields[name] = mark
    if (rate := _find_rate(clause.text, units[place])) and not (own.frequency or own.days):
        fields["frequency"] = rate
    return fields


def _is_joined(units: Sequence[Unit], place: int, clause: Clause) -> bool:
    """Whether a unit is but the last of two names: "intrathecal A or B"."""
    before = units[place - 1].mention if place else None
    mention = units[place].mention
    return bool(before and mention and _JOINT.fullmatch(clause.text, before.end, mention.start))


def choose_mark(marks: Sequence[Mark[Any]], name: str) -> Mark[Any] | None:
    """The first mark; of frequencies a code before "once" and "other"; of lengths none that is but a step's."""
    if name == "length":
        return _choose_length(marks)
    if name != "frequency" or len(marks) < 2:
        return marks[0] if marks else None
    rank = {Frequency.ONCE: 1, Frequency.OTHER: 1}
    return min(marks, key=lambda m: rank.get(m.value, 0))


def _choose_length(marks: Sequence[Mark[Period | None]]) -> Mark[Period | None] | None:
    """The first length, if it is not the first of several steps: "5 mg for 4 weeks, then 2 mg for 8 weeks"."""
    steps = [mark for mark in marks if not _counts_cycles(mark)]
    if len(steps) > 1 and all(mark.confidence < _SURE for mark in steps[:2]):
        return None
    return marks[0] if marks else None


def _borrow(units: list[Unit], place: int, marks: Findings, name: str) -> Mark[Any] | None:
    """What a later unit says holds for the ones before it: "A 5 mg and B 3 mg on day 1"."""
    for unit in units[place + 1 :]:
        own = marks.inside(*unit.territory)
        if mark := choose_mark(getattr(own, name), name):
            return mark
        if name not in {"route", "cycle", "length"} and (own.frequency or own.days):
            return None
    if place:
        lead = (units[0].territory[0], units[0].start)
        return choose_mark(getattr(marks.inside(*lead), name), name)
    return None


def _counts_cycles(mark: Mark[Period | None]) -> bool:
    """Whether a length is told in cycles, which are those of all agents: "A on day 1, B on day 8 for 6 cycles"."""
    return mark.value is not None and mark.value.unit is TimeUnit.CYCLE


def _find_rate(text: str, unit: Unit) -> Mark[Frequency] | None:
    """The giving that a unit implies: "40 mg/day", "0.24 mg/kg/week", "5 mL/h"."""
    for amount in unit.amounts:
        for frequency, sign in _RATES.items():
            if sign.search(text, amount.start, amount.end):
                return Mark(frequency, amount.start, amount.end, 0.8)
    return None
