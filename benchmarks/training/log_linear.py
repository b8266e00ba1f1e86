"""A log-linear model of choices: softmax over candidates of the summed weights of their features.

Fitted by maximum likelihood with a Gaussian prior, by Adam over the whole batch: no randomness.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from benchmarks.data import FOLDS, fold_of
from extractor.evidence.drafts import CERTAIN

Weights = NDArray[np.float64]
_PENALTY = 2.0
_STEPS = 180
_RATE = 0.15


class Guess(NamedTuple):
    """Whether one answer was right, and its stated confidence."""

    right: bool
    confidence: float


class Choice(NamedTuple):
    """The candidates as lists of feature numbers, and the position of the right one; None if
    none is right.
    """

    trial: str
    candidates: tuple[tuple[int, ...], ...]
    right: int | None


def format_calibration(guesses: Sequence[Guess]) -> str:
    """Format the share of right answers, over all and among the certain ones.

    >>> print(format_calibration([Guess(True, 0.99), Guess(False, 0.4)]))
    2 items, right 0.500; certain 0.500 of them, right among these 1.000
    """
    certain = [one.right for one in guesses if one.confidence >= CERTAIN]
    right = sum(one.right for one in guesses)
    number = max(1, len(guesses))
    among = sum(certain) / max(1, len(certain))
    shares = (
        f"right {right / number:.3f}; certain {len(certain) / number:.3f} of them, right "
        f"among these {among:.3f}"
    )
    return f"{len(guesses)} items, {shares}"


def judge(choice: Choice, weights: Weights) -> Guess:
    """Return whether the most likely candidate is right, and its probability.

    >>> judge(Choice("x", ((0,), (1,)), 0), np.array([2.0, 2.0]))
    Guess(right=True, confidence=0.5)
    """
    scores = np.array([weights[list(features)].sum() for features in choice.candidates])
    probabilities = np.exp(scores - scores.max())
    best = int(scores.argmax())
    return Guess(best == choice.right, float(probabilities[best] / probabilities.sum()))


def cross_validate(
    choices: Sequence[Choice], train: Callable[[Sequence[Choice]], Weights]
) -> list[Guess]:
    """Judge every choice by weights fitted on the trials of the other folds."""
    weights = {
        fold: train([one for one in choices if fold_of(one.trial) != fold])
        for fold in range(FOLDS)
    }
    return [judge(choice, weights[fold_of(choice.trial)]) for choice in choices]


def fit_weights(
    choices: Sequence[Choice],
    features: int,
    fixed: Mapping[int, float],
    penalty: float = _PENALTY,
) -> Weights:
    """Fit one weight per feature, in nats; weights in ``fixed`` are set by hand after the fit.

    ``penalty`` is the precision of the prior: the more, the smaller the weights.

    >>> weights = fit_weights([Choice("x", ((0,), (1,)), 0)] * 20, 2, {})
    >>> bool(weights[0] > 0 > weights[1])
    True
    """
    usable = [choice for choice in choices if choice.right is not None]
    rows = [
        sorted(set(candidate)) for choice in usable for candidate in choice.candidates
    ]
    columns = np.array([column for row in rows for column in row], np.int64)
    begins = np.cumsum([0, *map(len, rows)])
    # One row per candidate, 1 where it has the feature.
    matrix = csr_array(
        (np.ones(len(columns), np.float32), columns, begins),
        shape=(len(rows), features),
    )
    sizes = np.array([len(choice.candidates) for choice in usable])
    starts = np.cumsum([0, *sizes])[:-1]
    observed = matrix[starts + np.array([choice.right for choice in usable])].sum(0)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    weights = np.zeros(features)
    mean = np.zeros(features)
    variance = np.zeros(features)
    for step in range(1, _STEPS + 1):
        scores = (matrix @ weights.astype(np.float32)).astype(np.float64)
        exponents = np.exp(scores - np.maximum.reduceat(scores, starts)[owner])
        probabilities = exponents / np.add.reduceat(exponents, starts)[owner]
        gradient = (
            matrix.T @ probabilities.astype(np.float32) - observed + penalty * weights
        )
        mean = 0.9 * mean + 0.1 * gradient
        variance = 0.999 * variance + 0.001 * gradient**2
        weights -= (
            _RATE
            * (mean / (1 - 0.9**step))
            / (np.sqrt(variance / (1 - 0.999**step)) + 1e-8)
        )
    for feature, weight in fixed.items():
        weights[feature] = weight
    return weights
