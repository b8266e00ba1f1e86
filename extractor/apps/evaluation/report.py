"""The report of an evaluation, as frozen models that can be serialised to JSON."""

from pydantic import JsonValue

from extractor.apps.evaluation.comparers import ErrorKind
from extractor.errors import ArgumentError
from extractor.schemas import Citation
from extractor.schemas.arguments import suggest
from extractor.schemas.base import FrozenModel

_NEUTRAL = {
    "missed": "only in {}",
    "missing": "only in {}",
    "invented": "only in {1}",
    "without gold": "only in {1}",
    "wrong": "differ",
    "error": "difference",
}
"""The neutral wording for a report that compares two annotators."""
Interval = tuple[float, float]


class Score(FrozenModel):
    """The score for a field, for a task or for the whole evaluation, from 0 to 1; None if there is
    nothing to score.

    ``exact`` and ``normalised`` are the F1 scores at these levels of agreement; precision, recall
    and the 95% ``interval`` refer to ``normalised``. ``interval`` is None if there are fewer than
    ten values. ``records`` is the number of records in which a field is scored; for a task, it is
    the sum over its fields. ``other`` is the normalised F1 of the other prediction, and
    ``difference`` is the paired difference from that score.
    """

    name: str
    exact: float | None
    normalised: float | None
    interval: Interval | None
    precision: float | None
    recall: float | None
    right: int
    wrong: int
    missed: int
    invented: int
    records: int
    other: float | None = None
    difference: float | None = None
    difference_interval: Interval | None = None

    @property
    def stated(self) -> int:
        """The number of values in gold."""
        return self.right + self.wrong + self.missed


class ErrorSide(FrozenModel):
    """One side of an error: the value and its path, the section and words of its item, and the
    evidence for the value, if the extraction contains evidence.
    """

    path: str
    value: JsonValue
    section: str | None
    quote: str | None
    evidence: tuple[Citation, ...] = ()
    confidence: float | None = None


class ErrorExample(FrozenModel):
    """A disagreement between two extractions. A side is None if it lacks the item. ``harm`` is the
    harm assigned to this kind of error, multiplied by the field's weight.
    """

    kind: ErrorKind
    harm: float
    record_id: str
    field: str
    gold: ErrorSide | None
    predicted: ErrorSide | None

    @property
    def rank(self) -> tuple[float, str, str, str]:
        """The key for sorting errors by harm, record and field."""
        return -self.harm, self.record_id, self.field, f"{self.gold}{self.predicted}"

    @property
    def place(self) -> str | None:
        """The path of the value in gold, or in the prediction if gold lacks the item."""
        side = self.gold or self.predicted
        if side:
            return side.path
        return None


class ErrorScore(FrozenModel):
    """All errors of one kind: their total number, their number per field, their harm, and the most
    harmful errors.
    """

    kind: ErrorKind
    count: int
    harm: float
    fields: dict[str, int]
    examples: tuple[ErrorExample, ...]


class ScoreReport(FrozenModel):
    """The result of an evaluation.

    Attributes:
        gold: The name of the gold set or of the first annotator.
        predicted: The name of the extractions or of the second annotator.
        neutral: Whether two annotators are compared, with neither treated as correct.
        records: The number of gold records, all of which are scored.
        missing: Records without a prediction. All their values count as missed.
        without_gold: Predicted records that have no gold and are therefore not scored.
        resamples: The number of bootstrap samples.
        groups: The overall score and the scores of the tasks, as means over fields and, with the
            suffix ``.micro``, over values.
        fields: The scores of all fields.
        errors: The errors by kind, starting with the most harmful kind.
        other: The name of the other prediction.
    """

    gold: str
    predicted: str
    neutral: bool = False
    records: int
    missing: tuple[str, ...]
    without_gold: tuple[str, ...]
    resamples: int
    groups: tuple[Score, ...]
    fields: tuple[Score, ...]
    errors: tuple[ErrorScore, ...]
    other: str | None = None

    def figures(self) -> dict[str, float | None]:
        """Return all normalised F1 scores, keyed by name."""
        return {score.name: score.normalised for score in (*self.groups, *self.fields)}

    def figure(self, name: str) -> float | None:
        """Return the normalised F1 score with this name, or the only score whose name ends with
        it, such as ``constraints``.

        Raises ``ArgumentError`` for an unknown name.
        """
        figures = self.figures()
        if name in figures:
            return figures[name]
        alike = [known for known in figures if known.endswith(f".{name}")]
        if len(alike) != 1:
            remedy = suggest(name, figures) or "; the first column lists the names"
            raise ArgumentError(f"{name}: no such score{remedy}")
        return figures[alike[0]]

    def name(self, word: str) -> str:
        """Return the wording for a kind of error, or for another term, in a report. The wording is
        neutral if two annotators are compared.
        """
        if self.neutral:
            word = _NEUTRAL.get(word, word)
        return word.replace("_", " ").format(self.gold, self.predicted)
