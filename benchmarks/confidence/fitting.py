"""Fit the weights of features: a logistic regression with a Gaussian prior around ``prior`` or 0.

The level of a field is that of the gold and of odd texts. A feature with a ``most`` has a weight, too. Other labels have other conventions, so each
of their sources has a level of its own, which is not kept.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.confidence.rows import GOLD, Rows
from extractor.confidence import log_odds


class Setting(NamedTuple):
    """What people decided of the fit of a field.

    Attributes:
        cost: What a wrong value counts beside a right one, where a wrong value that seems certain
            does more harm than a right one that is asked about. Confidences are lower than the
            share of right values by that.
        firm: How firmly a weight is expected at its prior; less firmly if a field has many labels.
    """

    cost: float = 1.0
    firm: float = 10.0


SETTINGS: Mapping[str, Setting] = {
    "agent": Setting(cost=1.6),
    "role": Setting(cost=2.5),
    "amounts": Setting(cost=1.2),
    "route": Setting(cost=3.0),
    "duration": Setting(cost=1.8),
    "frequency": Setting(cost=2.6),
    "stands": Setting(cost=1.7),
    "criteria.constraints": Setting(cost=3.0, firm=4.0),
    "criteria.time_windows": Setting(cost=1.5),
    "criteria.time_windows.of": Setting(cost=1.3, firm=4.0),
}
OTHER_CONVENTIONS = frozenset({"Chia", "Leaf", "labelled limits", "labelled doses"})
"""The sources with a level of their own."""
_LEVEL_FIRM = 0.01
_PROBABILITY_FIRM = 10.0
_SOURCE_FIRM = 0.5
"""How firmly the other numbers are expected: levels at 0, the weight of a probability at 1."""
_WEIGHT_OF_OTHERS = 0.5
"""What a value counts that is not from the gold."""
_LEAST = 20
"""Minimum number of values with a feature that has a weight, unless it has a prior."""
_SMALLEST = 0.05
"""Smaller weights are omitted, except those of features with a prior."""
_MOST_STEPS = 50
_LEVEL = ("level", "")
_PROBABILITY = ("probability", "")
_Column = tuple[str, str]
"""A number that is fitted: the level, the weight of a probability, of a feature, or of a source."""


class Fit(NamedTuple):
    """The numbers of a field, as in the table."""

    level: float
    probability: float
    weights: Mapping[str, float]


def fit(rows: Rows, name: str, priors: Mapping[str, float], *, is_scored: bool) -> Fit:
    """Fit the numbers of a field.

    Args:
        rows: The rows of the field.
        name: The field, as in the table.
        priors: The weights that are expected, by feature; 0 for all others.
        is_scored: Whether the probability of a scorer counts.
    """
    setting = SETTINGS.get(name, Setting())
    firm: dict[_Column, float] = {_LEVEL: _LEVEL_FIRM}
    expected: dict[_Column, float] = {_LEVEL: 0.0}
    if is_scored:
        firm[_PROBABILITY] = _PROBABILITY_FIRM
        expected[_PROBABILITY] = 1.0
    for feature in _list_fitted(rows, priors):
        firm["feature", feature] = setting.firm
        expected["feature", feature] = priors.get(feature, 0.0)
    for source in sorted({row.source for row in rows} & OTHER_CONVENTIONS):
        firm["source", source] = _SOURCE_FIRM
        expected["source", source] = 0.0
    places = {column: at for at, column in enumerate(firm)}
    ordered = sorted(rows)
    matrix = np.zeros((len(ordered), len(places)))
    counts = np.zeros(len(ordered))
    for at, row in enumerate(ordered):
        columns: list[_Column] = [("feature", feature) for feature in row.features]
        columns += [_LEVEL, ("source", row.source)]
        for column in columns:
            if column in places:
                matrix[at, places[column]] = 1
        if is_scored:
            matrix[at, places[_PROBABILITY]] = log_odds(row.probability)
        counts[at] = rows[row] if row.source == GOLD else rows[row] * _WEIGHT_OF_OTHERS
        if not row.right:
            counts[at] *= setting.cost
    right = np.array([row.right for row in ordered], float)
    fitted = _maximise(
        matrix,
        right,
        counts,
        np.array([*firm.values()]),
        np.array([*expected.values()]),
    )
    found = {column: round(float(fitted[at]), 2) for column, at in places.items()}
    weights = {
        column[1]: weight
        for column, weight in found.items()
        if column[0] == "feature" and (abs(weight) >= _SMALLEST or column[1] in priors)
    }
    return Fit(found[_LEVEL], found.get(_PROBABILITY, 0.0), weights)


def _list_fitted(rows: Rows, priors: Mapping[str, float]) -> Sequence[str]:
    """Return the features that have a weight: the frequent ones, and those with a prior."""
    seen: Counter[str] = Counter()
    for row, count in rows.items():
        for feature in row.features:
            seen[feature] += count
    frequent = {feature for feature, count in seen.items() if count >= _LEAST}
    return sorted(frequent | priors.keys())


def _maximise(
    matrix: np.ndarray,
    right: np.ndarray,
    counts: np.ndarray,
    firm: np.ndarray,
    expected: np.ndarray,
) -> np.ndarray:
    """Return the most likely numbers, found by Newton's method."""
    weights = expected.copy()
    for _ in range(_MOST_STEPS):
        chance = 1 / (1 + np.exp(-matrix @ weights))
        slope = matrix.T @ (counts * (chance - right)) + firm * (weights - expected)
        curve = (matrix * (counts * chance * (1 - chance))[:, None]).T @ matrix
        step = np.linalg.solve(curve + np.diag(firm), slope)
        weights = weights - step
        if np.abs(step).max() < 1e-6:
            break
    return weights
