"""Who may take part: criteria from the eligibility section, or from running text where there is none."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from extractor.parse.parsed import Chunk, ChunkKind, ParsedCriterion, ParsedEligibility, Reading, Span, share
from extractor.schemas import CriterionKind, Support
from extractor.text.lexer import Tokens
from extractor.text.passage import Passage, Section

from .category import LineScore, read_category, score_lines
from .constraints import read_constraints
from .limits import find_limits
from .line_features import CriterionLine, target_words
from .negation import read_negation
from .outline import Entry, Role, read_outline
from .people import Stated, read_ages, read_healthy, read_sex
from .prose import find_suspects, read_sense
from .windows import read_window

__all__ = ["read_eligibility"]

_CLEARLY_NONE = 0.98
_ONE_LINE = str.maketrans("\n\t\r", "   ")
_SUMMARY = ("title", "official_title", "brief_summary", "detailed_description")


def read_eligibility(sections: Mapping[str, Section], numbers: Iterator[int]) -> ParsedEligibility:
    r"""Read ages, sex, healthy volunteers and criteria of one record.

    ``sections`` are those of the record by name, read into tokens; every chunk takes the next of ``numbers``.

    >>> from itertools import count
    >>> from extractor.text.passage import read_section
    >>> text = "Inclusion Criteria:\n\n* Age 18-65 years\n\nExclusion Criteria:\n\n* Pregnant"
    >>> parsed = read_eligibility({"eligibility": read_section("eligibility", text)}, count())
    >>> [(c.chunk.text, c.kind.value.value, c.category.value.value) for c in parsed.criteria]
    [('Age 18-65 years', 'inclusion', 'age'), ('Pregnant', 'exclusion', 'reproductive')]
    >>> parsed.maximum_age.value.value
    65
    """
    summary = [sections[name].whole for name in _SUMMARY if name in sections]
    titles = [passage for passage in summary if passage.section.name.endswith("title")]
    named = [sections["conditions"].whole] if "conditions" in sections else []
    eligibility = sections.get("eligibility")
    if eligibility and eligibility.raw.strip():
        drafts = list(_from_list(eligibility))
    else:
        drafts = list(_from_prose(passage for passage in summary if passage not in titles))
    scores = score_lines([draft.line for draft in drafts], target_words(*titles, *named))
    found = [_read(draft, score, next(numbers)) for draft, score in zip(drafts, scores, strict=True)]
    stated = [told for criterion, told in found if criterion.stands.value]
    minimum, maximum = read_ages(stated, summary)
    sex = read_sex(stated, [*titles, *named], [passage for passage in summary if passage not in titles])
    return ParsedEligibility(minimum, maximum, sex, read_healthy(stated, summary), tuple(c for c, _ in found))


@dataclass(frozen=True, slots=True)
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


def _from_list(section: Section) -> Iterator[_Draft]:
    raw = section.raw
    for entry in read_outline(section):
        if entry.role is Role.REMARK:
            continue
        passage, whole = entry.passage, _span(entry.passage)
        kind = _read_kind(entry, passage.tokens, whole)
        yield _Draft(
            passage=passage,
            chunk_kind=_chunk_kind(entry),
            whole=whole,
            stands=_read_standing(entry, whole, ends_with_colon=passage.text.endswith(":")),
            kind=kind,
            lead_in=_read_lead_in(raw, entry),
            line=CriterionLine(
                passage,
                kind.value or CriterionKind.INCLUSION,
                *(section.between(*span) if span else None for span in (entry.heading, entry.lead_in)),
            ),
            listed=entry.listed and entry.role is Role.CRITERION,
        )


MEASURED = {
    "kind of the list": (11643, 11716),
    "kind without a list": (133, 136),
    "listed": (11677, 11728),
    "listed, ends with a colon": (38, 42),
    "prose": (70, 82),
    "lead-in": (78, 107),
    "under an item": (109, 109),
    "under a heading": (47, 49),
    "no lead-in": (1675, 1681),
}
"""How often an entry of the outline was right, of how many.

The first six: labelled lines that are entries. Calibration turns the shares into those on whole records.
The last three: no labels tell of lead-ins; 122 records drawn at random were read by eye.
"""


def _read_kind(entry: Entry, tokens: Tokens, whole: Span) -> Reading[CriterionKind | None]:
    """The list in which an entry stands; without a list, the sense of its words."""
    shape = "kind of the list" if entry.kind else "kind without a list"
    return Reading(entry.kind or read_sense(tokens), share(MEASURED[shape]), (whole,), Support.INFERRED)


def _read_standing(entry: Entry, whole: Span, *, ends_with_colon: bool) -> Reading[bool]:
    """Whether an entry decides who may take part; a line that only introduces others does not."""
    if entry.role is Role.LEAD_IN:
        return Reading(value=False, confidence=share(MEASURED["lead-in"]))
    shape = "prose" if not entry.listed else "listed, ends with a colon" if ends_with_colon else "listed"
    return Reading(value=True, confidence=share(MEASURED[shape]), spans=(whole,), support=Support.INFERRED)


def _read_lead_in(raw: str, entry: Entry) -> Reading[str | None]:
    """The line that introduces an entry, as it stands in the raw text of the section."""
    if entry.lead_in is None:
        return Reading(None, share(MEASURED["no lead-in"]))
    shape = "under a heading" if entry.lead_in == entry.heading else "under an item"
    return Reading(raw[slice(*entry.lead_in)], share(MEASURED[shape]), (Span("eligibility", *entry.lead_in),))


def _span(passage: Passage) -> Span:
    return Span(passage.section.name, *passage.raw_span)


def _chunk_kind(entry: Entry) -> ChunkKind:
    if entry.role is Role.LEAD_IN:
        return ChunkKind.LEAD_IN
    return ChunkKind.ITEM if entry.listed else ChunkKind.SENTENCE


def _words(intro: Passage | None) -> str:
    return " ".join(intro.raw.split()) if intro else ""


def _from_prose(passages: Iterable[Passage]) -> Iterator[_Draft]:
    """Sentences that state a criterion; one that stands in the summary and the description is taken once."""
    seen: set[str] = set()
    for suspect in (suspect for passage in passages for suspect in find_suspects(passage)):
        words = " ".join(suspect.passage.text.lower().split())
        if words not in seen:
            seen.add(words)
            span = _span(suspect.passage)
            yield _Draft(
                passage=suspect.passage,
                chunk_kind=ChunkKind.SENTENCE,
                whole=span,
                stands=Reading(suspect.stands, suspect.confidence, (span,), Support.INFERRED),
                kind=Reading(suspect.kind, 0.95, (span,), Support.INFERRED),
                lead_in=Reading(None, 0.95),
                line=CriterionLine(suspect.passage, suspect.kind),
            )


def _read(draft: _Draft, score: LineScore, number: int) -> _Found:
    passage, line = draft.passage, draft.line
    text, lead_in, heading = passage.text.translate(_ONE_LINE), _words(line.lead_in), _words(line.heading)
    limits = find_limits(passage.tokens, line.kind)
    criterion = ParsedCriterion(
        chunk=Chunk(number, draft.chunk_kind, draft.whole, text),
        stands=_refuse(draft, score) if draft.listed else draft.stands,
        kind=draft.kind,
        lead_in=draft.lead_in,
        category=read_category(passage, score),
        constraints=read_constraints(passage, limits, lead_in),
        time_window=read_window(passage, line.kind, lead_in),
        negated=read_negation(passage),
    )
    donor = any("donor" in words.lower() for words in (lead_in, heading, text[:30]))
    return criterion, Stated(passage, line.kind, score.category, limits, donor, lead_in or heading)


def _refuse(draft: _Draft, score: LineScore) -> Reading[bool]:
    """Whether a listed line stands: almost all do; some read as headings or notes, and a few clearly are."""
    if score.no_criterion >= _CLEARLY_NONE:
        return Reading(value=False, confidence=score.no_criterion)
    confidence = round(1 - score.no_criterion, 3)
    return replace(draft.stands, confidence=confidence) if confidence < draft.stands.confidence else draft.stands
