"""Compare the time frame of a registered outcome with its own measure and description."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from extractor.audit.outcomes import DATED, is_dated, list_times, name_outcome
from extractor.audit.record import AuditedRecord, Problems, report
from extractor.concepts.outcomes.moments import Moment, read_time_frame
from extractor.language.book import rule
from extractor.language.lexer import Tokens
from extractor.language.numbers import DAYS
from extractor.language.passage import Passage
from extractor.schemas import Endpoint, FindingKind, TimeKind

_PARTS = ("measure", "description")
_MAY_STATE_TIME = re.compile(r"\d|week|month|year|day", re.IGNORECASE)
"""A part without these signs states no time."""
_SAME = 0.1
"""Relative difference at which two times count as the same: 3 months and 13 weeks."""
_ONE_DAY = 1
"""Days by which two times may also differ: day 8 of a trial is a week after its day 1."""
_EVENT_WORDS = 3
"""How many words tell one event from another: "after second round"."""
_ARTICLES = frozenset({"the", "a", "an"})


class _Statement(NamedTuple):
    """Times at which an outcome is said to be measured, and the words that say so."""

    moments: list[Moment]
    words: Passage


def check_own_times(audited: AuditedRecord) -> Problems:
    """Report each outcome whose measure or description says other times than its time frame.

    Nothing is reported if measure and description together also name a time of the time frame: the
    others are further visits then. Nor is it if one of the times is counted from another event than
    the start of the trial, and the other is not, or if the time frame lasts until an event.
    """
    for number, endpoint in enumerate(audited.extraction.endpoints):
        frame = audited.locate(endpoint, "time_frame")
        if frame is None or not _is_plain(endpoint, frame):
            continue
        parts: dict[str, Passage] = {}
        for name in _PARTS:
            part = audited.locate(endpoint, name)
            if part and _MAY_STATE_TIME.search(part.text):
                parts[name] = part
        for name, part in parts.items():
            statement = _find_other_times(endpoint, frame, part)
            if statement is None:
                continue
            if any(_names_frame(endpoint, frame, other) for other in parts.values()):
                break
            stated = list_times(statement.moments)
            registered = list_times(endpoint.time_points)
            yield report(
                FindingKind.TIME_POINTS_DIFFER,
                f"the {name} of {name_outcome(endpoint)} says {stated}, its time frame "
                f"{registered}",
                audited.cite_raw(part.section.name, *statement.words.raw_span),
                *audited.cite_outcome(endpoint, "time_frame"),
                field=f"endpoints[{number}].time_points",
            )
            break


def _is_plain(endpoint: Endpoint, frame: Passage) -> bool:
    """Return whether a time frame has times, all with a length in days, and nothing in it leaves
    open how long it lasts.
    """
    if not endpoint.time_points:
        return False
    if any(point.unit not in DATED for point in endpoint.time_points):
        return False
    return rule("open_time_frame").search(frame.tokens) is None


def _find_other_times(
    endpoint: Endpoint, frame: Passage, part: Passage
) -> _Statement | None:
    """Return the first statement of a part that says when the outcome is measured, if the time
    frame covers none of its times; None if there is none, or if any statement of the part cannot be
    compared with the time frame.
    """
    tokens = part.tokens
    differing: _Statement | None = None
    for stated in rule("measured_at").find(tokens):
        first, end = stated.place("times")
        if rule("no_moment_of_outcome").starts(tokens, end):
            continue
        if _find_event(tokens, end) != _find_event_of_frame(frame):
            continue
        moments: list[Moment] = []
        for group in read_time_frame(tokens.cut(first, end)).groups:
            moments += group.moments
        if not moments or not all(map(is_dated, moments)):
            return None
        if any(_covers(endpoint, moment) for moment in moments):
            return None
        if differing is None:
            differing = _Statement(moments, part.part(stated.first, end))
    return differing


def _find_event(tokens: Tokens, end: int) -> tuple[str, ...]:
    """Return the first words of the event from which the time that ends at token ``end`` is
    counted; none if it is the start of the trial, or if no words say it.
    """
    counted = rule("event_of_own_time").starts(tokens, end)
    if counted is None or rule("start_of_own_time").starts(tokens, end):
        return ()
    near = [word.lower() for word in tokens.words[end : end + 2 * _EVENT_WORDS]]
    words = [word for word in near if word[0].isalnum() and word not in _ARTICLES]
    return tuple(words[:_EVENT_WORDS])


def _find_event_of_frame(frame: Passage) -> tuple[str, ...]:
    """Return the first words of the event from which the times of a time frame are counted; none if
    it is the start of the trial, or if no words say it.
    """
    tokens = frame.tokens
    for counted in rule("event_of_own_time").find(tokens):
        event = _find_event(tokens, counted.first)
        if event:
            return event
    return ()


def _names_frame(endpoint: Endpoint, frame: Passage, part: Passage) -> bool:
    """Return whether a part names a time that the time frame has, in any words, or a number of it
    with a unit of time.
    """
    numbers = set(frame.tokens.words)
    for group in read_time_frame(part.tokens).groups:
        for moment in group.moments:
            if f"{moment.value:g}" in numbers:
                return True
            if is_dated(moment) and _is_near(endpoint, moment):
                return True
    return False


def _covers(endpoint: Endpoint, moment: Moment) -> bool:
    """Return whether an outcome is measured at about this day, or over a span up to it."""
    if endpoint.time_kind is TimeKind.AT:
        return _is_near(endpoint, moment)
    day = moment.value * DAYS[moment.unit]
    last = max(_list_days(endpoint))
    return day <= last or _is_same(day, last)


def _is_near(endpoint: Endpoint, moment: Moment) -> bool:
    day = moment.value * DAYS[moment.unit]
    return any(_is_same(day, other) for other in _list_days(endpoint))


def _is_same(day: float, other: float) -> bool:
    return abs(day - other) <= max(_ONE_DAY, _SAME * max(day, other))


def _list_days(endpoint: Endpoint) -> Sequence[float]:
    return [point.value * DAYS[point.unit] for point in endpoint.time_points]
