"""What classifiers say of trials that they have not seen, and how that is made an honest probability."""

from collections.abc import Sequence

import numpy as np
from sklearn.isotonic import IsotonicRegression

from extractor.parse.scoring import Bag
from extractor.parse.scoring.meanings import WordVectors
from extractor.parse.scoring.probabilities import Calibration

from .arrays import Array
from .fitting import Plan, fit

__all__ = ["calibrate", "hold_out"]

_LOT = 60
_POINTS = 24
_SUREST = 0.995


def hold_out(
    plan: Plan,
    bags: Sequence[Bag],
    labels: Sequence[str],
    folds: Sequence[int],
    vectors: WordVectors,
    counts: Sequence[float],
) -> tuple[tuple[str, ...], Array]:
    """The classes, and for each text their probabilities by a classifier that was fitted on the other folds."""
    classes = tuple(sorted(set(labels)))
    chances = np.zeros((len(bags), len(classes)))
    for fold in sorted(set(folds)):
        seen = [at for at, other in enumerate(folds) if other != fold]
        unseen = [at for at, other in enumerate(folds) if other == fold]
        classifier = fit(
            plan, [bags[at] for at in seen], [labels[at] for at in seen], vectors, [counts[at] for at in seen]
        )
        columns = [classes.index(name) for name in classifier.classes]
        chances[np.ix_(unseen, columns)] = classifier.weigh([bags[at] for at in unseen]).chances
    return classes, chances


def calibrate(stated: Array, right: Array) -> Calibration:
    """How often answers of a stated probability are right: rises with the probability.

    No answer is called surer than can be measured.

    >>> stated = np.linspace(0, 1, 1000)
    >>> calibrate(stated, stated > 0.5).confidences(np.array([0.9]))
    [0.995]
    """
    order = np.argsort(stated, kind="stable")
    lots = np.array_split(order, max(1, len(order) // _LOT))
    middles = [float(stated[lot].mean()) for lot in lots]
    shares = [float(right[lot].mean()) for lot in lots]
    rising = IsotonicRegression(y_min=0.0, y_max=_SUREST, out_of_bounds="clip").fit(middles, shares)
    grid = np.concatenate([np.quantile(stated, np.linspace(0, 1, _POINTS)), 1 - np.geomspace(0.5, 1e-3, _POINTS)])
    grid = np.unique(grid.astype(np.float32))
    return Calibration(grid, rising.predict(grid).astype(np.float32))
