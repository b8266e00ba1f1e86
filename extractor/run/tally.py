"""What a run has done so far, counted."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from extractor.schemas import Evidence, TrialExtraction, Usage

__all__ = ["Tally"]

_SPENT = ("calls", "prompt_tokens", "cached_tokens", "output_tokens")


@dataclass(slots=True)
class Tally:
    """Counts over the records of a run. ``support`` counts pieces of evidence by how they carry their value.

    ``counted`` is the usage of the records. ``meter``, where there is one, says what the model was asked in
    all: it knows the cost of records that failed or were given up, too.
    """

    extracted: int = 0
    resumed: int = 0
    failed: int = 0
    criteria: int = 0
    regimens: int = 0
    endpoints: int = 0
    findings: int = 0
    finding_kinds: Counter[str] = field(default_factory=Counter)
    absences: Counter[str] = field(default_factory=Counter)
    support: Counter[str] = field(default_factory=Counter)
    counted: Usage = field(default_factory=Usage)
    meter: Callable[[], Usage] | None = None

    @property
    def usage(self) -> Usage:
        """Questions of the records; calls and tokens as the meter has them."""
        if self.meter is None:
            return self.counted
        spent = self.meter()
        return self.counted.model_copy(update={name: getattr(spent, name) for name in _SPENT})

    @property
    def tokens(self) -> int:
        """Prompt and output tokens together."""
        usage = self.usage
        return usage.prompt_tokens + usage.output_tokens

    def add(self, extraction: TrialExtraction) -> None:
        """Count a finished record."""
        self.extracted += 1
        self.criteria += len(extraction.eligibility.criteria)
        self.regimens += len(extraction.dosing)
        self.endpoints += len(extraction.endpoints)
        self.findings += len(extraction.findings)
        self.finding_kinds.update(finding.kind.value for finding in extraction.findings)
        self.absences.update(absence.reason.value for absence in extraction.absences)
        self.support.update(evidence.support.value for evidence in _all_evidence(extraction))
        if extraction.usage:
            self.counted += extraction.usage


def _all_evidence(extraction: TrialExtraction) -> list[Evidence]:
    eligibility = extraction.eligibility
    items = (eligibility, *eligibility.criteria, *extraction.dosing, *extraction.endpoints)
    return [evidence for item in items for evidence in item.evidence]
