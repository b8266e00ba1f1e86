"""Read the outcomes of a record: cut flattened cells into parts, and apply rules and scorers to
each part.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from extractor.concepts.outcomes.events import read_events
from extractor.concepts.outcomes.moments import read_time_frame
from extractor.concepts.outcomes.naming import (
    read_instrument,
    read_methods,
    read_specimens,
)
from extractor.concepts.outcomes.split import (
    Outcome,
    OutcomeParts,
    split_outcomes,
    split_section,
    split_statement,
)
from extractor.concepts.outcomes.times import describe_points, read_time_kind
from extractor.evidence.drafts import Chunk, Draft, Reading, Span, span_of
from extractor.evidence.scoring import list_words, load_scorer, measured
from extractor.language.book import find_terms
from extractor.language.passage import LexedSection, Passage
from extractor.schemas import (
    Concept,
    EndpointCategory,
    Rank,
    Support,
    TimeKind,
    TimePoint,
    TrialRecord,
)

__all__ = [
    "Outcome",
    "OutcomeParts",
    "classify_outcomes",
    "describe_outcome",
    "place_outcomes",
    "read_outcomes",
    "split_outcomes",
    "trial_words",
]

_LONGEST_MEASURE = 60
_LONGEST_DESCRIPTION = 80
_LONGEST_TIME_FRAME = 30
"""How many words of a part are used. Later words explain the method."""
_OPENING_WORDS = 4
_HINTS_READ = 70
_ABOUT = 30
_Classes = tuple[Reading[Concept], Reading[EndpointCategory]]
_ABOUT_TOPICS = frozenset(
    {Concept.OTHER, Concept.SYMPTOM_SCORE, Concept.QUALITY_OF_LIFE}
)
"""Concepts that measures of what people think or feel have."""


def read_outcomes(
    record: TrialRecord, sections: Mapping[str, LexedSection], numbers: Iterator[int]
) -> tuple[Draft, ...]:
    """Return the registered outcomes in order: primary, secondary, other.

    A section with separate parts in its source is one outcome, and so is a statement; a flattened
    section is split. ``sections`` maps names to the record's sections, read into tokens.
    ``numbers`` gives each chunk its number.
    """
    outcomes = place_outcomes(record, sections)
    texts = [section.cleaned.text for section in sections.values()]
    classes = classify_outcomes(outcomes, trial_words(sections))
    return tuple(
        _read(one, texts, *found, next(numbers))
        for one, found in zip(outcomes, classes, strict=True)
    )


def place_outcomes(
    record: TrialRecord, sections: Mapping[str, LexedSection]
) -> list[OutcomeParts]:
    """Return the registered outcomes and their places."""
    outcomes: list[OutcomeParts] = []
    for rank in Rank:
        found: list[OutcomeParts] = []
        for cell in record.sections:
            if cell.name.startswith(f"{rank}_outcomes"):
                section = sections[cell.name]
                apart = {
                    part.name: section.between(part.start, part.end)
                    for part in cell.parts
                }
                if not apart:
                    found += split_section(section)
                    continue
                if "statement" in apart:
                    found.append(split_statement(apart["statement"]))
                    continue
                if "time_frame" not in apart and "measure" in apart:
                    found.append(
                        _split_measure(apart["measure"], apart.get("description"))
                    )
                    continue
                first = min(part.first for part in apart.values())
                end = max(part.end for part in apart.values())
                whole = section.whole.part(first, end)
                empty = section.whole.part(first, first)
                measure = apart.get("measure", empty)
                others = (apart.get("description"), apart.get("time_frame"))
                # a time frame whose measure was hostile says nothing
                if measure.text or others[0]:
                    found.append(OutcomeParts(whole, measure, *others))
        outcomes += (
            replace(one, rank=rank, index=index) for index, one in enumerate(found)
        )
    return outcomes


def _split_measure(measure: Passage, description: Passage | None) -> OutcomeParts:
    """Return an outcome whose field for the time frame is empty. Its measure, which stays whole,
    may state the time.
    """
    own = split_statement(measure)
    last = max(measure.end, description.end if description else measure.end)
    return replace(
        own,
        whole=measure.part(measure.first, last),
        measure=measure,
        description=description,
    )


def trial_words(sections: Mapping[str, LexedSection]) -> list[str]:
    """Return the first words of the title and of the conditions, since outcomes depend on the
    disease.
    """
    found = (sections.get(name) for name in ("title", "conditions"))
    return [
        word
        for section in found
        if section
        for word in list_words(section.whole)[:_ABOUT]
    ]


def describe_outcome(outcome: OutcomeParts, about: Sequence[str] = ()) -> list[str]:
    """The features of an outcome. The words of its measure, ``w``, come first, in order. ``about``:
    ``trial_words``.

    >>> measure = read_passage("Overall survival")
    >>> describe_outcome(
    ...     OutcomeParts(measure, measure, time_frame=read_passage("2 years"))
    ... )[:2]
    ['w overall', 'w survival']
    """
    measure = list_words(outcome.measure)[:_LONGEST_MEASURE]
    if outcome.description:
        description = list_words(outcome.description)[:_LONGEST_DESCRIPTION]
    else:
        description = []
    time_frame = (
        list_words(outcome.time_frame)[:_LONGEST_TIME_FRAME]
        if outcome.time_frame
        else []
    )
    return [
        *(f"w {word}" for word in measure),
        *(f"p {one} {other}" for one, other in pairwise(measure)),
        *(f"^ {word}" for word in measure[:_OPENING_WORDS]),
        *(f"s {' '.join(measure[:length])}" for length in (1, 2, 3)),
        *(f"v {hint}" for hint in _find_concepts(outcome.measure)),
        *(f"d {word}" for word in description),
        *(f"e {one} {other}" for one, other in pairwise(description)),
        *(
            f"u {hint}"
            for hint in (
                _find_concepts(outcome.description) if outcome.description else ()
            )
        ),
        *(f"t {word}" for word in time_frame),
        *(f"a {word}" for word in about),
        f"m {outcome.rank}",
        f"m {len(description).bit_length()} words",
    ]


def _find_concepts(passage: Passage) -> dict[str, None]:
    """Return the concepts that terms of a part hint at."""
    end = min(passage.end, passage.first + _HINTS_READ)
    return dict.fromkeys(
        term.value
        for term in find_terms(passage.tokens, "concepts", passage.first, end)
    )


def classify_outcomes(
    outcomes: Sequence[OutcomeParts], about: Sequence[str] = ()
) -> list[_Classes]:
    """Concept and category of all outcomes of a record. The word that decides the concept is the
    span of both.

    >>> outcome = OutcomeParts(
    ...     *[read_passage("Best overall response")] * 2,
    ...     read_passage("CR or PR by RECIST 1.1"),
    ... )
    >>> [reading.value.value for reading in classify_outcomes([outcome])[0]]
    ['response_rate', 'efficacy']
    """
    measures = [one.measure for one in outcomes]
    features = [describe_outcome(one, about) for one in outcomes]
    concepts = load_scorer("concepts").classify(Concept, features, measures)
    categories = load_scorer("endpoint_categories").classify(
        EndpointCategory, features, measures
    )
    return [
        (_correct_concept(concept, measure), replace(category, spans=concept.spans))
        for concept, category, measure in zip(
            concepts, categories, measures, strict=True
        )
    ]


def _correct_concept(concept: Reading[Concept], measure: Passage) -> Reading[Concept]:
    """Another concept for a survival that is not overall ("of a graft"), a doubtful one for
    "crown survival".
    """
    tokens = measure.tokens
    place = (measure.first, measure.end)
    limit = min(
        concept.confidence,
        measured("outcome", "concept's word in a compound of another meaning"),
    )
    is_overall = concept.value is Concept.OVERALL_SURVIVAL and not measure.search(
        "named_overall_survival"
    )
    if is_overall and (survivals := find_terms(tokens, "survivals", *place)):
        concept = replace(concept, value=Concept(survivals[0].value), confidence=limit)
    found = {
        name
        for term in find_terms(tokens, "other_meanings", *place)
        for name in term.value.split()
    }
    misled = concept.value in found or (
        "any" in found and concept.value not in _ABOUT_TOPICS
    )
    return replace(concept, confidence=limit) if misled else concept


def _read(
    parts: OutcomeParts,
    texts: Sequence[str],
    concept: Reading[Concept],
    category: Reading[EndpointCategory],
    number: int,
) -> Draft:
    body = parts.measure.part(
        parts.measure.first, (parts.description or parts.measure).end
    )
    points, kind = _read_times(parts, concept.value)
    start_event, end_events = read_events(parts, concept)
    rules: dict[str, Reading[Any]] = {
        "rank": Reading(parts.rank, 1.0),
        "index": Reading(parts.index, 1.0),
        "measure": _read_part(parts.measure, parts.measure_confidence),
        "description": _read_part(parts.description, parts.description_confidence),
        "time_frame": _read_part(parts.time_frame, parts.time_frame_confidence),
        "concept": concept,
        "category": category,
        "time_points": points,
        "time_kind": kind,
        "instrument": read_instrument(body, texts),
        "start_event": start_event,
        "end_events": end_events,
        "censored": _read_censored(body, parts.time_frame),
        "specimens": read_specimens(body),
        "methods": read_methods(body),
    }
    chunk = Chunk(number, span_of(parts.whole), parts.whole.text)
    return Draft("endpoints", chunk, chunk.span, rules)


def _read_part(part: Passage | None, confidence: float) -> Reading[str | None]:
    if part is None or part.end <= part.first:
        return Reading(None, confidence)
    return Reading(part.raw, confidence, (span_of(part),))


def _read_times(
    parts: OutcomeParts, concept: Concept | None
) -> tuple[Reading[tuple[TimePoint, ...] | None], Reading[TimeKind | None]]:
    """Time points and kind of the time frame. The confidence includes that of its limits."""
    certainty = parts.time_frame_confidence
    place = parts.time_frame
    if not place:
        # A missing time frame states no time. The measure is its span.
        measure = (span_of(parts.measure),)
        sure = certainty * measured("outcome", "kind of no time frame")
        return Reading((), certainty), Reading(
            TimeKind.UNSPECIFIED, sure, measure, Support.INFERRED
        )
    frame = read_time_frame(place.tokens.cut(place.first, place.end))
    sure = measured("outcome", describe_points(frame))
    raw_span = place.section.cleaned.raw_span
    spans = tuple(
        Span(place.section.name, *raw_span(*frame.locate(point)))
        for point in frame.points
    )
    values = tuple(
        TimePoint(value=point.value, unit=point.unit) for point in frame.points
    )
    kind, kind_sure = read_time_kind(frame, concept)
    return (
        Reading(values, certainty * sure, spans, Support.PARSED),
        Reading(kind, certainty * kind_sure, (span_of(place),), Support.INFERRED),
    )


def _read_censored(body: Passage, frame: Passage | None) -> Reading[bool | None]:
    for part, case in ((body, "censored"), (frame, "censored in the time frame")):
        if part and part.search("censoring"):
            return Reading(
                True,  # noqa: FBT003 - it is the value
                measured("outcome", case),
                (span_of(part),),
                Support.INFERRED,
            )
    return Reading(value=False, confidence=measured("outcome", "not censored"))
