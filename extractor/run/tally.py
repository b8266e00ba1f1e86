"""Count records, calls and tokens for the progress, summary and log of a run."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from extractor.schemas import TrialExtraction, Usage
from extractor.schemas.values import list_absences
from extractor.schemas.vocabulary import Support

if TYPE_CHECKING:
    from extractor.model.patience import Watch

Counts = dict[str, Any]
"""Counts by name, nested in groups of counts."""
USAGE_OF_RECORDS = frozenset({"questions", "open_questions", "unanswered"})
"""The counts in ``Usage`` that belong to records, not to calls."""


@dataclass(frozen=True, slots=True)
class ExtractedLine:
    """A finished record: its line in ``extractions.jsonl`` without the line end, and its ``counts``
    as JSON. If the record is ``lacking`` an answer from the model, the next run asks for it again.
    """

    record_id: str
    line: bytes
    counts: str
    lacking: bool = False


def to_line(extraction: TrialExtraction, *, lacking: bool = False) -> ExtractedLine:
    """Return the line for an extraction, with its counts in the form in which they are added to
    ``run.json``.
    """
    reasons = [absence.reason for absence in list_absences(extraction)]
    kinds = [finding.kind for finding in extraction.findings]
    levels: list[Support] = []
    for _, item in extraction.list_items():
        levels += [evidence.support for evidence in item.evidence]
    usage = extraction.usage or Usage()
    counts = {
        "records": {"extracted": 1},
        "items": {
            "criteria": len(extraction.eligibility.criteria),
            "regimens": len(extraction.dosing),
            "endpoints": len(extraction.endpoints),
        },
        "findings": len(kinds),
        "finding_kinds": Counter(kinds),
        "absences": Counter(reasons),
        "support": Counter(levels),
        "usage": usage.model_dump(exclude_defaults=True),
    }
    return ExtractedLine(
        extraction.record_id,
        line=extraction.model_dump_json().encode(),
        counts=json.dumps(counts),
        lacking=lacking,
    )


def add_counts(total: Counts, more: Mapping[str, object]) -> None:
    """Add the nested counts in ``more`` to ``total``."""
    for name, value in more.items():
        if isinstance(value, Mapping):
            add_counts(total.setdefault(name, {}), value)
        else:
            total[name] = total.get(name, 0) + value


@dataclass
class Tally:
    """The counts of a run. ``counts`` is the sum of the counts in each ``ExtractedLine``.

    ``read`` is the number of records that could be read, whatever became of them.
    ``failed_by_model`` is the number of ``failed`` records for which the same command may succeed
    later. ``repeated`` is the number of repeated records with the same text. ``total`` is the
    number of records in the inputs, if known. ``meter`` returns the usage of all calls, and
    ``price`` returns its cost in dollars. ``watch`` records why calls to the model failed.
    """

    read: int = 0
    extracted: int = 0
    resumed: int = 0
    failed: int = 0
    failed_by_model: int = 0
    repeated: int = 0
    total: int | None = None
    counts: Counts = field(default_factory=dict)
    meter: Callable[[], Usage] | None = None
    price: Callable[[Usage], float] | None = None
    watch: "Watch | None" = None

    @property
    def usage(self) -> Usage:
        """The number of questions from the records, combined with the calls and tokens from the
        meter.
        """
        counted = Usage(**self.counts.get("usage", {}))
        if self.meter is None:
            return counted
        # the meter sees calls, and a call may ask several questions of a record
        return self.meter().model_copy(
            update=counted.model_dump(include=set(USAGE_OF_RECORDS))
        )

    @property
    def usd(self) -> float | None:
        """The cost of the calls in US dollars, or None if the price is unknown."""
        if self.price:
            return self.price(self.usage)
        return None

    @property
    def facts(self) -> dict[str, int]:
        """The counts of records, calls and tokens, for the event at the end of a run."""
        counts = {
            "extracted": self.extracted,
            "resumed": self.resumed,
            "failed": self.failed,
        }
        return counts | self.usage.model_dump(exclude=set(USAGE_OF_RECORDS))

    def begin_again(self) -> None:
        """Reset the counts before all records are read again. The usage of the meter is kept."""
        self.counts = {}
        self.read = 0
        for name in ("extracted", "resumed", "failed", "failed_by_model", "repeated"):
            setattr(self, name, 0)

    def add(self, line: ExtractedLine) -> None:
        """Count a finished record."""
        self.extracted += 1
        add_counts(self.counts, json.loads(line.counts))
