"""One reading held against what an annotator says, field by field, as an evaluation compares values."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel, TypeAdapter

from benchmarks.scores import Tally
from extractor.evaluation.fields import FIELDS
from extractor.parse.parsed import Reading
from extractor.schemas import Criterion, Eligibility, Endpoint, Regimen

__all__ = ["Agreement", "Judged", "compare_values", "judge_reading", "read_label", "tally_judged"]

_FIELDS = {field.name: field for field in FIELDS}
_MODELS: dict[str, type[BaseModel]] = {
    "eligibility.criteria": Criterion,
    "eligibility": Eligibility,
    "dosing": Regimen,
    "endpoints": Endpoint,
}


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many values were read, how many are labelled, and how many of them agree."""

    found: int
    wanted: int
    matched: int

    @property
    def right(self) -> bool:
        """Whether every value agrees; nothing read where nothing is stated is right."""
        return self.found == self.wanted == self.matched


@dataclass(frozen=True, slots=True)
class Judged:
    """One reading and its label.

    ``field`` is the name in the evaluation ("endpoints.concept"); a name without a dot is a detail of a field.
    ``trial`` is what folds go by, ``text`` what was read.
    """

    field: str
    trial: str
    text: str
    read: Any
    label: Any
    confidence: float
    agreement: Agreement

    @property
    def is_detail(self) -> bool:
        """Whether this is only a part of what a field says."""
        return "." not in self.field


def compare_values(field: str, read: Any, label: Any) -> Agreement:
    """Count the values of one field as an evaluation counts them when normalised. Empty is None or ``()``.

    >>> compare_values("dosing.route", None, None).right
    True
    """
    shape = _FIELDS[field].comparer
    ours, theirs = (Counter(map(shape.key, shape.spread(value))) for value in (label, read))
    return Agreement(theirs.total(), ours.total(), (ours & theirs).total())


def judge_reading(field: str, seen: tuple[str, str], reading: Reading[Any], label: Any) -> Judged:
    """A reading and the label of its field, both as schema values. ``seen`` is the trial and the text."""
    trial, text = seen
    agreement = compare_values(field, reading.value, label)
    return Judged(field, trial, text, reading.value, label, reading.confidence, agreement)


def read_label(field: str, label: Any) -> Any:
    """A label of a JSON file as the value of the schema.

    >>> read_label("endpoints.time_points", [{"value": 4, "unit": "week"}])[0].value
    4
    """
    return _adapter(field).validate_python(label)


@cache
def _adapter(field: str) -> TypeAdapter[Any]:
    path, attribute = field.rsplit(".", 1)
    annotation: Any = _MODELS[path].model_fields[attribute].annotation
    return TypeAdapter(annotation)


def tally_judged(judged: Iterable[Judged]) -> list[Tally]:
    """One tally a field, in the order in which the fields come."""
    tallies: dict[str, Tally] = {}
    for one in judged:
        counts = one.agreement
        tally = tallies.setdefault(one.field, Tally(one.field))
        tally.add(counts.found, counts.wanted, counts.matched, one.confidence)
    return list(tallies.values())
