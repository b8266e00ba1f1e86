"""Compare registered outcomes with the text: endpoints, times, definitions, repetitions."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import groupby

from extractor.audit.promises import PROMISED_NAMES, Promise
from extractor.audit.record import AuditedRecord, Problems, report
from extractor.concepts.outcomes.moments import Moment, read_time_frame
from extractor.evidence.drafts import CERTAIN
from extractor.language.book import find_terms, rule
from extractor.language.lexer import Tokens
from extractor.language.numbers import DAYS
from extractor.schemas import (
    Concept,
    Endpoint,
    EndpointCategory,
    FindingKind,
    Severity,
    TimeKind,
    TimePoint,
    TimeUnit,
)


def check_promised_endpoints(audited: AuditedRecord) -> Problems:
    """Report each concept that the text promises and no outcome measures, at its first mention."""
    found: set[Concept] = set()
    for promise in audited.promises if audited.extraction.endpoints else ():
        listed = promise.listed
        tokens = promise.listed.section.tokens
        if promise.concept in found or _is_registered(audited, promise.concept):
            continue
        found.add(promise.concept)
        words = tokens.read(promise.first, promise.end)
        noun = "endpoint" if listed.is_endpoint else "objective"
        yield report(
            FindingKind.ENDPOINT_NOT_REGISTERED,
            f"the text names {words} as an {noun}, but none of the registered outcomes measures it",
            audited.cite(listed.section.name, *tokens.span(promise.first, promise.end)),
            field="endpoints",
            severity=Severity.WARNING if listed.is_endpoint else Severity.INFO,
            sections=audited.outcome_sections,
        )


def _is_registered(audited: AuditedRecord, concept: Concept) -> bool:
    """Return whether an outcome may measure it: by its concept, a word in its measure, or the
    same name anywhere.
    """
    concepts, words = _load_traces()[concept]
    is_harm = concept in {Concept.ADVERSE_EVENTS, Concept.SPECIFIC_TOXICITY}
    for endpoint in audited.extraction.endpoints:
        # Complications are often named by kind, and called complications only in the description.
        text = (
            f"{endpoint.measure} {endpoint.description}"
            if is_harm
            else endpoint.measure or ""
        )
        if endpoint.concept in concepts or words.search(text.lower()):
            return True
        is_reported = endpoint.category is EndpointCategory.PATIENT_REPORTED
        if is_reported and concept is Concept.QUALITY_OF_LIFE:
            return True
    for name in audited.outcome_sections:
        terms = find_terms(audited.parsed.sections[name].tokens, PROMISED_NAMES)
        if any(term.value == concept for term in terms):
            return True
    return False


@cache
def _load_traces() -> Mapping[Concept, tuple[frozenset[Concept], re.Pattern[str]]]:
    """Load, for each promised concept, the concepts and words of outcomes that may measure it."""
    table = tomllib.loads((files(__package__) / "traces.toml").read_text("utf-8"))
    families = table.pop("families")
    return {
        Concept(name): (
            frozenset(map(Concept, entry["concepts"])),
            re.compile(
                "|".join(
                    filter(None, (entry["words"], families.get(entry.get("family"))))
                )
            ),
        )
        for name, entry in table.items()
    }


_DATED = (TimeUnit.DAY, TimeUnit.WEEK, TimeUnit.MONTH, TimeUnit.YEAR)
_SAME = 0.1
"""Relative difference at which two times count as the same: a month has 28 or 30 days, a year 48
or 52 weeks.
"""
_TIME_REACH = 5
"""Most tokens between a time and the endpoint after it."""
_Place = tuple[int, int]


def check_time_points(audited: AuditedRecord) -> Problems:
    """Report times in the text that no registered outcome of that concept covers, once for each
    concept.
    """
    done: set[Concept] = set()
    endpoints = audited.extraction.endpoints
    for promise in audited.promises:
        outcomes = [one for one in endpoints if one.concept is promise.concept]
        if not outcomes or promise.concept in done:
            continue
        (first, end), moments = _read_times(promise)
        if not _is_missed(audited, outcomes, moments):
            continue
        done.add(promise.concept)
        section = promise.listed.section
        start, stop = section.tokens.span(promise.first, promise.end)
        outcome = outcomes[0]
        yield report(
            FindingKind.TIME_POINTS_DIFFER,
            f"the text measures {outcome.concept} at {_list(moments)}, the registered outcome at "
            f"{_list(outcome.time_points)}",
            audited.cite(section.name, min(start, first), max(stop, end)),
            *audited.cite_outcome(outcome, "time_frame"),
            field=f"endpoints[{endpoints.index(outcome)}].time_points",
        )


def _read_times(promise: Promise) -> tuple[_Place, list[Moment]]:
    """Return the times of an endpoint, as in "2-year survival" or "survival at 2 years", and
    their place.
    """
    tokens = promise.listed.section.tokens
    first = promise.first
    before = rule("stated_time_before").ends(tokens, first, first - _TIME_REACH)
    if before:
        return _find_times(tokens, (before.first, before.end))
    after = rule("time_after").starts(tokens, promise.end, promise.clause_end)
    return _find_times(tokens, after.part("times") if after else None)


def _find_times(tokens: Tokens, place: _Place | None) -> tuple[_Place, list[Moment]]:
    """Return moments and their place; none if one is a range or has no length in days."""
    frame = read_time_frame(tokens.cut(*place)) if place else None
    moments = (
        [moment for group in frame.groups for moment in group.moments] if frame else []
    )
    dated = all(
        moment.unit in _DATED and moment.value > 0 and not moment.after_range
        for moment in moments
    )
    if not frame or not moments or not dated:
        return (0, 0), []
    return (
        frame.kept.starts[frame.groups[0].first],
        frame.kept.ends[frame.groups[-1].end - 1],
    ), moments


def _is_missed(
    audited: AuditedRecord, outcomes: Sequence[Endpoint], moments: Sequence[Moment]
) -> bool:
    """Return whether no outcome covers or mentions some of the times.

    All times of the outcomes must be known, in comparable units.
    """
    for outcome in outcomes:
        units = [point.unit for point in outcome.time_points]
        if not units or not set(units).issubset(_DATED):
            return False
    missing = [
        moment
        for moment in moments
        if not any(_covers(outcome, moment) for outcome in outcomes)
    ]
    numbers = {f"{moment.value:g}" for moment in missing}
    return bool(missing) and not any(
        _mentions(audited, one, numbers) for one in outcomes
    )


def _mentions(audited: AuditedRecord, outcome: Endpoint, numbers: set[str]) -> bool:
    words: set[str] = set()
    for part in ("measure", "description", "time_frame"):
        words.update(audited.read(outcome, part).words)
    return numbers <= words


def _covers(outcome: Endpoint, moment: Moment) -> bool:
    """Return whether the outcome is measured then: on that day, or over a span that includes it."""
    day = moment.value * DAYS[moment.unit]
    days = [point.value * DAYS[point.unit] for point in outcome.time_points]
    if outcome.time_kind is TimeKind.AT:
        return any(abs(one - day) <= _SAME * max(one, day) for one in days)
    return max(days) >= day * (1 - _SAME)


def _list(times: Iterable[Moment | TimePoint]) -> str:
    """Format times as a reader would write them.

    >>> _list(
    ...     [
    ...         TimePoint(value=30, unit="day"),
    ...         TimePoint(value=45, unit="day"),
    ...         TimePoint(value=1, unit="year"),
    ...     ]
    ... )
    'day 30, 45, year 1'
    """
    groups = groupby(times, key=lambda time: time.unit)
    return ", ".join(
        f"{unit} " + ", ".join(f"{time.value:g}" for time in group)
        for unit, group in groups
    )


def check_repeated_outcomes(audited: AuditedRecord) -> Problems:
    """Report outcomes with identical measure, description and time frame."""
    first: dict[str, int] = {}
    endpoints = audited.extraction.endpoints
    for number, endpoint in enumerate(endpoints):
        chunk = audited.parsed.outcomes[number].chunk
        known = first.setdefault(chunk.text.lower().strip(" \n.,;:"), number)
        if known == number:
            continue
        other = endpoints[known]
        spans = audited.parsed.outcomes[known].chunk.span, chunk.span
        yield report(
            FindingKind.OUTCOME_REPEATED,
            f"{endpoint.rank} outcome {endpoint.index + 1} is {other.rank} outcome "
            f"{other.index + 1} again",
            *(audited.cite_raw(span.section, span.start, span.end) for span in spans),
            field=f"endpoints[{number}]",
        )


def check_time_frames(audited: AuditedRecord) -> Problems:
    """Report all outcomes without a time in one finding; flattened outcomes have no field for
    it.
    """
    blanked = {
        hostile.span.section for hostile in audited.parsed.hostile if hostile.blanked
    }
    bare: list[str] = []
    for name in audited.outcome_sections:
        section = audited.record.section(name)
        if name in blanked or not section or not section.parts:
            continue
        tokens = audited.parsed.sections[name].tokens
        has_time = section.parts[-1].name == "time_frame" or rule(
            "speaks_of_time"
        ).search(tokens)
        if not has_time and not rule("no_outcome").starts(tokens, 0):
            bare.append(name)
    if bare:
        message = f"{len(bare)} of {len(audited.outcome_sections)} outcomes have no time frame"
        cited = map(audited.cite_label, bare)
        yield report(
            FindingKind.TIME_FRAME_MISSING,
            message,
            *cited,
            severity=Severity.INFO,
            sections=tuple(bare),
        )


_NAMED = {
    Concept.PROGRESSION_FREE_SURVIVAL,
    Concept.EVENT_FREE_SURVIVAL,
    Concept.DISEASE_FREE_SURVIVAL,
    Concept.TIME_TO_PROGRESSION,
    Concept.DURATION_OF_RESPONSE,
    Concept.RESPONSE_RATE,
}
"""Endpoints that need a definition."""
_LONGEST = 80
"""Most characters of a measure that is only a name, not a definition."""


def check_undefined_endpoints(audited: AuditedRecord) -> Problems:
    """Report an endpoint that is only a name, if nothing in the record defines it or names
    criteria.
    """
    bare = [
        (n, one)
        for n, one in enumerate(audited.extraction.endpoints)
        if _is_bare_name(audited, n, one)
    ]
    texts = (section.tokens for section in audited.parsed.sections.values())
    if bare and not any(map(rule("defines_response").search, texts)):
        for number, endpoint in bare:
            yield report(
                FindingKind.ENDPOINT_UNDEFINED,
                f'nothing defines "{endpoint.measure}", and no criteria are named',
                *audited.cite_outcome(endpoint),
                field=f"endpoints[{number}]",
                severity=Severity.INFO,
                sections=tuple(section.name for section in audited.record.sections),
            )


def _is_bare_name(audited: AuditedRecord, number: int, endpoint: Endpoint) -> bool:
    """Return whether the outcome is only the name of such an endpoint."""
    if endpoint.concept not in _NAMED or len(endpoint.measure or "") > _LONGEST:
        return False
    if (
        endpoint.description
        or endpoint.instrument
        or endpoint.end_events
        or endpoint.start_event
    ):
        return False
    outcome = audited.parsed.outcomes[number]
    if any(
        outcome.read(name).confidence < CERTAIN
        for name in ("description", "instrument")
    ):
        return False
    measure = audited.read(endpoint, "measure")
    time_frame = audited.read(endpoint, "time_frame")
    if rule("defines_a_measure").search(measure) or rule("ends_an_endpoint").search(
        time_frame
    ):
        return False
    if endpoint.concept is Concept.RESPONSE_RATE and rule("names_response").search(
        measure
    ):
        return True
    return any(
        term.value == endpoint.concept for term in find_terms(measure, PROMISED_NAMES)
    )
