"""Merge the statements about one regimen of an agent, wherever they stand."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
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
    """Merge to one statement per agent and regimen, in reading order.

    Statements without an amount fill gaps in those with one. They stand alone only if none has an
    amount.
    """
    by_agent = defaultdict[str, list[Statement]](list)
    for statement in statements:
        by_agent[statement.agent.key].append(statement)
    merged = [
        _move_to_quote(regimen)
        for group in by_agent.values()
        for regimen in _merge_group(group)
    ]
    return tuple(_lend_placebo_route(merged))


def _merge_group(group: Iterable[Statement]) -> list[Statement]:
    """Return the regimens of one agent."""
    ranked = sorted(group, key=_rank)
    dosed = _unite([one for one in ranked if one.amounts])
    undosed = [one for one in ranked if not one.amounts]
    if not dosed:
        return [one for one in _unite(undosed) if _stands_alone(one)]
    for filler in undosed:
        for place, regimen in enumerate(dosed[:_MOST_ALTERNATIVES]):
            if is_same_regimen(regimen, filler):
                dosed[place] = _fill(regimen, filler)
    return [*dosed, *_unite(_list_other_ways(dosed, undosed))]


def _list_other_ways(
    dosed: Iterable[Statement], undosed: Iterable[Statement]
) -> list[Statement]:
    """Return the statements without an amount that are regimens beside those with one: they
    state another route and its schedule.
    """
    routes = {one.route.value for one in dosed if one.route}
    if not routes:
        return []
    return [
        one
        for one in undosed
        if one.mention and one.route and one.route.value not in routes
        if one.frequency or one.days
    ]


def _rank(statement: Statement) -> tuple[int, bool, bool]:
    """Sort key: the most complete statement first; arms and interventions before descriptions."""
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
    """Return one statement for each regimen."""
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
    """Fill the empty fields of a statement from another one about the same regimen."""
    lacking = [name for name in FIELDS if getattr(statement, name) is None]
    changes: dict[str, Any] = {name: getattr(filler, name) for name in lacking}
    return replace(
        statement,
        amounts=(*statement.amounts, *_list_more_amounts(statement, filler)),
        parts=(*_list_parts(statement), *_list_parts(filler)),
        **changes,
    )


def _list_parts(statement: Statement) -> Sequence[Statement]:
    return statement.parts or (statement,)


def _list_more_amounts(statement: Statement, filler: Statement) -> list[Fact]:
    """Return the amounts that a filler adds: levels of the same unit."""
    known = set(statement.levels)
    more = [fact for fact in filler.amounts if not known.issuperset(fact.value)]
    if not more or len(statement.amounts) >= _MOST_AMOUNTS:
        return []
    if known and filler.levels[0].unit != statement.levels[0].unit:
        return []  # the same amount in other words
    return more


def _move_to_quote(merged: Statement) -> Statement:
    """Move the merged statement to the part to quote, whose own fields take precedence."""
    parts = _list_parts(merged)
    if merged.amounts:
        unit = merged.levels[0].unit
        parts = [one for one in parts if one.amounts and one.levels[0].unit == unit]
    quoted = min(parts, key=_rank_place)
    for other in merged.parts:
        quoted = _fill(quoted, other)
    return quoted


def _rank_place(one: Statement) -> tuple[int, int, int]:
    """Sort key: the part with the most levels first, then the most complete, then one in an arm."""
    own = sum(one.holds(fact) for fact in _list_stated(one))
    return -len(one.levels), -own, _SECTIONS.index(FieldRef(one.section).path)


def _stands_alone(statement: Statement) -> bool:
    """Whether a statement without an amount is a regimen: it has a time, or a route that is no
    part of its name.
    """
    if statement.frequency or statement.days:
        return True
    if statement.route is None:
        return bool(statement.moment or (statement.mention and statement.length))
    return not _names_route(statement, statement.route)


def _names_route(statement: Statement, route: Fact) -> bool:
    """Return whether a route is a part of the agent's name: "intravenous immunoglobulin"."""
    agent = statement.agent
    places = [(agent.section, agent.first, agent.end)]
    if statement.mention:
        mention = statement.mention
        places.append((statement.section, mention.first, mention.end))
    return any(
        route.section == section and first <= route.first and route.end <= end
        for section, first, end in places
    )


def _lend_placebo_route(merged: Sequence[Statement]) -> list[Statement]:
    """Give placebos without a route the route of the record, if it states exactly one."""
    routes = {one.route.value: one.route for one in merged if one.route}
    if len(routes) != 1:
        return [*merged]
    (route,) = routes.values()
    return [
        replace(one, route=route)
        if one.agent.kind == "placebo" and one.route is None
        else one
        for one in merged
    ]
