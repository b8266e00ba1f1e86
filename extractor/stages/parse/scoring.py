"""Learned scorers, and the calibration of confidences.

A reader names the features of an item; a scorer has a weight for each feature and class. ``predict`` adds the weights
and turns the scores into probabilities. A feature is any text: ``"w asthma"`` for a word, ``"rule up_to"`` for a
fact. Features without weights add nothing. The weights are in ``rulebook/weights/``:

- ``NAME.npz`` has tens of thousands of features, trained by ``benchmarks.training.scorers``;
- ``NAME.toml`` has features named by hand: ``feature = weight`` to choose among candidates (``Scorer.rank``), or a
  table ``[class]`` of such lines for each class (``Scorer.choose``).

A confidence comes from these places, in this order, and from no other. No finding of the audit changes one.

1. The estimate. A scorer gives the probability of its class, at most 0.995. Any other reader gives the number of its
   case in ``rulebook/weights/measured.toml`` (``measured``), the least of several cases. Entries of ``rulebook/terms``
   and the marks of ``parse/dosing`` lower it where their words are doubtful.
2. ``calibrate_record`` maps the estimate to the share right, by field (``calibration.toml``). A regimen is as sure as
   its agent.
3. ``assemble/resolve.py`` takes it, or with a model's answer the share right of such pairs (``assemble/policy.toml``).
   ``MODEL_CONFIDENCE`` only stands in for an answer until then.
4. ``assemble`` lowers it: an age unlike the registered one (``items.py``), an amount beyond all that anybody is given
   (``dosing.py``), a value that its words do not bear out, or whose item is less sure (``provenance.py``).
5. An item is as sure as its least sure field; empty fields count, too.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from extractor.schemas import Support, Task
from extractor.text.book import read_table, word_list
from extractor.text.passage import Passage

from .drafts import Draft, Reading, span_of
from .parsed import ParsedRecord

WEIGHTS = files("extractor") / "rulebook" / "weights"
Features = Sequence[str]
Array = NDArray[np.float32]
_Value = TypeVar("_Value", bound=StrEnum)
_ENOUGH, _MOST_RIVALS = 0.97, 5
"""The total probability of the listed rivals, and the most rivals."""
_SUREST = 0.995
"""The highest confidence that can be measured. Steps are hundredths, because calibration needs trials for each."""
_COMPARED = frozenset("<>=≤≥%")
Curve = tuple[tuple[float, float], ...]
"""Pairs of stated confidence and share right, both rising."""
CURVES = files(__package__) / "calibration.toml"
_OF_PEOPLE = frozenset(f"eligibility.{name}" for name in ("minimum_age", "maximum_age", "healthy_volunteers"))
"""Fields whose doubtful cases are too rare in gold for a curve: below its first knot, the measured share stands."""
FOUND, NOTHING = "found", "nothing"
"""The curves of a field: for values found, and for empty or False values."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The likeliest class, its probability, and its rivals, likeliest first."""

    value: str
    confidence: float
    rivals: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Scorer:
    """A log-linear model. ``weights`` has a row per feature of ``rows``, row 0 for all others, and a column per class.

    ``damped`` scores are divided by the square root of the number of features, so that length adds no confidence.
    """

    classes: tuple[str, ...]
    rows: Mapping[str, int]
    weights: Array
    bias: Array
    damped: bool = False

    def predict(self, items: Sequence[Features]) -> Array:
        """Return the probability of each class (column) for each item (row).

        >>> scorer = Scorer(("ill", "well"), {"w pain": 1}, np.array([[0, 0], [2, 0]]), np.zeros(2))
        >>> scorer.predict([["w pain"], ["w zorp"]]).round(2).tolist()
        [[0.88, 0.12], [0.5, 0.5]]
        """
        return _softmax(self.score(items), axis=1)

    def choose(self, items: Sequence[Features]) -> list[Choice]:
        """Return the likeliest class of each item."""
        return _pick(self.classes, self.predict(items))

    def rank(self, candidates: Sequence[Features]) -> list[float]:
        """Return the probability of each candidate, for weights without classes.

        >>> Scorer(("",), {"late": 1}, np.array([[0], [-1]]), np.zeros(1)).rank([["late"], ["early"]])[1].__round__(2)
        0.73
        """
        chances: list[float] = _softmax(self.score(candidates)[:, 0], axis=0).tolist()
        return chances

    def score(self, items: Sequence[Features]) -> Array:
        """Return the score of each class (column) of each item (row)."""
        if not items:
            return np.zeros((0, len(self.classes)), np.float32)
        rows: list[int] = []
        starts: list[int] = []
        find = self.rows.get
        for features in items:
            starts.append(len(rows))
            rows.append(0)
            rows += filter(None, map(find, features))
        scores: Array = np.add.reduceat(self.weights.take(rows, axis=0), starts, axis=0)
        if self.damped:
            scores /= np.sqrt([[len(features) + 1] for features in items])
        return scores + self.bias

    def classify(
        self, values: type[_Value], items: Sequence[Features], passages: Sequence[Passage], chances: Array | None = None
    ) -> list[Reading[_Value]]:
        """Return the likeliest class of each item as one of the ``values``, with the word that most favours it.

        The features ``w`` of an item are the ``list_words`` of its passage. For a function word, the span is the
        whole passage. ``chances`` replaces the result of ``predict``.
        """
        readings = []
        found = _pick(self.classes, self.predict(items) if chances is None else chances)
        for features, passage, choice in zip(items, passages, found, strict=True):
            place = self.find_reason([feature for feature in features if feature.startswith("w ")], choice.value)
            at = _list_places(passage)[place] if place is not None else None
            idle = at is None or passage.tokens.words[at].lower() in word_list("function_words")
            spans = (span_of(passage if at is None or idle else passage.part(at, at + 1)),)
            rivals = tuple(map(values, choice.rivals))
            readings.append(Reading(values(choice.value), choice.confidence, spans, Support.INFERRED, rivals))
        return readings

    def find_reason(self, features: Features, chosen: str) -> int | None:
        """Return the index of the feature that most favours a class over the others, or None."""
        weights = self.weights.take([self.rows.get(feature, 0) for feature in features], axis=0)
        gains = weights[:, self.classes.index(chosen)] - weights.mean(axis=1)
        best = int(gains.argmax()) if features else -1
        return best if features and gains[best] > 0 else None


def _softmax(scores: Array, axis: int) -> Array:
    raised = np.exp(scores - scores.max(axis=axis, keepdims=True))
    chances: Array = raised / raised.sum(axis=axis, keepdims=True)
    return chances


def _pick(classes: Sequence[str], chances: Array) -> list[Choice]:
    """Return the likeliest class in each row of probabilities."""
    choices = []
    order = np.argsort(-chances, axis=1)[:, : _MOST_RIVALS + 1]
    ordered = np.take_along_axis(chances, order, axis=1)
    wanted = (np.cumsum(ordered, axis=1) < _ENOUGH).sum(axis=1)
    for (best, *others), chance, count in zip(order.tolist(), ordered[:, 0].tolist(), wanted.tolist(), strict=True):
        rivals = tuple(classes[one] for one in others[:count])
        choices.append(Choice(classes[best], min(round(chance, 2), _SUREST), rivals))
    return choices


@cache
def load_scorer(name: str) -> Scorer:
    """Return a scorer in ``rulebook/weights``, cached. Raises ``FileNotFoundError`` for an unknown name."""
    packed = WEIGHTS / f"{name}.npz"
    return read_scorer(packed if packed.is_file() else WEIGHTS / f"{name}.toml")


def read_scorer(path: Traversable) -> Scorer:
    """Read a file of weights, ``.npz`` or ``.toml``."""
    if path.name.endswith(".npz"):
        with path.open("rb") as file, np.load(file) as stored:
            classes, names = (str(stored[name]).split("\n") for name in ("classes", "features"))
            known = stored["weights"].astype(np.float32) * stored["step"]  # weights are stored as multiples of a step
            bias = stored["bias"]
    else:
        table = tomllib.loads(path.read_text("utf-8"))
        columns = table if all(isinstance(one, dict) for one in table.values()) else {"": table}
        classes, names = list(columns), sorted({name for column in columns.values() for name in column})
        known = np.array([[column.get(name, 0.0) for column in columns.values()] for name in names], np.float32)
        bias = np.zeros(len(columns), np.float32)
    weights = np.vstack([np.zeros((1, len(classes)), np.float32), known])
    rows = {name: row for row, name in enumerate(names, 1)}
    return Scorer(tuple(classes), rows, weights, bias, damped=path.name.endswith(".npz"))


@cache
def measured(field: str, case: str) -> float:
    """Return the share of right readings in such a case, from ``rulebook/weights/measured.toml``.

    Counts become the share with one more wrong reading, in hundredths. Raises ``KeyError`` for a case that was not
    measured.

    >>> measured("criterion", "listed, ends with a colon")
    0.88
    """
    found = read_table("weights/measured")[field][case]
    return found if isinstance(found, float) else int(100 * found[0] / (found[1] + 1)) / 100


def list_words(passage: Passage) -> list[str]:
    """Return the words of a passage in lower case, ``0`` for each number, and signs of comparison.

    >>> list_words(read_passage("Age ≥ 18.5 years (CD19)"))
    ['age', '≥', '0', 'years', 'cd', '0']
    """
    words = passage.tokens.words
    return ["0" if words[at][-1].isdigit() else words[at].lower() for at in _list_places(passage)]


def _list_places(passage: Passage) -> list[int]:
    words = passage.tokens.words
    return [at for at in range(passage.first, passage.end) if words[at][-1].isalnum() or words[at] in _COMPARED]


def calibrate_record(parsed: ParsedRecord) -> ParsedRecord:
    """Calibrate all confidences. Open readings, and readings of fields without a curve, stay unchanged."""
    return replace(
        parsed,
        whole=_calibrate(parsed.whole),
        criteria=tuple(map(_calibrate, parsed.criteria)),
        regimens=tuple(map(_calibrate, parsed.regimens)),
        outcomes=tuple(map(_calibrate, parsed.outcomes)),
    )


def apply_curve(curve: Curve, stated: float) -> float:
    """Return the calibrated confidence: linear between the knots of the curve, constant beyond them.

    Below the knot of a curve that has only one, it falls in proportion: too few values are lower to know their share.

    >>> apply_curve(((0.5, 0.4), (0.9, 0.8)), 0.7), apply_curve(((0.5, 0.4), (0.9, 0.8)), 1.0)
    (0.6, 0.8)
    >>> apply_curve(((0.9, 0.8),), 0.45)
    0.4
    """
    stated_knots, right = zip(*curve, strict=True)
    lowered = min(1.0, stated / stated_knots[0]) if len(curve) == 1 else 1.0
    return round(float(np.interp(stated, stated_knots, right)) * lowered, 4)


def _calibrate(item: Draft) -> Draft:
    rules: dict[str, Reading[Any]] = {}
    for name, reading in item.rules.items():
        confidence = _confidence(f"{item.group}.{name}", FOUND if reading.value else NOTHING, reading.confidence)
        rules[name] = reading if confidence == reading.confidence else replace(reading, confidence=confidence)
    if item.group == Task.DOSING:  # a regimen is as sure as its agent
        sure = _confidence("dosing.regimens", FOUND, item.rules["agent"].confidence)
        rules["stands"] = Reading(value=True, confidence=sure)
    return replace(item, rules=rules)


@lru_cache(maxsize=8192)
def _confidence(field: str, found: str, stated: float) -> float:
    curve = _curves().get(field, {}).get(found)
    rare = field in _OF_PEOPLE and found == FOUND and curve and stated < curve[0][0]
    if not curve or not stated or rare:
        return stated
    return apply_curve(curve, stated)


@cache
def _curves() -> Mapping[str, Mapping[str, Curve]]:
    return tomllib.loads(CURVES.read_text("utf-8"))
