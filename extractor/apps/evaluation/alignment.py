"""Pair the items of two extractions, such as gold and a prediction."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from extractor.apps.evaluation.fields import Group
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
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - slow

    table = np.array([[likeness(ours, theirs) for theirs in new] for ours in old])
    table[table < threshold] = 0.0
    assigned = zip(*linear_sum_assignment(table, maximize=True), strict=True)
    # The assignment is complete: it also pairs values that are not alike.
    partners = {row: column for row, column in assigned if table[row, column] > 0}
    taken = set(partners.values())
    pairs = [(old[row], new[column]) for row, column in partners.items()]
    only_old = [value for row, value in enumerate(old) if row not in partners]
    only_new = [value for column, value in enumerate(new) if column not in taken]
    return pairs, only_old, only_new


_NO_VALUES = {*ExtractedItem.model_fields, "group"}
"""What the same item may have otherwise: its evidence, and the id of its group."""


class Side(NamedTuple):
    """An item of one extraction, with its path and position. Without an item, it is absent there.

    ``identity`` is the item's values as text, the key for order and equality.
    """

    item: Any = None
    path: str | None = None
    position: int = 0
    identity: str = ""


NOWHERE = Side()
"""The side of an extraction that lacks the item."""


class Aligned(NamedTuple):
    """Corresponding items of two extractions: a side is empty without a counterpart, and has
    several items if the item was split.
    """

    old: list[Side]
    new: list[Side]


def align(
    group: Group, old: Sequence[ExtractedItem], new: Sequence[ExtractedItem]
) -> list[Aligned]:
    """Pair items so that their total likeness is greatest. Return the pairs, then the old items
    without a counterpart, then the new ones. The order of the lists changes nothing.

    Items with the same values are paired first. If one side has an item in parts, the further parts
    are beside the one that was paired.

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
        # A record has one such item: who may take part.
        return [
            Aligned(
                [Side(item, group.path) for item in old],
                [Side(item, group.path) for item in new],
            )
        ]
    equal, ours, theirs = match_values(
        _place(group.path, old),
        _place(group.path, new),
        lambda one, other: float(one.identity == other.identity),
        1.0,
    )
    pairs, only_old, only_new = match_values(
        ours,
        theirs,
        lambda one, other: kind.likeness(one.item, other.item),
        kind.threshold,
    )
    paired = [Aligned([one], [other]) for one, other in pairs]
    _add_parts(kind, paired, only_new, 1)
    _add_parts(kind, paired, only_old, 0)
    aligned = [Aligned([one], [other]) for one, other in equal] + paired
    aligned.sort(key=lambda pair: pair.old[0].identity)
    aligned += [Aligned([side], []) for side in only_old]
    aligned += [Aligned([], [side]) for side in only_new]
    return aligned


def _add_parts(
    kind: ItemKind, pairs: Sequence[Aligned], free: list[Side], side: int
) -> None:
    """Move further parts of a split item from ``free`` to the pair of the whole, on this side."""
    for pair in pairs:
        whole = pair[1 - side][0].item
        if not kind.is_part(pair[side][0].item, whole):
            continue
        parts = [part for part in free if kind.is_part(part.item, whole)]
        pair[side].extend(parts)
        free[:] = [other for other in free if not kind.is_part(other.item, whole)]


def _place(path: str, items: Sequence[ExtractedItem]) -> list[Side]:
    """Return items with their places, sorted by their values, so that their order is no matter."""
    sides = [
        Side(item, f"{path}[{number}]", number, _write_values(item))
        for number, item in enumerate(items)
    ]
    return sorted(sides, key=lambda side: side.identity)


def _write_values(item: ExtractedItem) -> str:
    values = [
        (name, sorted(map(repr, value)) if isinstance(value, tuple) else value)
        for name, value in item
        if name not in _NO_VALUES
    ]
    return repr(values)
