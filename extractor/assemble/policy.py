"""Whose value stands where the rules and a model differ, and how probable it is.

A capable model has read the lines as a whole: its answer stands. A small model is believed only where counts say so.
``python -m benchmarks.policy`` made the counts in ``policy.toml`` from answers to gold records; they also give the
confidence of a value. A prior is added to them, so that two or three answers do not decide about a field that was
seldom asked.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

from extractor.parse.drafts import CERTAIN

DOUBTFUL = 0.8
"""Readings of the rules with less confidence are guesses."""


class ModelClass(StrEnum):
    """Classes of models, the least trusted first."""

    SMALL = "small"
    CAPABLE = "capable"


@dataclass(frozen=True, slots=True)
class FieldPolicy:
    """Probabilities for one field, from counts.

    ``agree``: a value given by both is right. ``alone``: the model is right where the rules gave no value. ``differ``:
    the rules are right and the model is right, by the confidence of the rules (doubtful, likely, certain). ``silent``:
    the same where the rules say that there is no value and the model found one (unsure, certain). ``trusts_model``:
    the model's answer stands.
    """

    agree: float
    alone: float
    differ: tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
    silent: tuple[tuple[float, float], tuple[float, float]] | None = None
    trusts_model: bool = True

    def when_they_differ(self, confidence: float, *, silent: bool = False) -> tuple[float, float]:
        """Probabilities that the rules and the model are right; ``silent`` if the rules found no value."""
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


SITUATIONS = ("agree", "alone", "doubtful", "likely", "certain", "silent", "silent_certain")
_Counts = tuple[float, ...]
_PRIORS: Mapping[ModelClass, tuple[_Counts, ...]] = {
    ModelClass.CAPABLE: (
        (9.5, 0.5),
        (4.5, 0.5),
        (0.5, 4, 0.5),
        (1, 3.5, 0.5),
        (2, 2.5, 0.5),
        (1, 3.5, 0.5),
        (2, 2.5, 0.5),
    ),
    ModelClass.SMALL: ((1, 2), (1, 2), (3, 1, 1), (4, 0.5, 0.5), (9, 0.5, 0.5), (4, 0.5, 0.5), (9, 0.5, 0.5)),
}
"""Counts assumed in each situation before any answer: right and wrong, or rule, model and neither right.

A small model gives many lines the same answer, so its agreement adds no confidence.
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
    """The policy from counts: by field and situation, how often the rules, the model or neither were right.

    >>> counts = {"dosing.route": {"doubtful": {"rule": 15}}}
    >>> combine_policy(ModelClass.CAPABLE, counts).of("dosing.route").when_they_differ(0.5)
    (0.775, 0.2)
    """
    fields = {field: _combine(model_class, counts) for field, counts in counted.items()}
    return Policy(_combine(model_class, {}), fields, model_class)


def classify_model(name: str) -> ModelClass:
    """The class of a model by its name: small if the name gives a size below seven billion weights.

    >>> [classify_model(name).value for name in ("smollm2-135m", "qwen2.5-coder-1.5b", "llama-3-70B", "gpt-5-mini")]
    ['small', 'small', 'capable', 'capable']
    """
    sizes = [float(number) / (1000 if unit.lower() == "m" else 1) for number, unit in _SIZE.findall(name)]
    return ModelClass.SMALL if sizes and max(sizes) < _CAPABLE_SIZE else ModelClass.CAPABLE


_SIZE = re.compile(r"(?<![A-Za-z\d.])(\d+(?:\.\d+)?)([bm])(?![A-Za-z\d])", re.IGNORECASE)
_CAPABLE_SIZE = 7


def _combine(model_class: ModelClass, counts: Mapping[str, Mapping[str, int]]) -> FieldPolicy:
    shares: dict[str, tuple[float, float]] = {}
    for situation, prior in zip(SITUATIONS, _PRIORS[model_class], strict=True):
        sides = ("right", "wrong") if len(prior) == 2 else ("rule", "model", "neither")
        weights = [assumed + counts.get(situation, {}).get(side, 0) for side, assumed in zip(sides, prior, strict=True)]
        shares[situation] = round(weights[0] / sum(weights), 4), round(weights[1] / sum(weights), 4)
    return FieldPolicy(
        agree=shares["agree"][0],
        alone=shares["alone"][0],
        differ=(shares["doubtful"], shares["likely"], shares["certain"]),
        silent=(shares["silent"], shares["silent_certain"]),
        trusts_model=model_class is ModelClass.CAPABLE,
    )
