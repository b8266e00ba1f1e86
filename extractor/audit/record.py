"""A record as its audit sees it: the text in cleaned form, and citations that lead back to the raw characters."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from extractor.parse.parsed import ParsedRecord
from extractor.schemas import (
    Citation,
    Endpoint,
    Item,
    Severity,
    TrialExtraction,
    TrialRecord,
)

from .prose import Promise, PromiseList, Prose, find_lists, find_promises

_TITLES = ("title", "official_title")
_NAMES = ("label", "name", "measure")
_BODIES = ("brief_summary", "detailed_description")


@dataclass(frozen=True, slots=True)
class Problem:
    """What a check found: a message, both sides quoted, and what was searched.

    ``severity`` differs from that of the check where the case is more or less serious than usual.
    """

    message: str
    citations: tuple[Citation, ...]
    field: str = ""
    severity: Severity | None = None
    sections: tuple[str, ...] = ()


def report(
    message: str,
    *citations: Citation,
    field: str = "",
    severity: Severity | None = None,
    sections: tuple[str, ...] = (),
) -> Problem:
    """A problem that cites these places."""
    return Problem(message, citations, field, severity, sections)


@dataclass(frozen=True)
class AuditedRecord:
    """What the checks of one record share."""

    parsed: ParsedRecord
    extraction: TrialExtraction

    @property
    def record(self) -> TrialRecord:
        return self.parsed.record

    @cached_property
    def titles(self) -> tuple[Prose, ...]:
        """Title and official title."""
        return tuple(self._list_prose(_TITLES))

    @cached_property
    def bodies(self) -> tuple[Prose, ...]:
        """Summary and description; once if both are the same."""
        return tuple(self._list_prose(_BODIES))

    @property
    def prose(self) -> tuple[Prose, ...]:
        return self.titles + self.bodies

    @cached_property
    def lists(self) -> tuple[PromiseList, ...]:
        """Where summary and description say what will be measured."""
        return tuple(listed for prose in self.bodies for listed in find_lists(prose))

    @cached_property
    def promises(self) -> tuple[Promise, ...]:
        """The endpoints that these lists name."""
        return tuple(promise for listed in self.lists for promise in find_promises(listed))

    @cached_property
    def outcome_sections(self) -> tuple[str, ...]:
        """The names of the sections of registered outcomes."""
        return tuple(name for name in self.parsed.cleaned if "_outcomes" in name)

    def cite(self, section: str, start: int, end: int) -> Citation:
        """What stands at ``start:end`` of a section's cleaned text."""
        return self.cite_raw(section, *self.parsed.cleaned[section].match_span(start, end))

    def cite_tokens(self, prose: Prose, first: int, end: int) -> Citation:
        """The tokens ``first:end`` of a text."""
        return self.cite(prose.section, prose.tokens.starts[first], prose.tokens.ends[end - 1])

    def cite_raw(self, section: str, start: int, end: int) -> Citation:
        """What stands at ``start:end`` of a section's raw text."""
        text = self.record.raw_text(section) or ""
        return Citation(section=section, start=start, end=end, quote=text[start:end])

    def cite_label(self, section: str) -> Citation:
        """The name of an arm or an intervention: its first part, or the whole of it."""
        found = self.record.section(section)
        parts = [part for part in found.parts if part.name in _NAMES] if found else []
        end = len(self.record.raw_text(section) or "")
        return self.cite_raw(section, *((parts[0].start, parts[0].end) if parts else (0, end)))

    def cite_registry(self, field: str) -> Citation:
        """The whole of a structured field."""
        name = f"registry.{field}"
        return self.cite_raw(name, 0, len(self.record.raw_text(name) or ""))

    def cite_evidence(self, item: Item, field: str) -> tuple[Citation, ...]:
        """What supports a field of an item: ``constraints`` and all its parts, or ``constraints[0]`` alone."""
        found = (one for one in item.evidence if one.field == field or one.field.startswith(f"{field}["))
        return tuple(one.cite() for one in found)

    def cite_outcome(self, endpoint: Endpoint, field: str = "measure") -> tuple[Citation, ...]:
        """A part of a registered outcome; where it has none, its measure."""
        return self.cite_evidence(endpoint, field) or self.cite_evidence(endpoint, "measure")

    def _list_prose(self, names: tuple[str, ...]) -> Iterator[Prose]:
        seen: set[str] = set()
        for name in names:
            section = self.parsed.sections.get(name)
            if section and section.tokens.text not in seen:
                seen.add(section.tokens.text)
                yield Prose(name, section.tokens)
