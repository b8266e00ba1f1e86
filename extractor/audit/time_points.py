"""Times at which text and registered outcomes measure the same endpoint."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from extractor.parse.endpoints.times import Moment, read_time_frame
from extractor.schemas import Concept, Endpoint, Finding, FindingKind, Rank, Severity, TimeKind, TimePoint, TimeUnit
from extractor.text.book import read_text, rule
from extractor.text.lexer import Tokens
from extractor.text.numbers import DAYS

from .promises import Promise, PromiseList
from .record import AuditedRecord

__all__ = ["check_primary_time_points", "check_time_points"]

_DATED = (TimeUnit.DAY, TimeUnit.WEEK, TimeUnit.MONTH, TimeUnit.YEAR)
_SAME = 0.1
"""How far apart, as a share, two times may lie that are one: a month has 28 or 30 days, a year 48 or 52 weeks."""


def check_time_points(audited: AuditedRecord) -> Iterator[Finding]:
    """Times of the text that no registered outcome of that concept covers; one finding for each concept."""
    done: set[Concept] = set()
    for promise in audited.promises:
        outcomes = [one for one in audited.extraction.endpoints if one.concept is promise.concept]
        place, moments = _read_times(promise) if outcomes and promise.concept not in done else (_NOWHERE, [])
        if _is_missed(outcomes, moments):
            done.add(promise.concept)
            start, end = promise.tokens.starts[promise.first], promise.tokens.ends[promise.end - 1]
            place = min(start, place[0]), max(end, place[1])
            yield _report(audited, outcomes[0], promise.listed, place, moments)


def check_primary_time_points(audited: AuditedRecord) -> Iterator[Finding]:
    """The time at which the text measures the primary endpoint, where no primary outcome is measured then."""
    primary = [one for one in audited.extraction.endpoints if one.rank is Rank.PRIMARY]
    for listed in audited.lists if primary else ():
        if listed.rank == "primary" and listed.is_endpoint:
            tokens = listed.prose.tokens
            times = rule("time_at").find(tokens, listed.first, listed.end)
            moments = [moment for at in times for moment in _find_times(tokens, at.part("times"))[1]]
            if _is_missed(primary, moments):
                place = tokens.starts[listed.first], tokens.ends[listed.end - 1]
                yield _report(audited, primary[0], listed, place, moments)
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
_NOWHERE = 0, 0
_REACH = 5
"""How many tokens in front of an endpoint its time stands."""


def _read_times(promise: Promise) -> _Times:
    """The times said of an endpoint: "2-year survival", "survival at 2 years", and their place in the text."""
    tokens, first = promise.tokens, promise.first
    if before := rule("time_in_front").ends(tokens, first, first - _REACH):
        return _find_times(tokens, (before.first, before.end))
    after = rule("time_after").starts(tokens, promise.end, promise.clause_end)
    return _find_times(tokens, after.part("times") if after else None)


def _find_times(tokens: Tokens, place: tuple[int, int] | None) -> _Times:
    """Moments and where they stand; none if one is a range or has no length in days."""
    frame = read_time_frame(tokens.cut(*place)) if place else None
    moments = [moment for group in frame.groups for moment in group.moments] if frame else []
    if not frame or not moments:
        return _NOWHERE, []
    if not all(moment.unit in _DATED and moment.value > 0 and not moment.after_range for moment in moments):
        return _NOWHERE, []
    return (frame.kept.starts[frame.groups[0].first], frame.kept.ends[frame.groups[-1].end - 1]), moments


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
    words = read_text(f"{outcome.measure} {outcome.description} {outcome.time_frame}").words
    return all(f"{moment.value:g}" in words for moment in moments)


def _list(times: Iterable[Moment | TimePoint]) -> str:
    """Times as a reader would write them.

    >>> _list([TimePoint(value=30, unit="day"), TimePoint(value=45, unit="day"), TimePoint(value=1, unit="year")])
    'day 30, 45, year 1'
    """
    groups = groupby(times, key=lambda time: time.unit)
    return ", ".join(f"{unit} " + ", ".join(f"{time.value:g}" for time in group) for unit, group in groups)
