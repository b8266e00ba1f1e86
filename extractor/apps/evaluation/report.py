"""The report of an evaluation: frozen models that serialise to JSON."""

import math
from collections.abc import Sequence
from itertools import chain
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator, Field, JsonValue

from extractor.apps.evaluation.comparers import ErrorKind
from extractor.apps.evaluation.fields import Field as ScoredField
from extractor.errors import ArgumentError
from extractor.schemas.base import FrozenModel

LEAST_VALUES = 10
"""Fewest values, stated or invented, for an interval: a bootstrap over fewer is meaningless."""
Share = Annotated[
    float | None,
    BeforeValidator(lambda value: None if value is None or math.isnan(value) else value),
]
"""A share from 0 to 1; None (or NaN on input) if there is nothing to score."""


class Interval(FrozenModel):
    """A 95 % interval by bootstrap over records."""

    low: float
    high: float


class LevelScore(FrozenModel):
    """Scores at one level of agreement, 0 to 1.

    F1 is None without any value, precision without a predicted value, recall without a gold value.
    """

    precision: Share
    recall: Share
    f1: Share
    interval: Interval | None = Field(
        default=None, description="Of f1; None for fewer than ten values."
    )


class _Ladder(FrozenModel):
    name: str
    exact: LevelScore
    normalised: LevelScore
    relaxed: LevelScore

    @property
    def figure(self) -> str:
        """The figure's name: a field's, or, for groups, such as ``all`` (macro average) and
        ``all.micro``.
        """
        return f"{self.name}.micro" if getattr(self, "average", "macro") == "micro" else self.name


class EmptyScore(FrozenModel):
    """Fields that gold leaves empty, of items that have a counterpart. They do not change any
    F1.
    """

    fields: int = Field(description="Fields that gold leaves empty.")
    left_empty: int = Field(description="Of these, fields that the prediction leaves empty, too.")
    specificity: Share = Field(description="left_empty / fields.")


class FieldScore(_Ladder):
    """One field."""

    task: str = Field(description="The task; 'custom' for a field of the user's own.")
    stated: int = Field(description="Values that gold states.")
    predicted: int = Field(description="Values that are predicted.")
    missed: int = Field(description="Values of gold without a counterpart.")
    invented: int = Field(description="Predicted values without a counterpart.")
    empty: EmptyScore


class GroupScore(_Ladder):
    """A task, 'custom' or 'all': the mean over its fields that have values (macro), or one over
    its values (micro).
    """

    average: str = Field(description="macro or micro.")


class ErrorExample(FrozenModel):
    """One disagreement. The absent side is null."""

    kind: ErrorKind
    harm: float
    record_id: str
    field: str
    gold_path: str | None = Field(description="Place in the gold file, such as 'dosing[1].route'.")
    predicted_path: str | None
    gold: JsonValue
    predicted: JsonValue
    section: str | None = Field(description="Section of the item in question.")
    gold_quote: str | None = Field(
        description="Quote of the gold item, to find it in the record's text."
    )
    predicted_quote: str | None
    belongs_to: str | None = Field(
        default=None, description="Where gold has a value that is on the wrong item."
    )


class ErrorScore(FrozenModel):
    """All errors of one kind."""

    kind: ErrorKind
    count: int
    harm: float = Field(
        description="Summed over the errors: harm of the kind times weight of the field."
    )
    fields: dict[str, int] = Field(description="Count for each field.")
    examples: tuple[ErrorExample, ...] = Field(description="The worst, by harm and then record.")


class PairedScore(FrozenModel):
    """Normalised F1 of the prediction, of the other one, and the paired difference."""

    name: str
    f1: Share
    other: Share
    difference: Share
    interval: Interval | None


class Comparison(FrozenModel):
    """Prediction against another prediction, on the same records."""

    other: str
    missing: tuple[str, ...] = Field(
        description="Records of gold that the other one did not predict: all missed."
    )
    differences: tuple[PairedScore, ...]


class ScoreReport(FrozenModel):
    """The result of an evaluation."""

    gold: str
    predicted: str
    records: int = Field(description="Records of gold. Each one is scored.")
    missing: tuple[str, ...] = Field(
        description="Records of gold that were not predicted: all missed."
    )
    without_gold: tuple[str, ...] = Field(
        description="Predicted records that gold does not have: not scored."
    )
    resamples: int
    seed: int
    groups: tuple[GroupScore, ...]
    fields: tuple[FieldScore, ...]
    empty: EmptyScore
    errors: tuple[ErrorScore, ...] = Field(description="Most harmful kind first.")
    harm_per_record: float
    comparison: Comparison | None = None
    undeclared: tuple[str, ...] = Field(
        default=(), description="Own fields of gold without a declaration: not scored."
    )

    def figure(self, name: str) -> float | None:
        """Return the normalised F1 by name: a field, a task or 'all' (macro), or one of these with
        '.micro'.

        Raises ``ArgumentError`` for an unknown name.
        """
        figures = self.figures()
        if name not in figures:
            raise ArgumentError(f"no score is named {name!r}; there are {', '.join(figures)}")
        return figures[name]

    def figures(self) -> dict[str, float | None]:
        """Return all normalised F1 scores by name."""
        return {one.figure: one.normalised.f1 for one in (*self.groups, *self.fields)}


class Figure(NamedTuple):
    """A score over the fields at ``rows``: over all of their values (micro), or the mean of
    their scores (macro).
    """

    name: str
    rows: list[int]
    is_mean: bool = False


def list_figures(fields: Sequence[ScoredField]) -> tuple[Figure, ...]:
    """List all figures: of each field, of 'all' and of each task, and each of these again with
    '.micro'.

    >>> from .fields import FIELDS
    >>> [one.name for one in list_figures(FIELDS)][-4:]
    ['dosing', 'dosing.micro', 'endpoints', 'endpoints.micro']
    """
    scopes = {name: list[int]() for name in ("all", *(one.task for one in fields))}
    for row, one in enumerate(fields):
        for name in ("all", one.task) if one.in_total else ():
            scopes[name].append(row)
    of_scopes = (
        (Figure(name, rows, is_mean=True), Figure(f"{name}.micro", rows))
        for name, rows in scopes.items()
    )
    return (
        *(Figure(one.name, [row]) for row, one in enumerate(fields)),
        *chain.from_iterable(of_scopes),
    )
