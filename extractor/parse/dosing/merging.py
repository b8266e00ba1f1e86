"""Statements about one way of giving an agent become one regimen, wherever they stand."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from extractor.schemas import Frequency, Period, TimeUnit
from extractor.text.book import rule

from .agents import PROCEDURES
from .clauses import has_rule, is_aside
from .days import Schedule, code_schedule, count_days
from .facts import FIELDS, Fact, Findings, Statement
from .marks import within
from .passages import Passage

Timing = tuple[Fact, int, int]
"""The fact that says when an agent is given, and start and end of all that belongs to it, in its section."""

_REPEATS = 160
"""How many characters behind a length the number of cycles may stand."""
_JOINTS = frozenset({"", " ", ", ", " and "})
_TRUST_OF_TRIAL = 0.55
"""Share of right lengths among those that regimens take from descriptions."""


def find_trial_length(descriptions: Sequence[Passage], findings: Mapping[str, Findings]) -> Fact | None:
    """How long the trial treats, if its descriptions name one length and no other."""
    found = [
        replace(mark, confidence=_TRUST_OF_TRIAL)
        for passage in descriptions
        for place in passage.clauses
        if not has_rule("no_treatment", passage.tokens, *place) and not is_aside(passage.tokens, *place)
        for mark in within(findings[passage.section].length, *place)
        if mark.value and mark.value.unit is not TimeUnit.CYCLE
    ]
    return found[0] if len({fact.value for fact in found}) == 1 else None


def find_trial_cycle(findings: Mapping[str, Findings]) -> Fact | None:
    """The cycle of the trial, if the record names one and no other."""
    stated = [mark for found in findings.values() for mark in found.cycle if mark.value is not None]
    return stated[0] if len({count_days(fact.value) for fact in stated}) == 1 else None


def is_cyclic(statement: Statement) -> bool:
    """Whether an agent is given in cycles: its passage speaks of them, or its dose is per m2, as in cycles."""
    return statement.cyclic or any("m2" in amount.unit or amount.unit == "AUC" for amount in statement.levels)


def resolve_frequency(statement: Statement) -> Frequency | None:
    """The frequency that the words, the listed days and the cycle amount to; doses per m2 are given in cycles."""
    stated = code_schedule(
        Schedule(
            stated=statement.frequency.value if statement.frequency else None,
            days=statement.days.value if statement.days else (),
            cycle=statement.cycle.value if statement.cycle else None,
            cyclic=is_cyclic(statement),
        )
    )
    if stated is None and is_rate(statement):
        return Frequency.CONTINUOUS
    return Frequency.ONCE if stated is None and _is_at_single_event(statement) else stated


def _is_at_single_event(statement: Statement) -> bool:
    """Whether a dose is given at what happens once, and no length says that it goes on: "1 hour before surgery"."""
    moment, tokens = statement.moment, statement.clause.tokens
    if moment is None or not _belongs(moment, statement) or statement.length:
        return False
    place = tokens.at(moment.start), tokens.before(moment.end)
    return bool(rule("single_event").search(tokens, *place)) and not rule("repeated_event").search(tokens, *place)


def is_rate(statement: Statement) -> bool:
    """Whether the dose is stated as a rate of infusion: "0.5 ug/kg/h"."""
    return any(amount.unit.endswith(("/h", "/min")) for amount in statement.levels)


def resolve_length(statement: Statement, findings: Findings) -> Fact | None:
    """The length of the treatment; "for 3 weeks, repeated every 4 weeks" is that of a cycle, and cycles are counted.

    ``findings`` are those of the whole section.
    """
    length, cycle = statement.length, statement.cycle
    if length is None or cycle is None or not fits(length.value, cycle.value):
        return length
    for mark in within(findings.length, length.end, length.end + _REPEATS):
        if mark.value and mark.value.unit is TimeUnit.CYCLE:
            return mark
    return None


def fits(length: Period | None, cycle: Period | None) -> bool:
    """Whether a length is not longer than a cycle; both are stated in days, weeks or months.

    >>> fits(Period(value=5, unit=TimeUnit.DAY), Period(value=1, unit=TimeUnit.WEEK))
    True
    """
    one, other = count_days(length), count_days(cycle)
    return one is not None and other is not None and one <= other


def resolve_timing(statement: Statement) -> Timing | None:
    """When an agent is given: by days or by a moment, with what stands next to them."""
    days = statement.days if _belongs(statement.days, statement, lists=True) else None
    moment = statement.moment if _belongs(statement.moment, statement) else None
    fact = days or moment or _find_part(statement)
    if fact is None:
        return None
    start, end = fact.start, fact.end
    if fact.section != statement.section:
        return fact, start, end
    tokens = statement.clause.tokens
    if moment:
        start, end = _join(fact, moment, tokens.text)
    goes_on = rule("goes_on").starts(tokens, tokens.before(end))
    return fact, start, goes_on.span[1] if goes_on else end


def _find_part(statement: Statement) -> Fact | None:
    """For how much of each cycle an agent is given: "daily for 3 weeks. Treatment repeats every 4 weeks"."""
    length, cycle = statement.length, statement.cycle
    if length is None or cycle is None or not _belongs(length, statement) or not fits(length.value, cycle.value):
        return None
    return length if count_days(length.value) != count_days(cycle.value) else None


def _join(fact: Fact, moment: Fact, text: str) -> tuple[int, int]:
    """Start and end of a timing, with the moment if it stands next to it."""
    (start, end), (first, last) = (fact.start, fact.end), (moment.start, moment.end)
    if last <= start and text[last:start] in _JOINTS:
        return first, end
    return (start, last) if end <= first and text[end:first] in _JOINTS else (start, end)


def _belongs(fact: Fact | None, statement: Statement, *, lists: bool = False) -> bool:
    """Whether days or a moment stand in the clause of the dose; of those of other clauses only lists of days count."""
    if fact is None:
        return False
    return statement.holds(fact) or (lists and len(fact.value) > 1)


_MOST_ALTERNATIVES = 50
"""An agent has no more regimens: of a text with more the latest are compared, so that time is linear."""
_MOST_AMOUNTS = 50
"""No regimen has more amounts: what names more is a table, and all of it is not one way of giving."""
_SECTIONS = ("arms", "interventions", "brief_summary", "detailed_description", "official_title")


def merge_statements(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """One statement for each agent and way of giving, in reading order.

    Statements without an amount fill gaps of those with one, and stand alone only if there is none.
    """
    by_agent: dict[str, list[Statement]] = {}
    for statement in statements:
        by_agent.setdefault(statement.agent.key, []).append(statement)
    merged = [_quote(one) for group in by_agent.values() for one in _merge_group(group)]
    routes = {one.route.value: one.route for one in merged if one.route}
    if len(routes) != 1:
        return tuple(merged)
    (route,) = routes.values()
    return tuple(replace(one, route=one.route or route) if one.agent.kind == "placebo" else one for one in merged)


def _merge_group(group: list[Statement]) -> list[Statement]:
    ranked = sorted(group, key=_rank)
    strong = _unite([s for s in ranked if s.amounts])
    weak = [s for s in ranked if not s.amounts]
    if not strong:
        return [s for s in _unite(weak) if _stands_alone(s)]
    for filler in weak:
        compared = [_fill(s, filler) if _is_same_regimen(s, filler) else s for s in strong[:_MOST_ALTERNATIVES]]
        strong = [*compared, *strong[_MOST_ALTERNATIVES:]]
    # Without an amount, another route counts, if it is said when the agent is so given.
    routes = {s.route.value for s in strong if s.route}
    others = [s for s in weak if s.mention and s.route and routes and s.route.value not in routes]
    return [*strong, *_unite([s for s in others if s.frequency or s.days])]


def _rank(statement: Statement) -> tuple[int, bool, bool]:
    """The fullest statement first; of equally full ones those of arms and interventions before descriptions."""
    is_intervention = statement.section.startswith("interventions")
    is_group = is_intervention or statement.section.startswith("arms")
    richness = sum(getattr(statement, name) is not None for name in FIELDS)
    return -richness, not is_group, is_intervention != bool(statement.amounts)


def _unite(statements: list[Statement]) -> list[Statement]:
    united: list[Statement] = []
    for statement in statements:
        late = range(max(0, len(united) - _MOST_ALTERNATIVES), len(united))
        place = next((i for i in late if _is_same_regimen(united[i], statement)), None)
        if place is None:
            united.append(statement)
        else:
            united[place] = _fill(united[place], statement)
    return united


def _fill(statement: Statement, filler: Statement) -> Statement:
    """The statement with what another one of the same way says beyond it."""
    changes = {name: getattr(filler, name) for name in FIELDS if getattr(statement, name) is None}
    known = set(statement.levels)
    amounts = [fact for fact in filler.amounts if not known.issuperset(fact.value)]
    if len(statement.amounts) >= _MOST_AMOUNTS or (amounts and filler.levels[0].unit != statement.levels[0].unit):
        amounts = []
    parts = (*(statement.parts or (statement,)), *(filler.parts or (filler,)))
    return replace(statement, amounts=(*statement.amounts, *amounts), parts=parts, **changes)


def _quote(merged: Statement) -> Statement:
    """The merged statement from the place where it is to be quoted: what stands there goes before what others say."""
    parts = merged.parts or (merged,)
    if merged.amounts:
        unit = merged.levels[0].unit
        parts = tuple(one for one in parts if one.amounts and one.levels[0].unit == unit)
    place = min(parts, key=_rank_place)
    if place is merged or place is merged.parts[0]:
        return merged
    quoted = place
    for other in merged.parts:
        quoted = quoted if other is place else _fill(quoted, other)
    return replace(quoted, route=quoted.route or merged.route)


def _rank_place(one: Statement) -> tuple[int, int, int]:
    """The part with the most levels first, of equal ones the fullest, of these that of an arm."""
    own = sum(fact is not None and one.holds(fact) for fact in (getattr(one, name) for name in FIELDS))
    return -len(one.levels), -own, _SECTIONS.index(one.section.partition("[")[0])


def _stands_alone(statement: Statement) -> bool:
    """Whether a statement without an amount is a regimen; an agent of no intervention needs more to be believed."""
    timed = bool(statement.frequency or statement.days)
    if not timed and _is_named_by_route(statement):
        return False
    if statement.linked < 1 and statement.agent.kind != "placebo" and statement.mention:
        if statement.agent.kind in PROCEDURES:
            return timed or statement.moment is not None
        if statement.agent.kind == "cells":
            return bool(statement.route or statement.days or statement.length)
        return bool(statement.route) and (timed or statement.length is not None)
    return bool(statement.route or timed or (statement.mention and statement.length))


def _is_named_by_route(statement: Statement) -> bool:
    """Whether the only route is part of the agent's name: "Examplum oral immunotherapy"."""
    route, agent, mention = statement.route, statement.agent, statement.mention
    if route is None:
        return False
    inside = route.section == agent.section and agent.start <= route.start and route.end <= agent.end
    return inside or bool(mention and mention.start <= route.start and route.end <= mention.end)


def _is_same_regimen(first: Statement, second: Statement) -> bool:
    """Whether two statements of an agent can describe one regimen: nothing that both say differs."""
    if first.section == second.section and first.step != second.step and not _only_dose_changes(first, second):
        return False
    if first.route and second.route and first.route.value != second.route.value:
        return False
    if first.days and second.days and _differ_in_days(first, second):
        return False
    if first.cycle and second.cycle and count_days(first.cycle.value) != count_days(second.cycle.value):
        return False
    if first.amounts and second.amounts and (_last_differently(first, second) or is_rate(first) != is_rate(second)):
        return False
    one, other = _firm_frequency(first), _firm_frequency(second)
    alike = one is None or other is None or one == other
    return alike or _is_repeated(first, second) or _is_repeated(second, first)


def _only_dose_changes(first: Statement, second: Statement) -> bool:
    """Whether two steps state doses and the same frequency: "1 mg daily for 4 weeks, then 0.5 mg daily"."""
    if not (first.amounts and second.amounts) or first.levels[0].unit != second.levels[0].unit:
        return False
    if first.frequency and second.frequency:
        return bool(first.frequency.value == second.frequency.value)
    return not all(one.frequency or one.days or one.length for one in (first, second))


def _last_differently(first: Statement, second: Statement) -> bool:
    """Whether both say how long the agent is given, and not the same: "5 mg for 4 weeks", "5 mg for a year"."""
    one, other = first.length, second.length
    timed = all(statement.frequency or statement.days for statement in (first, second))
    return bool(timed and one and other and one.value and other.value and one.value != other.value)


def _differ_in_days(first: Statement, second: Statement) -> bool:
    """Whether two lists of days are two regimens; beside a dose, one day without is often the first of many."""
    one: tuple[int, ...] = first.days.value if first.days else ()
    other: tuple[int, ...] = second.days.value if second.days else ()
    if (
        first.frequency
        and second.frequency
        and first.frequency.value == second.frequency.value
        and first.levels == second.levels
    ):
        return False
    if (len(one) > 1 and len(other) > 1) or (first.amounts and second.amounts):
        return one != other
    if first.amounts:
        return min(one) < 0 < max(other) or min(other) < 0 < max(one)
    return one[0] != other[0]


def _firm_frequency(statement: Statement) -> Frequency | None:
    """Without "once" that only follows from a single day: the cycle may stand elsewhere."""
    days: tuple[int, ...] = statement.days.value if statement.days else ()
    if statement.frequency is None and len(days) == 1 and statement.cycle is None:
        return None
    return resolve_frequency(statement)


def _is_repeated(part: Statement, cycle: Statement) -> bool:
    """Whether ``cycle`` only says when the other comes again: "for 5 days. Therapy repeats every 7 days"."""
    fact = cycle.frequency
    if fact is None or cycle.days or fact.section != cycle.section or not (part.length and cycle.cycle):
        return False
    if not fits(part.length.value, cycle.cycle.value):
        return False
    tokens = cycle.clause.tokens
    return rule("repeats").ends(tokens, tokens.before(fact.start), tokens.at(cycle.clause.start)) is not None
