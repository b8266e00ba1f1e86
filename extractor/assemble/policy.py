"""Whom to believe where the rules and a model differ: by field, by how sure the rules are, by the class of the model.

A model that was tuned on this program's questions says how sure it is of each value, and is believed by that, too. The
counts in ``policy.toml`` were made by ``python -m benchmarks.policy`` from answers to gold records, those of tuned
models by ``python -m training.judge`` from answers about labelled lines. They are read together with a prior, so that a
field which was seldom asked is not judged by two or three answers.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
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
    "name_situation",
]

DOUBTFUL = 0.8
"""Below this confidence a reading of the rules is a guess."""


_LEVELS = ("low", "mid", "high")
_MID, _HIGH = 0.6, 0.9
"""How sure a tuned model must be of a value for the middle level, and for the high one."""


class ModelClass(StrEnum):
    """How far a model's answers are believed, the least first. ``tuned``: as far as it is sure of them itself."""

    SMALL = "small"
    TUNED = "tuned"
    CAPABLE = "capable"


@dataclass(frozen=True, slots=True)
class FieldPolicy:
    """Probabilities for one field, from counts.

    ``agree``: that the value is right which both gave; ``alone``: that a model is right where the rules gave none;
    ``differ``: by the confidence of the rules (doubtful, likely, certain), that they are right and that the model is;
    ``silent``: the same where the rules say that there is nothing and a model found something (unsure, certain).

    ``levels`` are the same by how sure the model is (low, mid, high), for a model that says it; a value of which that
    is unknown is of the lowest.
    """

    agree: float
    alone: float
    differ: tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
    silent: tuple[tuple[float, float], tuple[float, float]] | None = None
    levels: tuple["FieldPolicy", ...] = ()

    def when_they_agree(self, sureness: float | None = None) -> float:
        """That both are right, the model being so sure."""
        return self._at(sureness).agree

    def when_alone(self, sureness: float | None = None) -> float:
        """That the model is right, which is so sure, where the rules gave nothing."""
        return self._at(sureness).alone

    def when_they_differ(
        self, confidence: float, *, silent: bool = False, sureness: float | None = None
    ) -> tuple[float, float]:
        """That the rules are right, who are so sure, and that the model is; ``silent`` if the rules read nothing."""
        found = self._at(sureness)
        if silent and found.silent:
            return found.silent[confidence >= CERTAIN]
        return found.differ[0 if confidence < DOUBTFUL else 1 if confidence < CERTAIN else 2]

    def _at(self, sureness: float | None) -> "FieldPolicy":
        return self.levels[_find_level(sureness)] if self.levels else self


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
    ModelClass.TUNED: {
        "agree_low": {"right": 1, "wrong": 2},
        "agree_mid": {"right": 1, "wrong": 2},
        "agree_high": {"right": 1, "wrong": 2},
        "alone_low": {"right": 1.5, "wrong": 3.5},
        "alone_mid": {"right": 2.25, "wrong": 2.75},
        "alone_high": {"right": 3, "wrong": 2},
        "doubtful_low": {"rule": 3.5, "model": 0.75, "neither": 0.75},
        "doubtful_mid": {"rule": 3, "model": 1.5, "neither": 0.5},
        "doubtful_high": {"rule": 2.5, "model": 2.25, "neither": 0.25},
        "likely_low": {"rule": 4, "model": 0.5, "neither": 0.5},
        "likely_mid": {"rule": 3.75, "model": 0.75, "neither": 0.5},
        "likely_high": {"rule": 3, "model": 1.5, "neither": 0.5},
        "certain_low": {"rule": 9, "model": 0.5, "neither": 0.5},
        "certain_mid": {"rule": 9, "model": 0.5, "neither": 0.5},
        "certain_high": {"rule": 9, "model": 0.5, "neither": 0.5},
        "silent_low": {"rule": 4, "model": 0.5, "neither": 0.5},
        "silent_mid": {"rule": 3.25, "model": 1.25, "neither": 0.5},
        "silent_high": {"rule": 2.5, "model": 2.25, "neither": 0.25},
        "silent_certain_low": {"rule": 9, "model": 0.5, "neither": 0.5},
        "silent_certain_mid": {"rule": 9, "model": 0.5, "neither": 0.5},
        "silent_certain_high": {"rule": 4, "model": 0.5, "neither": 0.5},
    },
}
"""What is thought of a class of models before anything was counted, worth a few answers. A small model gives many lines
the same answer: that it agrees makes no reading of the rules surer than it was. Nor does a tuned one until counts say
so, and where it is sure and the rules are in doubt, both are about as likely right; then the rules' value stands.
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

    >>> list_situations(ModelClass.TUNED)[:4]
    ('agree_low', 'agree_mid', 'agree_high', 'alone_low')
    """
    return tuple(_PRIORS[model_class])


def name_situation(situation: str, model_class: ModelClass, sureness: float | None = None) -> str:
    """The situation as it is counted for a class of models, of which one is so sure of its value.

    >>> name_situation("doubtful", ModelClass.TUNED, 0.95), name_situation("doubtful", ModelClass.SMALL, 0.95)
    ('doubtful_high', 'doubtful')
    """
    return f"{situation}_{_LEVELS[_find_level(sureness)]}" if model_class is ModelClass.TUNED else situation


def classify_model(name: str) -> ModelClass:
    """The class of a model by its name: tuned if this program tuned it, small if the name tells a size below seven
    billion weights.

    >>> [classify_model(name).value for name in ("smollm2-135m", "qwen2.5-coder-1.5b", "llama-3-70B", "gpt-5-mini")]
    ['small', 'small', 'capable', 'capable']
    >>> classify_model("registry-135m").value
    'tuned'
    """
    if name.lower().startswith(_TUNED):
        return ModelClass.TUNED
    sizes = [float(number) / (1000 if unit.lower() == "m" else 1) for number, unit in _SIZE.findall(name)]
    return ModelClass.SMALL if sizes and max(sizes) < _CAPABLE_SIZE else ModelClass.CAPABLE


_SIZE = re.compile(r"(?<![A-Za-z\d.])(\d+(?:\.\d+)?)([bm])(?![A-Za-z\d])", re.IGNORECASE)
_CAPABLE_SIZE = 7
_TUNED = "registry-"


def _find_level(sureness: float | None) -> int:
    return 0 if sureness is None or sureness < _MID else 1 if sureness < _HIGH else 2


def _combine(model_class: ModelClass, counts: Mapping[str, Any]) -> FieldPolicy:
    both = {
        situation: {who: weight + counts.get(situation, {}).get(who, 0) for who, weight in weights.items()}
        for situation, weights in _PRIORS[model_class].items()
    }
    if model_class is not ModelClass.TUNED:
        return _weigh(both)
    levels = tuple(_weigh(both, f"_{level}") for level in _LEVELS)
    return replace(levels[0], levels=levels)


def _weigh(both: Mapping[str, Mapping[str, float]], level: str = "") -> FieldPolicy:
    sides = {
        name: (_share(both[name + level], "rule"), _share(both[name + level], "model")) for name in (*_DIFFER, *_SILENT)
    }
    return FieldPolicy(
        agree=_share(both[f"agree{level}"], "right"),
        alone=_share(both[f"alone{level}"], "right"),
        differ=(sides["doubtful"], sides["likely"], sides["certain"]),
        silent=(sides["silent"], sides["silent_certain"]),
    )


def _share(weights: Mapping[str, float], who: str) -> float:
    return round(weights[who] / sum(weights.values()), 4)
