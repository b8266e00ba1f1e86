"""Finished records as lines, and what a run has done so far, counted."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from extractor.schemas import AbsenceReason, TrialExtraction, Usage

if TYPE_CHECKING:
    from extractor.llm.servers import ServerCalls

__all__ = ["ExtractedLine", "Tally", "to_line"]

_ITEMS = ("criteria", "regimens", "endpoints")
_KINDS = ("finding_kinds", "absences", "support")
_SPENT = ("calls", "prompt_tokens", "cached_tokens", "output_tokens")


@dataclass(frozen=True, slots=True)
class ExtractedLine:
    """A finished record: its line of ``extractions.jsonl`` without the line's end, and its ``counts`` as JSON.

    ``cut``: the run's budget ended before all was asked.
    """

    record_id: str
    line: bytes
    counts: str
    cut: bool


def to_line(extraction: TrialExtraction) -> ExtractedLine:
    """An extraction as its line, counted."""
    eligibility = extraction.eligibility
    items = (eligibility, *eligibility.criteria, *extraction.dosing, *extraction.endpoints)
    counts = {
        "records": {"extracted": 1},
        "items": {
            "criteria": len(eligibility.criteria),
            "regimens": len(extraction.dosing),
            "endpoints": len(extraction.endpoints),
        },
        "findings": len(extraction.findings),
        "finding_kinds": Counter(finding.kind.value for finding in extraction.findings),
        "absences": Counter(absence.reason.value for absence in extraction.absences),
        "support": Counter(evidence.support.value for item in items for evidence in item.evidence),
        "usage": extraction.usage.model_dump(exclude_defaults=True) if extraction.usage else {},
    }
    cut = any(absence.reason is AbsenceReason.BUDGET_EXHAUSTED for absence in extraction.absences)
    line = extraction.model_dump_json().encode()
    return ExtractedLine(extraction.record_id, line, json.dumps(counts, separators=(",", ":")), cut)


@dataclass(slots=True)
class Tally:
    """Counts over the records of a run. ``support`` counts pieces of evidence by how well they support their value.

    ``counted`` is the usage of the records. ``meter``, where there is one, returns the usage of the model, which
    includes records that failed or were cancelled. ``price`` returns the cost of tokens in picodollars, ``by_server``
    the calls to each of several servers. ``repeated`` records were read before, ``differing`` of them with another
    text.
    """

    extracted: int = 0
    resumed: int = 0
    failed: int = 0
    repeated: int = 0
    differing: int = 0
    criteria: int = 0
    regimens: int = 0
    endpoints: int = 0
    findings: int = 0
    finding_kinds: Counter[str] = field(default_factory=Counter)
    absences: Counter[str] = field(default_factory=Counter)
    support: Counter[str] = field(default_factory=Counter)
    counted: Usage = field(default_factory=Usage)
    meter: Callable[[], Usage] | None = None
    price: Callable[[Usage], int] | None = None
    by_server: "Callable[[], Mapping[str, ServerCalls]]" = dict

    @property
    def usage(self) -> Usage:
        """Questions of the records; calls and tokens from the meter."""
        if self.meter is None:
            return self.counted
        spent = self.meter()
        return self.counted.model_copy(update={name: getattr(spent, name) for name in _SPENT})

    @property
    def tokens(self) -> int:
        """Prompt and output tokens together."""
        usage = self.usage
        return usage.prompt_tokens + usage.output_tokens

    def begin_again(self) -> None:
        """Reset the counts of records, which are all read once more. The meter keeps its usage."""
        none = Tally(meter=self.meter, price=self.price, by_server=self.by_server)
        for part in fields(Tally):
            setattr(self, part.name, getattr(none, part.name))

    @property
    def usd(self) -> float | None:
        """What the calls cost, None where no price is known."""
        return self.price(self.usage) / 1e12 if self.price else None

    def add(self, line: ExtractedLine) -> None:
        """Count a finished record."""
        self.extracted += 1
        counts = json.loads(line.counts)
        for name in _ITEMS:
            setattr(self, name, getattr(self, name) + counts["items"][name])
        self.findings += counts["findings"]
        for name in _KINDS:
            getattr(self, name).update(counts[name])
        self.counted += Usage(**counts["usage"])
