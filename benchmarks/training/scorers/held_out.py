"""What classifiers say of trials that they have not seen, and how that is made an honest probability."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from sklearn.isotonic import IsotonicRegression

from extractor.parse.scoring import Bag
from extractor.parse.scoring.meanings import WordVectors, read_meanings
from extractor.parse.scoring.probabilities import Calibration, log_probabilities, mix

from .arrays import Array
from .fitting import Fitted, Plan

__all__ = ["Opinions", "calibrate", "fit_shares", "give_opinions", "hold_out"]

_LEAST = 1e-6
_GROUP = 60
_POINTS = 24

FitOne = Callable[[Sequence[Bag], Sequence[str]], Fitted]


@dataclass(frozen=True)
class Opinions:
    """Logarithms of the probabilities that each scorer gives each class; one row a text."""

    classes: tuple[str, ...]
    linear: Array
    meaning: Array


def give_opinions(fitted: Fitted, plan: Plan, bags: Sequence[Bag], vectors: WordVectors) -> Opinions:
    """What the scorers say of texts."""
    meanings = read_meanings(bags, vectors, plan.meanings, plan.switches)
    linear = fitted.linear.score(bags) + meanings @ fitted.direct
    return Opinions(fitted.classes, log_probabilities(linear), log_probabilities(fitted.meaning.score(meanings)))


def hold_out(
    plan: Plan, bags: Sequence[Bag], labels: Sequence[str], folds: Sequence[int], vectors: WordVectors, fit: Callable
) -> Opinions:
    """Opinions on each fold by scorers fitted on the others."""
    classes = tuple(sorted(set(labels)))
    linear, meaning = (np.full((len(bags), len(classes)), np.log(_LEAST)) for _ in range(2))
    for fold in sorted(set(folds)):
        seen = [at for at, other in enumerate(folds) if other != fold]
        unseen = [at for at, other in enumerate(folds) if other == fold]
        fitted = fit(plan, [bags[at] for at in seen], [labels[at] for at in seen], vectors)
        found = give_opinions(fitted, plan, [bags[at] for at in unseen], vectors)
        columns = [classes.index(name) for name in found.classes]
        linear[np.ix_(unseen, columns)] = found.linear
        meaning[np.ix_(unseen, columns)] = found.meaning
    return Opinions(classes, linear, meaning)


def fit_shares(opinions: Sequence[Array], answers: Array) -> tuple[float, ...]:
    """How much each opinion should have to say: the shares under which the labels are likeliest."""

    def surprise(shares: Array) -> float:
        chances = mix(opinions, list(shares))[np.arange(len(answers)), answers]
        return float(-np.log(np.maximum(chances, _LEAST)).mean())

    best = minimize(surprise, np.full(len(opinions), 1 / len(opinions)), method="Nelder-Mead", options={"xatol": 1e-3})
    return tuple(round(float(share), 3) for share in best.x)


def calibrate(stated: Array, right: Array, groups: Iterable[Array]) -> Calibration:
    """How often answers of a stated probability are right, in the group of trials in which they are least often."""
    grid = np.quantile(stated, np.linspace(0, 1, _POINTS))
    grid = np.unique(np.concatenate([grid, 1 - np.geomspace(0.5, 1e-3, _POINTS)]))
    curves = []
    for group in groups:
        order = np.argsort(stated[group], kind="stable")
        lots = np.array_split(order, max(1, len(order) // _GROUP))
        middles = [float(stated[group][lot].mean()) for lot in lots]
        shares = [float(right[group][lot].mean()) for lot in lots]
        rising = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(middles, shares)
        curves.append(rising.predict(grid))
    least = np.min(curves, axis=0)
    return Calibration(grid.astype(np.float32), np.minimum(least, _SUREST).astype(np.float32))


_SUREST = 0.995
