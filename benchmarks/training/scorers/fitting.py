"""Fits one classifier on bags with their labels."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse  # type: ignore[import-untyped]
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from extractor.parse.scoring import Bag, NumberedBags
from extractor.parse.scoring.bags import Features
from extractor.parse.scoring.classifier import Classifier
from extractor.parse.scoring.meanings import WordVectors, point
from extractor.parse.scoring.tables import WordTable

from .arrays import Array
from .design import Design, Part, read_design

__all__ = ["Plan", "fit"]

_STEPS = 120


@dataclass(frozen=True)
class Plan:
    """What a classifier reads.

    ``meanings`` are the blocks whose directions count, ``meaning_scale`` how much before anything is learned;
    ``freedom`` is how far weights may go (the C of logistic regression), ``most`` how many features are kept,
    ``others`` how much an item of other areas than the home areas counts.
    """

    name: str
    parts: tuple[Part, ...]
    meanings: tuple[str, ...]
    meaning_scale: float
    freedom: float
    most: int
    others: float = 1.0


def fit(
    plan: Plan, bags: Sequence[Bag], labels: Sequence[str], vectors: WordVectors, counts: Sequence[float] | None = None
) -> Classifier:
    """A classifier from labelled bags, each of which counts once or as much as ``counts`` says, without calibration.

    Nothing in it is random.
    """
    design = read_design(plan.parts, bags)
    meanings = np.hstack([_point(bags, source, vectors) for source in plan.meanings]) * plan.meaning_scale
    inputs = sparse.hstack([design.matrix(bags), sparse.csr_matrix(meanings)]).tocsr()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is stopped early on purpose
        model = LogisticRegression(C=plan.freedom, max_iter=_STEPS, tol=1e-3).fit(inputs, labels, counts)
    known = len(design.factors)
    return Classifier(
        classes=tuple(map(str, model.classes_)),
        features=_keep(design, (model.coef_[:, :known].T * design.factors[:, None]).astype(np.float32), plan.most),
        bias=model.intercept_.astype(np.float32),
        meanings=plan.meanings,
        direct=(model.coef_[:, known:].T * plan.meaning_scale).astype(np.float32),
        vectors=vectors,
    )


def _point(bags: Sequence[Bag], source: str, vectors: WordVectors) -> Array:
    """Where the words of each text point, in one source."""
    table = WordTable((), vectors, 0)
    return np.vstack([point(table.sum(*NumberedBags([{source: bag.get(source, ())}]).find(source))) for bag in bags])


def _keep(design: Design, weights: Array, most: int) -> tuple[Features, ...]:
    """The ``most`` features that change scores most; the rest hardly ever decide."""
    spread = weights.max(axis=1) - weights.min(axis=1)
    kept = np.zeros(len(weights), bool)
    kept[np.argsort(-spread, kind="stable")[:most]] = True
    features, done = [], 0
    for part, names in zip(design.parts, design.features, strict=True):
        rows = np.flatnonzero(kept[done : done + len(names)])
        features.append(Features(part.block, [names[row] for row in rows], weights[done + rows]))
        done += len(names)
    return tuple(features)
