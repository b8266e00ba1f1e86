"""Who may take part: criteria from the eligibility section, or from running text where there is none."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from extractor.parse.clean import CleanText
from extractor.parse.parsed import Chunk, ChunkKind, ParsedCriterion, ParsedEligibility, Reading, Span
from extractor.parse.passage import Passage, read_passage
from extractor.schemas import CriterionKind, Support, TrialRecord

from .ages import read_ages
from .category import Setting, read_category, target_words
from .constraints import read_constraints
from .outline import Entry, Role, read_outline
from .people import Stated, read_healthy, read_sex
from .prose import find_suspects, refuses
from .windows import read_window

__all__ = ["read_eligibility"]

_SUMMARY = ("title", "official_title", "brief_summary", "detailed_description")


def read_eligibility(
    record: TrialRecord, cleaned: Mapping[str, CleanText], numbers: Iterator[int]
) -> ParsedEligibility:
    r"""Read ages, sex, healthy volunteers and criteria of one record.

    ``cleaned`` holds the cleaned text of each section by name; every chunk takes the next of ``numbers``.

    >>> from itertools import count
    >>> from extractor.parse.clean import clean_text
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
        drafts = _from_list(eligibility.text, cleaned["eligibility"], target)
    else:
        drafts = _from_prose((passage for passage in summary if not passage.section.endswith("title")), target)
    found = [_read(draft, next(numbers)) for draft in drafts]
    stated = [told for criterion, told in found if criterion.stands.value]
    minimum, maximum = read_ages(stated, summary)
    return ParsedEligibility(
        minimum, maximum, read_sex(stated), read_healthy(stated, summary), tuple(c for c, _ in found)
    )


def _whole(record: TrialRecord, cleaned: Mapping[str, CleanText], name: str) -> Passage | None:
    section = record.section(name)
    return Passage(name, section.text, cleaned[name], 0, len(cleaned[name].text)) if section else None


@dataclass(frozen=True, slots=True)
class _Draft:
    """A chunk of which it is known whether and where it stands, before its content is read."""

    passage: Passage
    chunk_kind: ChunkKind
    stands: Reading[bool]
    kind: Reading[CriterionKind | None]
    lead_in: Reading[str | None]
    setting: Setting


_Found = tuple[ParsedCriterion, Stated]


def _from_list(raw: str, cleaned: CleanText, target: frozenset[str]) -> Iterator[_Draft]:
    for entry in read_outline(raw):
        if entry.role is Role.REMARK:
            continue
        passage = read_passage("eligibility", raw, cleaned, entry.start, entry.end)
        kind = _kind(entry, passage)
        yield _Draft(
            passage=passage,
            chunk_kind=_chunk_kind(entry),
            stands=_stands(entry, passage),
            kind=kind,
            lead_in=_lead_in(raw, entry),
            setting=Setting(kind.value, _words(raw, entry.heading), _words(raw, entry.lead_in), target),
        )


def _chunk_kind(entry: Entry) -> ChunkKind:
    if entry.role is Role.LEAD_IN:
        return ChunkKind.LEAD_IN
    return ChunkKind.ITEM if entry.listed else ChunkKind.SENTENCE


def _kind(entry: Entry, passage: Passage) -> Reading[CriterionKind | None]:
    if entry.kind:
        return Reading(entry.kind, 0.98, (passage.whole,), Support.INFERRED)
    kind = CriterionKind.EXCLUSION if refuses(passage.text) else CriterionKind.INCLUSION
    return Reading(kind, 0.9, (passage.whole,), Support.INFERRED)


def _stands(entry: Entry, passage: Passage) -> Reading[bool]:
    if entry.role is Role.LEAD_IN:
        return Reading(value=False, confidence=0.9)
    confidence = 0.97 if entry.listed else 0.85
    return Reading(value=True, confidence=confidence, spans=(passage.whole,), support=Support.INFERRED)


def _lead_in(raw: str, entry: Entry) -> Reading[str | None]:
    if entry.lead_in is None:
        return Reading(None, 0.97)
    return Reading(raw[slice(*entry.lead_in)], 0.95, (Span("eligibility", *entry.lead_in),))


def _words(raw: str, span: tuple[int, int] | None) -> str:
    return " ".join(raw[slice(*span)].split()) if span else ""


def _from_prose(passages: Iterable[Passage], target: frozenset[str]) -> Iterator[_Draft]:
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
                stands=Reading(suspect.stands, suspect.confidence, (span,), Support.INFERRED),
                kind=Reading(suspect.kind, 0.95, (span,), Support.INFERRED),
                lead_in=Reading(None, 0.95),
                setting=Setting(suspect.kind, target=target),
            )


def _read(draft: _Draft, number: int) -> _Found:
    passage, setting = draft.passage, draft.setting
    category = read_category(passage, setting)
    criterion = ParsedCriterion(
        chunk=Chunk(number, draft.chunk_kind, passage.whole, passage.text),
        stands=draft.stands,
        kind=draft.kind,
        lead_in=draft.lead_in,
        category=category,
        constraints=read_constraints(passage, setting.kind, setting.lead_in),
        time_window=read_window(passage, setting.kind, setting.lead_in),
    )
    assert setting.kind
    assert category.value
    donor = any("donor" in words.lower() for words in (setting.lead_in, setting.heading, passage.text[:30]))
    return criterion, Stated(passage, setting.kind, category.value, donor, setting.lead_in or setting.heading)
