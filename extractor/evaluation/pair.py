"""The best one-to-one pairing of gold and predicted values, whatever their order."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]

__all__ = ["pair_values"]


def pair_values(
    gold: Sequence[Any],
    predicted: Sequence[Any],
    likeness: Callable[[Any, Any], float],
    threshold: float,
) -> list[tuple[int, int]]:
    """Positions of the pairs with the greatest likeness in all, in gold's order.

    Values that are less alike than ``threshold`` (above 0) are never a pair. Ties are broken by position,
    so callers that want order to play no part sort both sides first.

    >>> pair_values([1, 5], [5, 9], lambda a, b: float(a == b), 0.5)
    [(1, 0)]
    """
    if not gold or not predicted:
        return []
    table = np.array([[likeness(one, other) for other in predicted] for one in gold])
    table[table < threshold] = 0.0
    rows, columns = linear_sum_assignment(table, maximize=True)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if table[row, column] > 0]
