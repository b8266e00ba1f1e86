"""How alike two items are, so that those of gold and of a prediction can be paired."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from extractor.apps.evaluation.comparers import Comparer
from extractor.apps.evaluation.fields import Group
from extractor.apps.evaluation.text import (
    compare_extents,
    fold_name,
    is_inside,
    measure_overlap,
)
from extractor.schemas import Criterion, CustomItem, Endpoint, Regimen


@dataclass(frozen=True, slots=True)
class ItemKind:
    """How items of one kind are paired.

    Args:
        likeness: Likeness of two items; below ``threshold`` they are not paired.
        words: The words of an item, for reports, and to recognise parts of a split item.
        key: What the parts of a split item have in common.
    """

    likeness: Callable[[Any, Any], float]
    words: Callable[[Any], str]
    key: Callable[[Any], Any]
    threshold: float = 0.5

    def is_part(self, part: Any, whole: Any) -> bool:
        """Return whether the words of an item are a part of another one's."""
        if self.key(part) != self.key(whole):
            return False
        return is_inside(self.words(part), self.words(whole))


def find_kind(group: Group) -> ItemKind | None:
    """Return how the items of a group are paired; None if there is always one item."""
    if group.is_own:
        likeness = partial(_compare_own, group)
        return ItemKind(likeness, lambda _: "", lambda _: None, 0.3)
    return KINDS.get(group.path)


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


def _list_doses(regimen: Regimen) -> set[tuple[Any, ...]]:
    return {(amount.low, amount.high, amount.unit) for amount in regimen.amounts}


def _compare_regimens(gold: Regimen, predicted: Regimen) -> float:
    """Return the likeness of two regimens: agent and quote weigh 0.4, doses 0.2; route, frequency
    and section decide ties.
    """
    ours = _list_doses(gold)
    theirs = _list_doses(predicted)
    doses = len(ours & theirs) / len(ours | theirs) if ours or theirs else 0.0
    quotes = compare_extents(gold.quote, predicted.quote)
    likeness = 0.4 * _compare_agents(gold, predicted) + 0.4 * quotes + 0.2 * doses
    if likeness < 0.4:
        return 0.0
    same = [gold.route == predicted.route, gold.frequency == predicted.frequency]
    likeness += 0.02 * sum(same)
    return likeness + 0.02 * (gold.section == predicted.section)


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
        ours = field.comparer.spread(field.read(gold))
        theirs = field.comparer.spread(field.read(predicted))
        nearest += [_find_nearest(field.comparer, value, theirs) for value in ours]
        nearest += [_find_nearest(field.comparer, value, ours) for value in theirs]
    mean = sum(nearest) / len(nearest) if nearest else 0.0
    is_host_known = is_named or group.of is None
    if is_host_known and not group.many:
        return host + 0.05 * mean
    return mean


def _find_nearest(comparer: Comparer, value: Any, others: tuple[Any, ...]) -> float:
    """Return the likeness of a value to the nearest other one; values that agree are 1."""
    return min(1.0, max((comparer.measure(value, one) for one in others), default=0.0))


KINDS = {
    "eligibility.criteria": ItemKind(
        _compare_criteria, lambda item: str(item.quote), lambda item: item.section
    ),
    "dosing": ItemKind(
        _compare_regimens,
        lambda item: str(item.quote),
        lambda item: fold_name(item.agent),
        0.4,
    ),
    "endpoints": ItemKind(
        _compare_endpoints, lambda item: item.measure or "", lambda item: item.rank
    ),
}
"""The kind of the guideline's items, by path."""
