"""Fits one classifier: the linear scorer, then the scorer by meaning, on bags with their labels."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from extractor.parse.scoring import Bag
from extractor.parse.scoring.bags import LinearScorer
from extractor.parse.scoring.meanings import MeaningScorer, WordVectors, read_meanings

from .arrays import Array
from .design import Part, read_design

__all__ = ["Fitted", "Plan", "fit"]

_HIDDEN, _NETS, _ROUNDS, _SHRINK = 96, 2, 12, 0.03
_MEANING_SCALE = 0.3
_STEPS = 120


@dataclass(frozen=True)
class Plan:
    """What a classifier reads; ``freedom`` is how far the linear weights may go (the C of logistic regression)."""

    name: str
    parts: tuple[Part, ...]
    meanings: tuple[str, ...]
    switches: tuple[str, ...]
    freedom: float


@dataclass(frozen=True)
class Fitted:
    """The scorers of a classifier, as yet without their shares."""

    classes: tuple[str, ...]
    linear: LinearScorer
    direct: Array
    meaning: MeaningScorer


def fit(plan: Plan, bags: Sequence[Bag], labels: Sequence[str], vectors: WordVectors) -> Fitted:
    """Both scorers from labelled bags. No randomness: the seeds are fixed."""
    design = read_design(plan.parts, bags)
    meanings = read_meanings(bags, vectors, plan.meanings, plan.switches)
    inputs = sparse.hstack([design.matrix(bags), sparse.csr_matrix(meanings * _MEANING_SCALE)]).tocsr()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is stopped early on purpose
        model = LogisticRegression(C=plan.freedom, max_iter=_STEPS, tol=1e-3).fit(inputs, labels)
        nets = [_fit_net(meanings, labels, seed) for seed in range(_NETS)]
    known = len(design.factors)
    weights = model.coef_[:, :known].T * design.factors[:, None]
    return Fitted(
        tuple(model.classes_),
        LinearScorer(
            tuple(part.block for part in plan.parts),
            design.features,
            np.vstack([weights, np.zeros((1, weights.shape[1]))]).astype(np.float32),
            model.intercept_.astype(np.float32),
        ),
        (model.coef_[:, known:].T * _MEANING_SCALE).astype(np.float32),
        _join(nets),
    )


def _fit_net(meanings: Array, labels: Sequence[str], seed: int) -> MLPClassifier:
    net = MLPClassifier((_HIDDEN,), alpha=_SHRINK, max_iter=_ROUNDS, random_state=seed, batch_size=64)
    return net.fit(meanings.astype(np.float32), labels)


def _join(nets: Sequence[MLPClassifier]) -> MeaningScorer:
    """Nets side by side as one, which gives the mean of their scores."""
    return MeaningScorer(
        np.hstack([net.coefs_[0] for net in nets]).astype(np.float32),
        np.concatenate([net.intercepts_[0] for net in nets]).astype(np.float32),
        (np.vstack([net.coefs_[1] for net in nets]) / len(nets)).astype(np.float32),
        (sum(net.intercepts_[1] for net in nets) / len(nets)).astype(np.float32),
    )
