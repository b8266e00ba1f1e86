"""What a run has done so far, counted."""

from collections import Counter
from dataclasses import dataclass, field

from extractor.schemas import Evidence, TrialExtraction, Usage

__all__ = ["Tally"]


@dataclass(slots=True)
class Tally:
    """Counts over the records of a run. ``support`` counts pieces of evidence by how they carry their value."""

    extracted: int = 0
    resumed: int = 0
    failed: int = 0
    criteria: int = 0
    regimens: int = 0
    endpoints: int = 0
    findings: int = 0
    absences: Counter[str] = field(default_factory=Counter)
    support: Counter[str] = field(default_factory=Counter)
    usage: Usage = field(default_factory=Usage)

    @property
    def tokens(self) -> int:
        """Prompt and output tokens together."""
        return self.usage.prompt_tokens + self.usage.output_tokens

    def add(self, extraction: TrialExtraction) -> None:
        """Count a finished record."""
        self.extracted += 1
        self.criteria += len(extraction.eligibility.criteria)
        self.regimens += len(extraction.dosing)
        self.endpoints += len(extraction.endpoints)
        self.findings += len(extraction.findings)
        self.absences.update(absence.reason.value for absence in extraction.absences)
        self.support.update(evidence.support.value for evidence in _all_evidence(extraction))
        if extraction.usage:
            self.usage += extraction.usage

    def as_dict(self) -> dict[str, object]:
        """The counts, ready for JSON."""
        return {
            "records": {"extracted": self.extracted, "resumed": self.resumed, "failed": self.failed},
            "items": {"criteria": self.criteria, "regimens": self.regimens, "endpoints": self.endpoints},
            "findings": self.findings,
            "absences": dict(sorted(self.absences.items())),
            "support": dict(sorted(self.support.items())),
            "usage": self.usage.model_dump(),
        }


def _all_evidence(extraction: TrialExtraction) -> list[Evidence]:
    eligibility = extraction.eligibility
    items = (eligibility, *eligibility.criteria, *extraction.dosing, *extraction.endpoints)
    return [evidence for item in items for evidence in item.evidence]
