"""Who may take part: criteria from the eligibility section, or from running text where there is none."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from extractor.parse.parsed import Chunk, ChunkKind, ParsedCriterion, ParsedEligibility, Reading, Span, span_of
from extractor.parse.scoring import measured
from extractor.schemas import Category, CriterionKind, Support
from extractor.text.passage import Passage, Section

from .category import CriterionLine, score_lines, target_words
from .constraints import read_constraints, read_window
from .limits import find_limits
from .negation import read_negation
from .outline import Role, find_suspects, read_outline, read_sense
from .people import Stated, read_ages, read_healthy, read_sex

__all__ = ["read_eligibility"]

_CLEARLY_NONE = 0.98
_ONE_LINE = str.maketrans("\n\t\r", "   ")
_SUMMARY = ("title", "official_title", "brief_summary", "detailed_description")


def read_eligibility(sections: Mapping[str, Section], numbers: Iterator[int]) -> ParsedEligibility:
    r"""Read ages, sex, healthy volunteers and criteria of one record.

    ``sections`` are those of the record by name, read into tokens; every chunk takes the next of ``numbers``.

    >>> from itertools import count
    >>> text = "Inclusion Criteria:\n\n* Age 18-65 years\n\nExclusion Criteria:\n\n* Pregnant"
    >>> parsed = read_eligibility({"eligibility": read_section("eligibility", text)}, count())
    >>> [(c.chunk.text, c.kind.value.value, c.category.value.value) for c in parsed.criteria]
    [('Age 18-65 years', 'inclusion', 'age'), ('Pregnant', 'exclusion', 'reproductive')]
    >>> parsed.maximum_age.value.value
    65
    """
    summary = [sections[name].whole for name in _SUMMARY if name in sections]
    titles = [passage for passage in summary if passage.section.name.endswith("title")]
    descriptions = [passage for passage in summary if passage not in titles]
    named = [*titles, *([sections["conditions"].whole] if "conditions" in sections else [])]
    eligibility = sections.get("eligibility")
    listed = eligibility if eligibility and eligibility.raw.strip() else None
    drafts = list(_draft_from_list(listed) if listed else _draft_from_prose(descriptions))
    scores = score_lines([draft.line for draft in drafts], target_words(*named))
    found = [_read(draft, *score, next(numbers)) for draft, score in zip(drafts, scores, strict=True)]
    stated = [one for criterion, one in found if criterion.stands.value]
    minimum, maximum = read_ages(stated, summary)
    sex, healthy = read_sex(stated, named, descriptions), read_healthy(stated, summary)
    return ParsedEligibility(minimum, maximum, sex, healthy, tuple(criterion for criterion, _ in found))


@dataclass(frozen=True, slots=True)
class _Draft:
    """A line of which it is known whether and where it is a criterion, before its content is read."""

    line: CriterionLine
    chunk_kind: ChunkKind
    stands: Reading[bool]
    kind: Reading[CriterionKind | None]
    parent: Reading[str | None]
    refusable: bool = False
    """Whether the scorer may find that it is no criterion."""


def _draft_from_list(section: Section) -> Iterator[_Draft]:
    """The entries of the outline. Without a list, the words of an entry say to which list it belongs."""
    for entry in read_outline(section):
        if entry.role is Role.REMARK:
            continue
        passage, is_parent = entry.passage, entry.role is Role.PARENT
        span = span_of(passage)
        kind = entry.kind or read_sense(passage.tokens)
        kind_sure = measured("criterion", "kind of the list" if entry.kind else "kind without a list")
        case = "prose" if not entry.listed else "listed, ends with a colon" if passage.text.endswith(":") else "listed"
        parent: Reading[str | None] = Reading(None, measured("criterion", "no parent"))
        if entry.parent:
            sure = measured("criterion", "under a heading" if entry.parent == entry.heading else "under an item")
            parent = Reading(section.raw[slice(*entry.parent)], sure, (Span(section.name, *entry.parent),))
        intros = (section.between(*place) if place else None for place in (entry.heading, entry.parent))
        yield _Draft(
            CriterionLine(passage, kind, *intros),
            ChunkKind.LEAD_IN if is_parent else ChunkKind.ITEM if entry.listed else ChunkKind.SENTENCE,
            Reading(value=False, confidence=measured("criterion", "parent"))
            if is_parent
            else Reading(True, measured("criterion", case), (span,), Support.INFERRED),  # noqa: FBT003
            Reading(kind, kind_sure, (span,), Support.INFERRED),
            parent,
            refusable=entry.listed and not is_parent,
        )


def _draft_from_prose(passages: Iterable[Passage]) -> Iterator[_Draft]:
    """Sentences that state a criterion; one that stands in the summary and the description is taken once."""
    seen: set[str] = set()
    suspects = (suspect for passage in passages for suspect in find_suspects(passage))
    for passage, kind, stands, confidence in suspects:
        words = " ".join(passage.text.lower().split())
        if words not in seen:
            seen.add(words)
            spans = (span_of(passage),)
            yield _Draft(
                CriterionLine(passage, kind),
                ChunkKind.SENTENCE,
                Reading(stands, confidence, spans, Support.INFERRED),
                Reading(kind, 0.95, spans, Support.INFERRED),
                Reading(None, 0.95),
            )


def _read(
    draft: _Draft, category: Reading[Category], no_criterion: float, number: int
) -> tuple[ParsedCriterion, Stated]:
    """The criterion. Almost all listed lines are one; some read as headings or notes, and a few clearly are."""
    line, stands = draft.line, draft.stands
    passage = line.passage
    parent, heading = (" ".join(intro.raw.split()) if intro else "" for intro in (line.parent, line.heading))
    text = passage.text.translate(_ONE_LINE)
    limits = find_limits(passage.tokens, line.kind)
    if draft.refusable and no_criterion >= _CLEARLY_NONE:
        stands = Reading(value=False, confidence=no_criterion)
    elif draft.refusable:
        stands = replace(stands, confidence=min(stands.confidence, round(1 - no_criterion, 3)))
    criterion = ParsedCriterion(
        chunk=Chunk(number, draft.chunk_kind, span_of(passage), text),
        stands=stands,
        kind=draft.kind,
        lead_in=draft.parent,
        category=category,
        constraints=read_constraints(passage, limits, parent),
        time_window=read_window(passage, line.kind, parent),
        negated=read_negation(passage),
    )
    donor = any("donor" in words.lower() for words in (parent, heading, text[:30]))
    return criterion, Stated(passage, line.kind, category.value, limits, donor, parent or heading)
