"""The view of a record that audit checks share: cleaned text, and citations of the raw text."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from extractor.audit.promises import Promise, PromiseList, find_lists, find_promises
from extractor.evidence.parsed import ParsedRecord
from extractor.language.book import read_text
from extractor.language.lexer import Tokens
from extractor.language.passage import LexedSection, Passage
from extractor.schemas import (
    AbsenceReason,
    Citation,
    Endpoint,
    ExtractedItem,
    Finding,
    FindingKind,
    Severity,
    Task,
    TrialExtraction,
    TrialRecord,
)

Problems = Iterator[Finding]
"""The findings of a check."""
_NAMES = ("label", "name", "measure")


def report(
    kind: FindingKind,
    message: str,
    *citations: Citation,
    field: str = "",
    severity: Severity = Severity.WARNING,
    sections: tuple[str, ...] = (),
) -> Finding:
    """Build a finding that cites these places.

    Args:
        kind: What the finding reports.
        message: The contradiction, in a sentence.
        citations: The places that contradict each other.
        field: The path of the value that is meant, "" for the record.
        severity: How bad it is.
        sections: The names of sections that were searched in vain.
    """
    return Finding(
        kind=kind,
        severity=severity,
        field=field,
        message=message,
        citations=citations,
        sections=sections,
    )


@dataclass(frozen=True)
class AuditedRecord:
    """Data shared by the checks of one record."""

    parsed: ParsedRecord
    extraction: TrialExtraction

    @property
    def record(self) -> TrialRecord:
        return self.parsed.record

    def has_task(self, task: Task) -> bool:
        """Return whether a task was extracted. One that was not is empty as a whole."""
        for absence in self.extraction.absences:
            if absence.field == task and absence.reason is AbsenceReason.NOT_ASKED:
                return False
        return True

    @cached_property
    def titles(self) -> tuple[LexedSection, ...]:
        """Title and official title, without duplicates."""
        return self._list_sections("title", "official_title")

    @cached_property
    def bodies(self) -> tuple[LexedSection, ...]:
        """Summary and description, without duplicates."""
        return self._list_sections("brief_summary", "detailed_description")

    @cached_property
    def lists(self) -> tuple[PromiseList, ...]:
        """The parts of summary and description that list measurements."""
        return tuple(
            listed for section in self.bodies for listed in find_lists(section)
        )

    @cached_property
    def promises(self) -> tuple[Promise, ...]:
        """The endpoints in these lists."""
        return tuple(
            promise for listed in self.lists for promise in find_promises(listed)
        )

    @cached_property
    def outcome_sections(self) -> tuple[str, ...]:
        """The names of the sections of registered outcomes."""
        return tuple(name for name in self.parsed.cleaned if "_outcomes" in name)

    def sections(self, kind: str) -> dict[str, Tokens]:
        """Return the tokens of all sections of a kind such as ``arms``, by name."""
        tokens = {}
        for name, section in self.parsed.sections.items():
            if name.startswith(f"{kind}["):
                tokens[name] = section.tokens
        return tokens

    def locate(self, item: ExtractedItem, field: str) -> Passage | None:
        """Return the place of a field's first evidence, alone; None without evidence."""
        for piece in item.evidence_for(field):
            section = self.parsed.sections[piece.section]
            return section.between(piece.start, piece.end).alone()
        return None

    def read(self, item: ExtractedItem, field: str) -> Tokens:
        """Return the tokens of a field's first evidence; no tokens without evidence."""
        passage = self.locate(item, field)
        return passage.tokens if passage else read_text("")

    def cite(self, section: str, start: int, end: int) -> Citation:
        """Cite the characters at ``start:end`` of a section's cleaned text."""
        return self.cite_raw(
            section, *self.parsed.cleaned[section].match_span(start, end)
        )

    def cite_raw(self, section: str, start: int, end: int) -> Citation:
        """Cite the characters at ``start:end`` of a section's raw text."""
        lexed = self.parsed.sections.get(section)
        # structured fields are cited too, but are not read into tokens
        text = lexed.raw if lexed else self.record.raw_text(section) or ""
        return Citation(section=section, start=start, end=end, quote=text[start:end])

    def cite_label(self, section: str) -> Citation:
        """Cite the name of an arm, an intervention or an outcome: its first part, or all of it."""
        labelled = self.record.section(section)
        parts = labelled.parts if labelled else ()
        for part in parts:
            if part.name in _NAMES:
                return self.cite_raw(section, part.start, part.end)
        length = len(self.record.raw_text(section) or "")
        return self.cite_raw(section, 0, length)

    def cite_registry(self, field: str) -> Citation:
        """Cite the whole of a structured field."""
        name = f"registry.{field}"
        return self.cite_raw(name, 0, len(self.record.raw_text(name) or ""))

    def cite_evidence(self, item: ExtractedItem, field: str) -> tuple[Citation, ...]:
        """Cite the evidence for a field of an item: ``constraints`` and all its parts, or
        ``constraints[0]`` alone.
        """
        return tuple(evidence.cite() for evidence in item.evidence_for(field))

    def cite_outcome(
        self, endpoint: Endpoint, field: str = "measure"
    ) -> tuple[Citation, ...]:
        """Cite a part of a registered outcome, or its measure if that part is missing."""
        return self.cite_evidence(endpoint, field) or self.cite_evidence(
            endpoint, "measure"
        )

    def _list_sections(self, *names: str) -> tuple[LexedSection, ...]:
        """Return the sections of these names that the record has. Of two with the same text, the
        first stays.
        """
        by_text: dict[str, LexedSection] = {}
        for name in names:
            section = self.parsed.sections.get(name)
            if section:
                by_text.setdefault(section.tokens.text, section)
        return tuple(by_text.values())
