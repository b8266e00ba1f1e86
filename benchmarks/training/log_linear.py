"""A log-linear choice among candidates: the sum of the weights of a candidate's features, softmax over candidates.

Fitted by maximum likelihood with a Gaussian prior, by Adam over the whole batch: no randomness.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array  # type: ignore[import-untyped]

from benchmarks.data import FOLDS, fold_of
from extractor.parse.parsed import CERTAIN

Weights = NDArray[np.float64]
_BINS = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, CERTAIN, 0.98, 1.01)
_PENALTY = 2.0
_STEPS = 180
_RATE = 0.15


@dataclass(frozen=True, slots=True)
class Guess:
    """Whether one answer was right, and how probable it was said to be."""

    right: bool
    confidence: float


def format_calibration(guesses: Sequence[Guess]) -> str:
    """Share of right answers, over all, among the certain ones, and by the confidence that was stated.

    >>> print(format_calibration([Guess(True, 0.99), Guess(False, 0.4)]))
    2 items, right 0.500; certain 0.500 of them, right among these 1.000
      0.30-0.50      1  0.000
      0.98-1.00      1  1.000
    """
    certain = [guess.right for guess in guesses if guess.confidence >= CERTAIN]
    lines = [
        f"{len(guesses)} items, right {_share(sum(g.right for g in guesses), len(guesses))}; "
        f"certain {_share(len(certain), len(guesses))} of them, right among these {_share(sum(certain), len(certain))}"
    ]
    for low, high in pairwise(_BINS):
        inside = [guess.right for guess in guesses if low <= guess.confidence < high]
        if inside:
            lines.append(f"  {low:.2f}-{min(high, 1):.2f} {len(inside):>6}  {_share(sum(inside), len(inside))}")
    return "\n".join(lines)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "-"


@dataclass(frozen=True, slots=True)
class Choice:
    """The candidates, each by the numbers of its features, and which one is right; None if none is."""

    trial: str
    candidates: tuple[tuple[int, ...], ...]
    right: int | None


def judge(choice: Choice, weights: Weights) -> Guess:
    """Whether the likeliest candidate is the right one, and its probability.

    >>> judge(Choice("x", ((0,), (1,)), 0), np.array([2.0, 2.0]))
    Guess(right=True, confidence=0.5)
    """
    scores = np.array([weights[list(features)].sum() for features in choice.candidates])
    probabilities = np.exp(scores - scores.max())
    best = int(scores.argmax())
    return Guess(best == choice.right, float(probabilities[best] / probabilities.sum()))


def cross_validate(choices: Sequence[Choice], train: Callable[[Sequence[Choice]], Weights]) -> list[Guess]:
    """Every choice judged by weights that were fitted on the trials of the other folds."""
    weights = {fold: train([one for one in choices if fold_of(one.trial) != fold]) for fold in range(FOLDS)}
    return [judge(choice, weights[fold_of(choice.trial)]) for choice in choices]


def fit_weights(choices: Sequence[Choice], features: int, fixed: dict[int, float]) -> Weights:
    """One weight a feature, in nats; those of ``fixed`` are set by hand once the others are fitted.

    >>> weights = fit_weights([Choice("x", ((0,), (1,)), 0)] * 20, 2, {})
    >>> bool(weights[0] > 0 > weights[1])
    True
    """
    usable = [choice for choice in choices if choice.right is not None]
    matrix = _matrix(usable, features)
    sizes = np.array([len(choice.candidates) for choice in usable])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    right = starts + np.array([choice.right for choice in usable])
    weights = _descend(matrix, starts, sizes, matrix[right].sum(0))
    for feature, weight in fixed.items():
        weights[feature] = weight
    return weights


def _matrix(choices: Sequence[Choice], features: int) -> csr_array:
    """One row a candidate, 1 where the feature holds."""
    rows = [sorted(set(candidate)) for choice in choices for candidate in choice.candidates]
    starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    columns = np.array([column for row in rows for column in row], np.int64)
    return csr_array((np.ones(len(columns), np.float32), columns, starts), shape=(len(rows), features))


def _descend(
    matrix: csr_array, starts: NDArray[np.int64], sizes: NDArray[np.int64], observed: NDArray[np.float32]
) -> Weights:
    weights = np.zeros(matrix.shape[1])
    mean, variance = np.zeros_like(weights), np.zeros_like(weights)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    for step in range(1, _STEPS + 1):
        scores = (matrix @ weights.astype(np.float32)).astype(np.float64)
        exponents = np.exp(scores - np.maximum.reduceat(scores, starts)[owner])
        probabilities = exponents / np.add.reduceat(exponents, starts)[owner]
        gradient = matrix.T @ probabilities.astype(np.float32) - observed + _PENALTY * weights
        mean = 0.9 * mean + 0.1 * gradient
        variance = 0.999 * variance + 0.001 * gradient**2
        weights -= _RATE * (mean / (1 - 0.9**step)) / (np.sqrt(variance / (1 - 0.999**step)) + 1e-8)
    return weights
