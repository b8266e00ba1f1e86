"""A trial record: named sections of raw text, and what the registry holds beside the text."""

import re
from bisect import bisect_right
from collections.abc import Mapping
from operator import not_
from typing import Any, ClassVar

from pydantic import Field, ValidationInfo, field_validator, model_validator

from extractor.schemas.base import FrozenModel, is_none
from extractor.schemas.registered_words import (
    is_nothing,
    read_date,
    split_masking,
    split_phases,
    unify_word,
)
from extractor.schemas.vocabulary import TermKind

_REGISTRY = "registry."

_NO_LIMIT = re.compile(
    r"(?:no|none|not|any|unlimited|unknown|without)\b\D*", re.IGNORECASE
)
"""What else a field of age says instead of an age: "None", "No limit", "Not applicable"."""


class Part(FrozenModel):
    """A span of a section that the source file itself keeps apart, such as an outcome's measure.

    Names: ``measure``, ``description``, ``time_frame`` in outcomes, or ``statement`` for all of
    them; ``label``, ``type``, ``description`` in arms; ``type``, ``name``, ``description``,
    ``other_names`` in interventions.
    """

    name: str
    start: int = Field(ge=0)
    end: int = Field(ge=0)


class Piece(FrozenModel):
    """From its character ``start`` on, a section's text stands at character ``at`` of the text
    that was given.
    """

    start: int = Field(ge=0)
    at: int = Field(ge=0)


class OtherLanguage(FrozenModel):
    """A span that the source itself marks as text in another language than English."""

    start: int = Field(ge=0)
    end: int = Field(ge=0)
    language: str = Field(description="Its name, such as 'Spanish'.")


class Section(FrozenModel):
    r"""A named piece of free text, exactly as it stood in the file.

    Where the source keeps an item in several fields, ``text`` is these fields joined by a line
    break and ``parts`` says where each one stands.

    >>> section = Section(
    ...     name="primary_outcomes[0]",
    ...     text="Overall survival\n2 years",
    ...     parts=(
    ...         Part(name="measure", start=0, end=16),
    ...         Part(name="time_frame", start=17, end=24),
    ...     ),
    ... )
    >>> section.part("time_frame")
    '2 years'
    """

    name: str
    text: str
    parts: tuple[Part, ...] = ()
    pieces: tuple[Piece, ...] = Field(
        default=(),
        exclude_if=not_,
        description="Where the pieces of the section stand in a free text; empty for other "
        "formats.",
    )
    other_languages: tuple[OtherLanguage, ...] = Field(
        default=(),
        exclude_if=not_,
        description="What the source marks as text in another language; such text is found "
        "without a mark as well.",
    )

    def locate(self, start: int, end: int) -> tuple[int, int] | None:
        """Return where the characters ``start:end`` of the section stand in the text that was
        given.

        None if no free text was given, and for characters of several columns of a table, which do
        not stand there in this order.

        >>> Section(
        ...     name="title", text="A Trial", pieces=(Piece(start=0, at=7),)
        ... ).locate(2, 7)
        (9, 14)
        """
        shift_of_first = self._find_shift(start)
        shift_of_last = self._find_shift(max(start, end - 1))
        if shift_of_first is None or shift_of_last is None:
            return None
        first = start + shift_of_first
        last = end + shift_of_last
        return (first, last) if first <= last else None

    def list_places(self, start: int, end: int) -> list[tuple[int, int]]:
        r"""Return where the characters ``start:end`` of the section stand in the text that was
        given, in the order of the section; several places if other text is between them there.

        Empty if no free text was given.

        >>> table = Section(
        ...     name="eligibility",
        ...     text="Inclusion\nAdults",
        ...     pieces=(Piece(start=0, at=0), Piece(start=10, at=24)),
        ... )
        >>> table.list_places(0, 16)
        [(0, 9), (24, 30)]
        """
        places: list[tuple[int, int]] = []
        ends = [piece.start for piece in self.pieces[1:]] + [len(self.text)]
        for piece, piece_end in zip(self.pieces, ends, strict=False):
            # The line break that joins two pieces stands nowhere.
            words = self.text[piece.start : piece_end].rstrip("\n")
            first = max(start, piece.start)
            last = min(end, piece.start + len(words))
            if first < last:
                shift = piece.at - piece.start
                places.append((first + shift, last + shift))
        return places

    def _find_shift(self, at: int) -> int | None:
        """Return how much further on a character stands in the text that was given; None if it is
        in no piece.
        """
        for piece in reversed(self.pieces):
            if piece.start <= at:
                return piece.at - piece.start
        return None

    def part(self, name: str) -> str | None:
        """Return the text of the first part with this name, or None."""
        for part in self.parts:
            if part.name == name:
                return self.text[part.start : part.end]
        return None


class RegisteredTerm(FrozenModel):
    """A term that the registry itself keeps for a trial: of MeSH, another name of an intervention,
    or a keyword.

    >>> str(RegisteredTerm(kind="condition", name="Asthma", id="D001249"))
    'Asthma'
    """

    kind: TermKind
    name: str = Field(description="The term, as registered.")
    id: str | None = Field(
        default=None,
        description="MeSH's number, such as D001249, where the format has it.",
    )
    section: str | None = Field(
        default=None,
        description="The section of the intervention that has this other name.",
    )

    def __str__(self) -> str:
        return self.name


class RegistryFields(FrozenModel):
    """The registry's structured fields. Only ``terms`` are copied into an extraction.

    Words that differ by format have the spelling of API v2 of ClinicalTrials.gov, dates that of
    ISO 8601; a word that is not known stays as written. A placeholder such as "N/A" or "-" is read
    as an empty field; so is an age such as "No limit".

    >>> RegistryFields(
    ...     minimum_age="NA", maximum_age="No limit", sex="ALL", masking="NONE"
    ... ).minimum_age is None
    True
    >>> RegistryFields(phases=("Phase 2/Phase 3",), start_date="March 2019").model_dump(
    ...     exclude_defaults=True
    ... )
    {'phases': ('PHASE2', 'PHASE3'), 'start_date': '2019-03'}

    An extraction is not read from the fields ``beside``: if only they change, the record is the
    same.
    """

    # "NA" is an allocation in API v2 (a trial of one arm), "NONE" is open masking, "UNKNOWN" is a
    # status.
    _own_words: ClassVar[frozenset[str]] = frozenset(
        {"allocation", "assignment", "masking", "status"}
    )
    _dates: ClassVar[frozenset[str]] = frozenset(
        {"start_date", "primary_completion_date", "completion_date"}
    )

    beside: ClassVar[frozenset[str]] = frozenset(
        {
            "assignment",
            "who_masked",
            "primary_purpose",
            "status",
            "start_date",
            "primary_completion_date",
            "completion_date",
            "sponsor",
            "acronym",
            "terms",
        }
    )

    minimum_age: str | None = None
    maximum_age: str | None = None
    sex: str | None = None
    healthy_volunteers: str | None = None
    enrollment: str | None = None
    enrollment_type: str | None = None
    phases: tuple[str, ...] = ()
    study_type: str | None = None
    allocation: str | None = None
    assignment: str | None = Field(
        default=None, description="How groups follow each other, such as 'PARALLEL'."
    )
    masking: str | None = None
    who_masked: tuple[str, ...] = ()
    primary_purpose: str | None = None
    status: str | None = Field(
        default=None, description="Whether the trial recruits, has ended, ..."
    )
    start_date: str | None = None
    primary_completion_date: str | None = None
    completion_date: str | None = None
    sponsor: str | None = Field(default=None, description="Name of the lead sponsor.")
    acronym: str | None = None
    bare_arms: tuple[str, ...] = Field(
        default=(), description="Sections of arms that no intervention is linked to."
    )
    arm_links: Mapping[str, tuple[str, ...]] = Field(
        default={},
        description="Sections of the arms of each intervention, by its section.",
    )
    terms: tuple[RegisteredTerm, ...] = Field(
        default=(),
        exclude_if=not_,
        description="MeSH terms of conditions and interventions, as the registry has them.",
    )

    @model_validator(mode="before")
    @classmethod
    def _take_who_is_masked_from_masking(cls, values: Any) -> Any:
        """Read "Double (Participant, Investigator)", as older formats write it, as the degree
        and who is masked.
        """
        masking = values.get("masking") if isinstance(values, Mapping) else None
        if not isinstance(masking, str):
            return values
        degree, who = split_masking(masking)
        who_masked = values.get("who_masked") or who
        return {**values, "masking": degree, "who_masked": who_masked}

    @field_validator("*", mode="before")
    @classmethod
    def _drop_words_for_nothing(cls, value: Any, info: ValidationInfo) -> Any:
        """Return None for "N/A", "-", "NaN", white space and the like, and for an age such as "No
        limit"; any other value as it is. Fields in ``_own_words`` may have any text.
        """
        if not isinstance(value, str) or info.field_name in cls._own_words:
            return value
        if is_nothing(value):
            return None
        is_age = info.field_name in ("minimum_age", "maximum_age")
        if is_age and _NO_LIMIT.fullmatch(value.strip()):
            return None
        return value

    @field_validator("*", mode="after")
    @classmethod
    def _unify_words(cls, value: Any, info: ValidationInfo) -> Any:
        """Write a word as API v2 of ClinicalTrials.gov spells it, and a date as ISO 8601 does. What
        is unknown, and the fields that have no such words, stay as they are.
        """
        name = info.field_name or ""
        if name == "phases":
            return split_phases(value)
        if name == "who_masked":
            return tuple(unify_word("who_masked", role) for role in value)
        if not isinstance(value, str):
            return value
        if name in cls._dates:
            return read_date(value) or value
        return unify_word(name, value)

    def text(self, name: str) -> str | None:
        """Return a field as text, with several values separated by bars; None if it is empty,
        unknown, or no text.

        >>> RegistryFields(phases=("PHASE1", "PHASE2")).text("phases")
        'PHASE1|PHASE2'
        """
        if name not in type(self).model_fields:
            return None
        value = getattr(self, name)
        if isinstance(value, tuple):
            return "|".join(map(str, value)) or None
        return value if isinstance(value, str) else None


class Source(FrozenModel):
    """Where a record was read."""

    path: str = Field(description="File, or '<stdin>'.")
    format: str = Field(
        description="Format of the file, such as ctgov_json; docs/reference/formats.md lists all."
    )
    place: str | None = Field(
        default=None,
        description="Place in the file, such as 'line 12' or 'a.zip: b.xml'.",
    )
    notes: tuple[str, ...] = Field(
        default=(),
        exclude_if=not_,
        description="What a reader had to mend or guess, for people; each becomes a finding "
        "`source_doubtful`.",
    )


class DocumentText(FrozenModel):
    r"""The text of a PDF or a Word file, into which ``Section.locate`` gives offsets.

    >>> document = DocumentText(text="First page\nSecond page\n", pages=(0, 11))
    >>> document.find_page(3), document.find_page(14)
    (1, 2)
    """

    text: str = Field(
        description="The text in reading order, with headers and footers at its end."
    )
    pages: tuple[int, ...] = Field(
        default=(), description="Where each page begins; empty for Word."
    )

    def find_page(self, at: int) -> int | None:
        """Return the number of the page with a character, from 1; None for Word, whose files
        hold no pages.
        """
        return bisect_right(self.pages, at) or None


class TrialRecord(FrozenModel):
    """One trial record as read from a file: its id, its source, its sections of raw text, its
    registered fields.
    """

    record_id: str = Field(
        description="The registry's number where the record has one, else the file's stem."
    )
    source: Source
    sections: tuple[Section, ...]
    registry: RegistryFields = RegistryFields()
    document: DocumentText | None = Field(
        default=None,
        exclude_if=is_none,
        description="Of a PDF or a Word file: its whole text, in which the sections stand.",
    )
    given: str | None = Field(
        default=None,
        exclude=True,
        repr=False,
        description="Of a free text: the text as it was given, in which the sections stand; it is "
        "not written to JSON.",
    )

    def section(self, name: str) -> Section | None:
        """Return the section with this name, or None."""
        for section in self.sections:
            if section.name == name:
                return section
        return None

    def raw_text(self, name: str) -> str | None:
        """Return the raw text of a section, or of a structured field such as
        ``registry.enrollment``, or None.

        >>> from extractor.schemas import RegistryFields, Source
        >>> fields = RegistryFields(enrollment="40")
        >>> source = Source(path="a.json", format="ctgov_json")
        >>> TrialRecord(
        ...     record_id="a", source=source, sections=(), registry=fields
        ... ).raw_text("registry.enrollment")
        '40'
        """
        if name.startswith(_REGISTRY):
            return self.registry.text(name.removeprefix(_REGISTRY))
        section = self.section(name)
        return section.text if section else None
