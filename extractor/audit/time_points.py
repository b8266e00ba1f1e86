"""Times at which text and registered outcomes measure the same endpoint."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from extractor.parse.outcomes.times import Moment, read_time_frame
from extractor.schemas import Concept, Endpoint, Finding, FindingKind, Rank, Severity, TimeKind, TimePoint, TimeUnit
from extractor.text.book import read_text
from extractor.text.times import DAYS

from .promises import Promise, PromiseList
from .record import AuditedRecord

__all__ = ["check_primary_time_points", "check_time_points"]

_BEFORE = re.compile(r"\b(\d{1,2})[\s-]*(days?|weeks?|months?|years?)\s+$", re.IGNORECASE)
_AFTER = re.compile(
    r"(?:\s*\([^()]{1,20}\)){0,2}(?:\s+(?:rates?|will\s+be\s+(?:assessed|evaluated|measured)))?\s+(?:at|on)\s+"
    r"(?P<times>[^.;()\n]{2,80})",
    re.IGNORECASE,
)
_AT = re.compile(
    r"\bat\s+(?:the\s+)?(?P<times>(?:weeks?|months?|days?|years?)\s+\d{1,3}|\d{1,3}(?:st|nd|rd|th)?[\s-](?:weeks?|months?|days?|years?))\b",
    re.IGNORECASE,
)
_DATED = (TimeUnit.DAY, TimeUnit.WEEK, TimeUnit.MONTH, TimeUnit.YEAR)
_SAME = 0.1
"""How far apart, as a share, two times may lie that are one: a month has 28 or 30 days, a year 48 or 52 weeks."""


def check_time_points(audited: AuditedRecord) -> Iterator[Finding]:
    """Times of the text that no registered outcome of that concept covers; one finding for each concept."""
    done: set[Concept] = set()
    for promise in audited.promises:
        outcomes = [one for one in audited.extraction.endpoints if one.concept is promise.concept]
        place, moments = _read_times(promise) if outcomes and promise.concept not in done else ((0, 0), [])
        if _is_missed(outcomes, moments):
            done.add(promise.concept)
            place = min(promise.start, place[0]), max(promise.end, place[1])
            yield _report(audited, outcomes[0], promise.listed, place, moments)


def check_primary_time_points(audited: AuditedRecord) -> Iterator[Finding]:
    """The time at which the text measures the primary endpoint, where no primary outcome is measured then."""
    primary = [one for one in audited.extraction.endpoints if one.rank is Rank.PRIMARY]
    for listed in audited.lists if primary else ():
        if listed.rank == "primary" and listed.is_endpoint:
            times = list(_AT.finditer(listed.prose.text, listed.start, listed.end))
            moments = [moment for at in times for moment in _find_times(listed.prose.text, *at.span("times"))[1]]
            if _is_missed(primary, moments):
                yield _report(audited, primary[0], listed, (listed.start, listed.end), moments)
                return


def _report(
    audited: AuditedRecord, outcome: Endpoint, listed: PromiseList, place: tuple[int, int], moments: Sequence[Moment]
) -> Finding:
    name = audited.extraction.endpoints.index(outcome)
    said = "the primary endpoint" if listed.rank == "primary" else outcome.concept or "the endpoint"
    return Finding(
        kind=FindingKind.TIME_POINTS_DIFFER,
        severity=Severity.WARNING,
        field=f"endpoints[{name}].time_points",
        message=f"the text measures {said} at {_list(moments)}, the registered outcome at {_list(outcome.time_points)}",
        citations=(audited.cite(listed.prose.section, *place), *audited.cite_outcome(outcome, "time_frame")),
    )


_Times = tuple[tuple[int, int], list[Moment]]


def _read_times(promise: Promise) -> _Times:
    """The times said of an endpoint: "2-year survival", "survival at 2 years", and their place in the text."""
    before = _BEFORE.search(promise.text, max(0, promise.start - 20), promise.start)
    if before:
        return _find_times(promise.text, *before.span())
    after = _AFTER.match(promise.text, promise.end, promise.clause_end)
    return _find_times(promise.text, *after.span("times")) if after else ((0, 0), [])


def _find_times(text: str, start: int, end: int) -> _Times:
    """Moments and where they stand; none if one is a range or has no length in days."""
    frame = read_time_frame(read_text(text[start:end]))
    tokens, groups = frame.kept, frame.groups
    moments = [moment for group in groups for moment in group.moments]
    if not all(moment.unit in _DATED and moment.value > 0 and not moment.after_range for moment in moments):
        return (0, 0), []
    first, last = (tokens.starts[groups[0].first], tokens.ends[groups[-1].end - 1]) if groups else (0, 0)
    return (start + first, start + last), moments


def _is_missed(outcomes: Sequence[Endpoint], moments: Sequence[Moment]) -> bool:
    """Whether some of the times are covered by no outcome, and no outcome mentions them."""
    if not outcomes or not all(map(_is_timed, outcomes)):
        return False
    missing = [moment for moment in moments if not any(_covers(outcome, moment) for outcome in outcomes)]
    return bool(missing) and not any(_mentions(outcome, missing) for outcome in outcomes)


def _is_timed(outcome: Endpoint) -> bool:
    """Whether all that the outcome says of its times is known, in units that can be compared."""
    return bool(outcome.time_points) and all(point.unit in _DATED for point in outcome.time_points)


def _covers(outcome: Endpoint, moment: Moment) -> bool:
    """Whether the outcome is measured then: on that day, or over a span that reaches so far."""
    day = moment.value * DAYS[moment.unit]
    days = [point.value * DAYS[point.unit] for point in outcome.time_points]
    if outcome.time_kind is TimeKind.AT:
        return any(abs(one - day) <= _SAME * max(one, day) for one in days)
    return max(days) >= day * (1 - _SAME)


def _mentions(outcome: Endpoint, moments: Sequence[Moment]) -> bool:
    """Whether measure, description or time frame name all these numbers."""
    words = re.findall(r"\d+(?:\.\d+)?", f"{outcome.measure} {outcome.description} {outcome.time_frame}")
    return all(f"{moment.value:g}" in words for moment in moments)


def _list(times: Iterable[Moment | TimePoint]) -> str:
    """Times as a reader would write them.

    >>> _list([TimePoint(value=30, unit="day"), TimePoint(value=45, unit="day"), TimePoint(value=1, unit="year")])
    'day 30, 45, year 1'
    """
    groups = groupby(times, key=lambda time: time.unit)
    return ", ".join(f"{unit} " + ", ".join(f"{time.value:g}" for time in group) for unit, group in groups)
