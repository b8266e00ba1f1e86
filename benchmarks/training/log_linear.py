"""A log-linear model of choices: a softmax over the summed feature weights of the candidates.

The weights are fitted by maximum likelihood with a Gaussian prior, using Adam on the full batch, so
the result is deterministic.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from sklearn.feature_extraction import DictVectorizer

from benchmarks.data import FOLDS, fold_of
from extractor.evidence.drafts import CERTAIN

Weights = Mapping[str, float]
_STEPS = 180
_RATE = 0.15


class Choice(NamedTuple):
    """The features of each candidate, and the index of the right candidate; None if none is right."""

    trial: str
    candidates: Sequence[Sequence[str]]
    right: int | None


class Plan(NamedTuple):
    """The settings of a fit.

    Features that fewer than ``rare`` candidates have get no weight, and weights below ``least`` are
    not written. ``penalty`` is the precision of the prior. ``by_hand`` contains the weights of
    features that are too rare to be fitted well. ``tables`` are the prefixes of features that are
    written to separate tables.
    """

    rare: int
    least: float
    penalty: float
    by_hand: Weights = MappingProxyType({})
    tables: Sequence[str] = ()


class Guess(NamedTuple):
    """Whether an answer was right, and its confidence."""

    right: bool
    confidence: float


def format_calibration(guesses: Sequence[Guess]) -> str:
    """Format the share of right answers, overall and among the certain answers.

    >>> print(format_calibration([Guess(True, 0.99), Guess(False, 0.4)]))
    2 items, right 0.500; certain 0.500 of them, right among these 1.000
    """
    certain = [guess.right for guess in guesses if guess.confidence >= CERTAIN]
    right = sum(guess.right for guess in guesses)
    number = max(1, len(guesses))
    among = sum(certain) / max(1, len(certain))
    share = len(certain) / number
    shares = f"certain {share:.3f} of them, right among these {among:.3f}"
    return f"{len(guesses)} items, right {right / number:.3f}; {shares}"


def judge(choice: Choice, weights: Weights) -> Guess:
    """Return whether the most likely candidate is right, and its probability.

    >>> judge(Choice("x", [["a"], ["b"]], 0), {"a": 2.0, "b": 2.0})
    Guess(right=True, confidence=0.5)
    """
    scores = np.zeros(len(choice.candidates))
    for place, features in enumerate(choice.candidates):
        scores[place] = sum(weights.get(feature, 0.0) for feature in features)
    probabilities = np.exp(scores - scores.max())
    best = int(scores.argmax())
    return Guess(best == choice.right, float(probabilities[best] / probabilities.sum()))


def cross_validate(choices: Sequence[Choice], plan: Plan) -> list[Guess]:
    """Judge every choice with weights that were fitted on the trials in the other folds."""
    weights = {}
    for fold in range(FOLDS):
        others = [choice for choice in choices if fold_of(choice.trial) != fold]
        weights[fold] = fit(others, plan)
    return [judge(choice, weights[fold_of(choice.trial)]) for choice in choices]


def fit(choices: Sequence[Choice], plan: Plan) -> Weights:
    """Fit the weight of each feature, in nats.

    >>> choices = [Choice("x", [["a"], ["b"]], 0)] * 20
    >>> weights = fit(choices, Plan(1, 0.05, 2.0))
    >>> bool(weights["a"] > 0 > weights["b"])
    True
    """
    counts: Counter[str] = Counter()
    for choice in choices:
        for candidate in choice.candidates:
            counts.update(set(candidate))
    kept = {feature for feature, count in counts.items() if count >= plan.rare}
    usable = [choice for choice in choices if choice.right is not None]
    rows = [
        dict.fromkeys(kept.intersection(candidate), 1)
        for choice in usable
        for candidate in choice.candidates
    ]
    vectorizer = DictVectorizer(dtype=np.float32)
    # One row per candidate, 1 where it has the feature.
    matrix = vectorizer.fit_transform(rows)
    sizes = np.array([len(choice.candidates) for choice in usable])
    starts = np.cumsum([0, *sizes])[:-1]
    right = starts + np.array([choice.right for choice in usable])
    observed = np.asarray(matrix[right].sum(0)).ravel()
    owner = np.repeat(np.arange(len(sizes)), sizes)
    weights, mean, variance = np.zeros((3, matrix.shape[1]))
    for step in range(1, _STEPS + 1):
        scores = (matrix @ weights.astype(np.float32)).astype(np.float64)
        exponents = np.exp(scores - np.maximum.reduceat(scores, starts)[owner])
        probabilities = exponents / np.add.reduceat(exponents, starts)[owner]
        predicted = matrix.T @ probabilities.astype(np.float32)
        gradient = predicted - observed + plan.penalty * weights
        mean = 0.9 * mean + 0.1 * gradient
        variance = 0.999 * variance + 0.001 * gradient**2
        spread = np.sqrt(variance / (1 - 0.999**step)) + 1e-8
        weights = weights - _RATE * (mean / (1 - 0.9**step)) / spread
    names = vectorizer.get_feature_names_out()
    fitted = dict(zip(names, map(float, weights), strict=True))
    return fitted | dict(plan.by_hand)


def format_weights(weights: Weights, plan: Plan) -> str:
    """Format weights as TOML, without negligible ones.

    >>> weights = {"t:last": 1.234, "n:verb": 0.01}
    >>> print(format_weights(weights, Plan(1, 0.05, 2.0)), end="")
    "t:last" = 1.23
    >>> print(format_weights(weights, Plan(1, 0.05, 2.0, tables=("t",))), end="")
    [t]
    "last" = 1.23
    """
    texts = []
    for table in plan.tables or ("",):
        start = f"{table}:" if table else ""
        text = f"[{table}]\n" if table else ""
        for name, weight in sorted(weights.items()):
            rounded = round(weight, 2)
            if name.startswith(start) and abs(rounded) >= plan.least:
                text += f"{json.dumps(name.removeprefix(start))} = {rounded}\n"
        texts.append(text)
    return "\n".join(texts)


def fit_file(
    choices: Sequence[Choice], plan: Plan, path: Path | None, head: str
) -> None:
    """Print held-out figures and, if there is a path, write the weights fitted on all choices."""
    print("Held out by trial:", format_calibration(cross_validate(choices, plan)))
    if path:
        path.write_text(head + format_weights(fit(choices, plan), plan), "utf-8")
