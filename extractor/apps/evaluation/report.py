"""The report of an evaluation: frozen models that serialise to JSON."""

import math
from collections.abc import Collection, Sequence
from typing import Annotated

from pydantic import BeforeValidator, Field, JsonValue

from extractor.apps.evaluation.comparers import ErrorKind
from extractor.errors import ArgumentError
from extractor.plurals import counted
from extractor.schemas import Citation, Origin, Support
from extractor.schemas.arguments import suggest
from extractor.schemas.base import FrozenModel

_MOST_NAMED = 6
"""Most fields named in a sentence."""


def _drop_nan(value: float | None) -> float | None:
    """Return a share; None for NaN, which says in arrays that there is nothing to score."""
    if value is None or math.isnan(value):
        return None
    return value


Share = Annotated[float | None, BeforeValidator(_drop_nan)]
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
        is_micro = getattr(self, "average", "macro") == "micro"
        return f"{self.name}.micro" if is_micro else self.name


class EmptyScore(FrozenModel):
    """Fields that gold leaves empty, of items that have a counterpart. They do not change any
    F1.
    """

    fields: int = Field(description="Fields that gold leaves empty.")
    left_empty: int = Field(
        description="Of these, fields that the prediction leaves empty, too."
    )
    specificity: Share = Field(description="left_empty / fields.")


class FieldScore(_Ladder):
    """One field."""

    task: str = Field(description="The task; 'custom' for a field of the user's own.")
    stated: int = Field(description="Values that gold states.")
    predicted: int = Field(description="Values that are predicted.")
    missed: int = Field(description="Values of gold without a counterpart.")
    invented: int = Field(description="Predicted values without a counterpart.")
    empty: EmptyScore
    records: int = Field(
        default=0, description="Records that were scored for it: gold has its key."
    )

    @property
    def right(self) -> int:
        """The values of gold that are predicted."""
        return round((self.normalised.recall or 0) * self.stated)

    @property
    def wrong(self) -> int:
        """The places where gold and the prediction state different values."""
        # Of one item against several, the sides have not the same number.
        of_gold = self.stated - self.right - self.missed
        of_predicted = self.predicted - self.right - self.invented
        return max(of_gold, of_predicted, 0)


class GroupScore(_Ladder):
    """A task, 'custom' or 'all': the mean over its fields that have values (macro), or one over
    its values (micro).
    """

    average: str = Field(description="macro or micro.")


class ErrorSide(FrozenModel):
    """What gold or the prediction says where they differ; ``value`` is null if its item leaves
    the field empty.
    """

    path: str = Field(description="Place in the file, such as 'dosing[1].route'.")
    value: JsonValue
    section: str | None = Field(
        description="Section of the item, or place of the outcome."
    )
    quote: str | None = Field(
        description="Words of the item, to find it in the record's text."
    )
    evidence: tuple[Citation, ...] = Field(
        default=(), description="What the extraction gives as evidence."
    )
    confidence: float | None = Field(default=None, description="Of the item.")
    origin: Origin | None = None
    support: Support | None = None


class ErrorExample(FrozenModel):
    """One disagreement. A side is null if it lacks the item."""

    kind: ErrorKind
    harm: float = Field(description="Harm of the kind times weight of the field.")
    record_id: str
    field: str
    gold: ErrorSide | None
    predicted: ErrorSide | None
    belongs_to: str | None = Field(
        default=None, description="Where gold has a value that is on the wrong item."
    )

    @property
    def place(self) -> str | None:
        """The path in gold, or in the prediction if gold lacks the item."""
        side = self.gold or self.predicted
        if side is None:
            return None
        return side.path


class ErrorScore(FrozenModel):
    """All errors of one kind."""

    kind: ErrorKind
    count: int
    harm: float = Field(description="Summed over the errors.")
    fields: dict[str, int] = Field(description="Count for each field.")
    examples: tuple[ErrorExample, ...] = Field(
        description="The worst, by harm and then record."
    )


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
    chosen: tuple[str, ...] = Field(
        default=(), description="The names of the fields to score; all by default."
    )
    beside: int | None = Field(
        default=None,
        description="Predicted items that match none of gold and were not counted, since only the "
        "given items were scored; not there if all count.",
        exclude_if=lambda count: count is None,
    )

    def list_left(self) -> list[FieldScore]:
        """Return the fields that were scored in no record."""
        return [field for field in self.fields if not field.records]

    def describe_scored(self) -> str:
        """Say which fields were scored, and in how many records if not in all."""
        scored = [field for field in self.fields if field.records]
        if not scored:
            return "nothing: gold has no key of a field to score"
        text = self._describe_fields(scored)
        left = self.list_left()
        if not left:
            return text
        reason = "--fields" if self.chosen else "no key in gold"
        text += f"; not scored ({reason}) {counted(len(left), 'other')}"
        if len(left) <= _MOST_NAMED:
            text += f": {', '.join(field.name for field in left)}"
        return text

    def _describe_fields(self, scored: Sequence[FieldScore]) -> str:
        """Name a few fields; of many, say how many there are, and name those not in all records."""
        if len(scored) <= _MOST_NAMED:
            return ", ".join(map(self._name_with_records, scored))
        text = f"{len(scored)} of {counted(len(self.fields), 'field')}"
        in_fewer = [field for field in scored if field.records < self.records]
        if in_fewer:
            text += f"; in fewer records {self._list_some(in_fewer)}"
        return text

    def _name_with_records(self, field: FieldScore) -> str:
        if field.records == self.records:
            return field.name
        return f"{field.name} ({field.records} of {counted(self.records, 'record')})"

    def _list_some(self, fields: Sequence[FieldScore]) -> str:
        """Name the first fields, and say how many more there are."""
        named = ", ".join(map(self._name_with_records, fields[:_MOST_NAMED]))
        more = len(fields) - _MOST_NAMED
        if more <= 0:
            return named
        return f"{named} and {more} more"

    def figure(self, name: str) -> float | None:
        """Return the normalised F1 by name: a field, a task or 'all' (macro), or one of these with
        '.micro'.

        The end of a name is enough where no other has it: ``constraints`` is
        ``eligibility.criteria.constraints``. Raises ``ArgumentError`` for an unknown name.
        """
        figures = self.figures()
        return figures[find_figure(name, figures)]

    def figures(self) -> dict[str, float | None]:
        """Return all normalised F1 scores by name."""
        scores = (*self.groups, *self.fields)
        return {score.figure: score.normalised.f1 for score in scores}


def describe_beside(count: int) -> str:
    """Say how many predicted items were not counted, since gold does not give them.

    >>> describe_beside(1)
    '1 predicted item that matches none of gold is not counted'
    """
    matches = "matches" if count == 1 else "match"
    are = "is" if count == 1 else "are"
    return f"{counted(count, 'predicted item')} that {matches} none of gold {are} not counted"


def find_figure(name: str, known: Collection[str]) -> str:
    """Return the name of a score; its end is enough where no other name has it. Raises
    ``ArgumentError``.

    >>> find_figure("sex", ["all", "eligibility.sex"])
    'eligibility.sex'
    """
    if name in known:
        return name
    # The end of a name is enough: "constraints".
    alike = [figure for figure in known if figure.endswith(f".{name}")]
    if len(alike) == 1:
        return alike[0]
    if alike:
        names = " or ".join(alike)
        raise ArgumentError(f"{name}: several scores have this name; write {names}")
    raise ArgumentError(
        f"{name}: no such score{suggest(name, known)}; choose from {', '.join(known)}"
    )
