"""Pair the items of two extractions, such as gold and a prediction."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from extractor.apps.evaluation.fields import Group
from extractor.apps.evaluation.likeness import find_kind
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
    pairs = [(old[row], new[column]) for row, column in partners.items()]
    only_old = [old[row] for row in range(len(old)) if row not in partners]
    taken = set(partners.values())
    return pairs, only_old, [new[at] for at in range(len(new)) if at not in taken]


_SAME = 1000.0
"""The likeness of equal items: they are a pair, whatever else is alike."""
_NO_VALUES = {*ExtractedItem.model_fields, "group"}
"""What the same item may have otherwise: its evidence, and the id of its group."""


class Side(NamedTuple):
    """An item of one extraction, with its path and position; without an item, it is absent there.

    ``identity`` is the item's values as text, the key for order and equality.
    """

    item: Any = None
    path: str = ""
    position: int = 0
    identity: str = ""


NOWHERE = Side()
"""The side of an extraction that lacks the item."""


def align(
    group: Group, old: Sequence[ExtractedItem], new: Sequence[ExtractedItem]
) -> list[tuple[Side, Side]]:
    """Pair items so that their total likeness is greatest, those with the same values first. Return
    the pairs, then the old items without a counterpart, then the new ones. The order of the lists
    changes nothing.

    >>> from extractor.schemas import Endpoint
    >>> from .fields import ENDPOINTS
    >>> old, new = (
    ...     Endpoint(rank="primary", index=0, measure=measure)
    ...     for measure in ("Pain at rest", "Pain")
    ... )
    >>> [(ours.path, theirs.path) for ours, theirs in align(ENDPOINTS, [old], [new])]
    [('endpoints[0]', 'endpoints[0]')]
    """
    kind = find_kind(group)

    def compare(one: Side, other: Side) -> float:
        if one.identity == other.identity:
            return _SAME
        return kind.likeness(one.item, other.item)

    pairs, only_old, only_new = match_values(
        _place(group.path, old), _place(group.path, new), compare, kind.threshold
    )
    pairs += [(side, NOWHERE) for side in only_old]
    return pairs + [(NOWHERE, side) for side in only_new]


def _place(path: str, items: Sequence[ExtractedItem]) -> list[Side]:
    """Return items with their places, sorted by their values, so that their order is no matter."""
    # A record has one such item: who may take part.
    if path == "eligibility":
        return [Side(item, path) for item in items]
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
