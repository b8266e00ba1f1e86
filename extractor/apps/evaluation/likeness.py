"""How alike two items are, so that those of gold and of a prediction can be paired."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from extractor.apps.evaluation.comparers import Comparer
from extractor.apps.evaluation.fields import Group
from extractor.apps.evaluation.text import (
    compare_extents,
    fold_name,
    is_inside,
    measure_overlap,
)
from extractor.schemas import Criterion, CustomItem, Endpoint, Regimen


class ItemKind(NamedTuple):
    """How items of one kind are paired: their likeness, and the least one of a pair."""

    likeness: Callable[[Any, Any], float]
    threshold: float


def find_kind(group: Group) -> ItemKind:
    """Return how the items of a group are paired."""
    return KINDS.get(group.path) or ItemKind(partial(_compare_own, group), 0.3)


def _compare_criteria(gold: Criterion, predicted: Criterion) -> float:
    likeness = compare_extents(gold.quote, predicted.quote)
    if likeness < 0.5:
        return 0.0
    # The same words may be in two lists.
    likeness += 0.05 * (gold.section == predicted.section)
    return likeness + 0.05 * (gold.kind == predicted.kind)


def _compare_agents(gold: Regimen, predicted: Regimen) -> float:
    first = fold_name(gold.agent)
    second = fold_name(predicted.agent)
    if first == second:
        return 1.0
    if is_inside(first, second) or is_inside(second, first):
        return 0.8
    return measure_overlap(first, second)


def _compare_regimens(gold: Regimen, predicted: Regimen) -> float:
    """Return the likeness of two regimens: agent and quote weigh 0.4, doses 0.2; route, frequency
    and section decide ties.
    """
    ours, theirs = (
        {(amount.low, amount.high, amount.unit) for amount in one.amounts}
        for one in (gold, predicted)
    )
    doses = len(ours & theirs) / max(1, len(ours | theirs))
    quotes = compare_extents(gold.quote, predicted.quote)
    likeness = 0.4 * _compare_agents(gold, predicted) + 0.4 * quotes + 0.2 * doses
    if likeness < 0.4:
        return 0.0
    names = ("route", "frequency", "section")
    same: list[bool] = [
        getattr(gold, name) == getattr(predicted, name) for name in names
    ]
    return likeness + 0.02 * sum(same)


def _join_outcome(item: Endpoint) -> str:
    return " ".join(filter(None, (item.measure, item.description, item.time_frame)))


def _compare_endpoints(gold: Endpoint, predicted: Endpoint) -> float:
    """Return the likeness of two outcomes by measure, all words, time frame and rank; the same
    position in the registry decides ties.
    """
    measure = compare_extents(gold.measure, predicted.measure)
    words = compare_extents(_join_outcome(gold), _join_outcome(predicted))
    best = max(measure, words)
    if best < 0.5:
        return 0.0
    is_same_rank = gold.rank == predicted.rank
    likeness = best + 0.3 * measure + 0.3 * is_same_rank + 0.5 * words
    likeness += 0.5 * compare_extents(gold.time_frame, predicted.time_frame)
    return likeness + 0.01 * (is_same_rank and gold.index == predicted.index)


def _compare_own(group: Group, gold: CustomItem, predicted: CustomItem) -> float:
    """Return the likeness of two values of a user's field: the mean over its attributes; 0 if they
    belong to items with other words. If an item has one value at most, the items decide.
    """
    is_named = bool(gold.of and predicted.of)
    host = compare_extents(gold.of, predicted.of) if is_named else 1.0
    if host < 0.5:
        return 0.0
    nearest: list[float] = []
    for field in group.fields:
        sides = [field.comparer.spread(field.read(one)) for one in (gold, predicted)]
        for ours, theirs in (sides, reversed(sides)):
            nearest += [_find_nearest(field.comparer, one, theirs) for one in ours]
    mean = sum(nearest) / max(1, len(nearest))
    is_host_known = is_named or group.of is None
    if is_host_known and not group.many:
        return host + 0.05 * mean
    return mean


def _find_nearest(comparer: Comparer, value: Any, others: tuple[Any, ...]) -> float:
    """Return the likeness of a value to the nearest other one; values that agree are 1."""
    return min(1.0, max((comparer.measure(value, one) for one in others), default=0.0))


KINDS = {
    "eligibility.criteria": ItemKind(_compare_criteria, 0.5),
    "dosing": ItemKind(_compare_regimens, 0.4),
    "endpoints": ItemKind(_compare_endpoints, 0.5),
}
"""The kind of the guideline's items, by path."""
