"""Errors counted, and the worst of each kind kept: memory does not grow with the number of records."""

from bisect import insort
from collections import Counter

from .disagreements import Disagreement
from .kinds import ErrorKind
from .report import ErrorExample, ErrorScore, to_json_value

__all__ = ["ErrorKey", "ErrorTally", "export_error", "rank_error"]

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
