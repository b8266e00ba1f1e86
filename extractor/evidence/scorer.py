"""A trained scorer: see ``evidence/scoring.py``. It needs numpy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from extractor.evidence.drafts import Reading, span_of
from extractor.language.book import find_weights, read_weights, word_list
from extractor.language.passage import Passage, list_word_places
from extractor.language.values import value_class
from extractor.schemas import Support

Features = Sequence[str]
Array = NDArray[np.float32]
_Value = TypeVar("_Value", bound=StrEnum)
_ENOUGH = 0.97
"""Rivals are listed until the chosen class and its rivals reach this combined probability."""
_MOST_RIVALS = 5
_SUREST = 0.995
"""The highest probability that can be measured. Probabilities are rounded to hundredths, because
calibration needs several trials for each distinct value.
"""


@value_class()
class ScoredClass:
    """The most likely class, its probability, and its rivals, most likely first."""

    value: str
    probability: float
    rivals: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Scorer:
    """A log-linear model. ``weights`` has a column for each class and a row for each feature.
    ``rows`` maps each feature to its row; row 0 is for unknown features.

    If ``damped`` is true, scores are divided by the square root of the number of features, so that
    a longer text does not lead to a higher confidence.
    """

    classes: tuple[str, ...]
    rows: Mapping[str, int]
    weights: Array
    bias: Array
    damped: bool = False

    @cached_property
    def _means(self) -> Any:
        return self.weights.mean(axis=1)

    def predict(self, items: Sequence[Features]) -> Array:
        """Return the probability of each class (column) for each item (row).

        >>> scorer = Scorer(
        ...     ("ill", "well"), {"w pain": 1}, np.array([[0, 0], [2, 0]]), np.zeros(2)
        ... )
        >>> scorer.predict([["w pain"], ["w zorp"]]).round(2).tolist()
        [[0.88, 0.12], [0.5, 0.5]]
        """
        return _softmax(self.score(items), axis=1)

    def choose(self, items: Sequence[Features]) -> list[ScoredClass]:
        """Return the most likely class of each item."""
        return _pick(self.classes, self.predict(items))

    def rank(self, candidates: Sequence[Features]) -> list[float]:
        """Return the probability of each candidate. The scorer must have a single class.

        >>> Scorer(("",), {"late": 1}, np.array([[0], [-1]]), np.zeros(1)).rank(
        ...     [["late"], ["early"]]
        ... )[1].__round__(2)
        0.73
        """
        chances: list[float] = _softmax(self.score(candidates)[:, 0], axis=0).tolist()
        return chances

    def score(self, items: Sequence[Features]) -> Array:
        """Return the score of each class (column) for each item (row): the sum of the weights of
        the item's features, plus the bias.
        """
        scores = np.zeros((len(items), len(self.classes)), np.float32)
        for at, features in enumerate(items):
            # without unknown features
            rows = list(filter(None, map(self.rows.get, features)))
            scores[at] = self.weights.take(rows, axis=0).sum(axis=0)
            if self.damped:
                scores[at] /= np.sqrt(len(features) + 1)
        return scores + self.bias

    def classify(
        self,
        values: type[_Value],
        items: Sequence[Features],
        passages: Sequence[Passage],
        chances: Array | None = None,
    ) -> list[Reading[_Value]]:
        """Return the most likely class of each item as an inferred reading. Its span is the word
        that most favours the class.

        Args:
            values: The enumeration whose values are the classes.
            items: The features of each item. The features that begin with ``w`` are the
                ``list_scored_words`` of the item's passage, in order.
            passages: The words of each item. The span is the whole passage if no word favours the
                class, or if the word that most favours it is a function word.
            chances: The probability of each class for each item, if already known; otherwise,
                ``predict`` computes it.
        """
        if chances is None:
            chances = self.predict(items)
        choices = _pick(self.classes, chances)
        readings = []
        for features, passage, choice in zip(items, passages, choices, strict=True):
            word = self._find_word(features, passage, choice.value)
            reading = Reading(
                value=values(choice.value),
                probability=choice.probability,
                spans=(span_of(word or passage),),
                support=Support.INFERRED,
                alternatives=tuple(map(values, choice.rivals)),
            )
            readings.append(reading)
        return readings

    def _find_word(
        self, features: Features, passage: Passage, chosen: str
    ) -> Passage | None:
        """Return the word in a passage that most favours a class: the word whose weight for the
        class exceeds the mean of its weights for all classes by the largest margin. Return None if
        no word favours the class, or if the word is a function word such as "of".
        """
        words = [feature for feature in features if feature.startswith("w ")]
        if not words:
            return None
        rows = [self.rows.get(word, 0) for word in words]
        gains = self.weights[rows, self.classes.index(chosen)] - self._means[rows]
        # the features of words are in the order of the passage's words
        at = list_word_places(passage)[int(gains.argmax())]
        is_function_word = passage.tokens.words[at].lower() in word_list(
            "function_words"
        )
        if is_function_word or gains.max() <= 0:
            return None
        return passage.part(at, at + 1)


def _softmax(scores: Array, axis: int) -> Array:
    raised = np.exp(scores - scores.max(axis=axis, keepdims=True))
    chances: Array = raised / raised.sum(axis=axis, keepdims=True)
    return chances


def _pick(classes: Sequence[str], chances: Array) -> list[ScoredClass]:
    """Return the most likely class in each row of probabilities, with its probability rounded to
    hundredths and its rivals: the next most likely classes, at most ``_MOST_RIVALS``, until the
    combined probability reaches ``_ENOUGH``.
    """
    choices = []
    for row in chances:
        best, *next_best = np.argsort(-row)[: _MOST_RIVALS + 1].tolist()
        rivals: list[str] = []
        combined = row[best]
        for rival in next_best:
            if combined >= _ENOUGH:
                break
            rivals.append(classes[rival])
            combined += row[rival]
        probability = min(round(float(row[best]), 2), _SUREST)
        choices.append(ScoredClass(classes[best], probability, tuple(rivals)))
    return choices


def read_scorer(name: str) -> Scorer:
    """Read the weights file ``NAME.npz`` or, if that is missing, ``NAME.toml``."""
    try:
        trained = find_weights(f"{name}.npz")
    except FileNotFoundError:
        return _make_named(read_weights(name))
    return _read_trained(trained)


def _read_trained(path: Path) -> Scorer:
    """Read a file of trained weights. Each weight is stored as a multiple of ``step``."""
    with path.open("rb") as file, np.load(file) as stored:
        classes = str(stored["classes"]).split("\n")
        names = str(stored["features"]).split("\n")
        weights = stored["weights"].astype(np.float32) * stored["step"]
        return _make_scorer(classes, names, weights, stored["bias"], damped=True)


def _make_named(columns: Mapping[str, Mapping[str, float]]) -> Scorer:
    """Return the scorer of features that were named by hand, whose weights have a column for each
    class.
    """
    names = sorted(set[str]().union(*columns.values()))
    # one row per feature, one column per class
    weights = [[column.get(name, 0.0) for column in columns.values()] for name in names]
    return _make_scorer(
        classes=list(columns),
        names=names,
        weights=np.array(weights, np.float32),
        bias=np.zeros(len(columns), np.float32),
        damped=False,
    )


def _make_scorer(
    classes: Sequence[str],
    names: Sequence[str],
    weights: Array,
    bias: Array,
    *,
    damped: bool,
) -> Scorer:
    """Return a scorer with these weights. A row of zeros is added for unknown features."""
    rows = {name: row for row, name in enumerate(names, 1)}
    padded = np.pad(weights, ((1, 0), (0, 0)))
    return Scorer(tuple(classes), rows, padded, bias, damped)
