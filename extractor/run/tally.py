"""Write finished records as lines of JSON, and count them."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from extractor.model.patience import Watch
from extractor.schemas import AbsenceReason, TrialExtraction, Usage

USAGE_OF_RECORDS = frozenset({"questions", "open_questions", "unanswered"})
"""The counts of ``Usage`` that belong to records, not to calls."""


@dataclass(frozen=True, slots=True)
class ExtractedLine:
    """A finished record: its line of ``extractions.jsonl`` without the newline, and its ``counts``
    as JSON.

    ``cut`` means that the run's budget ended before all questions were asked.
    """

    record_id: str
    line: bytes
    counts: str
    cut: bool


def to_line(extraction: TrialExtraction) -> ExtractedLine:
    """Make the line of an extraction for ``extractions.jsonl``, and its counts as ``run.json`` sums
    them: the record, its items, findings and absences by kind, the support of its evidence, and its
    usage without zeros.
    """
    absences = Counter(absence.reason for absence in extraction.absences)
    support = Counter[str]()
    for _, item in extraction.list_items():
        support.update(evidence.support.value for evidence in item.evidence)
    usage = {}
    if extraction.usage:
        usage = extraction.usage.model_dump(exclude_defaults=True)
    counts = {
        "records": {"extracted": 1},
        "items": {
            "criteria": len(extraction.eligibility.criteria),
            "regimens": len(extraction.dosing),
            "endpoints": len(extraction.endpoints),
        },
        "findings": len(extraction.findings),
        "finding_kinds": Counter(finding.kind.value for finding in extraction.findings),
        "absences": {reason.value: count for reason, count in absences.items()},
        "support": support,
        "usage": usage,
    }
    return ExtractedLine(
        extraction.record_id,
        line=extraction.model_dump_json().encode(),
        counts=json.dumps(counts, separators=(",", ":")),
        cut=AbsenceReason.BUDGET_EXHAUSTED in absences,
    )


def add_counts(total: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Add nested counts by name."""
    for name, value in more.items():
        if isinstance(value, Mapping):
            add_counts(total.setdefault(name, {}), value)
        else:
            total[name] = total.get(name, 0) + value


@dataclass(slots=True)
class Tally:
    """Counts over the records of a run; ``counts`` sums those of ``ExtractedLine``.

    ``meter`` returns the model's usage, including records that failed or were cancelled;
    ``uncounted`` the most that requests may have used whose cost no reply states. ``price`` returns
    the cost of tokens in dollars. ``watch`` says what
    the model's calls wait for, ``waits_for`` which batches of a provider. ``repeated`` records were
    read before, ``differing`` of them with another text. Of the ``failed`` records,
    ``failed_by_model`` lack an answer that the same command may get later.
    """

    extracted: int = 0
    resumed: int = 0
    failed: int = 0
    failed_by_model: int = 0
    repeated: int = 0
    differing: int = 0
    counts: dict[str, Any] = field(default_factory=dict)
    meter: Callable[[], Usage] | None = None
    uncounted: Callable[[], Usage] = Usage
    price: Callable[[Usage], float] | None = None
    watch: Watch | None = None
    waits_for: Callable[[], str] | None = None

    def describe_wait(self) -> str:
        """Say what the run waits for. Return "" if nothing is late. May be called from any
        thread.
        """
        wait = ""
        if self.waits_for:
            wait = self.waits_for()
        if not wait and self.watch:
            wait = self.watch.describe_wait()
        return wait

    @property
    def usage(self) -> Usage:
        """The questions of the records, and the calls and tokens of the meter."""
        counted = Usage(**self.counts.get("usage", {}))
        if self.meter is None:
            return counted
        spent = self.meter()
        return spent.model_copy(
            update={name: getattr(counted, name) for name in USAGE_OF_RECORDS}
        )

    @property
    def lacking(self) -> float:
        """The share of the questions that got no usable answer."""
        usage = self.usage
        if usage.questions == 0:
            return 0.0
        return usage.unanswered / usage.questions

    @property
    def usd(self) -> float | None:
        """The cost of the calls in US dollars, None if no price is known."""
        return self.price(self.usage) if self.price else None

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
        """Reset the counts before all records are read again. The meter keeps its usage."""
        self.extracted = 0
        self.resumed = 0
        self.failed = 0
        self.failed_by_model = 0
        self.repeated = 0
        self.differing = 0
        self.counts = {}

    def add(self, line: ExtractedLine) -> None:
        """Count a finished record."""
        self.extracted += 1
        add_counts(self.counts, json.loads(line.counts))
