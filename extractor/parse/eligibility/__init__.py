"""Who may take part: criteria from the eligibility section, or from running text where there is none."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from extractor.parse.parsed import Chunk, ChunkKind, ParsedCriterion, ParsedEligibility, Reading, Span
from extractor.parse.passage import Passage, read_passage
from extractor.parse.values import value
from extractor.schemas import CriterionKind, Support, TrialRecord
from extractor.text.clean import CleanText

from .ages import read_ages
from .category import LineScore, read_category, score_lines
from .constraints import read_constraints
from .line_features import CriterionLine, target_words
from .outline import Entry, Role, read_outline
from .people import Stated, read_healthy, read_sex
from .prose import find_suspects
from .standing import read_kind, read_lead_in, read_standing
from .windows import read_window

__all__ = ["read_eligibility"]

_CLEARLY_NONE = 0.98
_SUMMARY = ("title", "official_title", "brief_summary", "detailed_description")


def read_eligibility(
    record: TrialRecord, cleaned: Mapping[str, CleanText], numbers: Iterator[int]
) -> ParsedEligibility:
    r"""Read ages, sex, healthy volunteers and criteria of one record.

    ``cleaned`` holds the cleaned text of each section by name; every chunk takes the next of ``numbers``.

    >>> from itertools import count
    >>> from extractor.text.clean import clean_text
    >>> from extractor.schemas import Section, Source
    >>> text = "Inclusion Criteria:\n\n* Age 18-65 years\n\nExclusion Criteria:\n\n* Pregnant"
    >>> section, source = Section(name="eligibility", text=text), Source(path="x", format="flat")
    >>> record = TrialRecord(record_id="x", source=source, sections=(section,))
    >>> parsed = read_eligibility(record, {"eligibility": clean_text(text)}, count())
    >>> [(c.chunk.text, c.kind.value.value, c.category.value.value) for c in parsed.criteria]
    [('Age 18-65 years', 'inclusion', 'age'), ('Pregnant', 'exclusion', 'reproductive')]
    >>> parsed.maximum_age.value.value
    65
    """
    passages = [_whole(record, cleaned, name) for name in _SUMMARY]
    summary = [passage for passage in passages if passage]
    conditions = record.section("conditions")
    target = target_words(
        *(p.text for p in summary[:2] if p.section.endswith("title")), conditions.text if conditions else ""
    )
    eligibility = record.section("eligibility")
    if eligibility and eligibility.text.strip():
        drafts = list(_from_list(eligibility.text, cleaned["eligibility"]))
    else:
        drafts = list(_from_prose(passage for passage in summary if not passage.section.endswith("title")))
    scores = score_lines([draft.line for draft in drafts], target)
    found = [_read(draft, score, next(numbers)) for draft, score in zip(drafts, scores, strict=True)]
    stated = [told for criterion, told in found if criterion.stands.value]
    minimum, maximum = read_ages(stated, summary)
    return ParsedEligibility(
        minimum, maximum, read_sex(stated), read_healthy(stated, summary), tuple(c for c, _ in found)
    )


def _whole(record: TrialRecord, cleaned: Mapping[str, CleanText], name: str) -> Passage | None:
    section = record.section(name)
    return Passage(name, section.text, cleaned[name], 0, len(cleaned[name].text)) if section else None


@value(frozen=True, slots=True)
class _Draft:
    """A chunk of which it is known whether and where it stands, before its content is read."""

    passage: Passage
    chunk_kind: ChunkKind
    whole: Span
    stands: Reading[bool]
    kind: Reading[CriterionKind | None]
    lead_in: Reading[str | None]
    line: CriterionLine
    listed: bool = False


_Found = tuple[ParsedCriterion, Stated]


def _from_list(raw: str, cleaned: CleanText) -> Iterator[_Draft]:
    for entry in read_outline(raw):
        if entry.role is Role.REMARK:
            continue
        passage = read_passage("eligibility", raw, cleaned, entry.start, entry.end)
        whole = passage.whole
        kind = read_kind(entry, passage.text, whole)
        yield _Draft(
            passage=passage,
            chunk_kind=_chunk_kind(entry),
            whole=whole,
            stands=read_standing(entry, passage.text, whole),
            kind=kind,
            lead_in=read_lead_in(raw, entry),
            line=CriterionLine(
                passage.text,
                kind.value or CriterionKind.INCLUSION,
                _words(raw, entry.heading),
                _words(raw, entry.lead_in),
            ),
            listed=entry.listed and entry.role is Role.CRITERION,
        )


def _chunk_kind(entry: Entry) -> ChunkKind:
    if entry.role is Role.LEAD_IN:
        return ChunkKind.LEAD_IN
    return ChunkKind.ITEM if entry.listed else ChunkKind.SENTENCE


def _words(raw: str, span: tuple[int, int] | None) -> str:
    return " ".join(raw[slice(*span)].split()) if span else ""


def _from_prose(passages: Iterable[Passage]) -> Iterator[_Draft]:
    """Sentences that state a criterion; one that stands in the summary and the description is taken once."""
    seen: set[str] = set()
    for suspect in (suspect for passage in passages for suspect in find_suspects(passage)):
        words = " ".join(suspect.passage.text.lower().split())
        if words not in seen:
            seen.add(words)
            span = suspect.passage.whole
            yield _Draft(
                passage=suspect.passage,
                chunk_kind=ChunkKind.SENTENCE,
                whole=span,
                stands=Reading(suspect.stands, suspect.confidence, (span,), Support.INFERRED),
                kind=Reading(suspect.kind, 0.95, (span,), Support.INFERRED),
                lead_in=Reading(None, 0.95),
                line=CriterionLine(suspect.passage.text, suspect.kind),
            )


def _read(draft: _Draft, score: LineScore, number: int) -> _Found:
    passage, line = draft.passage, draft.line
    criterion = ParsedCriterion(
        chunk=Chunk(number, draft.chunk_kind, draft.whole, passage.text),
        stands=_refuse(draft, score) if draft.listed else draft.stands,
        kind=draft.kind,
        lead_in=draft.lead_in,
        category=read_category(passage, score),
        constraints=read_constraints(passage, line.kind, line.lead_in),
        time_window=read_window(passage, line.kind, line.lead_in),
    )
    donor = any("donor" in words.lower() for words in (line.lead_in, line.heading, passage.text[:30]))
    return criterion, Stated(passage, line.kind, score.category, donor, line.lead_in or line.heading)


def _refuse(draft: _Draft, score: LineScore) -> Reading[bool]:
    """Whether a listed line stands: almost all do; some read as headings or notes, and a few clearly are."""
    if score.no_criterion >= _CLEARLY_NONE:
        return Reading(value=False, confidence=score.no_criterion)
    return replace(draft.stands, confidence=min(draft.stands.confidence, round(1 - score.no_criterion, 3)))
