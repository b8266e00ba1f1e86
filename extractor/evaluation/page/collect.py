"""The errors that a page shows: the worst of all, with what it takes to find them in their texts."""

from dataclasses import dataclass
from typing import Any

from extractor.evaluation.disagreements import Disagreement, ErrorKey, RecordErrors, export_error, rank_error
from extractor.evaluation.report import ErrorExample
from extractor.schemas import Source

from .clues import Clues, list_clues

__all__ = ["ShownError", "WorstErrors"]


@dataclass(frozen=True, slots=True)
class ShownError:
    """One error, the words it is about on either side, and the files that hold them."""

    example: ErrorExample
    gold: Clues
    predicted: Clues
    gold_place: str
    predicted_place: str | None
    provenance: str | None
    source: Source | None


class WorstErrors:
    """Keeps up to ``limit`` errors, the most harmful, then the first by record: memory is bounded.

    Its ``add`` is what ``evaluate`` takes as ``on_record``.
    """

    def __init__(self, limit: int) -> None:
        self.count = 0
        self._limit = limit
        self._kept: list[tuple[ErrorKey, ShownError]] = []
        self._last: ErrorKey | None = None

    def add(self, record: RecordErrors) -> None:
        """Take in the errors of one record."""
        self.count += len(record.found)
        for error in record.found if self._limit else ():
            key = rank_error(error)
            if self._last is None or key <= self._last:
                self._kept.append((key, _show(record, error)))
        if len(self._kept) > 2 * self._limit:
            self._cut()

    def list_errors(self) -> list[ShownError]:
        """The errors kept, the worst first."""
        self._cut()
        return [error for _, error in self._kept]

    def _cut(self) -> None:
        self._kept.sort(key=lambda pair: pair[0])
        del self._kept[self._limit :]
        if self._kept and len(self._kept) == self._limit:
            self._last = self._kept[-1][0]


def _describe_provenance(item: Any) -> str | None:
    """Who found an item, how it follows from the text, and how sure that is, in words; None if it does not say."""
    sure = None if item is None or item.confidence is None else f"confidence {item.confidence:.2f}"
    said = (getattr(item, "origin", None), getattr(item, "support", None), sure)
    return ", ".join(filter(None, said)) or None


def _show(record: RecordErrors, error: Disagreement) -> ShownError:
    attribute = error.field.attribute
    return ShownError(
        example=export_error(error),
        gold=list_clues(error.gold_item, attribute, error.gold),
        predicted=list_clues(error.predicted_item, attribute, error.predicted),
        gold_place=record.gold_place,
        predicted_place=record.predicted_place,
        provenance=_describe_provenance(error.predicted_item),
        source=record.predicted.source if record.predicted else None,
    )
