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

    rows, columns = linear_sum_assignment(table, maximize=True)
    best = zip(rows.tolist(), columns.tolist(), strict=True)
    partner = {row: column for row, column in best if table[row, column] > 0}
    taken = set(partner.values())
    pairs = [(old[row], new[column]) for row, column in partner.items()]
    gone = [value for row, value in enumerate(old) if row not in partner]
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
    """Pair items so that their total likeness is greatest: first the pairs, then items without a
    counterpart.

    Items with the same values are paired before all others. Items are in the order of their values,
    so the order of their lists changes nothing. An item without a counterpart that is a part of a
    paired one stands beside it.

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
        return [
            Aligned(
                [Side(one, group.path) for one in old],
                [Side(one, group.path) for one in new],
            )
        ]
    ours = _place(group.path, old)
    theirs = _place(group.path, new)
    equal = _pair_equal(ours, theirs)
    paired_old = {one.position for one, _ in equal}
    paired_new = {other.position for _, other in equal}
    pairs, gone, come = match_values(
        [one for one in ours if one.position not in paired_old],
        [other for other in theirs if other.position not in paired_new],
        lambda one, other: kind.likeness(one.item, other.item),
        kind.threshold,
    )
    splits = _take_parts(kind, pairs, come)
    swapped = sorted(
        ((other, one) for one, other in pairs), key=lambda pair: pair[0].identity
    )
    merges = _take_parts(kind, swapped, gone)
    found = [Aligned([one], [other]) for one, other in equal]
    for one, other in pairs:
        found.append(
            Aligned(
                [one, *merges.get(other.position, ())],
                [other, *splits.get(one.position, ())],
            )
        )
    found.sort(key=lambda pair: pair.old[0].identity)
    return [
        *found,
        *(Aligned([one], []) for one in gone),
        *(Aligned([], [other]) for other in come),
    ]


def _pair_equal(
    ours: Sequence[Side], theirs: Sequence[Side]
) -> list[tuple[Side, Side]]:
    same = defaultdict[str, list[Side]](list)
    for other in theirs:
        same[other.identity].append(other)
    return [(one, same[one.identity].pop(0)) for one in ours if same[one.identity]]


def _take_parts(
    kind: ItemKind, pairs: Sequence[tuple[Side, Side]], free: list[Side]
) -> dict[int, list[Side]]:
    """Take from ``free`` the other parts of each whole whose counterpart is only a part of it,
    by its position.
    """
    found: dict[int, list[Side]] = {}
    for whole, counterpart in pairs:
        if free and kind.is_part(counterpart.item, whole.item):
            parts = [one for one in free if kind.is_part(one.item, whole.item)]
            free[:] = [one for one in free if one not in parts]
            found[whole.position] = parts
    return found


_LATER_FIELDS = {field.attribute for field in FIELDS if not field.counts}
_LATER_PARTS = {field.part for field in FIELDS if field.whole}
"""The fields of items, and the parts of values, that guideline 1.5 added."""


def _place(path: str, items: Sequence[ExtractedItem]) -> list[Side]:
    """Sort items by their values alone, with the values of lists sorted."""
    placed = []
    for position, item in enumerate(items):
        values = [
            (name, value)
            for name, value in item
            if name not in ExtractedItem.model_fields
        ]
        identity = [
            (name, _sort(value)) for name, value in values if name not in _LATER_FIELDS
        ]
        side = Side(item, f"{path}[{position}]", position, repr(identity))
        placed.append((side.identity, repr(values), side))
    placed.sort(key=lambda one: one[:2])
    return [side for *_, side in placed]


def _sort(value: Any) -> Any:
    """Return the values of a list as text and sorted; any other value as it is."""
    return sorted(map(_write, value)) if isinstance(value, tuple) else value


def _write(value: Any) -> str:
    if isinstance(value, BaseModel):
        return repr([part for part in value if part[0] not in _LATER_PARTS])
    return repr(value)
