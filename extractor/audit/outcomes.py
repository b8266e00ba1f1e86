"""Registered outcomes against what the text promises: endpoints, times, definitions, repetitions."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import groupby
from typing import NamedTuple

from extractor.parse.endpoints.times import Moment, read_time_frame
from extractor.parse.parsed import CERTAIN
from extractor.schemas import (
    Concept,
    Endpoint,
    EndpointCategory,
    Rank,
    Severity,
    TimeKind,
    TimePoint,
    TimeUnit,
)
from extractor.text.book import find_terms, read_text, rule
from extractor.text.lexer import Tokens
from extractor.text.numbers import DAYS

from .prose import PROMISED_NAMES, Promise, PromiseList
from .record import AuditedRecord, Problem, report


class _Trace(NamedTuple):
    """By what a registered outcome may be known to measure a concept."""

    concepts: frozenset[Concept]
    words: re.Pattern[str]


def check_promised_endpoints(audited: AuditedRecord) -> Iterator[Problem]:
    """One finding for each concept, where the text first promises it."""
    found: set[Concept] = set()
    for promise in audited.promises if audited.extraction.endpoints else ():
        concept = promise.concept
        if concept in found or _is_registered(audited, promise):
            continue
        found.add(concept)
        is_endpoint = promise.listed.is_endpoint
        called = "endpoint" if is_endpoint else "objective"
        yield report(
            f"the text names {promise.words} as an {called}, but none of the registered outcomes measures it",
            audited.cite_tokens(promise.listed.prose, promise.first, promise.end),
            field="endpoints",
            severity=None if is_endpoint else Severity.INFO,
            sections=audited.outcome_sections,
        )


def _is_registered(audited: AuditedRecord, promise: Promise) -> bool:
    """Whether an outcome may measure it: by its concept, a word of what it measures, or the very name anywhere."""
    trace, endpoints = _load_traces()[promise.concept], audited.extraction.endpoints
    is_harm = promise.concept in {Concept.ADVERSE_EVENTS, Concept.SPECIFIC_TOXICITY}
    is_reported = promise.concept is Concept.QUALITY_OF_LIFE
    for endpoint in endpoints:
        # Complications are often named by kind, and called so in the description alone.
        words = f"{endpoint.measure} {endpoint.description}" if is_harm else endpoint.measure or ""
        if endpoint.concept in trace.concepts or trace.words.search(words.lower()):
            return True
        if is_reported and endpoint.category is EndpointCategory.PATIENT_REPORTED:
            return True
    texts = (audited.parsed.sections[name].tokens for name in audited.outcome_sections)
    return any(term.value == promise.concept for tokens in texts for term in find_terms(tokens, PROMISED_NAMES))


@cache
def _load_traces() -> Mapping[Concept, _Trace]:
    table = tomllib.loads((files(__package__) / "traces.toml").read_text("utf-8"))
    families = table.pop("families")
    return {
        Concept(name): _Trace(
            frozenset(map(Concept, entry["concepts"])),
            re.compile("|".join(filter(None, (entry["words"], families.get(entry.get("family")))))),
        )
        for name, entry in table.items()
    }


_DATED = (TimeUnit.DAY, TimeUnit.WEEK, TimeUnit.MONTH, TimeUnit.YEAR)
_SAME = 0.1
"""How far apart, as a share, two times may lie that are one: a month has 28 or 30 days, a year 48 or 52 weeks."""


def check_time_points(audited: AuditedRecord) -> Iterator[Problem]:
    """Times of the text that no registered outcome of that concept covers; one finding for each concept."""
    done: set[Concept] = set()
    for promise in audited.promises:
        outcomes = [one for one in audited.extraction.endpoints if one.concept is promise.concept]
        place, moments = _read_times(promise) if outcomes and promise.concept not in done else (_NOWHERE, [])
        if _is_missed(outcomes, moments):
            done.add(promise.concept)
            start, end = promise.tokens.starts[promise.first], promise.tokens.ends[promise.end - 1]
            place = min(start, place[0]), max(end, place[1])
            yield _report_times(audited, outcomes[0], promise.listed, place, moments)


def check_primary_time_points(audited: AuditedRecord) -> Iterator[Problem]:
    """The time at which the text measures the primary endpoint, where no primary outcome is measured then."""
    primary = [one for one in audited.extraction.endpoints if one.rank is Rank.PRIMARY]
    for listed in audited.lists if primary else ():
        if listed.rank == "primary" and listed.is_endpoint:
            tokens = listed.prose.tokens
            times = rule("time_at").find(tokens, listed.first, listed.end)
            moments = [moment for at in times for moment in _find_times(tokens, at.part("times"))[1]]
            if _is_missed(primary, moments):
                place = tokens.starts[listed.first], tokens.ends[listed.end - 1]
                yield _report_times(audited, primary[0], listed, place, moments)
                return


def _report_times(
    audited: AuditedRecord, outcome: Endpoint, listed: PromiseList, place: tuple[int, int], moments: Sequence[Moment]
) -> Problem:
    said = "the primary endpoint" if listed.rank == "primary" else outcome.concept or "the endpoint"
    return report(
        f"the text measures {said} at {_list(moments)}, the registered outcome at {_list(outcome.time_points)}",
        audited.cite(listed.prose.section, *place),
        *audited.cite_outcome(outcome, "time_frame"),
        field=f"endpoints[{audited.extraction.endpoints.index(outcome)}].time_points",
    )


_Times = tuple[tuple[int, int], list[Moment]]
_NOWHERE = 0, 0
_TIME_REACH = 5
"""How many tokens in front of an endpoint its time is."""


def _read_times(promise: Promise) -> _Times:
    """The times said of an endpoint: "2-year survival", "survival at 2 years", and their place in the text."""
    tokens, first = promise.tokens, promise.first
    if before := rule("time_in_front").ends(tokens, first, first - _TIME_REACH):
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


_SIGNS = " \n.,;:"


def check_repeated_outcomes(audited: AuditedRecord) -> Iterator[Problem]:
    """Outcomes that are the same to the letter: measure, description and time frame."""
    first: dict[str, Endpoint] = {}
    places = audited.parsed.outcomes
    for number, endpoint in enumerate(audited.extraction.endpoints):
        words = places[number].chunk.text.lower().strip(_SIGNS)
        other = first.setdefault(words, endpoint)
        if other is endpoint:
            continue
        spans = (places[audited.extraction.endpoints.index(other)].chunk.span, places[number].chunk.span)
        yield report(
            f"{endpoint.rank} outcome {endpoint.index + 1} is {other.rank} outcome {other.index + 1} again",
            *(audited.cite_raw(span.section, span.start, span.end) for span in spans),
            field=f"endpoints[{number}]",
        )


def check_time_frames(audited: AuditedRecord) -> Iterator[Problem]:
    """One finding for all outcomes of a record that state no time; flattened outcomes keep no field for it."""
    blanked = {hostile.span.section for hostile in audited.parsed.hostile if hostile.blanked}
    bare = [name for name in audited.outcome_sections if name not in blanked and _is_timeless(audited, name)]
    if bare:
        message = f"{len(bare)} of {len(audited.outcome_sections)} outcomes have no time frame"
        cited = map(audited.cite_label, bare)
        yield report(message, *cited, sections=tuple(bare))


def _is_timeless(audited: AuditedRecord, name: str) -> bool:
    """Whether an outcome's field for it is empty, and no word of the outcome speaks of time."""
    section, tokens = audited.record.section(name), audited.parsed.sections[name].tokens
    if not section or not section.parts or section.parts[-1].name == "time_frame":
        return False
    return not rule("speaks_of_time").search(tokens) and not rule("no_outcome").starts(tokens, 0)


_NAMED = frozenset(
    {
        Concept.PROGRESSION_FREE_SURVIVAL,
        Concept.EVENT_FREE_SURVIVAL,
        Concept.DISEASE_FREE_SURVIVAL,
        Concept.TIME_TO_PROGRESSION,
        Concept.DURATION_OF_RESPONSE,
        Concept.RESPONSE_RATE,
    }
)
"""Endpoints that need a definition."""
_LONGEST = 80
"""Characters of a measure that is a name and no definition."""


def check_undefined_endpoints(audited: AuditedRecord) -> Iterator[Problem]:
    """A name alone, where no outcome and no other text of the record defines it or names criteria."""
    bare = [(n, one) for n, one in enumerate(audited.extraction.endpoints) if _is_bare_name(audited, n, one)]
    if not bare or _names_criteria(audited):
        return
    for number, endpoint in bare:
        yield report(
            f'nothing defines "{endpoint.measure}", and no criteria are named',
            *audited.cite_outcome(endpoint),
            field=f"endpoints[{number}]",
            sections=tuple(section.name for section in audited.record.sections),
        )


def _is_bare_name(audited: AuditedRecord, number: int, endpoint: Endpoint) -> bool:
    """Whether the outcome is a name of such an endpoint and says nothing else of it."""
    if endpoint.description or endpoint.instrument or endpoint.end_events or endpoint.start_event:
        return False
    if rule("ends_an_endpoint").search(read_text(endpoint.time_frame or "")):
        return False
    measure, outcome = read_text(endpoint.measure or ""), audited.parsed.outcomes[number]
    return (
        len(measure.text) <= _LONGEST
        and _names_one(measure, endpoint.concept)
        and not rule("defines_a_measure").search(measure)
        and outcome.description.confidence >= CERTAIN
        and outcome.instrument.confidence >= CERTAIN
    )


def _names_one(measure: Tokens, concept: Concept | None) -> bool:
    """Whether a measure has a name of an endpoint that needs a definition."""
    if concept is Concept.RESPONSE_RATE and rule("names_response").search(measure):
        return True
    return concept in _NAMED and any(term.value == concept for term in find_terms(measure, PROMISED_NAMES))


def _names_criteria(audited: AuditedRecord) -> bool:
    return any(rule("defines_response").search(section.tokens) for section in audited.parsed.sections.values())
