"""The provenance of one item while it is put together: evidence, weakest support, and gaps."""

from collections.abc import Sequence
from typing import Any, TypeVar

from extractor.ground.rederive import derive_support
from extractor.parse.parsed import ParsedRecord, Reading, Span
from extractor.schemas import Absence, AbsenceReason, Origin, Support

from .confidence import describe_provenance
from .model_result import ModelResult
from .settle import BELIEVED, Settled, settle

__all__ = ["Ledger"]

T = TypeVar("T")


class Ledger:
    """Collects what is known about the fields of the item at ``path``, one field after another.

    ``searched`` names the sections that were searched for the item's fields, or is the item's own place in one;
    a value that follows from no single word, such as "no time is stated", rests on that place as a whole. With
    no section searched, empty fields are explained by the section's absence.
    """

    def __init__(self, parsed: ParsedRecord, path: str, searched: Sequence[str] | Span, result: ModelResult) -> None:
        self._parsed, self._path, self._inquiry = parsed, path, result
        self._task = path.partition("[")[0].partition(".")[0]
        self._whole = (searched,) if isinstance(searched, Span) else ()
        self._sections = (searched.section,) if isinstance(searched, Span) else tuple(searched)
        self._evidence: list[dict[str, Any]] = []  # validated once, with the item
        self._origins: set[Origin] = set()
        self._supports: set[Support] = set()
        self._confidence = 1.0
        self.absences: list[Absence] = []

    def enter(self, field: str, rule: Reading[T | None], chunk: int, question: str | None = None) -> T | None:
        """Settle a field between the rule and the model, note its proof or gap, and return its value."""
        model = self._inquiry.reading(chunk, field)
        if model is None and rule.confidence >= BELIEVED:  # most fields of most records
            return self._note(field, rule.value, round(rule.confidence, 4), Origin.RULE, rule.spans)
        gap = self._inquiry.gap(chunk, field, question)
        return self.note(field, settle(rule, model, gap, self._inquiry.policy.of(f"{self._task}.{field}")))

    def believe_model(self, field: str, rule: Reading[T | None], chunk: int) -> T | None:
        """What the model says of a field; None if it says nothing, or the rules are believed."""
        model = self._inquiry.reading(chunk, field)
        if model is None:
            return None
        settled = settle(rule, model, AbsenceReason.NOT_ASKED, self._inquiry.policy.of(f"{self._task}.{field}"))
        return settled.value if settled.origin is not Origin.RULE else None

    def note(self, field: str, settled: Settled[T | None]) -> T | None:
        """Note a settled field's proof or gap, and return its value."""
        if settled.gap is not None:
            self.note_absence(field, settled.gap)
            return settled.value
        return self._note(field, settled.value, settled.confidence, settled.origin, settled.spans)

    def _note(self, field: str, value: T | None, confidence: float, origin: Origin, spans: Sequence[Span]) -> T | None:
        self._confidence = min(self._confidence, confidence)
        if value is None or value == ():
            self.note_absence(field, AbsenceReason.NOT_REPORTED if self._sections else AbsenceReason.SECTION_ABSENT)
            return value
        for position, span in enumerate(spans or self._whole):
            if isinstance(value, tuple):
                place = min(position, len(value) - 1)
                self._prove(f"{field}[{place}]", value[place], span, origin, confidence)
            else:
                self._prove(field, value, span, origin, confidence)
        return value

    def note_absence(self, field: str, reason: AbsenceReason) -> None:
        """Say why a field is empty."""
        self.absences.append(Absence(field=f"{self._path}.{field}", reason=reason, sections=self._sections))

    def provenance(self) -> dict[str, Any]:
        """The item's own fields of provenance."""
        return describe_provenance(self._evidence, self._origins, self._supports, round(self._confidence, 4))

    def _prove(self, name: str, value: Any, span: Span, origin: Origin, confidence: float) -> None:
        """Note what proves a value, with the support that is derived anew, whatever its reader thought of it."""
        section = self._parsed.record.section(span.section)
        if section is None:
            raise ValueError(f"evidence for {name} points at section {span.section!r}, which the record lacks")
        support = derive_support(value, span, self._parsed.sections[span.section]) or Support.UNSUPPORTED
        self._origins.add(origin)
        self._supports.add(support)
        self._evidence.append(
            {
                "field": name,
                "section": span.section,
                "start": span.start,
                "end": span.end,
                "quote": section.text[span.start : span.end],
                "origin": origin,
                "support": support,
                "confidence": confidence,
            }
        )
