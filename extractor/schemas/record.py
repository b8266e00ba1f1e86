"""A trial record: named sections of raw text, and the structured fields of the registry."""

import re
from bisect import bisect_right
from collections.abc import Mapping
from operator import not_
from typing import ClassVar

from pydantic import Field, ValidationInfo, field_validator, model_validator

from extractor.language.lexer import Range
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

PAPER_FORMATS = frozenset({"pubmed_xml", "jats_xml", "medline", "pubmed_text"})
"""The formats of published papers."""
TEXT_FORMATS = PAPER_FORMATS | {"text", "flat", "pdf", "docx"}
"""The formats of texts that come from no registry, so that their id may be any name."""
TRIAL_NUMBER = re.compile(r"NCT\d{8}|ISRCTN\d{8}|\d{4}-\d{6}-\d{2}-\d{2}", re.ASCII)
"""A number of ClinicalTrials.gov, ISRCTN or CTIS."""
PROSE_FORMATS = PAPER_FORMATS | {"text", "pdf", "docx"}
"""The formats of texts whose sentences may state what a registry has fields for."""

_NO_LIMIT = re.compile(
    r"(?:no|none|not|any|unlimited|unknown|without)\b\D*", re.IGNORECASE
)
"""Text that an age field may contain instead of an age, such as "None", "No limit" or "Not
applicable".
"""


class Part(FrozenModel):
    """A span of a section that is a separate field in the source file, such as the measure of an
    outcome.

    The parts of an outcome are named ``measure``, ``description`` and ``time_frame``, or
    ``statement`` if they are not separated. The parts of an arm are ``label``, ``type`` and
    ``description``; the parts of an intervention are ``type``, ``name``, ``description`` and
    ``other_names``.
    """

    name: str
    start: int = Field(ge=0)
    end: int = Field(ge=0)


class Piece(FrozenModel):
    """A mapping from a section to the given text: from offset ``start`` onwards, the section's
    text is found in the given text at offset ``at``.
    """

    start: int = Field(ge=0)
    at: int = Field(ge=0)


class OtherLanguage(FrozenModel):
    """A span that the source itself marks as text in a language other than English."""

    start: int = Field(ge=0)
    end: int = Field(ge=0)
    language: str = Field(description="Name of the language, such as 'Spanish'.")


class Section(FrozenModel):
    r"""A named piece of free text, exactly as it appears in the file.

    If the source stores an item in several fields, ``text`` contains these fields, joined by line
    breaks, and ``parts`` contains the span of each field.

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
        description="Positions of the section's pieces in the given free text; empty for other "
        "formats.",
    )
    other_languages: tuple[OtherLanguage, ...] = Field(
        default=(),
        exclude_if=not_,
        description="Spans that the source marks as text in another language; unmarked text in "
        "another language is also detected.",
    )

    def locate(self, start: int, end: int) -> Range | None:
        """Return the span in the given text that corresponds to the characters ``start:end`` of the
        section.

        Returns None if the record was not read from free text, or if the characters come from
        several table columns that are in a different order in the text.

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
        if first <= last:
            return (first, last)
        return None

    def list_places(self, start: int, end: int) -> list[Range]:
        r"""Return the spans in the given text that correspond to the characters ``start:end`` of
        the section, in the order of the section. There is more than one span if, in the given
        text, other text separates the characters.

        The list is empty if the record was not read from free text.

        >>> table = Section(
        ...     name="eligibility",
        ...     text="Inclusion\nAdults",
        ...     pieces=(Piece(start=0, at=0), Piece(start=10, at=24)),
        ... )
        >>> table.list_places(0, 16)
        [(0, 9), (24, 30)]
        """
        places: list[Range] = []
        # without pieces, the end of the text is left over
        ends = [piece.start for piece in self.pieces[1:]] + [len(self.text)]
        for piece, piece_end in zip(self.pieces, ends, strict=False):
            # The line break that joins two pieces is not in the given text.
            words = self.text[piece.start : piece_end].rstrip("\n")
            first = max(start, piece.start)
            last = min(end, piece.start + len(words))
            if first < last:
                shift = piece.at - piece.start
                places.append((first + shift, last + shift))
        return places

    def _find_shift(self, at: int) -> int | None:
        """Return the difference between a character's offset in the given text and its offset in
        the section, or None if no piece contains the character.
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
    """A term that the registry lists for a trial: a MeSH term, an alternative intervention name,
    or a keyword.

    >>> str(RegisteredTerm(kind="condition", name="Asthma", id="D001249"))
    'Asthma'
    """

    kind: TermKind
    name: str = Field(description="The term, as registered.")
    id: str | None = Field(
        default=None,
        description="The MeSH id, such as D001249, if the format contains it.",
    )
    section: str | None = Field(
        default=None,
        description="For an alternative name: the section of the intervention that it refers to.",
    )

    def __str__(self) -> str:
        return self.name


class RegistryFields(FrozenModel):
    """The registry's structured fields. Only ``terms`` is copied to an extraction.

    Words that are spelled differently in different formats are converted to the spelling in the
    ClinicalTrials.gov API v2, and dates are converted to ISO 8601. Unknown words are left
    unchanged. A placeholder such as "N/A" or "-", or an age such as "No limit", is read as an
    empty field.

    >>> RegistryFields(
    ...     minimum_age="NA", maximum_age="No limit", sex="ALL", masking="NONE"
    ... ).minimum_age is None
    True
    >>> RegistryFields(phases=("Phase 2/Phase 3",), start_date="March 2019").model_dump(
    ...     exclude_defaults=True
    ... )
    {'phases': ('PHASE2', 'PHASE3'), 'start_date': '2019-03'}

    The fields in ``beside`` do not affect the extraction: if only these fields change, the record
    is considered unchanged.
    """

    # In API v2, "NA" is an allocation (for a single-arm trial), "NONE" is a masking (open label),
    # and "UNKNOWN" is a status.
    _meaningful_placeholders: ClassVar[frozenset[str]] = frozenset(
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
        default=None, description="The assignment of groups, such as 'PARALLEL'."
    )
    masking: str | None = None
    who_masked: tuple[str, ...] = ()
    primary_purpose: str | None = None
    status: str | None = Field(
        default=None, description="Recruitment status of the trial."
    )
    start_date: str | None = None
    primary_completion_date: str | None = None
    completion_date: str | None = None
    sponsor: str | None = Field(default=None, description="Name of the lead sponsor.")
    acronym: str | None = None
    bare_arms: tuple[str, ...] = Field(
        default=(),
        description="Sections of arms that are not linked to any intervention.",
    )
    arm_links: Mapping[str, tuple[str, ...]] = Field(
        default={},
        description="The sections of each intervention's arms, keyed by the section of the "
        "intervention.",
    )
    terms: tuple[RegisteredTerm, ...] = Field(
        default=(),
        exclude_if=not_,
        description="MeSH terms for conditions and interventions, as registered.",
    )

    @model_validator(mode="before")
    @classmethod
    def _take_who_is_masked_from_masking(cls, values: object) -> object:
        """Split a value such as "Double (Participant, Investigator)", which older formats use, into
        the degree of masking and the masked roles.
        """
        if not isinstance(values, Mapping):
            return values
        masking = values.get("masking")
        if not isinstance(masking, str):
            return values
        degree, who = split_masking(masking)
        who_masked = values.get("who_masked") or who
        return {**values, "masking": degree, "who_masked": who_masked}

    @field_validator("*", mode="before")
    @classmethod
    def _drop_words_for_nothing(cls, value: object, info: ValidationInfo) -> object:
        """Return None for a placeholder such as "N/A", "-", "NaN" or white space, and for an age
        such as "No limit". Other values, and fields in ``_meaningful_placeholders``, are returned
        unchanged.
        """
        if not isinstance(value, str):
            return value
        if info.field_name in cls._meaningful_placeholders:
            return value
        if is_nothing(value):
            return None
        is_age = info.field_name in ("minimum_age", "maximum_age")
        if is_age and _NO_LIMIT.fullmatch(value.strip()):
            return None
        return value

    @field_validator("*", mode="after")
    @classmethod
    def _unify_words(cls, value: object, info: ValidationInfo) -> object:
        """Convert a word to the spelling used in the ClinicalTrials.gov API v2, and a date to ISO
        8601. Unknown words and other fields are returned unchanged.
        """
        name = info.field_name or ""
        if name == "phases" and isinstance(value, tuple):
            return split_phases(value)
        if name == "who_masked" and isinstance(value, tuple):
            return tuple(unify_word("who_masked", role) for role in value)
        if not isinstance(value, str):
            return value
        if name in cls._dates:
            return read_date(value) or value
        return unify_word(name, value)

    def text(self, name: str) -> str | None:
        """Return a field as text, with multiple values separated by "|". Returns None if the field
        is empty, does not exist, or is not text.

        >>> RegistryFields(phases=("PHASE1", "PHASE2")).text("phases")
        'PHASE1|PHASE2'
        """
        if name not in type(self).model_fields:
            return None
        value = getattr(self, name)
        if isinstance(value, tuple):
            return "|".join(map(str, value)) or None
        if isinstance(value, str):
            return value
        return None


class Source(FrozenModel):
    """The source of a record."""

    path: str = Field(description="Path of the file, or '<stdin>'.")
    format: str = Field(
        description="Format of the file, such as ctgov_json; docs/reference/formats.md lists "
        "them all."
    )
    place: str | None = Field(
        default=None,
        description="Location in the file, such as 'line 12' or 'a.zip: b.xml'.",
    )
    notes: tuple[str, ...] = Field(
        default=(),
        exclude_if=not_,
        description="Messages about parts of the file that had to be corrected or guessed; each "
        "becomes a `source_doubtful` finding.",
    )
    registry_id: str | None = Field(
        default=None,
        exclude_if=is_none,
        description="For a paper or another text: the registry number of its trial, such as "
        "NCT04736823. It is null if the text states none, or several; a record of a registry has "
        "its number as `record_id`.",
    )
    pmid: str | None = Field(
        default=None,
        exclude_if=is_none,
        description="For a paper: its number in PubMed.",
    )
    pmcid: str | None = Field(
        default=None,
        exclude_if=is_none,
        description="For a paper: its number in PubMed Central, such as PMC1234567.",
    )
    doi: str | None = Field(
        default=None, exclude_if=is_none, description="For a paper: its DOI."
    )

    def name_trial(self, record_id: str) -> str | None:
        """Return the registry number of the trial that a record with this id is about, or None if
        it is unknown.

        >>> Source(path="a.xml", format="isrctn_xml").name_trial("ISRCTN90000001")
        'ISRCTN90000001'
        >>> Source(path="a.txt", format="text").name_trial("a") is None
        True
        """
        if self.registry_id:
            return self.registry_id
        if self.format in TEXT_FORMATS and not TRIAL_NUMBER.fullmatch(record_id):
            return None
        return record_id


class DocumentText(FrozenModel):
    r"""The text of a PDF or Word file. The offsets that ``Section.locate`` returns refer to this
    text.

    >>> document = DocumentText(text="First page\nSecond page\n", pages=(0, 11))
    >>> document.find_page(3), document.find_page(14)
    (1, 2)
    """

    text: str = Field(
        description="The text in reading order, with headers and footers at the end."
    )
    pages: tuple[int, ...] = Field(
        default=(),
        description="Offset at which each page begins; empty for Word files.",
    )

    def find_page(self, at: int) -> int | None:
        """Return the number, counted from 1, of the page that contains a character. Returns None
        for Word files, which do not store page boundaries.
        """
        return bisect_right(self.pages, at) or None


class TrialRecord(FrozenModel):
    """A trial record as read from a file: its id, source, sections of raw text, and registry
    fields.
    """

    record_id: str = Field(
        description="The registry number, or the file name without its extension if the record "
        "does not have a number."
    )
    source: Source
    sections: tuple[Section, ...]
    registry: RegistryFields = RegistryFields()
    document: DocumentText | None = Field(
        default=None,
        exclude_if=is_none,
        description="For a PDF or Word file: the whole text, which contains the sections.",
    )
    given: str | None = Field(
        default=None,
        exclude=True,
        repr=False,
        description="For free text: the text as given, which contains the sections; it is not "
        "written to JSON.",
    )

    @property
    def registry_id(self) -> str | None:
        """The registry number of the trial: for a record of a registry its id, for a text the
        number that it states, or None.
        """
        return self.source.name_trial(self.record_id)

    def section(self, name: str) -> Section | None:
        """Return the section with this name, or None."""
        for section in self.sections:
            if section.name == name:
                return section
        return None

    def raw_text(self, name: str) -> str | None:
        """Return the raw text of a section or of a structured field, such as
        ``registry.enrollment``, or None if it does not exist.

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
        if section:
            return section.text
        return None
