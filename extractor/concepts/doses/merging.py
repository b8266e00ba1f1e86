"""Merge the statements about one regimen of an agent, wherever they stand."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from extractor.concepts.doses.clauses import Statement
from extractor.concepts.doses.marks import Fact
from extractor.concepts.doses.same_regimen import is_same_regimen
from extractor.concepts.doses.sections import FIELDS
from extractor.schemas import FieldRef

_MOST_ALTERNATIVES = 50
"""The most regimens of an agent. Only the latest ones are compared, so that time stays linear."""
_MOST_AMOUNTS = 50
"""The most amounts of a regimen. More amounts are a table, not one regimen."""
_SECTIONS = (
    "arms",
    "interventions",
    "brief_summary",
    "detailed_description",
    "official_title",
)
"""Where a regimen is quoted, the best first."""


def merge_statements(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """Merge to one statement per agent and regimen, in reading order of agents.

    Statements without an amount fill gaps in those with one, and add a regimen only for another
    route. Where no statement of an agent has an amount, they are regimens themselves, if they say
    when or by which route it is given.
    """
    by_agent = defaultdict[str, list[Statement]](list)
    for statement in statements:
        by_agent[statement.agent.key].append(statement)
    merged: list[Statement] = []
    for group in by_agent.values():
        merged += map(_move_to_quote, _merge_group(group))
    return tuple(_lend_placebo_route(merged))


def _merge_group(group: Iterable[Statement]) -> list[Statement]:
    """Return the regimens that statements of one agent come to: those with amounts, filled by
    statements without, and other ways to give the agent. If no statement has an amount, those that
    stand alone as a regimen.
    """
    ranked = sorted(group, key=_rank)
    with_amounts: list[Statement] = []
    undosed: list[Statement] = []
    for statement in ranked:
        if statement.amounts:
            with_amounts.append(statement)
        else:
            undosed.append(statement)
    dosed = _unite(with_amounts)
    if not dosed:
        return [regimen for regimen in _unite(undosed) if _stands_alone(regimen)]
    for filler in undosed:
        for place, regimen in enumerate(dosed[:_MOST_ALTERNATIVES]):
            if is_same_regimen(regimen, filler):
                dosed[place] = _fill(regimen, filler)
    other_ways = _unite(_list_other_ways(dosed, undosed))
    return [*dosed, *other_ways]


def _list_other_ways(
    dosed: Iterable[Statement], undosed: Iterable[Statement]
) -> Iterator[Statement]:
    """Yield the statements without an amount that are regimens beside those with one: they
    state another route and its schedule.
    """
    routes = {statement.route.value for statement in dosed if statement.route}
    if not routes:
        return
    for statement in undosed:
        if not statement.mention or not statement.route:
            continue
        if statement.route.value in routes:
            continue
        if statement.frequency or statement.days:
            yield statement


def _rank(statement: Statement) -> tuple[int, bool, bool]:
    """Return the sort key that puts the most complete statement first; of equally complete ones,
    arms and interventions before descriptions, and an amount of an intervention or a schedule of an
    arm before the reverse.
    """
    is_intervention = statement.section.startswith("interventions")
    is_arm = statement.section.startswith("arms")
    # an arm has the schedule, an intervention the dose
    is_unusual = is_intervention != bool(statement.amounts)
    return -len(_list_stated(statement)), not (is_intervention or is_arm), is_unusual


def _list_stated(statement: Statement) -> list[Fact]:
    """Return the facts of a statement besides its amounts."""
    facts = [getattr(statement, name) for name in FIELDS]
    return [fact for fact in facts if fact is not None]


def _unite(statements: Iterable[Statement]) -> list[Statement]:
    """Return one statement for each regimen, in the order given: each statement fills the first of
    the latest ones that it can describe, else it is a regimen of its own.
    """
    united: list[Statement] = []
    for statement in statements:
        earliest = max(0, len(united) - _MOST_ALTERNATIVES)
        for place in range(earliest, len(united)):
            if is_same_regimen(united[place], statement):
                united[place] = _fill(united[place], statement)
                break
        else:
            united.append(statement)
    return united


def _fill(statement: Statement, filler: Statement) -> Statement:
    """Return a statement with its empty fields filled from another one about the same regimen,
    which is kept among its parts.
    """
    changes: dict[str, Any] = {}
    for name in FIELDS:
        if getattr(statement, name) is None:
            changes[name] = getattr(filler, name)
    more_amounts = _list_more_amounts(statement, filler)
    return replace(
        statement,
        amounts=(*statement.amounts, *more_amounts),
        parts=(*_list_parts(statement), *_list_parts(filler)),
        **changes,
    )


def _list_parts(statement: Statement) -> Sequence[Statement]:
    return statement.parts or (statement,)


def _list_more_amounts(statement: Statement, filler: Statement) -> list[Fact]:
    """Return the amounts that a filler adds: further levels of the same unit. None are added to a
    statement with the most amounts already.
    """
    known = set(statement.levels)
    more = [fact for fact in filler.amounts if not known.issuperset(fact.value)]
    if not more or len(statement.amounts) >= _MOST_AMOUNTS:
        return []
    # "2 tablets" beside "100 mg" is the same amount in other words
    if known and filler.levels[0].unit != statement.levels[0].unit:
        return []
    return more


def _move_to_quote(merged: Statement) -> Statement:
    """Return the merged statement at the place of the part to quote, whose own fields take
    precedence. With amounts, it is a part that states an amount in their unit.
    """
    parts = _list_parts(merged)
    if merged.amounts:
        unit = merged.levels[0].unit
        dosed = [part for part in parts if part.amounts]
        parts = [part for part in dosed if part.levels[0].unit == unit]
    quoted = min(parts, key=_rank_place)
    for other in merged.parts:
        quoted = _fill(quoted, other)
    return quoted


def _rank_place(part: Statement) -> tuple[int, int, int]:
    """Return the sort key that puts the part with the most levels first, then the most complete,
    then one in an arm.
    """
    own = sum(part.holds(fact) for fact in _list_stated(part))
    section = FieldRef(part.section).path
    return -len(part.levels), -own, _SECTIONS.index(section)


def _stands_alone(statement: Statement) -> bool:
    """Return whether a statement without an amount is a regimen: it has a frequency or days, a
    route that is no part of its name, or, without a route, a moment or a named agent's length.
    """
    if statement.frequency or statement.days:
        return True
    if statement.route is None:
        return bool(statement.moment or (statement.mention and statement.length))
    return not _names_route(statement, statement.route)


def _names_route(statement: Statement, route: Fact) -> bool:
    """Return whether a route is a part of the agent's name: "intravenous immunoglobulin"."""
    agent = statement.agent
    if _is_inside(route, agent.section, agent.first, agent.end):
        return True
    mention = statement.mention
    if mention is None:
        return False
    return _is_inside(route, statement.section, mention.first, mention.end)


def _is_inside(fact: Fact, section: str, first: int, end: int) -> bool:
    """Return whether a fact lies within tokens of a section."""
    if fact.section != section:
        return False
    return first <= fact.first and fact.end <= end


def _lend_placebo_route(merged: Sequence[Statement]) -> list[Statement]:
    """Return the regimens; placebos without a route get the route of the record, if it states
    exactly one.
    """
    routes = {regimen.route.value: regimen.route for regimen in merged if regimen.route}
    if len(routes) != 1:
        return [*merged]
    [route] = routes.values()
    lent: list[Statement] = []
    for regimen in merged:
        is_placebo = regimen.agent.kind == "placebo"
        if is_placebo and regimen.route is None:
            lent.append(replace(regimen, route=route))
        else:
            lent.append(regimen)
    return lent
