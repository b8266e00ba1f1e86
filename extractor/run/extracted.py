"""A finished record as the line that it becomes, ready to be written by another process than made it."""

from dataclasses import dataclass
from typing import Self

from extractor.schemas import AbsenceReason, TrialExtraction

__all__ = ["Extracted", "ExtractedLine"]


@dataclass(frozen=True, slots=True)
class ExtractedLine:
    """A line of ``extractions.jsonl`` without its end, and what it ``counts`` (``Totals`` as JSON).

    ``cut``: the run's budget ended before all was asked.
    """

    record_id: str
    line: bytes
    counts: str
    cut: bool

    @classmethod
    def of(cls, extraction: TrialExtraction, counts: str) -> Self:
        """The line of an extraction."""
        cut = any(absence.reason is AbsenceReason.BUDGET_EXHAUSTED for absence in extraction.absences)
        return cls(extraction.record_id, extraction.model_dump_json().encode(), counts, cut)


Extracted = TrialExtraction | ExtractedLine
