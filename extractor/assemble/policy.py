"""Whom to believe where the rules and a model differ: by field, by how sure the rules are, by the class of the model.

The counts in ``policy.toml`` were made by ``python -m benchmarks.policy`` from answers to gold records. They are read
together with a prior, so that a field which was seldom asked is not judged by two or three answers.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from extractor.parse.parsed import CERTAIN

__all__ = [
    "DOUBTFUL",
    "FieldPolicy",
    "ModelClass",
    "Policy",
    "classify_model",
    "combine_policy",
    "list_situations",
    "load_policy",
]

DOUBTFUL = 0.8
"""Below this confidence a reading of the rules is a guess."""


class ModelClass(StrEnum):
    """How far a model's answers are believed, the least first."""

    SMALL = "small"
    CAPABLE = "capable"


@dataclass(frozen=True, slots=True)
class FieldPolicy:
    """Probabilities for one field, from counts.

    ``agree``: that the value is right which both gave; ``alone``: that a model is right where the rules gave none;
    ``differ``: by the confidence of the rules (doubtful, likely, certain), that they are right and that the model is;
    ``silent``: the same where the rules say that there is nothing and a model found something (unsure, certain).
    """

    agree: float
    alone: float
    differ: tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
    silent: tuple[tuple[float, float], tuple[float, float]] | None = None

    def when_they_differ(self, confidence: float, *, silent: bool = False) -> tuple[float, float]:
        """That the rules are right, who are so sure, and that the model is; ``silent`` if the rules read nothing."""
        if silent and self.silent:
            return self.silent[confidence >= CERTAIN]
        return self.differ[0 if confidence < DOUBTFUL else 1 if confidence < CERTAIN else 2]


@dataclass(frozen=True, slots=True)
class Policy:
    """The policies of all fields for one class of models; ``prior`` is that of a field without counts."""

    prior: FieldPolicy
    fields: Mapping[str, FieldPolicy]
    model_class: ModelClass = ModelClass.CAPABLE

    def of(self, field: str) -> FieldPolicy:
        """The policy of a field, such as ``eligibility.category``."""
        return self.fields.get(field, self.prior)


_DIFFER = ("doubtful", "likely", "certain")
_SILENT = ("silent", "silent_certain")
_PRIORS: Mapping[ModelClass, Mapping[str, Mapping[str, float]]] = {
    ModelClass.CAPABLE: {
        "agree": {"right": 9.5, "wrong": 0.5},
        "alone": {"right": 4.5, "wrong": 0.5},
        "doubtful": {"rule": 1, "model": 3, "neither": 1},
        "likely": {"rule": 2, "model": 2.5, "neither": 0.5},
        "certain": {"rule": 9, "model": 0.5, "neither": 0.5},
        "silent": {"rule": 1.5, "model": 3, "neither": 0.5},
        "silent_certain": {"rule": 2.5, "model": 2, "neither": 0.5},
    },
    ModelClass.SMALL: {
        "agree": {"right": 1, "wrong": 2},
        "alone": {"right": 1, "wrong": 2},
        "doubtful": {"rule": 3, "model": 1, "neither": 1},
        "likely": {"rule": 4, "model": 0.5, "neither": 0.5},
        "certain": {"rule": 9, "model": 0.5, "neither": 0.5},
        "silent": {"rule": 4, "model": 0.5, "neither": 0.5},
        "silent_certain": {"rule": 9, "model": 0.5, "neither": 0.5},
    },
}
"""What is thought of a class of models before anything was counted, worth a few answers. A small model gives many lines
the same answer: that it agrees makes no reading of the rules surer than it was.
"""


@cache
def load_policy(model_class: ModelClass) -> Policy:
    """The policy for a class of models.

    >>> load_policy(ModelClass.SMALL).of("a field that was never asked").when_they_differ(0.9)
    (0.8, 0.1)
    """
    counted = tomllib.loads(files(__package__).joinpath("policy.toml").read_text("utf-8"))
    return combine_policy(model_class, counted.get(model_class, {}))


def combine_policy(model_class: ModelClass, counted: Mapping[str, Mapping[str, Mapping[str, int]]]) -> Policy:
    """The policy from counts: by field and situation, how often who was right.

    >>> counts = {"dosing.route": {"doubtful": {"rule": 15}}}
    >>> combine_policy(ModelClass.CAPABLE, counts).of("dosing.route").when_they_differ(0.5)
    (0.8, 0.15)
    """
    fields = {field: _combine(model_class, counts) for field, counts in counted.items()}
    return Policy(_combine(model_class, {}), fields, model_class)


def list_situations(model_class: ModelClass) -> tuple[str, ...]:
    """The situations that are told apart for a class of models.

    >>> list_situations(ModelClass.SMALL)[:4]
    ('agree', 'alone', 'doubtful', 'likely')
    """
    return tuple(_PRIORS[model_class])


def classify_model(name: str) -> ModelClass:
    """The class of a model by its name: small if the name tells a size below seven billion weights.

    >>> [classify_model(name).value for name in ("smollm2-135m", "qwen2.5-coder-1.5b", "llama-3-70B", "gpt-5-mini")]
    ['small', 'small', 'capable', 'capable']
    """
    sizes = [float(number) / (1000 if unit.lower() == "m" else 1) for number, unit in _SIZE.findall(name)]
    return ModelClass.SMALL if sizes and max(sizes) < _CAPABLE_SIZE else ModelClass.CAPABLE


_SIZE = re.compile(r"(?<![A-Za-z\d.])(\d+(?:\.\d+)?)([bm])(?![A-Za-z\d])", re.IGNORECASE)
_CAPABLE_SIZE = 7


def _combine(model_class: ModelClass, counts: Mapping[str, Any]) -> FieldPolicy:
    both = {
        situation: {who: weight + counts.get(situation, {}).get(who, 0) for who, weight in weights.items()}
        for situation, weights in _PRIORS[model_class].items()
    }
    return _weigh(both)


def _weigh(both: Mapping[str, Mapping[str, float]]) -> FieldPolicy:
    sides = {name: (_share(both[name], "rule"), _share(both[name], "model")) for name in (*_DIFFER, *_SILENT)}
    return FieldPolicy(
        agree=_share(both["agree"], "right"),
        alone=_share(both["alone"], "right"),
        differ=(sides["doubtful"], sides["likely"], sides["certain"]),
        silent=(sides["silent"], sides["silent_certain"]),
    )


def _share(weights: Mapping[str, float], who: str) -> float:
    return round(weights[who] / sum(weights.values()), 4)
