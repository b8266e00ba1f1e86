"""The outcomes of a record, with a reading of each field and the raw characters that decide it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from extractor.parse.parsed import Chunk, ChunkKind, ParsedOutcome, Reading, Span
from extractor.schemas import Concept, Instrument, Rank, Support, TimeKind, TimePoint, TrialRecord
from extractor.text.book import rule
from extractor.text.passage import Passage, Section

from .classes import OutcomeClasses, OutcomeWords, classify_outcomes, trial_words
from .events import EventsFound, find_counted_start, find_events, find_listed_events, find_named_events
from .naming import find_instrument, find_methods, find_specimens, has
from .split import OutcomeParts, split_section
from .time_kind import choose_kind, describe_kind, guess_kind
from .times import read_time_frame

__all__ = ["PlacedOutcome", "place_outcomes", "read_outcomes"]

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

# Measured on labelled outcomes: how often a field is right when the rules found (or did not find) something.
_POINTS, _POINTS_NONE, _POINTS_REPEATED = 0.98, 0.96, 0.8
_SPECIMEN, _SPECIMENS, _NO_SPECIMENS, _PERHAPS_SPECIMENS = 0.9, 0.6, 0.99, 0.84
_METHOD, _METHODS, _NO_METHODS, _PERHAPS_METHODS = 0.77, 0.55, 0.98, 0.79
_NO_INSTRUMENT, _PERHAPS_INSTRUMENT = 0.99, 0.6
_CENSORED, _CENSORED_IN_FRAME, _NOT_CENSORED = 0.96, 0.9, 0.98
# The same for events, by where they stand and how they read.
_START, _START_IN_FRAME, _START_ALONE = 0.97, 0.88, 0.7
_NO_START, _PERHAPS_START, _PERHAPS_START_IN_FRAME = 0.98, 0.6, 0.85
_DEATH, _PLAIN_ENDS, _ENDS, _ENDS_ELSEWHERE = 0.99, 0.93, 0.77, 0.65
_NO_ENDS, _PERHAPS_ENDS = 0.94, 0.68
_UNTIMED, _PERHAPS_TIMED = 0.7, 0.9


@dataclass(frozen=True, slots=True)
class PlacedOutcome:
    """An outcome and where it stands."""

    parts: OutcomeParts
    rank: Rank
    index: int

    @property
    def body(self) -> Passage:
        """Measure and description."""
        last = self.parts.description or self.parts.measure
        return self.parts.measure.part(self.parts.measure.first, last.end)


def read_outcomes(
    record: TrialRecord, sections: Mapping[str, Section], numbers: Iterator[int]
) -> tuple[ParsedOutcome, ...]:
    """The registered outcomes in order: primary, secondary, other.

    A section whose source keeps the parts apart is one outcome; a flattened section is split. ``sections`` are those of
    the record by name, read into tokens; ``numbers`` gives each chunk its number.
    """
    outcomes = place_outcomes(record, sections)
    about, texts = trial_words(sections), [section.cleaned.text for section in sections.values()]
    classes = classify_outcomes(
        [
            OutcomeWords(one.parts.measure, one.parts.description, one.parts.time_frame, one.rank, about)
            for one in outcomes
        ]
    )
    return tuple(
        _read_outcome(each, texts, found, next(numbers)) for each, found in zip(outcomes, classes, strict=True)
    )


def place_outcomes(record: TrialRecord, sections: Mapping[str, Section]) -> list[PlacedOutcome]:
    """The registered outcomes and where they stand."""
    outcomes: list[PlacedOutcome] = []
    for rank in Rank:
        cells = (section for section in record.sections if section.name.startswith(f"{rank}_outcomes"))
        parts = (
            each
            for cell in cells
            for each in (
                [_join_parts(sections[cell.name], {part.name: (part.start, part.end) for part in cell.parts})]
                if cell.parts
                else split_section(sections[cell.name])
            )
        )
        outcomes += (PlacedOutcome(each, rank, index) for index, each in enumerate(parts))
    return outcomes


def _join_parts(section: Section, places: Mapping[str, tuple[int, int]]) -> OutcomeParts:
    """The parts that the source keeps apart."""
    parts = {name: section.between(*place) for name, place in places.items()}
    whole = section.whole.part(min(part.first for part in parts.values()), max(part.end for part in parts.values()))
    empty = whole.part(whole.first, whole.first)
    return OutcomeParts(whole, parts.get("measure", empty), parts.get("description"), parts.get("time_frame"))


def _read_outcome(outcome: PlacedOutcome, texts: Sequence[str], found: OutcomeClasses, number: int) -> ParsedOutcome:
    parts, body = outcome.parts, outcome.body
    spans = (_span(found.reason or parts.measure),)
    concept: Reading[Concept | None] = Reading(
        found.concept, found.concept_confidence, spans, Support.INFERRED, found.concept_rivals
    )
    points, kind = _read_times(parts)
    start_event, end_events = _read_events(parts, concept)
    return ParsedOutcome(
        chunk=Chunk(number, ChunkKind.OUTCOME, _span(parts.whole), parts.whole.text),
        rank=outcome.rank,
        index=outcome.index,
        measure=_read_part(parts.measure, parts.measure_confidence),
        description=_read_part(parts.description, parts.description_confidence),
        time_frame=_read_part(parts.time_frame, parts.time_frame_confidence),
        concept=concept,
        category=Reading(found.category, found.category_confidence, spans, Support.INFERRED, found.category_rivals),
        time_points=points,
        time_kind=kind,
        instrument=_read_instrument(body, texts),
        start_event=start_event,
        end_events=end_events,
        censored=_read_censored(body, parts.time_frame),
        specimens=_read_specimens(body),
        methods=_read_methods(body),
    )


def _span(passage: Passage) -> Span:
    return Span(passage.section.name, *passage.raw_span)


def _quote(passages: Sequence[Passage], confidence: float) -> Reading[tuple[str, ...] | None]:
    """The raw characters of passages, with their spans."""
    return Reading(tuple(each.raw for each in passages), confidence, tuple(map(_span, passages)), Support.LITERAL)


def _read_part(part: Passage | None, confidence: float) -> Reading[str | None]:
    if part is None or part.end <= part.first:
        return Reading(None, confidence)
    return Reading(part.raw, confidence, (_span(part),), Support.LITERAL)


def _read_times(
    parts: OutcomeParts,
) -> tuple[Reading[tuple[TimePoint, ...] | None], Reading[TimeKind | None]]:
    """Time points and kind of the time frame, which may be wrongly cut."""
    certainty, place = parts.time_frame_confidence, parts.time_frame
    if not place:
        # No time frame is a time frame that states no time; the measure stands for it.
        measure = (_span(parts.measure),)
        return Reading((), certainty), Reading(TimeKind.UNSPECIFIED, 0.9 * certainty, measure, Support.INFERRED)
    frame = read_time_frame(place.tokens, place.first, place.end)
    moments = [moment for group in frame.groups for moment in group.moments]
    repeated = len({(moment.value, moment.unit) for moment in moments}) < len(moments)
    sure = _POINTS_REPEATED if repeated else _POINTS if frame.points else _POINTS_NONE
    raw_span = place.section.cleaned.raw_span
    spans = tuple(Span(place.section.name, *raw_span(*point.span)) for point in frame.points)
    values = tuple(TimePoint(value=point.value, unit=point.unit) for point in frame.points)
    kind, kind_sure = choose_kind(describe_kind(frame, guess_kind(frame)))
    return (
        Reading(values, certainty * sure, spans, Support.PARSED),
        Reading(kind, certainty * kind_sure, (_span(place),), Support.INFERRED),
    )


def _read_instrument(body: Passage, texts: Sequence[str]) -> Reading[Instrument | None]:
    found = find_instrument(body, texts)
    if not found:
        return Reading(None, _PERHAPS_INSTRUMENT if has("may_name_instrument", body) else _NO_INSTRUMENT)
    return Reading(found.instrument, found.confidence, (_span(found.place),), Support.PARSED)


def _read_censored(body: Passage, frame: Passage | None) -> Reading[bool | None]:
    for part, confidence in ((body, _CENSORED), (frame, _CENSORED_IN_FRAME)):
        if part and has("censoring", part):
            return Reading(value=True, confidence=confidence, spans=(_span(part),), support=Support.INFERRED)
    return Reading(value=False, confidence=_NOT_CENSORED)


def _read_specimens(body: Passage) -> Reading[tuple[str, ...] | None]:
    found = find_specimens(body)
    if not found:
        return Reading((), _PERHAPS_SPECIMENS if has("may_name_specimen", body) else _NO_SPECIMENS)
    return _quote(found, _SPECIMEN if len(found) == 1 else _SPECIMENS)


def _read_methods(body: Passage) -> Reading[tuple[str, ...] | None]:
    found = find_methods(body)
    if not found:
        return Reading((), _PERHAPS_METHODS if has("may_name_method", body) else _NO_METHODS)
    return _quote(found, _METHOD if len(found) == 1 else _METHODS)


def _read_events(
    parts: OutcomeParts, concept: Reading[Concept | None]
) -> tuple[Reading[str | None], Reading[tuple[str, ...] | None]]:
    """Start event and end events, for time-to-event concepts only; for all others there are none by definition."""
    timed = concept.value in _TIMED
    if not timed and not _states_clock(parts, concept.value):
        # If the concept is uncertain, so is it that there are no events.
        sure = 1.0 if concept.confidence >= _UNTIMED else _PERHAPS_TIMED + concept.confidence / 10
        return Reading(None, sure), Reading((), sure)
    found, start_part, ends_part = _find_in_parts(parts)
    if not found.ends and (not timed or concept.value is Concept.TIME_TO_EVENT_OTHER):
        named = find_named_events(parts.description, parts.measure)
        found, ends_part = EventsFound(found.start or named.start, named.ends), parts.measure
    if not timed and not found.ends:
        return Reading(None, _PERHAPS_TIMED), Reading((), _PERHAPS_TIMED)
    return _read_start(parts, found, start_part), _read_ends(parts, found, ends_part)


def _states_clock(parts: OutcomeParts, concept: Concept | None) -> bool:
    """Whether an outcome that is classified as no time to an event is a length of time all the same."""
    name = "states_clock" if concept in _PERHAPS_CLOCKED else "surely_states_clock"
    return any(part is not None and has(name, part) for part in (parts.measure, parts.description))


def _find_in_parts(parts: OutcomeParts) -> tuple[EventsFound, Passage | None, Passage | None]:
    """The events of the first part that tells ends, else the first start that is told; and their parts."""
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
    return EventsFound(start or _find_in(parts, find_counted_start), ends), start_part, parts.description


def _find_in(parts: OutcomeParts, find: Callable[[Passage], Passage | None]) -> Passage | None:
    """What ``find`` finds in the description, else in the measure."""
    return next((found for part in (parts.description, parts.measure) if part and (found := find(part))), None)


def _read_start(parts: OutcomeParts, found: EventsFound, start_part: Passage | None) -> Reading[str | None]:
    if found.start:
        in_frame = start_part is not None and start_part == parts.time_frame
        sure = _START_IN_FRAME if in_frame else _START if found.ends else _START_ALONE
        return Reading(found.start.raw, sure, (_span(found.start),), Support.LITERAL)
    # How sure it is that no start is told, where the rules found none.
    if parts.description and has("may_tell_start", parts.description):
        return Reading(None, _PERHAPS_START)
    in_frame = parts.time_frame is not None and has("may_tell_start", parts.time_frame)
    return Reading(None, _PERHAPS_START_IN_FRAME if in_frame else _NO_START)


def _read_ends(parts: OutcomeParts, found: EventsFound, ends_part: Passage | None) -> Reading[tuple[str, ...] | None]:
    if not found.ends:
        perhaps = parts.description is not None and has("may_tell_end", parts.description)
        return Reading((), _PERHAPS_ENDS if perhaps else _NO_ENDS)
    if not found.start or ends_part != parts.description:
        return _quote(found.ends, _ENDS_ELSEWHERE)
    plain = all(rule("plain_event").covers(end.tokens, end.first, end.end) for end in found.ends)
    alone = len(found.ends) == 1 and found.ends[0].text.lower().startswith("death")
    return _quote(found.ends, _DEATH if plain and alone else _PLAIN_ENDS if plain else _ENDS)
