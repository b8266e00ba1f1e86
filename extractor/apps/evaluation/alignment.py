"""Pair the items of two extractions, such as gold and a prediction, and find items that were
split or merged.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from pydantic import BaseModel

from extractor.apps.evaluation.fields import FIELDS, Group
from extractor.apps.evaluation.likeness import ItemKind, find_kind
from extractor.schemas import ExtractedItem


def match_values(
    old: Sequence[Any],
    new: Sequence[Any],
    likeness: Callable[[Any, Any], float],
    threshold: float,
) -> tuple[list[tuple[Any, Any]], list[Any], list[Any]]:
    """Return the pairs with the greatest total likeness, in the old order; then the old values in
    no pair, and the new values in no pair.

    Values whose likeness is below ``threshold`` (above 0) are not paired. Position decides ties:
    sort both sides first if order must not matter.

    >>> match_values([1, 5], [5, 9], lambda a, b: float(a == b), 0.5)
    ([(5, 5)], [1], [9])
    """
    if not old or not new:
        return [], list(old), list(new)
    table = np.array([[likeness(ours, theirs) for theirs in new] for ours in old])
    table[table < threshold] = 0.0
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - slow

    rows, columns = linear_sum_assignment(table, maximize=True)
    partners: dict[int, int] = {}
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        # The assignment is complete: it also pairs values that are not alike at all.
        if table[row, column] <= 0:
            continue
        partners[row] = column
    taken = set(partners.values())
    pairs = [(old[row], new[column]) for row, column in partners.items()]
    gone = [value for row, value in enumerate(old) if row not in partners]
    come = [value for column, value in enumerate(new) if column not in taken]
    return pairs, gone, come


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


NOWHERE = Side()
"""The side of an extraction that lacks the item."""


class Aligned(NamedTuple):
    """Corresponding items of two extractions. A side has no item without a counterpart, and
    several if it was split.
    """

    old: Sequence[Side]
    new: Sequence[Side]


def align(
    group: Group, old: Sequence[ExtractedItem], new: Sequence[ExtractedItem]
) -> list[Aligned]:
    """Pair items so that their total likeness is greatest. Return the pairs, then the old items
    without a counterpart, then the new ones.

    Items with the same values are paired before all others. Items are in the order of their values,
    so the order of their lists changes nothing. Where one side has an item in parts, the parts
    without a counterpart stand beside the part that has one, in one ``Aligned``.

    >>> from extractor.schemas import Endpoint
    >>> from .fields import ENDPOINTS
    >>> old, new = (
    ...     Endpoint(rank="primary", index=0, measure=measure)
    ...     for measure in ("Pain at rest", "Pain")
    ... )
    >>> [(len(pair.old), len(pair.new)) for pair in align(ENDPOINTS, [old], [new])]
    [(1, 1)]
    """
    kind = find_kind(group)
    if kind is None:
        # A record has one such item, who may take part: there is nothing to pair.
        old_sides = [Side(item, group.path) for item in old]
        new_sides = [Side(item, group.path) for item in new]
        return [Aligned(old_sides, new_sides)]
    ours = _place(group.path, old)
    theirs = _place(group.path, new)
    # Items with the same values are pairs, whatever else is alike.
    equal = _pair_equal(ours, theirs)
    paired_old = {side.position for side, _ in equal}
    paired_new = {side.position for _, side in equal}
    left_old = [side for side in ours if side.position not in paired_old]
    left_new = [side for side in theirs if side.position not in paired_new]
    pairs, gone, come = match_values(
        left_old,
        left_new,
        lambda old_side, new_side: kind.likeness(old_side.item, new_side.item),
        kind.threshold,
    )
    # The parts of an item that one side has whole and the other in several are no errors of their
    # own.
    splits = _take_parts(kind, pairs, come)
    swapped = [(new_side, old_side) for old_side, new_side in pairs]
    swapped.sort(key=lambda pair: pair[0].identity)
    merges = _take_parts(kind, swapped, gone)
    aligned = [Aligned([old_side], [new_side]) for old_side, new_side in equal]
    for old_side, new_side in pairs:
        old_parts = merges.get(new_side.position, [])
        new_parts = splits.get(old_side.position, [])
        aligned.append(Aligned([old_side, *old_parts], [new_side, *new_parts]))
    aligned.sort(key=lambda pair: pair.old[0].identity)
    aligned += [Aligned([side], []) for side in gone]
    aligned += [Aligned([], [side]) for side in come]
    return aligned


def _pair_equal(
    ours: Sequence[Side], theirs: Sequence[Side]
) -> list[tuple[Side, Side]]:
    """Return the pairs of items with the same values."""
    same = defaultdict[str, list[Side]](list)
    for side in theirs:
        same[side.identity].append(side)
    pairs = []
    for side in ours:
        partners = same[side.identity]
        if partners:
            pairs.append((side, partners.pop(0)))
    return pairs


def _take_parts(
    kind: ItemKind, pairs: Sequence[tuple[Side, Side]], free: list[Side]
) -> dict[int, list[Side]]:
    """Return the further parts of each whole, by the whole's position, and remove them from
    ``free``, the items without a counterpart.

    A pair has a whole and its counterpart; only a whole whose counterpart is a part of it takes
    others.
    """
    taken: dict[int, list[Side]] = {}
    for whole, counterpart in pairs:
        if not free:
            break
        if not kind.is_part(counterpart.item, whole.item):
            continue
        parts = []
        others = []
        for side in free:
            if kind.is_part(side.item, whole.item):
                parts.append(side)
            else:
                others.append(side)
        free[:] = others
        taken[whole.position] = parts
    return taken


_LATER_FIELDS = {field.attribute for field in FIELDS if not field.counts}
_LATER_PARTS = {field.part for field in FIELDS if field.whole}
"""The fields of items, and the parts of values, that guideline 1.5 added."""


def _place(path: str, items: Sequence[ExtractedItem]) -> list[Side]:
    """Return items with their paths and positions in the list, sorted by their values alone.

    Evidence and confidences are no values. The order within a list of values does not count, nor
    does what guideline 1.5 added, except to order items that are equal without it.
    """
    placed = []
    for position, item in enumerate(items):
        values = []
        identity = []
        for name, value in item:
            if name in ExtractedItem.model_fields:
                continue
            values.append((name, value))
            if name in _LATER_FIELDS:
                continue
            if isinstance(value, tuple):
                identity.append((name, sorted(map(_write, value))))
            else:
                identity.append((name, value))
        side = Side(item, f"{path}[{position}]", position, repr(identity))
        placed.append((side.identity, repr(values), side))
    placed.sort(key=lambda entry: entry[:2])
    return [side for *_, side in placed]


def _write(value: Any) -> str:
    """Return a value as text, without the parts that guideline 1.5 added."""
    if not isinstance(value, BaseModel):
        return repr(value)
    return repr([(name, part) for name, part in value if name not in _LATER_PARTS])
