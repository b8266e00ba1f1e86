"""The result of the pre-parser: everything that the rules read from a record."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from operator import itemgetter
from typing import TypeAlias

from extractor.evidence.drafts import (
    Chunk,
    Draft,
    Span,
    StructureDoubt,
)
from extractor.evidence.items import (
    CriterionDraft,
    EndpointDraft,
    RecordDraft,
    RegimenDraft,
)
from extractor.language.lexer import Range
from extractor.language.other_languages import NOTHING_FOREIGN, ForeignLines
from extractor.language.passage import LexedSections, Passage
from extractor.language.values import group_pairs
from extractor.schemas import Citation, FindingKind, Task, TrialRecord


@dataclass(frozen=True, slots=True)
class HostileText:
    """A span of raw text that tries to manipulate a model or contains hidden characters.
    ``blanked`` means that neither the rules nor a model reads the span. ``quote`` is its text,
    truncated if it is long.
    """

    kind: FindingKind
    span: Span
    blanked: bool
    quote: str

    @property
    def doubts_line(self) -> bool:
        """Whether values on the same line are doubtful."""
        if self.blanked:
            return self.kind is FindingKind.INVISIBLE_CHARACTERS
        return self.kind is FindingKind.INSTRUCTION_IN_TEXT


def list_blanks(hostile: Iterable[HostileText]) -> dict[str, list[Range]]:
    """Return the (start, end) ranges of blanked raw characters, by section and in the order of
    ``hostile``.
    """
    spans = (text.span for text in hostile if text.blanked)
    return group_pairs((span.section, (span.start, span.end)) for span in spans)


def find_touched(ranges: Sequence[Range], start: int, end: int) -> Sequence[Range]:
    """Return the ranges that share a character with ``start:end``. ``ranges`` must be in order and
    must not be nested.

    >>> find_touched([(0, 3), (5, 8), (8, 9)], 3, 7)
    [(5, 8)]
    """
    if not ranges:  # most texts have nothing blanked
        return ranges
    first = bisect_right(ranges, start, key=itemgetter(1))
    stop = bisect_left(ranges, end, key=itemgetter(0))
    return ranges[first:stop]


def sort_places(spans: Iterable[Span]) -> dict[str, list[Range]]:
    """Return the ranges of spans by section, in order and without nested ranges.

    >>> sort_places([Span("title", 4, 9), Span("title", 0, 3)])
    {'title': [(0, 3), (4, 9)]}
    """
    ranges = group_pairs((span.section, (span.start, span.end)) for span in spans)
    return {section: drop_inner(places) for section, places in ranges.items()}


def is_touched(span: Span, places: Mapping[str, Sequence[Range]]) -> bool:
    """Return whether a span shares a character with any of the ``places``, as sorted by
    ``sort_places``.

    >>> is_touched(Span("title", 2, 5), {"title": [(0, 3)]})
    True
    """
    return bool(find_touched(places.get(span.section, ()), span.start, span.end))


def drop_inner(ranges: Sequence[Range]) -> list[Range]:
    """Return the ranges in order, without nested ranges.

    >>> drop_inner([(4, 6), (0, 9), (9, 12)])
    [(0, 9), (9, 12)]
    """
    kept: list[Range] = []
    # If several ranges have the same start, the longest comes first.
    for start, end in sorted(ranges, key=lambda limits: (limits[0], -limits[1])):
        if not kept or end > kept[-1][1]:
            kept.append((start, end))
    return kept


Doses: TypeAlias = tuple[
    tuple[RegimenDraft, ...], tuple[Chunk, ...], tuple[Span | None, ...]
]
"""The ``regimens``, ``candidates`` and ``arm_labels`` of a record."""


@dataclass(frozen=True)
class ParsedRecord:
    """Everything read from a record without a model.

    Attributes:
        record: The record, with blanked ``hostile`` and ``foreign`` text replaced by spaces of the
            same length.
        sections: Its tokenised sections, by name.
        whole: Statements about all participants and about the record itself.
        criteria: The criteria, and lines that may be criteria.
        regimens: The regimens. Each is for one agent; the agent and the dose may be in different
            sections.
        candidates: Chunks that seem to contain a regimen that the rules could not read.
        outcomes: The registered outcomes. Their three parts are raw substrings.
        hostile: Text that tries to manipulate a model or contains hidden characters.
        foreign: Text in another language, which is also blanked.
        original_record: The record before any of its text was blanked.
        doubts: Places where the structure of the eligibility section is doubtful.
        arm_labels: The label of each arm, in the order of the record; None for an arm without one.
    """

    record: TrialRecord
    sections: LexedSections
    whole: RecordDraft
    criteria: tuple[CriterionDraft, ...] = ()
    regimens: tuple[RegimenDraft, ...] = ()
    candidates: tuple[Chunk, ...] = ()
    outcomes: tuple[EndpointDraft, ...] = ()
    hostile: tuple[HostileText, ...] = ()
    foreign: ForeignLines = NOTHING_FOREIGN
    original_record: TrialRecord | None = None
    doubts: tuple[StructureDoubt, ...] = ()
    arm_labels: tuple[Span | None, ...] = ()

    def passage(self, span: Span) -> Passage:
        """Return the tokens of a span."""
        return self.sections[span.section].between(span.start, span.end)

    def raw(self, span: Span) -> str:
        """Return the raw characters of a span. Raises ``KeyError`` if the record has no such
        section.
        """
        return self.sections[span.section].raw[span.start : span.end]

    def original(self, span: Span) -> str:
        """Return the original raw characters of a span, including blanked text."""
        text = (self.original_record or self.record).raw_text(span.section) or ""
        return text[span.start : span.end]

    def list_blanks(self, span: Citation | Span) -> Sequence[Range]:
        """Return the blanked ranges that share a character with a span of the same section."""
        return find_touched(self._blanks.get(span.section, ()), span.start, span.end)

    def is_cut(self, span: Span) -> bool:
        """Whether invisible characters were blanked on the lines of a span, so that what a reader
        sees there may differ from what was read, or whether the lines may be aimed at a model.
        """
        return is_touched(span, self._cut_lines)

    @cached_property
    def _cut_lines(self) -> Mapping[str, Sequence[Range]]:
        """The lines with blanked invisible characters, or with text that may be aimed at a model
        and was read, by section.
        """
        lines: list[Span] = []
        for text in self.hostile:
            if not text.doubts_line:
                continue
            span = text.span
            raw = self.sections[span.section].raw
            first = raw.rfind("\n", 0, span.start) + 1
            last = raw.find("\n", span.end)
            if last < 0:
                last = len(raw)
            lines.append(Span(span.section, first, last))
        return sort_places(lines)

    @cached_property
    def _blanks(self) -> Mapping[str, Sequence[Range]]:
        """The ranges in each section that are blanked because the text is hostile or in another
        language.
        """
        hostile = [text.span for text in self.hostile if text.blanked]
        foreign = [
            Span(text.section, text.start, text.end) for text in self.foreign.texts
        ]
        return sort_places([*hostile, *foreign])

    @cached_property
    def chunks(self) -> Mapping[int, Chunk]:
        """Every chunk that a model can be asked about, by number."""
        items = (*self.criteria, *self.regimens, *self.outcomes)
        chunks = (*(item.chunk for item in items), *self.candidates)
        return {chunk.number: chunk for chunk in chunks}

    def draft_of(self, task: Task, chunk: Chunk) -> Draft:
        """Return the criterion or outcome that the rules found in a chunk. If they found nothing,
        return a new item for ``task`` without readings.
        """
        group = task.value
        if task is Task.ELIGIBILITY:
            group = "eligibility.criteria"
        draft = self.drafts.get(chunk.number, Draft(group, chunk, chunk.span, {}))
        return replace(draft, chunk=chunk)

    def find_lead_in(self, draft: Draft) -> Chunk | None:
        """Return the line that introduces a criterion, as the rules read it, or None. The chunk
        has the number 0, because a model cannot be asked about it.
        """
        lead_in = draft.read("lead_in")
        if not lead_in.spans:
            return None
        return Chunk(number=0, span=lead_in.spans[0], text=lead_in.value or "")

    @cached_property
    def drafts(self) -> Mapping[int, Draft]:
        """The criteria and outcomes by chunk number, and the record itself under ``RECORD``.
        Regimens are omitted, because several regimens may share a chunk.
        """
        items = (self.whole, *self.criteria, *self.outcomes)
        return {item.number: item for item in items}
