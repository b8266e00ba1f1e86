"""Weighs the evidence for or against a value: its signs and the rules' own estimate.
``evidence/weights/signs.toml`` has a table for each weighed field: ``base`` and the weight of each
sign, in log-odds, and the weight of the estimate's log-odds. Each member of a list is weighed
separately. ``python -m benchmarks.training.signs`` fits the weights.
"""

import math
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache

from extractor.language.book import find_weights

BASE = "base"
ESTIMATE = "estimate"
"""Keys in a table that are not signs."""
_LEAST = 0.01
_MOST = 0.99
"""Estimates outside this range are clipped to it."""
_FLOOR = 0.35
"""The lowest confidence. The gold set has too few doubtful values to justify omitting a value."""
_AT_MOST = {
    "words of two meanings": 0.75,
    "a doubtful dose": 0.7,
    "a dose that is never sure": 0.84,
}
"""Maximum confidences set by judgement, for signs that are too rare in the gold set or that always
leave a value doubtful.
"""


def log_odds(estimate: float) -> float:
    """Return the log-odds of an estimate, clipped so that they are finite.

    >>> log_odds(0.5), round(log_odds(1.0), 2)
    (0.0, 4.6)
    """
    within = min(max(estimate, _LEAST), _MOST)
    return math.log(within / (1 - within))


def is_weighed(field: str) -> bool:
    """Return whether the values of a field are weighed: ``dosing.route``."""
    return field in _read_weights()


@lru_cache(maxsize=16384)
def weigh(field: str, signs: tuple[str, ...], estimate: float) -> float:
    """Return the confidence of a value, rounded to hundredths, from the weights of its signs and
    its estimate. It is at most the limit of its signs in ``_AT_MOST``, and at least ``_FLOOR``.
    Signs without a weight are ignored. Raises ``KeyError`` for a field without weights.
    """
    weights = _read_weights()[field]
    weighed = round(weigh_by(weights, signs, estimate), 2)
    for sign in signs:
        weighed = min(weighed, _AT_MOST.get(sign, _MOST))
    return max(_FLOOR, weighed)


def weigh_by(
    weights: Mapping[str, float], signs: Iterable[str], estimate: float
) -> float:
    """Return the confidence, from 0 to 1, that results from adding the weighted log-odds of the
    estimate and the weights of the signs. Each sign counts once; signs without a weight are
    ignored.

    >>> weights = {"base": 0.5, "estimate": 1.0, "no unit": -0.5}
    >>> weigh_by(weights, ["no unit", "an unknown sign"], 0.5)
    0.5
    """
    score = weights[BASE] + weights[ESTIMATE] * log_odds(estimate)
    score += sum(weights.get(sign, 0.0) for sign in {*signs})
    return 1 / (1 + math.exp(-score))


@cache
def _read_weights() -> Mapping[str, Mapping[str, float]]:
    return tomllib.loads(find_weights("signs.toml").read_text("utf-8"))
