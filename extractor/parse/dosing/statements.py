"""Statements of dosing: what each clause of a passage says of each agent, in its own words or shared ones."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from extractor.schemas import Frequency, Period, Route, TimeUnit
from extractor.text.book import rule

from .agents import PROCEDURES, Agent, Lexicon, is_joint
from .amounts import AmountMark
from .clauses import find_breaks, has_rule, list_clauses
from .facts import FIELDS, Clause, Findings, Statement
from .marks import Mark, drop_touching, within
from .passages import Passage


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


def link_amounts(clause: Clause) -> list[Unit]:
    """The clause's agents in reading order, each with its amounts and its span of text."""
    units = [Unit(m.value, m.confidence, m.start, m.end, m, amounts=[]) for m in clause.named]
    loose: list[Unit] = []
    for amount in clause.marks.amounts:
        if rule("dose_change").ends(clause.tokens, clause.tokens.before(amount.start)):
            continue
        if unit := _find_owner(clause, amount, units, loose):
            unit.amounts.append(amount)
    joined: dict[str, Unit] = {}
    for unit in sorted([*units, *loose], key=lambda u: u.start):
        if same := joined.get(unit.agent.key):
            same.amounts += unit.amounts
            same.mention = same.mention or unit.mention
        else:
            joined[unit.agent.key] = unit
    units = list(joined.values())
    if not units and clause.topic is not None and clause.marks.spans():
        units = [Unit(clause.topic, 0.7, clause.start, clause.end, None, amounts=[])]
    for unit in units:
        unit.amounts = _keep_fractions(unit.amounts)
        unit.start = min([unit.start, *(a.start for a in unit.amounts)])
        unit.end = max([unit.end if unit.mention or not unit.amounts else 0, *(a.end for a in unit.amounts)])
    units.sort(key=lambda u: u.start)
    _share_out(clause, units)
    return units


def _find_owner(clause: Clause, amount: AmountMark, units: Sequence[Unit], loose: list[Unit]) -> Unit | None:
    """The agent named before an amount, or the one right behind it; else the topic of the clause."""
    before = next((u for u in reversed(units) if u.end <= amount.start), None)
    after = next((u for u in units if u.start >= amount.end), None)
    unit = before
    if after and is_joint("dose_of", clause.tokens, amount.end, after.start):
        unit = before if before and is_joint("dosed_at", clause.tokens, before.end, amount.start) else after
    unknown = not clause.loyal and rule("other_agent").starts(clause.tokens, clause.tokens.before(amount.end))
    if unknown and (unit is None or unit.start < amount.start):
        return None
    if unit is None and clause.topic is not None:
        if not loose:
            loose.append(Unit(clause.topic, 0.8, amount.start, amount.end, None, amounts=[]))
        unit = loose[0]
    return unit or after


def _keep_fractions(amounts: list[AmountMark]) -> list[AmountMark]:
    """Of a total dose of radiation and the dose of a fraction, the fraction."""
    if len(amounts) < 2 or any(level.unit != "Gy" for amount in amounts for level in amount.value):
        return amounts
    sizes = [amount.value[0].high or 0 for amount in amounts]
    return [amount for amount, size in zip(amounts, sizes, strict=True) if size <= 5 * min(sizes)]


def _share_out(clause: Clause, units: list[Unit]) -> None:
    """Each unit's span runs to the last break before the next unit."""
    taken, position = clause.marks.spans(), clause.start
    for unit, following in pairwise(units):
        breaks = [
            found.span[0]
            for found in find_breaks(clause.tokens, min(unit.end, following.start), following.start)
            if not any(first < found.span[0] < last for first, last in taken)
        ]
        border = breaks[-1] if breaks else following.start
        unit.territory, position = (position, border), border
    for unit in units[-1:]:
        unit.territory = (position, clause.end)


_REACH, _FURTHEST = 20_000, 200
"""How many characters, and statements, back a clause that names no agent can speak of."""
_SURE = 0.5
"""Lengths that are less sure share their sentence with others."""
_RATES = {
    "rate_per_day": Frequency.QD,
    "rate_per_week": Frequency.QW,
    "rate_of_infusion": Frequency.CONTINUOUS,
}


def read_passage(passage: Passage, marks: Findings, lexicon: Lexicon, default: Agent | None) -> tuple[Statement, ...]:
    """Statements of a passage in reading order; ``default`` is the agent where a clause names none."""
    tokens, own = passage.tokens, default if passage.is_intervention else lexicon.only
    known = drop_touching(lexicon.find(tokens, passage.section), [*marks.amounts, *marks.moment])
    # What is introduced where only one agent is spoken of is that agent, by another name.
    mentions = tuple(replace(m, value=own) if own and m.value.kind == "introduced" else m for m in known)
    cyclic = rule("cycle_word").search(tokens) is not None
    statements: list[Statement] = []
    topic, seen = default, 0
    for start, end, is_step in list_clauses(passage, marks, mentions):
        if not passage.is_group and "\n" in passage.text[seen:start]:
            topic = default  # another paragraph
        seen = start
        inside = marks.inside(start, end)
        named = within(mentions, start, end)
        goes_on = is_step and bool(statements) and not named
        if statements and not named and not inside.amounts and not goes_on:
            _spread(passage, statements, inside, start)
            continue
        speaker = statements[-1].agent if goes_on else topic
        clause = Clause(tokens, start, end, inside, named, speaker, loyal=passage.is_intervention)
        described = _describe(passage, clause, cyclic=cyclic)
        statements = _append(statements, described, is_step=is_step)
        if named and not passage.is_intervention:
            topic = named[-1].value
    return tuple(statements)


def _describe(passage: Passage, clause: Clause, *, cyclic: bool) -> list[Statement]:
    units = link_amounts(clause)
    statements = []
    for place, unit in enumerate(units):
        own = clause.marks.inside(*unit.territory)
        fields: dict[str, Any] = _gather(clause, units, place, own)
        dated = bool(own.moment) and unit.agent.kind in PROCEDURES
        gives = bool(own.route or own.frequency or own.days or own.length)
        if not (unit.amounts or dated or gives or (unit.mention and fields and place + 1 < len(units))):
            continue
        if not unit.amounts and not fields.keys() & {"route", "frequency", "days", "length", *(["moment"] * dated)}:
            continue
        if unit.agent.kind == "class" and not unit.amounts and not fields.keys() & {"frequency", "days"}:
            continue  # "inhaled corticosteroids" names a route only to say which they are
        # The shortest span with the amount and all that is said of its giving.
        marks = [*unit.amounts, *(mark for name in FIELDS if (mark := _choose(getattr(own, name), name)))]
        spans = [(mark.start, mark.end) for mark in marks]
        if not unit.amounts and unit.mention:
            spans.append((unit.start, unit.end))
        start = min((start for start, _ in spans), default=clause.start)
        end = max((end for _, end in spans), default=clause.end)
        statement = Statement(
            *(unit.agent, passage.section, start, end, unit.linked, unit.mention, cyclic, clause, unit.territory),
            amounts=tuple(unit.amounts),
            **fields,
        )
        statements += _part_routes(statement, own.route)
    return _add_placebos(statements, units)


def _spread(passage: Passage, statements: list[Statement], marks: Findings, start: int) -> None:
    """A clause that names no agent holds for its paragraph so far, or for all before it if it opens one."""
    if not marks.spans():
        return
    several = any(statement.agent.key != statements[0].agent.key for statement in statements)
    shared = ("cycle", "length", "route") if passage.is_group else ("cycle", "length")
    chosen = {name: _choose(getattr(marks, name), name) for name in (shared if several else FIELDS)}
    facts: dict[str, Any] = {name: mark for name, mark in chosen.items() if mark}
    paragraph = passage.text.rfind("\n", max(0, start - _REACH), start)
    if statements[-1].clause.start <= paragraph:
        paragraph = -1
    for place in range(len(statements) - 1, max(-1, len(statements) - 1 - _FURTHEST), -1):
        statement = statements[place]
        if statement.start <= paragraph:
            break
        if changes := {name: fact for name, fact in facts.items() if getattr(statement, name) is None}:
            statements[place] = replace(statement, **changes)


def _gather(clause: Clause, units: list[Unit], place: int, own: Findings) -> dict[str, Mark[Any]]:
    """The mark of each field that the clause states of the unit at ``place``; ``own`` are those of its own part."""
    fields: dict[str, Mark[Any]] = {}
    unit, timed = units[place], own.frequency or own.days
    refers = has_rule("as_elsewhere", clause.tokens, clause.start, clause.end)
    for name in FIELDS:
        mark = _choose(getattr(own, name), name)
        lends = not refers and (name != "route" or unit.agent.kind not in PROCEDURES)
        shared = name in {"cycle", "length"} or not timed
        if mark is None and not (name == "length" and own.length) and lends and shared:
            mark = _borrow(units, place, clause.marks, name)
            if name == "length" and timed and mark and not _counts_cycles(mark):
                mark = None
        if mark is not None:
            fields[name] = mark
    if not timed and (rate := _find_rate(clause, unit)):
        fields["frequency"] = rate
    return fields


def _choose(marks: Sequence[Mark[Any]], name: str) -> Mark[Any] | None:
    """The first mark; of frequencies a code before "once" and "other"; of lengths none that is but a step's."""
    if name == "length":
        steps = [mark for mark in marks if not _counts_cycles(mark)]
        if len(steps) > 1 and all(mark.confidence < _SURE for mark in steps[:2]):
            return None  # "5 mg for 4 weeks, then 2 mg for 8 weeks"
    if name != "frequency" or len(marks) < 2:
        return marks[0] if marks else None
    return min(marks, key=lambda m: m.value in {Frequency.ONCE, Frequency.OTHER})


def _borrow(units: list[Unit], place: int, marks: Findings, name: str) -> Mark[Any] | None:
    """What a later unit says holds for the ones before it: "A 5 mg and B 3 mg on day 1"."""
    for unit in units[place + 1 :]:
        own = marks.inside(*unit.territory)
        if mark := _choose(getattr(own, name), name):
            return mark
        if name not in {"route", "cycle", "length"} and (own.frequency or own.days):
            return None
    if place:
        lead = (units[0].territory[0], units[0].start)
        return _choose(getattr(marks.inside(*lead), name), name)
    return None


def _counts_cycles(mark: Mark[Period | None]) -> bool:
    """Whether a length is counted in cycles, which are those of all agents: "A on day 1, B on day 8 for 6 cycles"."""
    return mark.value is not None and mark.value.unit is TimeUnit.CYCLE


def _find_rate(clause: Clause, unit: Unit) -> Mark[Frequency] | None:
    """The giving that a unit implies: "40 mg/day", "0.24 mg/kg/week", "5 mL/h"."""
    tokens = clause.tokens
    for amount in unit.amounts:
        for name, frequency in _RATES.items():
            if rule(name).ends(tokens, tokens.before(amount.end), tokens.at(amount.start)):
                return Mark(frequency, amount.start, amount.end, 0.8, amount.section)
    return None


def _append(statements: list[Statement], more: list[Statement], *, is_step: bool) -> list[Statement]:
    """``more`` behind ``statements``; a step ("then 300 mg every 2 weeks") goes on with what the one before it says."""
    if not (is_step and statements and more):
        return [*statements, *more]
    before = statements[-1]
    steps = [_continue(before, one) for one in more]
    if steps[0].step and not (before.frequency or before.days):  # words for a dose that is given once before the others
        clause, tokens = before.clause, before.clause.tokens
        found = rule("loading_dose").search(tokens, tokens.at(clause.start), tokens.before(clause.end))
        once = Mark(Frequency.ONCE, *found.span, 0.8, before.section) if found else None
        before = replace(before, frequency=once)
    return [*statements[:-1], before, *steps]


def _continue(before: Statement, step: Statement) -> Statement:
    """A step of the regimen that ``before`` states, with what it does not state anew."""
    if step.agent.key != before.agent.key:
        return step
    fields = ("mention", "amounts", "route", "cycle")
    return replace(
        step, step=before.step + 1, **{name: getattr(step, name) or getattr(before, name) for name in fields}
    )


def _part_routes(statement: Statement, routes: Sequence[Mark[Route]]) -> list[Statement]:
    """One statement for each of the routes that "or" joins ("IV or orally"); else the statement as it is."""
    joined: dict[Route, Mark[Route]] = {}
    for one, other in pairwise(routes):
        if one.value != other.value and is_joint("or_between", statement.clause.tokens, one.end, other.start):
            joined.setdefault(one.value, one)
            joined.setdefault(other.value, other)
    if statement.route is None or statement.route.value not in joined:
        return [statement]
    return [replace(statement, route=mark) for mark in joined.values()]


def _add_placebos(statements: Sequence[Statement], units: Iterable[Unit]) -> list[Statement]:
    """The statements, and one for each placebo that is named as the alternative of an agent and has none of its own.

    A placebo is given as the agent is ("EX-12 or placebo"); the dose is that of the agent alone.
    """
    by_agent = {statement.agent.key: statement for statement in reversed(statements)}
    added = []
    for one, other in pairwise(units):
        placebo, agent = (one, other) if one.agent.kind == "placebo" else (other, one)
        beside = by_agent.get(agent.agent.key)
        if placebo.agent.kind != "placebo" or placebo.agent.key in by_agent or not (one.mention and other.mention):
            continue
        if beside and is_joint("or_placebo", beside.clause.tokens, one.mention.end, other.mention.start):
            changes: dict[str, Any] = {"agent": placebo.agent, "mention": placebo.mention, "linked": placebo.linked}
            added.append(replace(beside, amounts=(), **changes))
    return [*statements, *added]
