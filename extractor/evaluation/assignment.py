"""The assignment problem: pair rows with columns so that the total is greatest."""

import numpy as np
from numpy.typing import NDArray


def assign(table: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return the pairs of rows and columns with the greatest total, by row; each row and column occurs at most once.

    The shortest augmenting path of each row, with dual variables: Crouse, "On implementing 2D rectangular assignment
    algorithms" (2016). Ties are decided as in ``scipy.optimize.linear_sum_assignment``, which gives the same pairs.

    >>> assign(np.array([[0.9, 0.8], [0.8, 0.1]]))
    [(0, 1), (1, 0)]
    """
    if table.shape[0] > table.shape[1]:
        return sorted((row, column) for column, row in assign(table.T))
    cost = -table
    rows, columns = cost.shape
    of_row, of_column = np.zeros(rows), np.zeros(columns)  # dual variables
    column_of, row_of = np.full(rows, -1), np.full(columns, -1)
    for start in range(rows):
        shortest, came_from = np.full(columns, np.inf), np.full(columns, -1)
        left, row, length = np.arange(columns)[::-1].copy(), start, 0.0
        reached: list[tuple[int, int]] = []
        while row >= 0:
            lengths = length + cost[row, left] - of_row[row] - of_column[left]
            nearer = lengths < shortest[left]
            shortest[left[nearer]], came_from[left[nearer]] = lengths[nearer], row
            length = shortest[left].min()
            nearest = np.flatnonzero(shortest[left] == length)
            free = nearest[row_of[left[nearest]] < 0]
            place = free[-1] if len(free) else nearest[0]
            column = int(left[place])
            left[place] = left[-1]
            left = left[:-1]
            row = int(row_of[column])
            reached.append((row, column))
        of_row[start] += length
        for row, end in reached:
            of_column[end] -= length - shortest[end]
            if row >= 0:
                of_row[row] += length - shortest[end]
        while row != start:  # turn the path round
            row = int(came_from[column])
            row_of[column] = row
            column_of[row], column = column, int(column_of[row])
    return list(enumerate(map(int, column_of)))
