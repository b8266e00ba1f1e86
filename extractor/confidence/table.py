"""Read ``table.toml``: the features of each field, their meanings and what they count."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import tomli

Curve = tuple[tuple[float, float], ...]
"""Pairs of a scorer's probability and the share of right values. Both rise from pair to pair."""
FILE = files(__package__) / "table.toml"
EMPTY = ", none"
"""The end of the name of a field without a value."""
ANSWERS = "answers"
CUSTOM = "custom"
"""The names that stand for all answers of a model, and for all values of users' own fields."""
_TASKS = ("eligibility", "dosing", "endpoints")


class UnknownFeatureError(LookupError):
    """A reader named a feature that the table does not have."""


class UnfittedFeatureError(ValueError):
    """A feature has a prior, but no weight: it would count nothing."""


@dataclass(frozen=True)
class FieldTable:
    """What features count for one field.

    Attributes:
        means: The meaning of each feature that the field may have.
        level: The log-odds of a value without features; None if the weights do not apply.
        probability: The weight of the log-odds of a probability.
        curve: The share of right values at each probability; empty if there is none.
        weights: The log-odds that each feature adds.
        most: The maximum confidence of a value with each feature.
        unfitted: The features with a prior that are not fitted yet. Only weights count.
    """

    means: Mapping[str, str] = field(default_factory=dict)
    level: float | None = None
    probability: float = 0.0
    curve: Curve = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    most: Mapping[str, float] = field(default_factory=dict)
    unfitted: frozenset[str] = frozenset()


@cache
def read_field_tables() -> Mapping[str, FieldTable]:
    """Return the table of each field, such as ``dosing.route``. A field without a value has a table
    of its own, ``dosing.route, none``.
    """
    tables: dict[str, FieldTable] = {}
    for name, section in _read_file().items():
        if name not in ("note", ANSWERS):
            for short, numbers in section["fields"].items():
                tables[short] = make_table(short, numbers, section["features"])
    return tables


@cache
def read_answer_shares() -> Mapping[str, Mapping[str, float]]:
    """Return the share of right answers by field and situation."""
    answers: Mapping[str, Mapping[str, float]] = _read_file()[ANSWERS]
    return answers


@cache
def _read_file() -> Mapping[str, Any]:
    return tomli.loads(FILE.read_text("utf-8"))


def shorten(path: str) -> str:
    """Return the name of a field in the table: its path without the task.

    >>> shorten("eligibility.criteria.kind"), shorten("dosing.route")
    ('criteria.kind', 'route')
    """
    task, _, rest = path.partition(".")
    if task in _TASKS:
        return rest
    return path


def make_table(
    name: str, numbers: Mapping[str, Any], features: Mapping[str, Any]
) -> FieldTable:
    """Return the table of the field ``name``, from its numbers and the features of its section."""
    means: dict[str, str] = {}
    weights: dict[str, float] = {}
    most: dict[str, float] = {}
    unfitted = frozenset(
        feature
        for feature, row in features.items()
        if "prior" in row and "weight" not in row
    )
    for feature, row in features.items():
        means[feature] = row["means"]
        for key, found in (("weight", weights), ("most", most)):
            number = pick(row.get(key), name)
            if number is not None:
                found[feature] = number
    return FieldTable(
        means,
        numbers.get("level"),
        numbers.get("probability", 0.0),
        tuple((low, share) for low, share in numbers.get("curve", ())),
        weights,
        most,
        unfitted,
    )


def pick(given: Any, name: str) -> float | None:
    """Return the number of a feature for a field: it has one for all fields, or one for each."""
    if isinstance(given, Mapping):
        given = given.get(name.rpartition(".")[2])
    if given is None:
        return None
    return float(given)
