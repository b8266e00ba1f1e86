"""What a run has done so far, counted."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from itertools import islice
from typing import TYPE_CHECKING, Any

from extractor.errors import EngineError
from extractor.schemas import Evidence, TrialExtraction, Usage

from .extracted import Extracted, ExtractedLine

if TYPE_CHECKING:
    from extractor.llm.servers import ServerCalls

__all__ = ["Tally", "to_line"]

_ITEMS = ("criteria", "regimens", "endpoints")
_KINDS = ("finding_kinds", "absences", "support")
_MOST_NAMED = 100
_SPENT = ("calls", "prompt_tokens", "cached_tokens", "output_tokens")


@dataclass(slots=True)
class Tally:
    """Counts over the records of a run. ``support`` counts pieces of evidence by how they carry their value.

    ``counted`` is the usage of the records. ``meter``, where there is one, says what the model was asked in
    all: it knows the cost of records that failed or were given up, too. ``price`` is what tokens cost, in picodollars.
    ``by_server`` says what each of several servers was sent. ``repeated`` records were read before, ``differing`` of
    them with another text.
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
    _open: Counter[str] = field(default_factory=Counter, compare=False)
    """Ids of records that were read and whose end is not counted yet; nothing else of them is held."""

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

    def begin_again(self) -> None:
        """Count the records anew: all come by once more. What the meter says stays."""
        none = Tally(meter=self.meter, price=self.price, by_server=self.by_server)
        for part in fields(Tally):
            setattr(self, part.name, getattr(none, part.name))

    @property
    def usd(self) -> float | None:
        """What the calls cost, None where no price is known."""
        return self.price(self.usage) / 1e12 if self.price else None

    def note_read(self, record_id: str) -> None:
        """A record was read: it must end as extracted, failed or resumed."""
        self._open[record_id] += 1

    def note_ended(self, record_id: str) -> None:
        """A record that was read is counted as extracted, failed or resumed now."""
        self._open[record_id] -= 1
        if not self._open[record_id]:
            del self._open[record_id]

    def check_complete(self) -> None:
        """Raise ``EngineError`` if a record that was read has neither been extracted, nor failed, nor been resumed."""
        if self._open:
            named = ", ".join(islice(self._open, _MOST_NAMED)) + (", ..." if len(self._open) > _MOST_NAMED else "")
            problem = f"records were read, but neither extracted nor failed: {named} ({self._open.total()} in all)"
            raise EngineError(f"{problem}; please report this; the same command with --out extracts them")

    def add(self, extraction: Extracted) -> None:
        """Count a finished record."""
        self.extracted += 1
        if isinstance(extraction, ExtractedLine):
            self._add_counts(extraction.counts)
            return
        self.criteria += len(extraction.eligibility.criteria)
        self.regimens += len(extraction.dosing)
        self.endpoints += len(extraction.endpoints)
        self.findings += len(extraction.findings)
        self.finding_kinds.update(finding.kind.value for finding in extraction.findings)
        self.absences.update(absence.reason.value for absence in extraction.absences)
        self.support.update(evidence.support.value for evidence in _all_evidence(extraction))
        if extraction.usage:
            self.counted += extraction.usage

    def counts(self) -> dict[str, Any]:
        """Extracted records and what is in them, as ``Totals`` has it."""
        return {
            "records": {"extracted": self.extracted},
            "items": {name: getattr(self, name) for name in _ITEMS},
            "findings": self.findings,
            **{name: dict(getattr(self, name)) for name in _KINDS},
            "usage": self.counted.model_dump(exclude_defaults=True),
        }

    def _add_counts(self, counts: str) -> None:
        """Count what another process has counted."""
        parts = json.loads(counts)
        for name in _ITEMS:
            setattr(self, name, getattr(self, name) + parts["items"][name])
        self.findings += parts["findings"]
        for name in _KINDS:
            getattr(self, name).update(parts[name])
        self.counted += Usage(**parts["usage"])


def to_line(extraction: TrialExtraction) -> ExtractedLine:
    """An extraction as its line, counted."""
    tally = Tally()
    tally.add(extraction)
    return ExtractedLine.of(extraction, json.dumps(tally.counts(), separators=(",", ":")))


def _all_evidence(extraction: TrialExtraction) -> list[Evidence]:
    eligibility = extraction.eligibility
    items = (eligibility, *eligibility.criteria, *extraction.dosing, *extraction.endpoints)
    return [evidence for item in items for evidence in item.evidence]
