"""Why an agent is given, decided from its name, the words around it and the arms that name it.

A log-linear model chooses among the roles: ``role_weights.toml`` says how much each feature of
``role_features.py`` counts for each role.
"""

import tomllib
from functools import cache
from importlib.resources import files
from math import exp

from extractor.schemas import Role

from .facts import Statement
from .role_features import describe_role
from .trial import Trial

__all__ = ["read_role"]

_LEAST_SURE = 0.5
"""Every agent has a role: the likeliest one is given, however many compete with it."""


def read_role(statement: Statement, text: str, trial: Trial) -> tuple[Role, float]:
    """The role and the probability that it is right; ``text`` is that of the statement's section."""
    weights, features = _load_weights(), describe_role(statement, text, trial)
    scores = {role: sum(weights[role].get(feature, 0.0) for feature in features) for role in Role if role in weights}
    best = max(scores, key=lambda role: scores[role])
    sure = 1 / sum(exp(score - scores[best]) for score in scores.values())
    return best, max(sure, _LEAST_SURE)


@cache
def _load_weights() -> dict[Role, dict[str, float]]:
    table = tomllib.loads((files(__package__) / "role_weights.toml").read_text("utf-8"))
    return {Role(role): weights for role, weights in table.items()}
