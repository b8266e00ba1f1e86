"""How alike two items are, so that those of gold and of a prediction can be paired."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from extractor.apps.evaluation.comparers import Comparer, Level
from extractor.apps.evaluation.fields import Group
from extractor.apps.evaluation.text import (
    compare_extents,
    fold_name,
    is_inside,
    is_inside_either,
    measure_overlap,
)
from extractor.schemas import Criterion, CustomItem, Endpoint, Regimen


@dataclass(frozen=True, slots=True)
class ItemKind:
    """How items of one kind are paired.

    Args:
        likeness: Likeness of a gold item and a predicted one; below ``threshold`` they are not
            paired.
        is_part: Whether the content of the first item is part of the second one's.
        label: A short label of the item, for reports.
    """

    likeness: Callable[[Any, Any], float]
    is_part: Callable[[Any, Any], bool]
    label: Callable[[Any], str]
    threshold: float = 0.5


def find_kind(group: Group) -> ItemKind | None:
    """Return how the items of a group are paired; None if there is always one item."""
    if group.model is CustomItem:
        return ItemKind(
            partial(_compare_own, group), lambda *_: False, lambda _: "", 0.3
        )
    return KINDS.get(group.path)


def _compare_criteria(gold: Criterion, predicted: Criterion) -> float:
    overlap = compare_extents(gold.quote, predicted.quote)
    if overlap < 0.5:
        return 0.0
    is_same_section = gold.section == predicted.section
    is_same_list = gold.kind == predicted.kind
    return overlap + 0.05 * is_same_section + 0.05 * is_same_list


def _is_part_of_criterion(part: Criterion, whole: Criterion) -> bool:
    return part.section == whole.section and is_inside(part.quote, whole.quote)


def _compare_agents(one: Regimen, other: Regimen) -> float:
    first = fold_name(one.agent)
    second = fold_name(other.agent)
    if first == second:
        return 1.0
    if is_inside_either(first, second):
        return 0.8
    return measure_overlap(first, second)


def _list_doses(regimen: Regimen) -> set[tuple[Any, ...]]:
    return {(amount.low, amount.high, amount.unit) for amount in regimen.amounts}


def _compare_regimens(gold: Regimen, predicted: Regimen) -> float:
    ours = _list_doses(gold)
    theirs = _list_doses(predicted)
    amounts = len(ours & theirs) / len(ours | theirs) if ours | theirs else 0.0
    quotes = compare_extents(gold.quote, predicted.quote)
    alike = 0.4 * _compare_agents(gold, predicted) + 0.4 * quotes + 0.2 * amounts
    if alike < 0.4:
        return 0.0
    given = (gold.route == predicted.route) + (gold.frequency == predicted.frequency)
    return alike + 0.02 * given + 0.02 * (gold.section == predicted.section)


def _is_part_of_regimen(part: Regimen, whole: Regimen) -> bool:
    doses = _list_doses(part)
    has_fewer_doses = bool(doses) and doses < _list_doses(whole)
    is_smaller = has_fewer_doses or is_inside(part.quote, whole.quote)
    return is_smaller and _compare_agents(part, whole) >= 1


def _join_outcome(item: Endpoint) -> str:
    return " ".join(filter(None, (item.measure, item.description, item.time_frame)))


def _compare_endpoints(gold: Endpoint, predicted: Endpoint) -> float:
    measure = compare_extents(gold.measure, predicted.measure)
    whole = compare_extents(_join_outcome(gold), _join_outcome(predicted))
    if max(measure, whole) < 0.5:
        return 0.0
    time_frame = compare_extents(gold.time_frame, predicted.time_frame)
    rank = gold.rank == predicted.rank
    index = rank and gold.index == predicted.index
    best = max(measure, whole)
    return (
        best
        + 0.3 * measure
        + 0.3 * rank
        + 0.5 * whole
        + 0.5 * time_frame
        + 0.01 * index
    )


def _is_part_of_endpoint(part: Endpoint, whole: Endpoint) -> bool:
    if part.rank != whole.rank:
        return False
    is_inside_measure = is_inside(part.measure or "", whole.measure or "")
    return is_inside_measure or is_inside(_join_outcome(part), _join_outcome(whole))


def _compare_own(group: Group, gold: CustomItem, predicted: CustomItem) -> float:
    """Compare values of a user's field, by the words of the items that have them (``of``) and by
    what they say.

    ``of`` is None where gold does not name the item. If an item has at most one value, the two are
    a pair, whatever they say.
    """
    is_named = bool(gold.of and predicted.of)
    host = compare_extents(gold.of, predicted.of) if is_named else 1.0
    if host < 0.5:
        return 0.0
    nearest = [
        likeness
        for field in group.fields
        for likeness in _list_nearest(
            field.comparer, field.read(gold), field.read(predicted)
        )
    ]
    mean = sum(nearest) / len(nearest) if nearest else 0.0
    is_only = not group.many and (is_named or group.of is None)
    return host + 0.05 * mean if is_only else mean


def _list_nearest(comparer: Comparer, gold: Any, predicted: Any) -> Iterator[float]:
    """Yield the likeness of each value, of either side, to the most similar one on the other
    side.
    """
    ours = comparer.spread(gold)
    theirs = comparer.spread(predicted)

    def measure(one: Any, other: Any) -> float:
        agrees = comparer.level(one, other) >= Level.NORMALISED
        return max(comparer.likeness(one, other), agrees)

    for one in ours:
        yield max((measure(one, other) for other in theirs), default=0.0)
    for other in theirs:
        yield max((measure(other, one) for one in ours), default=0.0)


KINDS = {
    "eligibility.criteria": ItemKind(
        _compare_criteria, _is_part_of_criterion, lambda item: str(item.quote)
    ),
    "dosing": ItemKind(
        _compare_regimens,
        _is_part_of_regimen,
        lambda item: f"{item.agent}: {item.quote}",
        0.4,
    ),
    "endpoints": ItemKind(_compare_endpoints, _is_part_of_endpoint, _join_outcome),
}
"""The kind of the guideline's items at each path."""
