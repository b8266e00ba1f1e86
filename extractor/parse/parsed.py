"""The result of the pre-parser: the chunks of a record, and a reading of each field with its confidence."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from operator import itemgetter
from typing import Any, Generic, TypeVar

from extractor.schemas import (
    Age,
    Amount,
    Category,
    Citation,
    Concept,
    Constraint,
    CriterionKind,
    EndpointCategory,
    FindingKind,
    Frequency,
    Instrument,
    Period,
    Rank,
    Role,
    Route,
    Sex,
    Support,
    TimeKind,
    TimePoint,
    TimeWindow,
    TrialRecord,
)
from extractor.text.clean import CleanText
from extractor.text.passage import LexedSection, Passage

T_co = TypeVar("T_co", covariant=True)

CERTAIN = 0.95
"""A reading with at least this confidence needs no second annotator."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Half-open character offsets into the raw text of a section."""

    section: str
    start: int
    end: int

    @property
    def length(self) -> int:
        """The number of characters."""
        return self.end - self.start

    def contains(self, other: "Span") -> bool:
        """Whether the other span lies wholly in this one."""
        return self.section == other.section and self.start <= other.start and other.end <= self.end

    def overlaps(self, other: "Span") -> bool:
        """Whether the two share a character."""
        return self.section == other.section and self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Reading(Generic[T_co]):
    """The value read for one field, its confidence, and the characters that support it.

    None as ``value`` with high confidence is a known absence ("the text states no route"); an ``open_()`` reading
    leaves the field open. For a tuple value, ``spans`` are parallel to it, and so are ``supports``, if its members
    differ in ``support``. ``alternatives`` are other likely values, likeliest first; an empty tuple means that they are
    unknown.

    >>> Reading.open_().certain, Reading(None, 0.98).certain
    (False, True)
    """

    value: T_co
    confidence: float
    spans: tuple[Span, ...] = ()
    support: Support = Support.LITERAL
    alternatives: tuple[T_co, ...] = ()
    supports: tuple[Support, ...] = ()

    def list_values(self) -> tuple[Any, ...]:
        """The members of a list, or the value; none if there is no value."""
        if isinstance(self.value, tuple):
            return self.value
        return () if self.value is None else (self.value,)

    def list_supports(self) -> tuple[Support, ...]:
        """How the value follows from each of ``spans``."""
        return self.supports or (self.support,) * len(self.spans)

    @property
    def certain(self) -> bool:
        return self.confidence >= CERTAIN

    @property
    def is_open(self) -> bool:
        return self.confidence == 0

    @staticmethod
    def open_() -> "Reading[None]":
        return Reading(None, 0.0)


_OPEN = Reading.open_()


def span_of(passage: Passage) -> Span:
    """The raw span of a passage."""
    return Span(passage.section.name, *passage.raw_span)


@dataclass(frozen=True, slots=True)
class ProvenValue:
    """A value of one attribute of a user's own field, or a member of it, with the characters that support it.

    ``span`` is None for a judgement without words.
    """

    attribute: str
    value: Any
    span: Span | None
    support: Support


@dataclass(frozen=True, slots=True)
class ProvenClaim:
    """What is said of a user's own field at one place, as far as the text bears it out."""

    values: tuple[ProvenValue, ...]


@dataclass(frozen=True, slots=True)
class CustomReading:
    """What the rules of a user's own field read, in the chunk of an item or, without one, of the record."""

    field: str
    chunk: int | None
    claim: ProvenClaim
    confidence: float


class ChunkKind(StrEnum):
    """The role of a chunk in the layout of its section."""

    LEAD_IN = "lead_in"
    ITEM = "item"
    SENTENCE = "sentence"
    OUTCOME = "outcome"
    ARM = "arm"
    INTERVENTION = "intervention"


@dataclass(frozen=True, slots=True)
class Chunk:
    """A numbered unit of text that a model can be asked about.

    ``text`` is the cleaned text, ``span`` its place in the raw text. Numbers are unique in a record.
    """

    number: int
    kind: ChunkKind
    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class ParsedCriterion:
    """A criterion, or a sentence that may be one; ``stands`` has the confidence."""

    chunk: Chunk
    stands: Reading[bool]
    kind: Reading[CriterionKind | None]
    lead_in: Reading[str | None]
    category: Reading[Category | None]
    constraints: Reading[tuple[Constraint, ...] | None]
    time_window: Reading[TimeWindow | None]
    negated: Reading[bool | None] = _OPEN


@dataclass(frozen=True, slots=True)
class ParsedEligibility:
    """Who may take part: the readings of the whole record, and its criteria."""

    minimum_age: Reading[Age | None]
    maximum_age: Reading[Age | None]
    sex: Reading[Sex | None]
    healthy_volunteers: Reading[bool | None]
    criteria: tuple[ParsedCriterion, ...] = ()


@dataclass(frozen=True, slots=True)
class ParsedRegimen:
    """One regimen of one agent. ``agent`` and the dose may be in different sections.

    ``exists`` has the confidence that this is a regimen. Calibration infers it from the agent's confidence.
    """

    chunk: Chunk
    quote: Span
    agent: Reading[str | None]
    role: Reading[Role | None]
    amounts: Reading[tuple[Amount, ...] | None]
    route: Reading[Route | None]
    frequency: Reading[Frequency | None]
    cycle: Reading[Period | None]
    duration: Reading[Period | None]
    timing: Reading[str | None]
    exists: Reading[bool | None] = _OPEN


@dataclass(frozen=True, slots=True)
class ParsedOutcome:
    """One registered outcome. Its three parts are raw substrings."""

    chunk: Chunk
    rank: Rank
    index: int
    measure: Reading[str | None]
    description: Reading[str | None]
    time_frame: Reading[str | None]
    concept: Reading[Concept | None]
    category: Reading[EndpointCategory | None]
    time_points: Reading[tuple[TimePoint, ...] | None]
    time_kind: Reading[TimeKind | None]
    instrument: Reading[Instrument | None]
    start_event: Reading[str | None]
    end_events: Reading[tuple[str, ...] | None]
    censored: Reading[bool | None]
    specimens: Reading[tuple[str, ...] | None]
    methods: Reading[tuple[str, ...] | None]


@dataclass(frozen=True, slots=True)
class ParsedDosing:
    """The regimens, and ``candidates``: chunks that seem to hold a regimen that the rules could not read."""

    regimens: tuple[ParsedRegimen, ...] = ()
    candidates: tuple[Chunk, ...] = ()


@dataclass(frozen=True, slots=True)
class HostileText:
    """A span of raw text aimed at a model or hiding something. ``blanked``: no rule and no model reads it.

    ``quote`` is its text, truncated for a long span.
    """

    kind: FindingKind
    span: Span
    blanked: bool
    quote: str


def list_blanks(hostile: Iterable[HostileText]) -> dict[str, list[tuple[int, int]]]:
    """The blanked ranges, by section. They are in order, and none lies inside another."""
    ranges: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for one in hostile:
        if one.blanked:
            ranges[one.span.section].append((one.span.start, one.span.end))
    return ranges


def find_touched(ranges: Sequence[tuple[int, int]], start: int, end: int) -> Sequence[tuple[int, int]]:
    """The ranges that share a character with ``start:end``. They are in order, and none lies inside another.

    >>> find_touched([(0, 3), (5, 8), (8, 9)], 3, 7)
    [(5, 8)]
    """
    return ranges[bisect_right(ranges, start, key=itemgetter(1)) : bisect_left(ranges, end, key=itemgetter(0))]


@dataclass(frozen=True)
class ParsedRecord:
    """Everything read from a record without a model. ``sections`` maps names to sections.

    In ``record``, spaces of the same length replace blanked ``hostile`` text.
    """

    record: TrialRecord
    sections: Mapping[str, LexedSection]
    eligibility: ParsedEligibility
    dosing: ParsedDosing
    outcomes: tuple[ParsedOutcome, ...] = ()
    hostile: tuple[HostileText, ...] = ()
    custom: tuple[CustomReading, ...] = ()

    def list_custom(self, field: str, number: int | None) -> list[CustomReading]:
        """What the rules of a user's own field read of an item by its chunk's number, or of the record."""
        return [one for one in self.custom if one.field == field and one.chunk == number]

    def raw(self, span: Span) -> str:
        """The raw characters of a span. Raises ``ValueError`` if the record has no such section."""
        section = self.sections.get(span.section)
        if section is None:
            raise ValueError(f"record {self.record.record_id} has no section {span.section!r}")
        return section.raw[span.start : span.end]

    def list_blanks(self, span: Citation | Span) -> Sequence[tuple[int, int]]:
        """The blanked ranges of a section that share a character with a place in it."""
        return find_touched(self._blanks.get(span.section, ()), span.start, span.end)

    @cached_property
    def _blanks(self) -> Mapping[str, Sequence[tuple[int, int]]]:
        return list_blanks(self.hostile)

    @cached_property
    def cleaned(self) -> Mapping[str, CleanText]:
        """The cleaned text of each section, by name."""
        return {name: section.cleaned for name, section in self.sections.items()}

    @cached_property
    def chunks(self) -> Mapping[int, Chunk]:
        """Every chunk that a model can be asked about, by number."""
        chunks = [
            *(criterion.chunk for criterion in self.eligibility.criteria),
            *(regimen.chunk for regimen in self.dosing.regimens),
            *self.dosing.candidates,
            *(outcome.chunk for outcome in self.outcomes),
        ]
        return {chunk.number: chunk for chunk in chunks}
