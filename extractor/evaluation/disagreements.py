"""Values on which gold and prediction disagree: how bad each is, and which are shown."""

from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from extractor.schemas import TrialExtraction

from .fields import Field
from .report import ErrorExample, ErrorScore, to_json_value
from .shapes import HARM, ErrorKind

__all__ = [
    "Disagreement",
    "ErrorKey",
    "ErrorTally",
    "RecordErrors",
    "export_error",
    "find_wrong_pairings",
    "rank_error",
]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One value, or one item, that is not as gold has it. An absent side is None.

    ``belongs_to`` is where gold has the value that stands on a wrong item.
    """

    kind: ErrorKind
    field: Field
    record_id: str
    gold: Any = None
    predicted: Any = None
    gold_path: str | None = None
    predicted_path: str | None = None
    gold_item: Any = None
    predicted_item: Any = None
    belongs_to: str | None = None

    @property
    def harm(self) -> float:
        """Harm of the kind, times the weight of the field."""
        return HARM[self.kind] * self.field.weight


@dataclass(frozen=True, slots=True)
class RecordErrors:
    """All disagreements of one record, with both extractions and the place of each, such as "run.jsonl, line 3"."""

    gold: TrialExtraction
    predicted: TrialExtraction | None
    gold_place: str
    predicted_place: str | None
    found: tuple[Disagreement, ...]


def find_wrong_pairings(found: Sequence[Disagreement]) -> list[Disagreement]:
    """The disagreements of one record, with values on a wrong item recognised.

    A predicted value is on the wrong item if gold has it at another place of the same family where it
    was not predicted. A place that only misses it is the other half of that error, and left out.
    """
    lost: dict[tuple[str, Any], list[int]] = defaultdict(list)
    for position, one in enumerate(found):
        if one.field.family and one.gold is not None and not _has_right_value(one):
            lost[one.field.family, one.field.shape.key(one.gold)].append(position)
    moved: dict[int, int] = {}
    for position, one in enumerate(found):
        if one.field.family and one.predicted is not None and not _has_right_value(one):
            places = lost.get((one.field.family, one.field.shape.key(one.predicted)))
            if places:
                moved[position] = places.pop(0)
    halves = {origin for origin in moved.values() if found[origin].predicted is None}
    return [
        replace(one, kind=ErrorKind.WRONG_PAIRING, belongs_to=found[moved[position]].gold_path)
        if position in moved
        else one
        for position, one in enumerate(found)
        if position not in halves
    ]


def _has_right_value(one: Disagreement) -> bool:
    """Whether the values agree, and something else about them was remarked upon."""
    if one.gold is None or one.predicted is None:
        return False
    key = one.field.shape.key
    return key(one.gold) == key(one.predicted)


ErrorKey = tuple[float, str, str, str, str]
"""What errors are sorted by: harm, the most first, then record, field and values."""


class ErrorTally:
    """Counts errors and keeps up to ``limit`` of each kind: the most harmful, then the first by record id."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._counts: Counter[tuple[ErrorKind, str]] = Counter()
        self._harm: Counter[ErrorKind] = Counter()
        self._worst: dict[ErrorKind, list[tuple[ErrorKey, ErrorExample]]] = {kind: [] for kind in ErrorKind}

    def add(self, error: Disagreement) -> None:
        """Count an error, and keep it if it is among the worst."""
        self._counts[error.kind, error.field.name] += 1
        self._harm[error.kind] += error.harm  # type: ignore[assignment] # harm may be a fraction
        worst, start = self._worst[error.kind], (-error.harm, error.record_id)
        if self._limit and (len(worst) < self._limit or start <= worst[-1][0][:2]):
            insort(worst, (rank_error(error), export_error(error)), key=lambda pair: pair[0])
            del worst[self._limit :]

    def report(self) -> tuple[ErrorScore, ...]:
        """All kinds that occurred, the most harmful in all first."""
        scores = [
            ErrorScore(
                kind=kind,
                count=sum(number for (one, _), number in self._counts.items() if one is kind),
                harm=float(self._harm[kind]),
                fields={name: number for (one, name), number in sorted(self._counts.items()) if one is kind},
                examples=tuple(example for _, example in self._worst[kind]),
            )
            for kind in ErrorKind
            if kind in self._harm
        ]
        return tuple(sorted(scores, key=lambda score: -score.harm))


def rank_error(error: Disagreement) -> ErrorKey:
    """The key that puts the most harmful errors first."""
    # The values decide between errors of one field, not their places, which are an accident.
    return (-error.harm, error.record_id, error.field.name, repr(error.gold), repr(error.predicted))


def export_error(error: Disagreement) -> ErrorExample:
    """The error as reports have it."""
    sections = (getattr(item, "section", None) for item in (error.gold_item, error.predicted_item))
    return ErrorExample(
        kind=error.kind,
        harm=error.harm,
        record_id=error.record_id,
        field=error.field.name,
        gold_path=error.gold_path,
        predicted_path=error.predicted_path,
        gold=to_json_value(error.gold),
        predicted=to_json_value(error.predicted),
        section=next((section for section in sections if section), None),
        gold_quote=_quote(error.gold_item),
        predicted_quote=_quote(error.predicted_item),
        belongs_to=error.belongs_to,
    )


def _quote(item: object) -> str | None:
    """The item's words, to find it in the record. An outcome's are its measure."""
    return getattr(item, "quote", None) or getattr(item, "measure", None)
