"""Readings of an outcome's fields, each with the raw characters that decide it."""

from collections.abc import Iterable
from dataclasses import dataclass

from extractor.parse.clean import CleanText
from extractor.parse.parsed import Reading, Span
from extractor.parse.vocabulary import Match
from extractor.schemas import Concept, EndpointCategory, Instrument, Section, Support, TimeKind, TimePoint

from .categories import choose_category
from .concepts import find_concept
from .events import TIMED, EventsFound, find_events, mentions_censoring
from .instruments import find_instrument, may_name_instrument
from .materials import find_methods, find_specimens
from .moments import find_moment_groups
from .time_kind import read_time_kind
from .time_points import mask_intervals, select_time_points

__all__ = [
    "ClassFields",
    "OutcomeText",
    "TimeFields",
    "WordFields",
    "read_class_fields",
    "read_time_fields",
    "read_word_fields",
]

# Measured on labelled outcomes: how often a field is right when the rules found (or did not find) something.
_POINTS, _POINTS_NONE, _POINTS_REPEATED = 0.98, 0.96, 0.8
_START, _ENDS, _NO_EVENTS = 0.8, 0.7, 0.6
_SPECIMENS, _NO_SPECIMENS = 0.8, 0.97
_METHODS, _NO_METHODS = 0.7, 0.9
_NO_INSTRUMENT, _PERHAPS_INSTRUMENT = 0.98, 0.5


@dataclass(frozen=True, slots=True)
class OutcomeText:
    """An outcome's place: the section, its cleaned text, and where the three parts stand in it."""

    section: Section
    clean: CleanText
    measure: tuple[int, int]
    description: tuple[int, int] | None
    time_frame: tuple[int, int] | None

    def part(self, span: tuple[int, int] | None) -> str:
        return self.clean.text[slice(*span)] if span else ""

    def span(self, start: int, end: int) -> Span:
        """The raw place of a cleaned span, without white space at its ends."""
        return Span(self.section.name, *self.clean.match_span(start, end))

    def raw(self, span: Span) -> str:
        return self.section.text[span.start : span.end]


@dataclass(frozen=True, slots=True)
class ClassFields:
    concept: Reading[Concept | None]
    category: Reading[EndpointCategory | None]


@dataclass(frozen=True, slots=True)
class TimeFields:
    points: Reading[tuple[TimePoint, ...] | None]
    kind: Reading[TimeKind | None]


@dataclass(frozen=True, slots=True)
class WordFields:
    instrument: Reading[Instrument | None]
    start_event: Reading[str | None]
    end_events: Reading[tuple[str, ...] | None]
    censored: Reading[bool | None]
    specimens: Reading[tuple[str, ...] | None]
    methods: Reading[tuple[str, ...] | None]


def read_class_fields(text: OutcomeText) -> ClassFields:
    """Concept and category by the words of measure and description."""
    measure, description = text.part(text.measure), text.part(text.description)
    found = find_concept(measure, description)
    if not found:
        return ClassFields(Reading.open_(), Reading.open_())
    part = text.description if found.in_description and text.description else text.measure
    spans = (text.span(part[0] + found.start, part[0] + found.end),)
    category, sure = choose_category(found.concept, f"{measure} {description}")
    return ClassFields(
        Reading(found.concept, found.confidence, spans, Support.INFERRED),
        Reading(category, min(sure, (1 + found.confidence) / 2), spans, Support.INFERRED),
    )


def read_time_fields(text: OutcomeText, certainty: float) -> TimeFields:
    """Time points and kind of the time frame, which is rightly cut with probability ``certainty``."""
    if not text.time_frame:
        # No time frame is a time frame that states no time; the measure stands for it.
        measure = (text.span(*text.measure),)
        return TimeFields(
            Reading((), certainty), Reading(TimeKind.UNSPECIFIED, 0.9 * certainty, measure, Support.INFERRED)
        )
    frame = text.part(text.time_frame)
    masked = mask_intervals(frame)
    groups = list(find_moment_groups(masked))
    points = select_time_points(masked, groups)
    kind, sure = read_time_kind(frame, masked, groups, points)
    offset = text.time_frame[0]
    spans = tuple(text.span(offset + point.start, offset + point.end) for point in points)
    repeated = len({(m.value, m.unit) for g in groups for m in g.moments}) < sum(len(g.moments) for g in groups)
    sure_points = _POINTS_REPEATED if repeated else _POINTS if points else _POINTS_NONE
    values = tuple(TimePoint(value=point.value, unit=point.unit) for point in points)
    whole = (text.span(*text.time_frame),)
    return TimeFields(
        Reading(values, certainty * sure_points, spans, Support.PARSED),
        Reading(kind, certainty * sure, whole, Support.INFERRED),
    )


def read_word_fields(text: OutcomeText, concept: Reading[Concept | None]) -> WordFields:
    """Instrument, events, specimens and methods in measure and description."""
    start, end = text.measure[0], (text.description or text.measure)[1]
    body = text.clean.text[start:end]
    start_event, end_events = _read_events(text, concept)
    frame = text.part(text.time_frame)
    return WordFields(
        instrument=_read_instrument(text, body, start),
        start_event=start_event,
        end_events=end_events,
        censored=_read_censored(text, body, start, frame),
        specimens=_read_quotes(text, start, find_specimens(body), (_SPECIMENS, _NO_SPECIMENS)),
        methods=_read_quotes(text, start, find_methods(body), (_METHODS, _NO_METHODS)),
    )


def _read_instrument(text: OutcomeText, body: str, offset: int) -> Reading[Instrument | None]:
    found = find_instrument(body)
    if not found:
        return Reading(None, _PERHAPS_INSTRUMENT if may_name_instrument(body) else _NO_INSTRUMENT)
    spans = (text.span(offset + found.start, offset + found.end),)
    return Reading(found.instrument, found.confidence, spans, Support.PARSED)


def _read_censored(text: OutcomeText, body: str, offset: int, frame: str) -> Reading[bool | None]:
    if mentions_censoring(body):
        return Reading(
            value=True, confidence=0.96, spans=(text.span(offset, offset + len(body)),), support=Support.INFERRED
        )
    if text.time_frame and mentions_censoring(frame):
        return Reading(value=True, confidence=0.9, spans=(text.span(*text.time_frame),), support=Support.INFERRED)
    return Reading(value=False, confidence=0.98)


def _read_quotes(
    text: OutcomeText, offset: int, matches: Iterable[Match], confidences: tuple[float, float]
) -> Reading[tuple[str, ...] | None]:
    places = [(offset + match.start, offset + match.end) for match in matches]
    return _quote(text, places, confidences[0] if places else confidences[1])


def _read_events(
    text: OutcomeText, concept: Reading[Concept | None]
) -> tuple[Reading[str | None], Reading[tuple[str, ...] | None]]:
    """Events for time-to-event concepts only; for all others there are none by definition."""
    if concept.value not in TIMED:
        # If the concept is uncertain, so is it that there are no events.
        sure = 1.0 if concept.confidence >= 0.7 else 0.9 + concept.confidence / 10
        return Reading(None, sure), Reading((), sure)
    for part in (text.description, text.time_frame, text.measure):
        found = find_events(text.part(part))
        if part and found:
            return _event_readings(text, part[0], found)
    return Reading(None, _NO_EVENTS), Reading((), _NO_EVENTS)


def _event_readings(
    text: OutcomeText, offset: int, found: EventsFound
) -> tuple[Reading[str | None], Reading[tuple[str, ...] | None]]:
    ends = _quote(text, [(offset + start, offset + end) for start, end in found.ends], _ENDS)
    if not found.start:
        return Reading(None, _NO_EVENTS), ends
    first, last = found.start
    quoted = _quote(text, [(offset + first, offset + last)], _START)
    return Reading(quoted.value[0], _START, quoted.spans, Support.LITERAL), ends


def _quote(text: OutcomeText, places: list[tuple[int, int]], confidence: float) -> Reading[tuple[str, ...]]:
    """The raw characters at cleaned places, with their spans."""
    spans = tuple(text.span(start, end) for start, end in places)
    return Reading(tuple(text.raw(span) for span in spans), confidence, spans, Support.LITERAL)
