"""Choose the pairs with the highest total value, by shortest augmenting paths.

Source: Crouse, "On implementing 2D rectangular assignment algorithms", IEEE Transactions on
Aerospace and Electronic Systems 52 (2016). Ties are broken as in SciPy, which has the same
algorithm but is too large to be installed for it.
"""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Places = NDArray[np.intp]


def assign(values: Numbers) -> tuple[Places, Places]:
    """Return the rows and the columns of the pairs whose total value is highest, in the order of
    the rows. Each row of ``values`` is paired with another column; if there are more rows than
    columns, each column is paired with another row.

    >>> rows, columns = assign(np.array([[1.0, 0.5], [0.9, 0.1], [0.0, 0.0]]))
    >>> rows.tolist(), columns.tolist()
    ([0, 1], [1, 0])
    """
    if len(values) > len(values.T):
        columns, rows = assign(values.T)
        order = rows.argsort()
        return rows[order], columns[order]
    costs = -values
    row_prices = np.zeros(len(costs))
    column_prices = np.zeros(len(costs.T))
    row_of = np.full(len(costs.T), -1)
    column_of = np.full(len(costs), -1)
    for row in range(len(costs)):
        _add_row(row, costs, row_prices, column_prices, row_of, column_of)
    return np.arange(len(costs)), column_of


def _add_row(
    row: int,
    costs: Numbers,
    row_prices: Numbers,
    column_prices: Numbers,
    row_of: Places,
    column_of: Places,
) -> None:
    """Pair one more row. Other rows change their columns if that is cheaper in total. The prices
    and the pairs are changed in place; -1 stands for a row or a column without a counterpart.

    This is Dijkstra's algorithm: a path goes from a row to a column, from there to the row that
    has this column, and so on, until it ends at a column without a row.
    """
    distances = np.full(len(row_of), np.inf)
    reached_from = np.full(len(row_of), -1)
    # the order decides ties: as in SciPy, the last column is looked at first
    remaining = np.arange(len(row_of))[::-1].copy()
    seen_rows = []
    seen_columns = []
    nearest = 0.0
    current = row
    while current >= 0:
        seen_rows.append(current)
        through_current = (
            nearest
            + costs[current, remaining]
            - row_prices[current]
            - column_prices[remaining]
        )
        is_nearer = through_current < distances[remaining]
        reached_from[remaining[is_nearer]] = current
        distances[remaining[is_nearer]] = through_current[is_nearer]
        nearest = distances[remaining].min()
        tied = np.flatnonzero(distances[remaining] == nearest)
        free = tied[row_of[remaining[tied]] < 0]
        # of the nearest columns, one without a row ends the path
        chosen = free[-1] if free.size else tied[0]
        column = remaining[chosen]
        seen_columns.append(column)
        # remove the column: the last one takes its place
        remaining[chosen] = remaining[-1]
        remaining = remaining[:-1]
        current = row_of[column]
    row_prices[row] += nearest
    # all rows but the first, which has no column yet
    for other in seen_rows[1:]:
        row_prices[other] += nearest - distances[column_of[other]]
    column_prices[seen_columns] -= nearest - distances[seen_columns]
    # back along the path: each column goes to the row from which it was reached, and that row's
    # earlier column to the row before
    current = -1
    while current != row:
        current = reached_from[column]
        row_of[column] = current
        column_of[current], column = column, column_of[current]
