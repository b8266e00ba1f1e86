"""How probable an answer of a model is, by its field and by what the rules read there.

``python -m benchmarks.policy`` counted in ``policy.toml`` how often answers to gold records were right. A prior is
added to the counts, so that two or three answers do not decide about a field that was seldom asked.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from extractor.parse.drafts import CERTAIN, Reading

DOUBTFUL = 0.8
"""Readings of the rules with less confidence are guesses."""
AGREE, ALONE = "agree", "alone"
_PRIORS: Mapping[str, tuple[float, float]] = {
    AGREE: (9.5, 0.5),
    ALONE: (4.5, 0.5),
    "doubtful": (4, 1),
    "likely": (3.5, 1.5),
    "certain": (2.5, 2.5),
    "silent": (3.5, 1.5),
    "silent_certain": (2.5, 2.5),
}
SITUATIONS = tuple(_PRIORS)
"""What the rules read where a model answers: the same value, nothing that is sure, another value (with a confidence
that is doubtful, likely or certain), or that there is none. Each with counts assumed before any answer, of right and
of wrong ones."""
Counts = Mapping[str, Mapping[str, Mapping[str, int]]]
"""By field and situation, how often who was right: the model (``right`` where both agree), the rules, or neither."""


def name_situation(rule: Reading[object]) -> str:
    """The situation of an answer that differs from what the rules read."""
    if rule.is_open:
        return ALONE
    if rule.value is None or rule.value == ():
        return "silent_certain" if rule.certain else "silent"
    return "doubtful" if rule.confidence < DOUBTFUL else "certain" if rule.confidence >= CERTAIN else "likely"


@cache
def share_right(field: str, situation: str) -> float:
    """The share of a model's answers that are right, of a field such as ``eligibility.category``.

    >>> share_right("a field that was never asked", "alone")
    0.9
    """
    return combine(_load_counts(), field, situation)


def combine(counts: Counts, field: str, situation: str) -> float:
    """The share of right answers among these counts and those assumed.

    >>> combine({"dosing.route": {"doubtful": {"rule": 15}}}, "dosing.route", "doubtful")
    0.2
    """
    found, (right, wrong) = counts.get(field, {}).get(situation, {}), _PRIORS[situation]
    right += found.get("right", 0) + found.get("model", 0)
    return round(right / (right + wrong + sum(found.values()) - found.get("right", 0) - found.get("model", 0)), 4)


@cache
def _load_counts() -> Counts:
    return tomllib.loads((files(__package__) / "policy.toml").read_text("utf-8"))
