"""The outcomes of a record: flattened cells cut into parts, and what rules and scorers read in each part."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from extractor.parse.parsed import Chunk, ChunkKind, ParsedOutcome, Reading, Span, span_of
from extractor.parse.scoring import list_words, load_scorer, measured
from extractor.schemas import Concept, EndpointCategory, Rank, Support, TimeKind, TimePoint, TrialRecord
from extractor.text.book import find_terms, rule
from extractor.text.passage import Passage, Section

from .events import EventsFound, find_counted_start, find_events, find_listed_events, find_named_events
from .naming import has, read_instrument, read_methods, read_specimens
from .split import Outcome, OutcomeParts, split_outcomes, split_section
from .times import choose_kind, describe_kind, guess_kind, read_time_frame

__all__ = [
    "Outcome",
    "OutcomeWords",
    "PlacedOutcome",
    "classify_outcomes",
    "describe_outcome",
    "place_outcomes",
    "read_outcomes",
    "split_outcomes",
    "trial_words",
]

_TIMED = frozenset(
    (
        Concept.OVERALL_SURVIVAL, Concept.PROGRESSION_FREE_SURVIVAL, Concept.EVENT_FREE_SURVIVAL,
        Concept.DISEASE_FREE_SURVIVAL, Concept.TIME_TO_PROGRESSION, Concept.TIME_TO_EVENT_OTHER,
        Concept.DURATION_OF_RESPONSE, Concept.TIME_TO_RESPONSE,
    )
)  # fmt: skip
"""The concepts that have a start event and end events."""
_PERHAPS_CLOCKED = frozenset((Concept.CLINICAL_EVENT, Concept.MORTALITY, Concept.OTHER))
"""The concepts that have events if the outcome is a length of time: how long a stay or an operation lasts."""
_LONGEST_MEASURE, _LONGEST_DESCRIPTION, _LONGEST_TIME_FRAME = 60, 80, 30
"""How many words of a part are read: what comes later explains the method."""
_OPENING_WORDS, _HINTS_READ, _ABOUT = 4, 70, 30
_CONCEPT_UNSURE = 0.7


@dataclass(frozen=True, slots=True)
class OutcomeWords:
    """The parts of an outcome; ``about`` are the words of ``trial_words``."""

    measure: Passage
    description: Passage | None = None
    time_frame: Passage | None = None
    rank: Rank = Rank.PRIMARY
    about: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class PlacedOutcome:
    """An outcome and where it stands."""

    parts: OutcomeParts
    rank: Rank
    index: int


def read_outcomes(
    record: TrialRecord, sections: Mapping[str, Section], numbers: Iterator[int]
) -> tuple[ParsedOutcome, ...]:
    """The registered outcomes in order: primary, secondary, other.

    A section whose source keeps the parts apart is one outcome; a flattened section is split. ``sections`` are those of
    the record by name, read into tokens; ``numbers`` gives each chunk its number.
    """
    outcomes = place_outcomes(record, sections)
    about, texts = trial_words(sections), [section.cleaned.text for section in sections.values()]
    words = [
        OutcomeWords(one.parts.measure, one.parts.description, one.parts.time_frame, one.rank, about)
        for one in outcomes
    ]
    classes = classify_outcomes(words)
    return tuple(_read_outcome(one, texts, *found, next(numbers)) for one, found in zip(outcomes, classes, strict=True))


def place_outcomes(record: TrialRecord, sections: Mapping[str, Section]) -> list[PlacedOutcome]:
    """The registered outcomes and where they stand."""
    outcomes: list[PlacedOutcome] = []
    for rank in Rank:
        parts: list[OutcomeParts] = []
        for cell in record.sections:
            if cell.name.startswith(f"{rank}_outcomes"):
                section = sections[cell.name]
                apart = {part.name: section.between(part.start, part.end) for part in cell.parts}
                parts += [_join_parts(section, apart)] if apart else split_section(section)
        outcomes += (PlacedOutcome(each, rank, index) for index, each in enumerate(parts))
    return outcomes


def _join_parts(section: Section, parts: Mapping[str, Passage]) -> OutcomeParts:
    """The parts that the source keeps apart."""
    whole = section.whole.part(min(part.first for part in parts.values()), max(part.end for part in parts.values()))
    empty = whole.part(whole.first, whole.first)
    return OutcomeParts(whole, parts.get("measure", empty), parts.get("description"), parts.get("time_frame"))


def trial_words(sections: Mapping[str, Section]) -> list[str]:
    """The first words of the title and of the conditions: what is measured depends on what is treated."""
    found = (sections.get(name) for name in ("title", "conditions"))
    return [word for section in found if section for word in list_words(section.whole)[:_ABOUT]]


def describe_outcome(outcome: OutcomeWords) -> list[str]:
    """The features of an outcome; first the words of its measure, ``w``, in order.

    >>> describe_outcome(OutcomeWords(read_passage("Overall survival"), time_frame=read_passage("2 years")))[:2]
    ['w overall', 'w survival']
    """
    measure = list_words(outcome.measure)[:_LONGEST_MEASURE]
    description = list_words(outcome.description)[:_LONGEST_DESCRIPTION] if outcome.description else []
    time_frame = list_words(outcome.time_frame)[:_LONGEST_TIME_FRAME] if outcome.time_frame else []
    return [
        *(f"w {word}" for word in measure),
        *(f"p {one} {other}" for one, other in pairwise(measure)),
        *(f"^ {word}" for word in measure[:_OPENING_WORDS]),
        *(f"s {' '.join(measure[:length])}" for length in (1, 2, 3)),
        *(f"v {hint}" for hint in _find_concepts(outcome.measure)),
        *(f"d {word}" for word in description),
        *(f"e {one} {other}" for one, other in pairwise(description)),
        *(f"u {hint}" for hint in (_find_concepts(outcome.description) if outcome.description else ())),
        *(f"t {word}" for word in time_frame),
        *(f"a {word}" for word in outcome.about),
        f"m {outcome.rank}",
        f"m {len(description).bit_length()} words",
    ]


def _find_concepts(passage: Passage) -> Iterable[str]:
    """The concepts at which terms of a part hint."""
    end = min(passage.end, passage.first + _HINTS_READ)
    return dict.fromkeys(term.value for term in find_terms(passage.tokens, "concepts", passage.first, end))


_Classes = tuple[Reading[Concept | None], Reading[EndpointCategory | None]]


def classify_outcomes(outcomes: Sequence[OutcomeWords]) -> list[_Classes]:
    """Concept and category of all outcomes of a record. The word that decides the concept stands for both.

    >>> outcome = OutcomeWords(read_passage("Best overall response"), read_passage("CR or PR by RECIST 1.1"))
    >>> [reading.value.value for reading in classify_outcomes([outcome])[0]]
    ['response_rate', 'efficacy']
    """
    features, measures = [describe_outcome(outcome) for outcome in outcomes], [outcome.measure for outcome in outcomes]
    concepts = load_scorer("concepts").read(Concept, features, measures)
    categories = load_scorer("endpoint_categories").read(EndpointCategory, features, measures)
    return [
        (concept, replace(category, spans=concept.spans))
        for concept, category in zip(concepts, categories, strict=True)
    ]


def _read_outcome(
    outcome: PlacedOutcome,
    texts: Sequence[str],
    concept: Reading[Concept | None],
    category: Reading[EndpointCategory | None],
    number: int,
) -> ParsedOutcome:
    parts = outcome.parts
    body = parts.measure.part(parts.measure.first, (parts.description or parts.measure).end)
    points, kind = _read_times(parts)
    start_event, end_events = _read_events(parts, concept)
    return ParsedOutcome(
        chunk=Chunk(number, ChunkKind.OUTCOME, span_of(parts.whole), parts.whole.text),
        rank=outcome.rank,
        index=outcome.index,
        measure=_read_part(parts.measure, parts.measure_confidence),
        description=_read_part(parts.description, parts.description_confidence),
        time_frame=_read_part(parts.time_frame, parts.time_frame_confidence),
        concept=concept,
        category=category,
        time_points=points,
        time_kind=kind,
        instrument=read_instrument(body, texts),
        start_event=start_event,
        end_events=end_events,
        censored=_read_censored(body, parts.time_frame),
        specimens=read_specimens(body),
        methods=read_methods(body),
    )


def _read_part(part: Passage | None, confidence: float) -> Reading[str | None]:
    if part is None or part.end <= part.first:
        return Reading(None, confidence)
    return Reading(part.raw, confidence, (span_of(part),))


def _read_times(
    parts: OutcomeParts,
) -> tuple[Reading[tuple[TimePoint, ...] | None], Reading[TimeKind | None]]:
    """Time points and kind of the time frame, which may be wrongly cut."""
    certainty, place = parts.time_frame_confidence, parts.time_frame
    if not place:
        # No time frame is a time frame that states no time; the measure stands for it.
        measure = (span_of(parts.measure),)
        return Reading((), certainty), Reading(TimeKind.UNSPECIFIED, 0.9 * certainty, measure, Support.INFERRED)
    frame = read_time_frame(place.tokens, place.first, place.end)
    moments = [(moment.value, moment.unit) for group in frame.groups for moment in group.moments]
    case = "time points" if frame.points else "no time points"
    sure = measured("outcome", "time points repeated" if len(set(moments)) < len(moments) else case)
    raw_span = place.section.cleaned.raw_span
    spans = tuple(Span(place.section.name, *raw_span(*point.span)) for point in frame.points)
    values = tuple(TimePoint(value=point.value, unit=point.unit) for point in frame.points)
    kind, kind_sure = choose_kind(describe_kind(frame, guess_kind(frame)))
    return (
        Reading(values, certainty * sure, spans, Support.PARSED),
        Reading(kind, certainty * kind_sure, (span_of(place),), Support.INFERRED),
    )


def _read_censored(body: Passage, frame: Passage | None) -> Reading[bool | None]:
    for part, case in ((body, "censored"), (frame, "censored in the time frame")):
        if part and has("censoring", part):
            return Reading(True, measured("outcome", case), (span_of(part),), Support.INFERRED)  # noqa: FBT003
    return Reading(value=False, confidence=measured("outcome", "not censored"))


def _read_events(
    parts: OutcomeParts, concept: Reading[Concept | None]
) -> tuple[Reading[str | None], Reading[tuple[str, ...] | None]]:
    """Start event and end events of what is a time to an event; all other outcomes have none by definition."""
    timed = concept.value in _TIMED
    clock = "states_clock" if concept.value in _PERHAPS_CLOCKED else "surely_states_clock"
    perhaps = measured("event", "perhaps timed")
    if not timed and not any(part and has(clock, part) for part in (parts.measure, parts.description)):
        # If the concept is uncertain, so is it that there are no events.
        sure = 1.0 if concept.confidence >= _CONCEPT_UNSURE else perhaps + concept.confidence / 10
        return Reading(None, sure), Reading((), sure)
    found, start_part, ends_part = _find_in_parts(parts)
    if not found.ends and (not timed or concept.value is Concept.TIME_TO_EVENT_OTHER):
        named = find_named_events(parts.description, parts.measure)
        found, ends_part = EventsFound(found.start or named.start, named.ends), parts.measure
    if not timed and not found.ends:
        return Reading(None, perhaps), Reading((), perhaps)
    return _read_start(parts, found, start_part), _read_ends(parts, found, ends_part)


def _find_in_parts(parts: OutcomeParts) -> tuple[EventsFound, Passage | None, Passage | None]:
    """The events of the first part that states ends, else the first start that is stated; and their parts."""
    start: Passage | None = None
    start_part: Passage | None = None
    for part in (parts.description, parts.time_frame, parts.measure):
        found = find_events(part) if part else None
        if found:
            if not start and found.start:
                start, start_part = found.start, part
            if found.ends:
                return EventsFound(start, found.ends), start_part, part
    ends = find_listed_events(parts.description) if parts.description else ()
    counted = (find_counted_start(part) for part in (parts.description, parts.measure) if part)
    return EventsFound(start or next(filter(None, counted), None), ends), start_part, parts.description


def _read_start(parts: OutcomeParts, found: EventsFound, start_part: Passage | None) -> Reading[str | None]:
    if found.start:
        in_frame = start_part is not None and start_part == parts.time_frame
        case = "start in the time frame" if in_frame else "start" if found.ends else "start without ends"
        return Reading(found.start.raw, measured("event", case), (span_of(found.start),))
    case = "no start"  # how sure that is depends on the words that may state one
    if parts.description and has("may_state_start", parts.description):
        case = "perhaps a start"
    elif parts.time_frame and has("may_state_start", parts.time_frame):
        case = "perhaps a start in the time frame"
    return Reading(None, measured("event", case))


def _read_ends(parts: OutcomeParts, found: EventsFound, ends_part: Passage | None) -> Reading[tuple[str, ...] | None]:
    if not found.ends:
        perhaps = parts.description is not None and has("may_state_end", parts.description)
        return Reading((), measured("event", "perhaps ends" if perhaps else "no ends"))
    plain = all(rule("plain_event").covers(end.tokens, end.first, end.end) for end in found.ends)
    death = plain and len(found.ends) == 1 and found.ends[0].text.lower().startswith("death")
    case = "death" if death else "plain ends" if plain else "ends"
    if not found.start or ends_part != parts.description:
        case = "ends elsewhere"
    return Reading(tuple(end.raw for end in found.ends), measured("event", case), tuple(map(span_of, found.ends)))
