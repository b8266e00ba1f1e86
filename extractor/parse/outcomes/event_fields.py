"""Readings of the events that start and stop an outcome's clock, with the confidence that labelled outcomes show."""

from collections.abc import Callable

from extractor.parse.parsed import Reading
from extractor.parse.values import value
from extractor.schemas import Concept, Support

from .end_events import is_plain_event
from .events import (
    TIMED,
    EventsFound,
    find_counted_start,
    find_events,
    find_listed_events,
    find_named_event,
    may_tell_end,
    may_tell_start,
)
from .texts import OutcomeText, Place

__all__ = ["read_event_fields"]

# How often labelled outcomes agree, by where the events stand and how they read (benchmarks.labels, timed concepts).
_START, _START_IN_FRAME, _START_ALONE = 0.97, 0.88, 0.7
_NO_START, _PERHAPS_START, _PERHAPS_START_IN_FRAME = 0.98, 0.6, 0.85
_DEATH, _PLAIN_ENDS, _ENDS, _ENDS_ELSEWHERE = 0.99, 0.93, 0.77, 0.65
_NO_ENDS, _PERHAPS_ENDS = 0.94, 0.68
_UNTIMED, _PERHAPS_TIMED = 0.7, 0.9


@value(frozen=True, slots=True)
class _Events:
    """Places of the events, and the parts of the outcome in which they stand."""

    start: Place | None
    ends: tuple[Place, ...]
    start_part: Place | None
    ends_part: Place | None


def read_event_fields(
    text: OutcomeText, concept: Reading[Concept | None]
) -> tuple[Reading[str | None], Reading[tuple[str, ...] | None]]:
    """Start event and end events, for time-to-event concepts only; for all others there are none by definition."""
    if concept.value not in TIMED:
        # If the concept is uncertain, so is it that there are no events.
        sure = 1.0 if concept.confidence >= _UNTIMED else _PERHAPS_TIMED + concept.confidence / 10
        return Reading(None, sure), Reading((), sure)
    found = _find_in_parts(text)
    if concept.value is Concept.TIME_TO_EVENT_OTHER and not found.ends:
        named = _find_in(text, find_named_event)
        found = _Events(found.start, (named,) if named else (), found.start_part, text.measure)
    return _read_start(text, found), _read_ends(text, found)


def _find_in_parts(text: OutcomeText) -> _Events:
    """The events of the first part that tells ends, else the first start that is told."""
    start: Place | None = None
    start_part: Place | None = None
    for part in (text.description, text.time_frame, text.measure):
        found = find_events(text.part(part)) if part else None
        if part and found:
            if not start and found.start:
                start, start_part = (part[0] + found.start[0], part[0] + found.start[1]), part
            if found.ends:
                return _Events(start, _move(found, part[0]), start_part, part)
    ends = _find_listed(text)
    return _Events(start or _find_in(text, find_counted_start), ends, start_part, text.description)


def _move(found: EventsFound, offset: int) -> tuple[Place, ...]:
    return tuple((offset + first, offset + last) for first, last in found.ends)


def _find_in(text: OutcomeText, find: Callable[[str], Place | None]) -> Place | None:
    """What ``find`` finds in the description, else in the measure."""
    for part in (text.description, text.measure):
        place = find(text.part(part)) if part else None
        if part and place:
            return part[0] + place[0], part[0] + place[1]
    return None


def _find_listed(text: OutcomeText) -> tuple[Place, ...]:
    if not text.description:
        return ()
    offset = text.description[0]
    return tuple((offset + start, offset + end) for start, end in find_listed_events(text.part(text.description)))


def _read_start(text: OutcomeText, found: _Events) -> Reading[str | None]:
    if not found.start:
        return Reading(None, _doubt_start(text))
    in_frame = found.start_part is not None and found.start_part == text.time_frame
    sure = _START_IN_FRAME if in_frame else _START if found.ends else _START_ALONE
    quoted = text.quote([found.start], sure)
    return Reading(quoted.value[0], sure, quoted.spans, Support.LITERAL)


def _doubt_start(text: OutcomeText) -> float:
    """How sure it is that no start is told, where the grammar found none."""
    if may_tell_start(text.part(text.description)):
        return _PERHAPS_START
    return _PERHAPS_START_IN_FRAME if may_tell_start(text.part(text.time_frame)) else _NO_START


def _read_ends(text: OutcomeText, found: _Events) -> Reading[tuple[str, ...] | None]:
    if not found.ends:
        return Reading((), _PERHAPS_ENDS if may_tell_end(text.part(text.description)) else _NO_ENDS)
    quoted = text.quote(found.ends, _ENDS_ELSEWHERE)
    if not found.start or found.ends_part != text.description:
        return quoted
    plain = all(is_plain_event(quote) for quote in quoted.value)
    alone = len(quoted.value) == 1 and quoted.value[0].lower().startswith("death")
    return text.quote(found.ends, _DEATH if plain and alone else _PLAIN_ENDS if plain else _ENDS)
