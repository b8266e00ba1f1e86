"""Statements about one way of giving an agent become one regimen, wherever they stand."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from extractor.schemas import Route

from .agents import PROCEDURES
from .facts import FIELDS, Statement
from .places import choose_place
from .sameness import is_same_way

__all__ = ["merge_statements"]


def merge_statements(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """One statement for each agent and way of giving, in reading order.

    Statements without an amount fill gaps of those with one, and stand alone only if there is none.
    """
    by_agent: dict[str, list[Statement]] = {}
    for statement in statements:
        by_agent.setdefault(statement.agent.key, []).append(statement)
    return tuple(_quote(merged) for group in by_agent.values() for merged in _merge_group(group))


def _quote(merged: Statement) -> Statement:
    """The merged statement as told where it is to be quoted: what stands there goes before what others say."""
    place = choose_place(merged)
    if place is merged or place is merged.told_by[0]:
        return merged
    quoted = place
    for other in merged.told_by:
        quoted = quoted if other is place else _fill(quoted, other)
    return replace(quoted, route=quoted.route or merged.route)


def _merge_group(group: list[Statement]) -> list[Statement]:
    ranked = sorted(group, key=_rank)
    strong = _unite([s for s in ranked if s.amounts])
    weak = [s for s in ranked if not s.amounts]
    if not strong:
        return [s for s in _unite(weak) if _stands_alone(s)]
    for filler in weak:
        strong = [_fill(s, filler) if place < _WAYS and is_same_way(s, filler) else s for place, s in enumerate(strong)]
    routes = {s.route.value for s in strong if s.route}
    others = [s for s in weak if _is_other_way(s, routes)]
    return [*_share_route(strong), *_unite(others)]


def _is_other_way(statement: Statement, routes: Collection[Route]) -> bool:
    """Whether a statement without an amount tells of another route than ``routes``, and when the agent is so given."""
    if not (statement.named and statement.route and routes):
        return False
    return statement.route.value not in routes and bool(statement.frequency or statement.days)


def _rank(statement: Statement) -> tuple[int, bool, bool]:
    """The fullest statement first; of equally full ones those of arms and interventions before descriptions."""
    is_intervention = statement.section.startswith("interventions")
    is_group = is_intervention or statement.section.startswith("arms")
    return -statement.richness, not is_group, is_intervention != bool(statement.amounts)


def _share_route(statements: list[Statement]) -> list[Statement]:
    """The one route that is stated for an agent holds for all its regimens."""
    routes = {s.route.value: s.route for s in statements if s.route}
    if len(routes) != 1:
        return statements
    (route,) = routes.values()
    return [replace(s, route=s.route or route) for s in statements]


def _stands_alone(statement: Statement) -> bool:
    """Whether a statement without an amount is a regimen; an agent of no intervention needs more to be believed."""
    timed = bool(statement.frequency or statement.days)
    if not timed and _is_named_by_route(statement):
        return False
    if statement.linked < 1 and statement.agent.kind != "placebo" and statement.named:
        if statement.agent.kind in PROCEDURES:
            return timed or statement.moment is not None
        if statement.agent.kind == "cells":
            return bool(statement.route or statement.days or statement.length)
        return bool(statement.route) and (timed or statement.length is not None)
    return bool(statement.route or timed or (statement.named and statement.length))


def _is_named_by_route(statement: Statement) -> bool:
    """Whether the only route is part of the agent's name: "Examplum oral immunotherapy"."""
    route, agent, mention = statement.route, statement.agent, statement.mention
    if route is None:
        return False
    inside = route.section == agent.section and agent.start <= route.mark.start and route.mark.end <= agent.end
    return inside or bool(mention and mention.start <= route.mark.start and route.mark.end <= mention.end)


_WAYS = 50
"""An agent is given in no more ways: of a text that tells of more the latest are compared, so that time is linear."""


def _unite(statements: list[Statement]) -> list[Statement]:
    united: list[Statement] = []
    for statement in statements:
        late = range(max(0, len(united) - _WAYS), len(united))
        place = next((i for i in late if is_same_way(united[i], statement)), None)
        if place is None:
            united.append(statement)
        else:
            united[place] = _fill(united[place], statement)
    return united


_MOST = 50
"""No regimen has more amounts: what names more is a table, and all of it is not one way of giving."""


def _fill(statement: Statement, filler: Statement) -> Statement:
    changes = {name: getattr(filler, name) for name in FIELDS if getattr(statement, name) is None}
    known = set(statement.levels)
    amounts = [fact for fact in filler.amounts if not known.issuperset(fact.value)]
    if len(statement.amounts) >= _MOST:
        amounts = []
    if amounts and filler.levels[0].unit != statement.levels[0].unit:
        amounts = []
    told_by = (*(statement.told_by or (statement,)), *(filler.told_by or (filler,)))
    return replace(statement, amounts=(*statement.amounts, *amounts), told_by=told_by, **changes)
