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
    """Return the likeness of two criteria: the overlap of their quotes, and 0.05 more in the same
    section and in the same list; 0 if less than half overlaps.
    """
    likeness = compare_extents(gold.quote, predicted.quote)
    if likeness < 0.5:
        return 0.0
    # The same words may stand in two lists: those of the same list are a pair.
    if gold.section == predicted.section:
        likeness += 0.05
    if gold.kind == predicted.kind:
        likeness += 0.05
    return likeness


def _is_part_of_criterion(part: Criterion, whole: Criterion) -> bool:
    """Return whether a criterion's quote stands within that of another one of its section."""
    return part.section == whole.section and is_inside(part.quote, whole.quote)


def _compare_agents(gold: Regimen, predicted: Regimen) -> float:
    """Return the likeness of two agents, 0 to 1: other names of one agent are equal."""
    first = fold_name(gold.agent)
    second = fold_name(predicted.agent)
    if first == second:
        return 1.0
    if is_inside_either(first, second):
        return 0.8
    return measure_overlap(first, second)


def _list_doses(regimen: Regimen) -> set[tuple[Any, ...]]:
    """Return the amounts of a regimen as low, high and unit, without their arms."""
    return {(amount.low, amount.high, amount.unit) for amount in regimen.amounts}


def _compare_regimens(gold: Regimen, predicted: Regimen) -> float:
    """Return the likeness of two regimens: agent and quote weigh 0.4, doses 0.2, what else they
    say decides ties; 0 if agent, quote and doses come to less than 0.4.
    """
    ours = _list_doses(gold)
    theirs = _list_doses(predicted)
    doses = 0.0
    if ours or theirs:
        doses = len(ours & theirs) / len(ours | theirs)
    quotes = compare_extents(gold.quote, predicted.quote)
    likeness = 0.4 * _compare_agents(gold, predicted) + 0.4 * quotes + 0.2 * doses
    if likeness < 0.4:
        return 0.0
    # What else they say only decides between regimens that are equally alike.
    ways = [gold.route == predicted.route, gold.frequency == predicted.frequency]
    likeness += 0.02 * ways.count(True)
    if gold.section == predicted.section:
        likeness += 0.02
    return likeness


def _is_part_of_regimen(part: Regimen, whole: Regimen) -> bool:
    """Return whether a regimen is of the same agent as another one, with some of its doses or
    words.
    """
    if _compare_agents(part, whole) < 1:
        return False
    doses = _list_doses(part)
    if doses and doses < _list_doses(whole):
        return True
    return is_inside(part.quote, whole.quote)


def _join_outcome(item: Endpoint) -> str:
    """Return all words of an outcome."""
    return " ".join(filter(None, (item.measure, item.description, item.time_frame)))


def _compare_endpoints(gold: Endpoint, predicted: Endpoint) -> float:
    """Return the likeness of two outcomes by measure, all words, time frame and rank; the same
    position in the registry decides ties. 0 if neither their measures nor all their words overlap
    by half.
    """
    measure = compare_extents(gold.measure, predicted.measure)
    whole = compare_extents(_join_outcome(gold), _join_outcome(predicted))
    best = max(measure, whole)
    if best < 0.5:
        return 0.0
    is_same_rank = gold.rank == predicted.rank
    likeness = best + 0.3 * measure
    if is_same_rank:
        likeness += 0.3
    likeness += 0.5 * whole
    likeness += 0.5 * compare_extents(gold.time_frame, predicted.time_frame)
    if is_same_rank and gold.index == predicted.index:
        likeness += 0.01
    return likeness


def _is_part_of_endpoint(part: Endpoint, whole: Endpoint) -> bool:
    """Return whether an outcome of the same rank has its measure, or all its words, within those
    of another one.
    """
    if part.rank != whole.rank:
        return False
    if is_inside(part.measure or "", whole.measure or ""):
        return True
    return is_inside(_join_outcome(part), _join_outcome(whole))


def _compare_own(group: Group, gold: CustomItem, predicted: CustomItem) -> float:
    """Return the likeness of two values of a user's field; 0 if the words of the items to which
    they belong (``of``) overlap by less than half. None as ``of`` fits any item.

    It is the mean likeness of what they say. If an item has at most one value, the two are a pair
    whatever they say: then the likeness of the items counts, and the values decide ties.
    """
    is_named = bool(gold.of and predicted.of)
    host = 1.0
    if is_named:
        host = compare_extents(gold.of, predicted.of)
    if host < 0.5:
        return 0.0
    nearest: list[float] = []
    for field in group.fields:
        ours = field.read(gold)
        theirs = field.read(predicted)
        nearest += _list_nearest(field.comparer, ours, theirs)
    mean = sum(nearest) / len(nearest) if nearest else 0.0
    is_host_known = is_named or group.of is None
    if is_host_known and not group.many:
        return host + 0.05 * mean
    return mean


def _list_nearest(comparer: Comparer, gold: Any, predicted: Any) -> Iterator[float]:
    """Yield the likeness, 0 to 1, of each value of gold to the predicted value that is most like
    it, then that of each predicted value to gold. A value whose other side is empty has 0; if both
    sides are empty, nothing is yielded.
    """
    ours = comparer.spread(gold)
    theirs = comparer.spread(predicted)

    def measure(value: Any, other: Any) -> float:
        # equal values in other forms, such as "12 weeks" and "84 days", share few words
        if comparer.level(value, other) >= Level.NORMALISED:
            return 1.0
        return comparer.likeness(value, other)

    for value in ours:
        yield max((measure(value, other) for other in theirs), default=0.0)
    for value in theirs:
        yield max((measure(value, other) for other in ours), default=0.0)


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
