"""Provenance: the characters that support a value, and the reasons for missing ones."""

from collections.abc import Iterator
from operator import not_
from typing import Any

from pydantic import Field

from extractor.schemas.base import FieldMetadata, FrozenModel, SaidModel, is_none
from extractor.schemas.vocabulary import (
    AbsenceReason,
    Comparator,
    FindingKind,
    Origin,
    Severity,
    Sex,
    Support,
)


class Evidence(SaidModel):
    """The exact characters that support one field of an item.

    ``section_text[start:end] == quote`` holds for the raw text of the named section. In tables the
    offsets are ``char_start`` and ``char_end``; ``quote`` is one clean line there, and
    ``quote_raw`` has these characters where they differ.
    """

    field: str = Field(
        description="Field of the item that this supports, such as 'time_points[0]'."
    )
    section: str = Field(
        description="Name of the section, such as 'eligibility' or 'arms[0]'."
    )
    start: int = Field(ge=0, description="First character, in the section's raw text.")
    end: int = Field(ge=0, description="One past the last character.")
    quote: str = Field(description="The characters themselves.")
    origin: Origin = Field(description="Who found the value.")
    support: Support = Field(description="How the value follows from the quote.")
    confidence: float | None = Field(
        default=None, ge=0, le=1, description="The probability that the value is right."
    )
    sex: Sex | None = Field(
        default=None,
        description="Of a limit: the sex for whom it holds.",
        exclude_if=is_none,
    )
    quantity: str | None = Field(
        default=None,
        description="Of a limit: its quantity, if only the words around it name that.",
        exclude_if=is_none,
    )
    alternative: bool = Field(
        default=False,
        description="Of a limit: whether another limit of its criterion does as well: 'PSA > 4 or "
        "T-score < -2.5'.",
        exclude_if=not_,
    )
    comparator: Comparator | None = Field(
        default=None,
        description="Of an age: how its words bound it. Without one, they name it, and it counts.",
        exclude_if=is_none,
    )

    document_start: int | None = Field(
        default=None,
        ge=0,
        description="Of a PDF or a Word file: the first character in its text, as "
        "read_records returns it.",
        exclude_if=is_none,
    )
    document_end: int | None = Field(
        default=None,
        ge=0,
        description="One past the last character there.",
        exclude_if=is_none,
    )
    page: int | None = Field(
        default=None,
        ge=1,
        description="Of a PDF: the page, from 1.",
        exclude_if=is_none,
    )

    def cite(self) -> "Citation":
        """Return the place and the quote alone."""
        return Citation(
            section=self.section, start=self.start, end=self.end, quote=self.quote
        )


class ExtractedItem(SaidModel):
    """An extracted item with its provenance.

    Gold annotations have none; a finished extraction always has it.
    """

    evidence: tuple[Evidence, ...] = Field(
        default=(), description="What supports each field."
    )
    origin: Origin | None = Field(default=None, description="rule, model, or both.")
    support: Support | None = Field(
        default=None, description="The weakest support among the fields."
    )
    confidence: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="The least probability of being right among the fields.",
    )

    def value_of(self, field: str) -> Any:
        """Return the value of a field by its name."""
        return getattr(self, field)

    def evidence_for(self, field: str) -> tuple[Evidence, ...]:
        """Return the evidence for a field with its members and parts: for ``amounts``, also for
        ``amounts[0]``.
        """
        parts = (f"{field}.", f"{field}[")
        return tuple(
            evidence
            for evidence in self.evidence
            if f"{evidence.field}.".startswith(parts)
        )

    def list_stated_fields(self) -> list[str]:
        """List the fields in gold, without those that guideline 1.5 added and of which the item
        says nothing.
        """
        # The fields that guideline 1.5 added are those that count in no total.
        later = {name for name, field in self._list_metadata() if not field.in_total}
        unstated = later - self.model_fields_set
        return [name for name in self.list_gold_fields() if name not in unstated]

    @classmethod
    def list_gold_fields(cls) -> list[str]:
        """List the fields in gold: those of the guideline, without provenance."""
        not_in_gold = {
            name for name, field in cls._list_metadata() if not field.in_gold
        }
        not_in_gold.update(ExtractedItem.model_fields)
        return [name for name in cls.model_fields if name not in not_in_gold]

    @classmethod
    def _list_metadata(cls) -> Iterator[tuple[str, FieldMetadata]]:
        for name, info in cls.model_fields.items():
            for metadata in info.metadata:
                if isinstance(metadata, FieldMetadata):
                    yield name, metadata


class Absence(SaidModel):
    """Why a field of the extraction is empty."""

    field: str = Field(
        description="Path of the field, such as 'endpoints[2].instrument'."
    )
    reason: AbsenceReason
    sections: tuple[str, ...] = Field(
        default=(), description="Sections that were searched."
    )


class Citation(SaidModel):
    """One side of a contradiction: ``record.raw_text(section)[start:end] == quote``.

    ``section`` is a section of the record, or a structured field of the registry, such as
    ``registry.enrollment``.
    """

    section: str = Field(
        description="A section, or a structured field such as 'registry.sex'."
    )
    start: int = Field(ge=0, description="First character.")
    end: int = Field(ge=0, description="One past the last character.")
    quote: str = Field(description="The characters themselves.")


class Finding(SaidModel):
    """Something a reader should know before trusting the extraction."""

    kind: FindingKind = Field(
        description="Kind of finding; docs/reference/findings.md lists all."
    )
    severity: Severity = Field(
        description="warning: look at it; info: look at it if you need the field."
    )
    field: str = Field(
        description="Field concerned, or where it was read; empty if a finding is about the whole "
        "record, or about an answer lost as a whole."
    )
    message: str = Field(description="A sentence.")
    citations: tuple[Citation, ...] = Field(
        default=(), description="What says so; both sides of a contradiction."
    )
    sections: tuple[str, ...] = Field(
        default=(), description="Where what is missing was looked for."
    )


class SectionCoverage(FrozenModel):
    """What became of the text of all sections of one kind, in characters; the rest is unclaimed."""

    kind: str = Field(
        description="Name of the section without its number, such as 'arms'."
    )
    characters: int = Field(ge=0, description="All characters.")
    claimed: int = Field(ge=0, description="Quoted as evidence.")
    boilerplate: int = Field(
        ge=0,
        description="White space, bullets, headings, the registry's own notes and labels.",
    )


class Coverage(FrozenModel):
    """What became of the record's text, in characters; the rest is unclaimed."""

    characters: int = Field(ge=0, description="All characters.")
    claimed: int = Field(ge=0, description="Quoted as evidence.")
    boilerplate: int = Field(
        default=0, ge=0, description="White space, bullets, headings, notes and labels."
    )
    sections: tuple[SectionCoverage, ...] = ()

    @property
    def unclaimed(self) -> int:
        """Characters that no value quotes and that are not boilerplate."""
        return self.characters - self.claimed - self.boilerplate


class Usage(FrozenModel):
    """What was asked of a model for one record, with re-asks."""

    questions: int = Field(default=0, ge=0, description="Questions asked.")
    open_questions: int = Field(
        default=0, ge=0, description="Questions that stayed open, at least in part."
    )
    unanswered: int = Field(
        default=0, ge=0, description="Open questions that got no usable answer at all."
    )
    calls: int = Field(
        default=0, ge=0, description="Answers of the model, re-asks included."
    )
    prompt_tokens: int = Field(
        default=0, ge=0, description="Tokens sent, cached ones included."
    )
    cached_tokens: int = Field(
        default=0, ge=0, description="Prompt tokens served from a cache."
    )
    written_tokens: int = Field(
        default=0, ge=0, description="Prompt tokens written into a cache, at its price."
    )
    output_tokens: int = Field(
        default=0, ge=0, description="Tokens that the model wrote, thinking included."
    )
    thinking_tokens: int = Field(
        default=0,
        ge=0,
        description="Output tokens of thinking, where they are reported.",
    )

    def __add__(self, other: "Usage") -> "Usage":
        sums = {
            name: getattr(self, name) + getattr(other, name)
            for name in Usage.model_fields
        }
        return Usage(**sums)


class PricedUsage(Usage):
    """The usage of many records, with its price."""

    usd: float | None = Field(
        default=None,
        ge=0,
        description="US dollars; None if the price of a call is unknown.",
    )
