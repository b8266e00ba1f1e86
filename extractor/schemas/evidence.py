"""Provenance: the characters that support a value, and the reasons for missing values."""

from collections.abc import Iterator
from operator import not_
from typing import Any

from pydantic import Field

from extractor.schemas.base import FieldInfo, FrozenModel, QuotingModel, is_none
from extractor.schemas.vocabulary import (
    DOUBTFUL_BELOW,
    AbsenceReason,
    Comparator,
    FindingKind,
    Origin,
    Severity,
    Sex,
    Support,
)


class Evidence(QuotingModel):
    """The exact characters that support the value of one field of an item.

    ``section_text[start:end] == quote``, where ``section_text`` is the raw text of the section. In
    tables, the offsets are named ``char_start`` and ``char_end``, ``quote`` is cleaned and on one
    line, and ``quote_raw`` contains the original characters if they differ.
    """

    field: str = Field(
        description="The supported field of the item, such as 'time_points[0]'."
    )
    section: str = Field(
        description="Name of the section, such as 'eligibility' or 'arms[0]'."
    )
    start: int = Field(
        ge=0, description="Offset of the first character in the section's raw text."
    )
    end: int = Field(ge=0, description="Offset after the last character.")
    quote: str = Field(description="The quoted characters.")
    origin: Origin = Field(description="Source of the value.")
    support: Support = Field(description="How the value follows from the quote.")
    confidence: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="The probability that the value is correct.",
    )
    doubts: tuple[str, ...] = Field(
        default=(),
        description=f"If the confidence is below {DOUBTFUL_BELOW}: what speaks most against the "
        "value, in words, the most important first.",
        exclude_if=not_,
    )
    sex: Sex | None = Field(
        default=None,
        description="For a limit: the sex that it applies to.",
        exclude_if=is_none,
    )
    quantity: str | None = Field(
        default=None,
        description="For a limit: its quantity, if only the surrounding words name it.",
        exclude_if=is_none,
    )
    alternative: bool = Field(
        default=False,
        description="For a limit: whether meeting another limit of its criterion is sufficient, "
        "as in 'PSA > 4 or T-score < -2.5'.",
        exclude_if=not_,
    )
    comparator: Comparator | None = Field(
        default=None,
        description="For an age: the comparator that the age's own words state. If missing, the "
        "words state only an age, and the limit includes that age.",
        exclude_if=is_none,
    )
    document_start: int | None = Field(
        default=None,
        ge=0,
        description="For a PDF or Word file: offset of the first character in the text of the "
        "file, as read_records returns it.",
        exclude_if=is_none,
    )
    document_end: int | None = Field(
        default=None,
        ge=0,
        description="For a PDF or Word file: offset after the last character.",
        exclude_if=is_none,
    )
    page: int | None = Field(
        default=None,
        ge=1,
        description="For a PDF: page number, starting from 1.",
        exclude_if=is_none,
    )

    def cite(self) -> "Citation":
        """Return the location and the quote without the other fields."""
        return Citation(
            section=self.section, start=self.start, end=self.end, quote=self.quote
        )


class ExtractedItem(QuotingModel):
    """An extracted item with its provenance.

    Gold annotations do not have provenance; items of an extraction always do.
    """

    evidence: tuple[Evidence, ...] = Field(
        default=(), description="The evidence for each field."
    )
    origin: Origin | None = Field(default=None, description="rule, model, or both.")
    support: Support | None = Field(
        default=None, description="The weakest support among the fields."
    )
    confidence: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="The lowest confidence among the fields.",
    )

    def value_of(self, field: str) -> object:
        """Return the value of the field with this name."""
        return getattr(self, field)

    def evidence_for(self, field: str) -> tuple[Evidence, ...]:
        """Return the evidence for a field and for its members and parts. For ``amounts``, this
        includes the evidence for ``amounts[0]``.
        """
        parts = (f"{field}.", f"{field}[")
        return tuple(
            evidence
            for evidence in self.evidence
            if evidence.field == field or evidence.field.startswith(parts)
        )

    def list_stated_fields(self) -> list[str]:
        """List the fields in gold annotations, except fields added in guideline 1.5 that are not
        set for this item.
        """
        # The fields added in guideline 1.5 are those that are excluded from the total.
        later = {name for name, field in self._list_metadata() if not field.in_total}
        unstated = later - self.model_fields_set
        return [name for name in self.list_gold_fields() if name not in unstated]

    @classmethod
    def list_gold_fields(cls) -> list[str]:
        """List the fields in gold annotations: the fields of the guideline, without provenance."""
        not_in_gold = {
            name for name, field in cls._list_metadata() if not field.in_gold
        }
        not_in_gold.update(ExtractedItem.model_fields)
        return [name for name in cls.model_fields if name not in not_in_gold]

    @classmethod
    def _list_metadata(cls) -> Iterator[tuple[str, FieldInfo]]:
        for name, info in cls.model_fields.items():
            for metadata in info.metadata:
                if isinstance(metadata, FieldInfo):
                    yield name, metadata


class Absence(QuotingModel):
    """Why a field of the extraction is empty."""

    field: str = Field(
        description="Path of the field, such as 'endpoints[2].instrument'."
    )
    reason: AbsenceReason
    sections: tuple[str, ...] = Field(
        default=(), description="The sections that were searched."
    )


class Citation(QuotingModel):
    """A quoted passage, where ``record.raw_text(section)[start:end] == quote``.

    ``section`` is a section of the record or a structured registry field, such as
    ``registry.enrollment``.
    """

    section: str = Field(
        description="A section, or a structured field such as 'registry.sex'."
    )
    start: int = Field(ge=0, description="Offset of the first character.")
    end: int = Field(ge=0, description="Offset after the last character.")
    quote: str = Field(description="The quoted characters.")


class Finding(QuotingModel):
    """Something that a reader should know before relying on the extraction."""

    kind: FindingKind = Field(
        description="Kind of finding; docs/reference/findings.md lists them all."
    )
    severity: Severity = Field(
        description="warning: check it; info: check it if you need the field."
    )
    field: str = Field(
        description="The affected field, or the place to which the finding refers; empty if the "
        "finding is about the whole record or about a complete answer that was lost."
    )
    message: str = Field(description="The message for readers.")
    citations: tuple[Citation, ...] = Field(
        default=(),
        description="The passages that support the finding; for a contradiction, both sides.",
    )
    sections: tuple[str, ...] = Field(
        default=(),
        description="The sections that were searched for missing information.",
    )


class SectionCoverage(FrozenModel):
    """How many characters in all sections of one kind were used. The remaining characters are
    unclaimed.
    """

    kind: str = Field(
        description="Name of the section without its number, such as 'arms'."
    )
    characters: int = Field(ge=0, description="Total number of characters.")
    claimed: int = Field(ge=0, description="Characters quoted as evidence.")
    boilerplate: int = Field(
        ge=0,
        description="White space, bullets, headings, and the registry's own notes and labels.",
    )


class Coverage(FrozenModel):
    """How many characters of the record were used. The remaining characters are unclaimed."""

    characters: int = Field(ge=0, description="Total number of characters.")
    claimed: int = Field(ge=0, description="Characters quoted as evidence.")
    boilerplate: int = Field(
        default=0,
        ge=0,
        description="White space, bullets, headings, notes and labels.",
    )
    sections: tuple[SectionCoverage, ...] = ()

    @property
    def unclaimed(self) -> int:
        """The number of characters that are neither quoted as evidence nor boilerplate."""
        return self.characters - self.claimed - self.boilerplate


def _price_nothing(counts: dict[str, Any]) -> float | None:
    """Return the cost of calls that nobody priced: nothing if there was none."""
    return None if counts["calls"] else 0.0


class Usage(FrozenModel):
    """The model usage for one record, including re-asks."""

    questions: int = Field(default=0, ge=0, description="Number of questions asked.")
    open_questions: int = Field(
        default=0,
        ge=0,
        description="Questions that remained at least partly unanswered.",
    )
    unanswered: int = Field(
        default=0,
        ge=0,
        description="Open questions that did not receive any usable answer.",
    )
    calls: int = Field(
        default=0, ge=0, description="Replies from the model, including re-asks."
    )
    prompt_tokens: int = Field(
        default=0, ge=0, description="Tokens sent, including cached tokens."
    )
    cached_tokens: int = Field(
        default=0, ge=0, description="Prompt tokens served from a cache."
    )
    written_tokens: int = Field(
        default=0,
        ge=0,
        description="Prompt tokens written to a cache, which have their own price.",
    )
    output_tokens: int = Field(
        default=0,
        ge=0,
        description="Tokens generated by the model, including reasoning tokens.",
    )
    thinking_tokens: int = Field(
        default=0,
        ge=0,
        description="Output tokens used for reasoning, if the provider reports them.",
    )
    usd: float | None = Field(
        default_factory=_price_nothing,
        ge=0,
        exclude=True,
        description="Cost in US dollars of a record that was extracted alone, in Python only; "
        "None if the price of a call is unknown, and for a record of a run, which has the cost "
        "of all.",
    )

    def __add__(self, other: "Usage") -> "Usage":
        sums = {
            name: getattr(self, name) + getattr(other, name)
            for name in Usage.model_fields
            if name != "usd"
        }
        return Usage(**sums)


class PricedUsage(Usage):
    """The model usage for several records, and its cost."""

    usd: float | None = Field(
        default=None,
        ge=0,
        description="Cost in US dollars that replies state, without calls that got no readable "
        "reply; None if the price of a call is unknown.",
    )
