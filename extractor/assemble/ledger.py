"""The provenance of one item while it is put together: evidence, weakest support, and gaps."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from extractor.ground.rederive import derive_support
from extractor.parse.parsed import ParsedRecord, Reading, Span
from extractor.schemas import Absence, AbsenceReason, Evidence, Support

from .confidence import describe_provenance
from .inquiry import Inquiry
from .settle import Settled, settle

__all__ = ["Ledger"]

T = TypeVar("T")


class Ledger:
    """Collects what is known about the fields of the item at ``path``, one field after another.

    ``searched`` names the sections that were searched for the item's fields, or is the item's own place in one;
    a value that follows from no single word, such as "no time is stated", rests on that place as a whole. With
    no section searched, empty fields are explained by the section's absence.
    """

    def __init__(self, parsed: ParsedRecord, path: str, searched: Sequence[str] | Span, inquiry: Inquiry) -> None:
        self._parsed, self._path, self._inquiry = parsed, path, inquiry
        self._task = path.partition("[")[0].partition(".")[0]
        self._whole = searched if isinstance(searched, Span) else None
        self._sections = (searched.section,) if isinstance(searched, Span) else tuple(searched)
        self._evidence: list[Evidence] = []
        self._confidence = 1.0
        self.absences: list[Absence] = []

    def enter(self, field: str, rule: Reading[T | None], chunk: int, question: str | None = None) -> T | None:
        """Settle a field between the rule and the model, note its proof or gap, and return its value."""
        model = self._inquiry.reading(chunk, field)
        gap = self._inquiry.gap(chunk, field, question)
        return self.note(field, settle(rule, model, gap, self._inquiry.policy.of(f"{self._task}.{field}")))

    def ask(self, field: str, chunk: int) -> Any:
        """What the model says of a field; None if it says nothing."""
        model = self._inquiry.reading(chunk, field)
        return model.value if model else None

    def note(self, field: str, settled: Settled[T | None]) -> T | None:
        """Note a settled field's proof or gap, and return its value."""
        if settled.gap is None:
            self._confidence = min(self._confidence, settled.confidence)
        if settled.value is None or settled.value == ():
            reason = settled.gap or (AbsenceReason.NOT_REPORTED if self._sections else AbsenceReason.SECTION_ABSENT)
            self.note_absence(field, reason)
            return settled.value
        many = isinstance(settled.value, tuple)
        if not settled.spans and self._whole:
            settled = replace(settled, spans=(self._whole,))
        for position, span in enumerate(settled.spans):
            if many:
                place = min(position, len(settled.value) - 1)  # type: ignore[arg-type]
                self._prove(f"{field}[{place}]", settled.value[place], span, settled)  # type: ignore[index]
            else:
                self._prove(field, settled.value, span, settled)
        return settled.value

    def note_absence(self, field: str, reason: AbsenceReason) -> None:
        """Say why a field is empty."""
        self.absences.append(Absence(field=f"{self._path}.{field}", reason=reason, sections=self._sections))

    def provenance(self) -> dict[str, Any]:
        """The item's own fields of provenance."""
        return describe_provenance(self._evidence, round(self._confidence, 4))

    def _prove(self, name: str, value: Any, span: Span, settled: Settled[Any]) -> None:
        """Note what proves a value, with the support that is derived anew, whatever its reader thought of it."""
        section = self._parsed.record.section(span.section)
        if section is None:
            raise ValueError(f"evidence for {name} points at section {span.section!r}, which the record lacks")
        support = derive_support(value, span, self._parsed.sections[span.section])
        proof = Evidence(
            field=name,
            section=span.section,
            start=span.start,
            end=span.end,
            quote=section.text[span.start : span.end],
            origin=settled.origin,
            support=support or Support.UNSUPPORTED,
            confidence=settled.confidence,
        )
        self._evidence.append(proof)
