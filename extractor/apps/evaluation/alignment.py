"""Pair the items of two extractions, such as gold and a prediction, and find items that were
split or merged.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from pydantic import BaseModel

from extractor.apps.evaluation.comparers import ErrorKind, Level
from extractor.apps.evaluation.fields import FIELDS, Field, Group
from extractor.apps.evaluation.text import (
    compare_extents,
    fold_name,
    is_inside,
    is_inside_either,
    measure_overlap,
)
from extractor.schemas import Criterion, CustomItem, Endpoint, ExtractedItem, Regimen


def match_values(
    old: Sequence[Any], new: Sequence[Any], likeness: Callable[[Any, Any], float], threshold: float
) -> tuple[list[tuple[Any, Any]], list[Any], list[Any]]:
    """Return the pairs with the greatest total likeness, in the old order, and the values of each
    side in no pair.

    Values whose likeness is below ``threshold`` (above 0) are not paired. Position decides ties:
    sort both sides first if order must not matter.

    >>> match_values([1, 5], [5, 9], lambda a, b: float(a == b), 0.5)
    ([(5, 5)], [1], [9])
    """
    if not old or not new:
        return [], list(old), list(new)
    table = np.array([[likeness(one, other) for other in new] for one in old])
    table[table < threshold] = 0.0
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - slow

    best = zip(
        *(places.tolist() for places in linear_sum_assignment(table, maximize=True)), strict=True
    )
    pairs = {row: column for row, column in best if table[row, column] > 0}
    gone = [value for at, value in enumerate(old) if at not in pairs]
    come = [value for at, value in enumerate(new) if at not in pairs.values()]
    return [(old[row], new[column]) for row, column in pairs.items()], gone, come


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


def _compare_criteria(gold: Criterion, predicted: Criterion) -> float:
    overlap = compare_extents(gold.quote, predicted.quote)
    if overlap < 0.5:
        return 0.0
    return (
        overlap + 0.05 * (gold.section == predicted.section) + 0.05 * (gold.kind == predicted.kind)
    )


def _compare_agents(one: Regimen, other: Regimen) -> float:
    first = fold_name(one.agent)
    second = fold_name(other.agent)
    if first == second:
        return 1.0
    return 0.8 if is_inside_either(first, second) else measure_overlap(first, second)


def _list_levels(regimen: Regimen) -> set[tuple[Any, ...]]:
    return {(one.low, one.high, one.unit) for one in regimen.amounts}


def _compare_regimens(gold: Regimen, predicted: Regimen) -> float:
    levels = _list_levels(gold)
    found = _list_levels(predicted)
    amounts = len(levels & found) / len(levels | found) if levels | found else 0.0
    alike = (
        0.4 * _compare_agents(gold, predicted)
        + 0.4 * compare_extents(gold.quote, predicted.quote)
        + 0.2 * amounts
    )
    given = (gold.route == predicted.route) + (gold.frequency == predicted.frequency)
    return (
        alike + 0.02 * given + 0.02 * (gold.section == predicted.section) if alike >= 0.4 else 0.0
    )


def _is_part_of_regimen(part: Regimen, whole: Regimen) -> bool:
    levels = _list_levels(part)
    all_levels = _list_levels(whole)
    is_smaller = is_inside(part.quote, whole.quote) or (bool(levels) and levels < all_levels)
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
    return (
        max(measure, whole)
        + 0.3 * measure
        + 0.3 * rank
        + 0.5 * whole
        + 0.5 * time_frame
        + 0.01 * index
    )


def _is_part_of_endpoint(part: Endpoint, whole: Endpoint) -> bool:
    is_smaller = is_inside(part.measure or "", whole.measure or "")
    return part.rank == whole.rank and (
        is_smaller or is_inside(_join_outcome(part), _join_outcome(whole))
    )


def _compare_own(group: Group, gold: CustomItem, predicted: CustomItem) -> float:
    """Compare values of a user's field, by the words of the items that have them (``of``) and by
    what they say.

    ``of`` is None where gold does not name the item. If an item has at most one value, the two are
    a pair, whatever they say.
    """
    is_known = gold.of and predicted.of
    host = compare_extents(gold.of, predicted.of) if is_known else 1.0
    if host < 0.5:
        return 0.0
    # the likeness of each value to the most similar one on the other side
    nearest: list[float] = []
    for field in group.fields:
        comparer = field.comparer
        sides = [comparer.spread(field.read(item)) for item in (gold, predicted)]
        for ours, theirs in (sides, sides[::-1]):
            alike = (
                [
                    max(comparer.likeness(a, b), comparer.level(a, b) >= Level.NORMALISED)
                    for b in theirs
                ]
                for a in ours
            )
            nearest += [max(row, default=0.0) for row in alike]
    mean = sum(nearest) / len(nearest) if nearest else 0.0
    is_only = not group.many and (is_known or group.of is None)
    return host + 0.05 * mean if is_only else mean


KINDS = {
    "eligibility.criteria": ItemKind(
        _compare_criteria,
        lambda part, whole: part.section == whole.section and is_inside(part.quote, whole.quote),
        lambda item: str(item.quote),
    ),
    "dosing": ItemKind(
        _compare_regimens, _is_part_of_regimen, lambda item: f"{item.agent}: {item.quote}", 0.4
    ),
    "endpoints": ItemKind(_compare_endpoints, _is_part_of_endpoint, _join_outcome),
}
"""The kind of the guideline's items at each path."""


class Side(NamedTuple):
    """An item of one extraction, with its path and position there. Empty if this extraction lacks
    the item.

    ``identity`` is the item's values as text, the key for order and equality, without those of
    guideline 1.5: items are paired alike whether or not an extraction has them.
    """

    item: Any = None
    path: str | None = None
    position: int = 0
    identity: str = ""


class Aligned(NamedTuple):
    """Corresponding items of two extractions. A side has no item without a counterpart, and
    several if it was split.
    """

    old: Sequence[Side]
    new: Sequence[Side]


def align(
    group: Group, old: Sequence[ExtractedItem], new: Sequence[ExtractedItem]
) -> list[Aligned]:
    """Pair items so that their total likeness is greatest: first the pairs, then items without a
    counterpart.

    Items with the same values are paired before all others. Items are in the order of their values,
    so the order of their lists changes nothing. An item without a counterpart that is a part of a
    paired one stands beside it.

    >>> from .fields import ENDPOINTS
    >>> old, new = (
    ...     Endpoint(rank="primary", index=0, measure=measure)
    ...     for measure in ("Pain at rest", "Pain")
    ... )
    >>> [(len(pair.old), len(pair.new)) for pair in align(ENDPOINTS, [old], [new])]
    [(1, 1)]
    """
    kind = KINDS.get(group.path)
    if group.model is CustomItem:
        kind = ItemKind(partial(_compare_own, group), lambda *_: False, lambda _: "", 0.3)
    if kind is None:  # there is always one of them
        return [Aligned(*([Side(item, group.path) for item in each] for each in (old, new)))]
    ours, theirs = (_place(group.path, each) for each in (old, new))
    same = defaultdict[str, list[Side]](list)
    for one in theirs:
        same[one.identity].append(one)
    found = [Aligned([one], [same[one.identity].pop(0)]) for one in ours if same[one.identity]]
    equal = [{pair[side][0].position for pair in found} for side in (0, 1)]
    ours, theirs = (
        [one for one in each if one.position not in equal[n]]
        for n, each in enumerate((ours, theirs))
    )
    pairs, gone, come = match_values(
        ours, theirs, lambda a, b: kind.likeness(a.item, b.item), kind.threshold
    )
    splits = _take_parts(kind, pairs, come)
    swapped = sorted(((other, one) for one, other in pairs), key=lambda pair: pair[0].identity)
    merges = _take_parts(kind, swapped, gone)
    for one, other in pairs:
        found.append(
            Aligned([one, *merges.get(other.position, ())], [other, *splits.get(one.position, ())])
        )
    found.sort(key=lambda pair: pair.old[0].identity)
    return [*found, *(Aligned([one], []) for one in gone), *(Aligned([], [one]) for one in come)]


def _place(path: str, items: Sequence[ExtractedItem]) -> list[Side]:
    """Sort items by their values alone, with the values of lists sorted."""
    placed = []
    for position, item in enumerate(items):
        values = [(name, value) for name, value in item if name not in ExtractedItem.model_fields]
        known = [(name, _sort(value)) for name, value in values if name not in _LATER]
        placed.append((Side(item, f"{path}[{position}]", position, repr(known)), repr(values)))
    return [side for side, _ in sorted(placed, key=lambda one: (one[0].identity, one[1]))]


_LATER = {field.attribute for field in FIELDS if not field.counts}
_PARTS = {field.part for field in FIELDS if field.whole}
"""The fields of items, and the parts of values, that guideline 1.5 added."""


def _sort(value: Any) -> Any:
    """Return the values of a list as text and sorted, without parts that guideline 1.5 added."""
    if not isinstance(value, tuple):
        return value
    return sorted(
        repr([pair for pair in one if pair[0] not in _PARTS] if isinstance(one, BaseModel) else one)
        for one in value
    )


def _take_parts(
    kind: ItemKind, pairs: Sequence[tuple[Side, Side]], free: list[Side]
) -> dict[int, list[Side]]:
    """Take from ``free`` the other parts of each whole whose counterpart is only a part of it,
    by its position.
    """
    found: dict[int, list[Side]] = {}
    for whole, counterpart in pairs if free else ():
        if kind.is_part(counterpart.item, whole.item):
            found[whole.position] = [part for part in free if kind.is_part(part.item, whole.item)]
            free[:] = [part for part in free if part not in found[whole.position]]
    return found


class ValuePair(NamedTuple):
    """Two values of a field, and how far they agree. A value without a counterpart is paired with
    None.

    ``error`` is None if the values agree, or if an error of the whole item explains the difference.
    ``wholes`` are the two values of which these are parts: limits of conditions, amounts of arms.
    """

    old: Any
    new: Any
    level: Level
    error: ErrorKind | None
    wholes: tuple[Any, Any] | None = None


class Difference(NamedTuple):
    """What two corresponding items say in one field, as wholes (``old``, ``new``) and value by
    value.

    A side is empty if its extraction lacks the item. The values of an item itself are the labels of
    its parts.
    """

    field: Field
    old_side: Side
    new_side: Side
    old: Any
    new: Any
    values: list[ValuePair]

    @property
    def is_paired(self) -> bool:
        """Return whether both extractions have the item."""
        return self.old_side.item is not None and self.new_side.item is not None

    @property
    def is_equal(self) -> bool:
        """Return whether both sides say the same, also in another unit or under another name."""
        return all(pair.level >= Level.NORMALISED for pair in self.values)
