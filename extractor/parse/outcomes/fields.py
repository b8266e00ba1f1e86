"""Readings of an outcome's fields, each with the raw characters that decide it."""

from collections.abc import Sequence
from functools import lru_cache

from extractor.parse.parsed import Reading
from extractor.parse.values import value
from extractor.schemas import Concept, EndpointCategory, Instrument, Support, TimeKind, TimePoint

from .classes import OutcomeClasses
from .event_fields import read_event_fields
from .events import mentions_censoring
from .instruments import find_instrument, may_name_instrument
from .materials import find_methods, find_specimens, may_name_method, may_name_specimen
from .moments import Moment, find_moment_groups
from .texts import OutcomeText, Place
from .time_kind import read_time_kind
from .time_points import mask_intervals, select_time_points

__all__ = [
    "ClassFields",
    "TimeFields",
    "WordFields",
    "read_class_fields",
    "read_time_fields",
    "read_word_fields",
]

# Measured on labelled outcomes: how often a field is right when the rules found (or did not find) something.
_POINTS, _POINTS_NONE, _POINTS_REPEATED = 0.98, 0.96, 0.8
_SPECIMEN, _SPECIMENS, _NO_SPECIMENS, _PERHAPS_SPECIMENS = 0.9, 0.6, 0.99, 0.84
_METHOD, _METHODS, _NO_METHODS, _PERHAPS_METHODS = 0.77, 0.55, 0.98, 0.79
_NO_INSTRUMENT, _PERHAPS_INSTRUMENT = 0.99, 0.6


@value(frozen=True, slots=True)
class ClassFields:
    concept: Reading[Concept | None]
    category: Reading[EndpointCategory | None]


@value(frozen=True, slots=True)
class TimeFields:
    points: Reading[tuple[TimePoint, ...] | None]
    kind: Reading[TimeKind | None]


@value(frozen=True, slots=True)
class WordFields:
    instrument: Reading[Instrument | None]
    start_event: Reading[str | None]
    end_events: Reading[tuple[str, ...] | None]
    censored: Reading[bool | None]
    specimens: Reading[tuple[str, ...] | None]
    methods: Reading[tuple[str, ...] | None]


def read_class_fields(text: OutcomeText, classes: OutcomeClasses) -> ClassFields:
    """Concept and category, with the word that speaks most for the concept."""
    start, end = text.measure if classes.word is None else (text.measure[0] + place for place in classes.word)
    spans = (text.span(start, end),)
    return ClassFields(
        Reading(classes.concept, classes.concept_confidence, spans, Support.INFERRED, classes.concept_rivals),
        Reading(classes.category, classes.category_confidence, spans, Support.INFERRED, classes.category_rivals),
    )


def read_time_fields(text: OutcomeText, certainty: float) -> TimeFields:
    """Time points and kind of the time frame, which is rightly cut with probability ``certainty``."""
    if not text.time_frame:
        # No time frame is a time frame that states no time; the measure stands for it.
        measure = (text.span(*text.measure),)
        return TimeFields(
            Reading((), certainty), Reading(TimeKind.UNSPECIFIED, 0.9 * certainty, measure, Support.INFERRED)
        )
    frame = _read_frame(text.part(text.time_frame))
    offset = text.time_frame[0]
    spans = tuple(text.span(offset + point.start, offset + point.end) for point in frame.points)
    values = tuple(TimePoint(value=point.value, unit=point.unit) for point in frame.points)
    whole = (text.span(*text.time_frame),)
    return TimeFields(
        Reading(values, certainty * frame.points_sure, spans, Support.PARSED),
        Reading(frame.kind, certainty * frame.kind_sure, whole, Support.INFERRED),
    )


_FRAMES_KEPT = 4096


@value(frozen=True, slots=True)
class _Frame:
    """What a time frame's text says, with the probability that it is right."""

    points: tuple[Moment, ...]
    points_sure: float
    kind: TimeKind
    kind_sure: float


@lru_cache(maxsize=_FRAMES_KEPT)
def _read_frame(frame: str) -> _Frame:
    """A record repeats its time frames, and so do others: three of four have been read before."""
    masked = mask_intervals(frame)
    groups = list(find_moment_groups(masked))
    points = select_time_points(masked, groups)
    kind, sure = read_time_kind(frame, masked, groups, points)
    repeated = len({(m.value, m.unit) for g in groups for m in g.moments}) < sum(len(g.moments) for g in groups)
    points_sure = _POINTS_REPEATED if repeated else _POINTS if points else _POINTS_NONE
    return _Frame(tuple(points), points_sure, kind, sure)


def read_word_fields(text: OutcomeText, concept: Reading[Concept | None]) -> WordFields:
    """Instrument, events, specimens and methods in measure and description."""
    start, end = text.measure[0], (text.description or text.measure)[1]
    body = text.clean.text[start:end]
    start_event, end_events = read_event_fields(text, concept)
    frame = text.part(text.time_frame)
    return WordFields(
        instrument=_read_instrument(text, body, start),
        start_event=start_event,
        end_events=end_events,
        censored=_read_censored(text, body, start, frame),
        specimens=_read_specimens(text, body, start),
        methods=_read_methods(text, body, start),
    )


def _read_instrument(text: OutcomeText, body: str, offset: int) -> Reading[Instrument | None]:
    found = find_instrument(body, (clean.text for clean in text.record))
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


def _read_specimens(text: OutcomeText, body: str, offset: int) -> Reading[tuple[str, ...] | None]:
    found = find_specimens(body)
    if not found:
        return Reading((), _PERHAPS_SPECIMENS if may_name_specimen(body) else _NO_SPECIMENS)
    return _quote(text, found, offset, _SPECIMEN if len(found) == 1 else _SPECIMENS)


def _read_methods(text: OutcomeText, body: str, offset: int) -> Reading[tuple[str, ...] | None]:
    found = find_methods(body)
    if not found:
        return Reading((), _PERHAPS_METHODS if may_name_method(body) else _NO_METHODS)
    return _quote(text, found, offset, _METHOD if len(found) == 1 else _METHODS)


def _quote(text: OutcomeText, found: Sequence[Place], offset: int, confidence: float) -> Reading[tuple[str, ...]]:
    return text.quote([(offset + first, offset + last) for first, last in found], confidence)
