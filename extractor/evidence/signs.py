"""Weigh the evidence for or against a value: its signs and the rules' own estimate.
``evidence/weights/signs.toml`` has a table for each weighed field, with the intercept (``base``)
and the weight of each sign, both in log-odds, and the factor by which the estimate's log-odds are
multiplied (``estimate``). Each member of a list is weighed separately. ``python -m
benchmarks.training.signs`` fits the weights.
"""

import math
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache

import tomli

from extractor.language.book import find_weights

BASE = "base"
ESTIMATE = "estimate"
"""The keys in a table that are not names of signs."""
_LEAST = 0.01
_MOST = 0.99
"""The range to which estimates are clipped."""
_FLOOR = 0.35
"""The lowest confidence. The gold set has too few doubtful values to fit lower confidences."""
_AT_MOST = {
    "words of two meanings": 0.75,
    "a doubtful dose": 0.7,
    "a dose that is never sure": 0.84,
}
"""Maximum confidences set by judgement, for signs that are too rare in the gold set or that always
leave a value doubtful.
"""


def log_odds(estimate: float) -> float:
    """Return the log-odds of an estimate, which is clipped so that the log-odds are finite.

    >>> log_odds(0.5), round(log_odds(1.0), 2), round(log_odds(0.0), 2)
    (0.0, 4.6, -4.6)
    """
    within = min(max(estimate, _LEAST), _MOST)
    return math.log(within / (1 - within))


def is_weighed(field: str) -> bool:
    """Return whether a field, such as ``dosing.route``, has weights."""
    return field in _read_weights()


@lru_cache(maxsize=16384)
def weigh(field: str, signs: tuple[str, ...], estimate: float) -> float:
    """Return the confidence of a value, computed from its signs and its estimate and rounded to
    hundredths.

    The confidence is capped by the signs in ``_AT_MOST`` and is never lower than ``_FLOOR``. Signs
    without a weight are ignored. Raises ``KeyError`` if the field has no weights.
    """
    weights = _read_weights()[field]
    weighed = round(weigh_by(weights, signs, estimate), 2)
    for sign in signs:
        weighed = min(weighed, _AT_MOST.get(sign, _MOST))
    return max(_FLOOR, weighed)


def weigh_by(
    weights: Mapping[str, float], signs: Iterable[str], estimate: float
) -> float:
    """Return the confidence, from 0 to 1, that corresponds to the sum of the intercept, the
    weighted log-odds of the estimate and the weights of the signs. Repeated signs are counted only
    once; signs without a weight are ignored.

    >>> weights = {"base": 0.5, "estimate": 1.0, "no unit": -0.5}
    >>> weigh_by(weights, ["no unit", "an unknown sign"], 0.5)
    0.5
    """
    score = weights[BASE] + weights[ESTIMATE] * log_odds(estimate)
    score += sum(weights.get(sign, 0.0) for sign in {*signs})
    return 1 / (1 + math.exp(-score))


@cache
def _read_weights() -> Mapping[str, Mapping[str, float]]:
    return tomli.loads(find_weights("signs.toml").read_text("utf-8"))
