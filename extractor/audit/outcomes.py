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
    if not audited.extraction.endpoints:
        return
    reported: set[Concept] = set()
    for promise in audited.promises:
        if promise.concept in reported or _is_registered(audited, promise.concept):
            continue
        reported.add(promise.concept)
        section = promise.listed.section
        words = section.tokens.read(promise.first, promise.end)
        noun = "objective"
        severity = Severity.INFO
        if promise.listed.is_endpoint:
            noun = "endpoint"
            severity = Severity.WARNING
        place = section.tokens.span(promise.first, promise.end)
        yield report(
            FindingKind.ENDPOINT_NOT_REGISTERED,
            f"the text names {words} as an {noun}, but none of the registered outcomes measures it",
            audited.cite(section.name, *place),
            field="endpoints",
            severity=severity,
            sections=audited.outcome_sections,
        )


def _is_registered(audited: AuditedRecord, concept: Concept) -> bool:
    """Return whether an outcome may measure it: by its concept, a word in its measure, or the
    same name anywhere.
    """
    concepts, words = _load_traces()[concept]
    is_harm = concept in {Concept.ADVERSE_EVENTS, Concept.SPECIFIC_TOXICITY}
    for endpoint in audited.extraction.endpoints:
        text = endpoint.measure or ""
        # Complications are often named by kind, and called complications only in the description.
        if is_harm:
            text = f"{endpoint.measure} {endpoint.description}"
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
    traces: dict[Concept, tuple[frozenset[Concept], re.Pattern[str]]] = {}
    for name, entry in table.items():
        concepts = frozenset(map(Concept, entry["concepts"]))
        alternatives = [entry["words"], families.get(entry.get("family"))]
        words = re.compile("|".join(filter(None, alternatives)))
        traces[Concept(name)] = (concepts, words)
    return traces


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
    reported: set[Concept] = set()
    endpoints = audited.extraction.endpoints
    for promise in audited.promises:
        outcomes = [
            endpoint for endpoint in endpoints if endpoint.concept is promise.concept
        ]
        if not outcomes or promise.concept in reported:
            continue
        (first, end), moments = _read_times(promise)
        if not _is_missed(audited, outcomes, moments):
            continue
        reported.add(promise.concept)
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
    their place; no times if one is a range or has no length in days.
    """
    tokens = promise.listed.section.tokens
    place = _find_times(tokens, promise)
    frame = read_time_frame(tokens.cut(*place)) if place else None
    if frame is None:
        return (0, 0), []
    moments = [moment for group in frame.groups for moment in group.moments]
    if not moments or not all(map(_is_dated, moments)):
        return (0, 0), []
    start = frame.kept.starts[frame.groups[0].first]
    end = frame.kept.ends[frame.groups[-1].end - 1]
    return (start, end), moments


def _find_times(tokens: Tokens, promise: Promise) -> _Place | None:
    """Return the tokens before or behind an endpoint that state its times."""
    first = promise.first
    before = rule("stated_time_before").ends(tokens, first, first - _TIME_REACH)
    if before:
        return before.first, before.end
    after = rule("time_after").starts(tokens, promise.end, promise.clause_end)
    return after.part("times") if after else None


def _is_dated(moment: Moment) -> bool:
    if moment.unit not in _DATED or moment.value <= 0:
        return False
    return not moment.after_range


def _is_missed(
    audited: AuditedRecord, outcomes: Sequence[Endpoint], moments: Sequence[Moment]
) -> bool:
    """Return whether no outcome covers or mentions some of the times.

    All times of the outcomes must be known, in comparable units.
    """
    for outcome in outcomes:
        units = {point.unit for point in outcome.time_points}
        if not units or not units.issubset(_DATED):
            return False
    numbers: set[str] = set()
    for moment in moments:
        if not any(_covers(outcome, moment) for outcome in outcomes):
            numbers.add(f"{moment.value:g}")
    if not numbers:
        return False
    return not any(_mentions(audited, outcome, numbers) for outcome in outcomes)


def _mentions(audited: AuditedRecord, outcome: Endpoint, numbers: set[str]) -> bool:
    words: set[str] = set()
    for part in ("measure", "description", "time_frame"):
        words.update(audited.read(outcome, part).words)
    return numbers <= words


def _covers(outcome: Endpoint, moment: Moment) -> bool:
    """Return whether the outcome is measured then: on that day, or over a span that includes it."""
    day = moment.value * DAYS[moment.unit]
    days = [point.value * DAYS[point.unit] for point in outcome.time_points]
    if outcome.time_kind is not TimeKind.AT:
        return max(days) >= day * (1 - _SAME)
    return any(abs(other - day) <= _SAME * max(other, day) for other in days)


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
    parts: list[str] = []
    for unit, group in groupby(times, key=lambda time: time.unit):
        values = ", ".join(f"{time.value:g}" for time in group)
        parts.append(f"{unit} {values}")
    return ", ".join(parts)


def check_repeated_outcomes(audited: AuditedRecord) -> Problems:
    """Report outcomes with identical measure, description and time frame."""
    by_text: dict[str, int] = {}
    endpoints = audited.extraction.endpoints
    for number, endpoint in enumerate(endpoints):
        chunk = audited.parsed.outcomes[number].chunk
        first = by_text.setdefault(chunk.text.lower().strip(" \n.,;:"), number)
        if first == number:
            continue
        other = endpoints[first]
        spans = audited.parsed.outcomes[first].chunk.span, chunk.span
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
    bare = [
        name
        for name in audited.outcome_sections
        if name not in blanked and _lacks_time(audited, name)
    ]
    if not bare:
        return
    yield report(
        FindingKind.TIME_FRAME_MISSING,
        f"{len(bare)} of {len(audited.outcome_sections)} outcomes have no time frame",
        *map(audited.cite_label, bare),
        severity=Severity.INFO,
        sections=tuple(bare),
    )


def _lacks_time(audited: AuditedRecord, name: str) -> bool:
    """Return whether an outcome has no time frame, and speaks of no time either."""
    section = audited.record.section(name)
    if section is None or not section.parts:
        return False
    if section.parts[-1].name == "time_frame":
        return False
    tokens = audited.parsed.sections[name].tokens
    if rule("speaks_of_time").search(tokens):
        return False
    return rule("no_outcome").starts(tokens, 0) is None


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
        (number, endpoint)
        for number, endpoint in enumerate(audited.extraction.endpoints)
        if _is_bare_name(audited, number, endpoint)
    ]
    if not bare:
        return
    for section in audited.parsed.sections.values():
        if rule("defines_response").search(section.tokens):
            return
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
    if endpoint.description or endpoint.instrument:
        return False
    if endpoint.start_event or endpoint.end_events:
        return False
    outcome = audited.parsed.outcomes[number]
    for name in ("description", "instrument"):
        if outcome.read(name).confidence < CERTAIN:
            return False
    measure = audited.read(endpoint, "measure")
    if rule("defines_a_measure").search(measure):
        return False
    if rule("ends_an_endpoint").search(audited.read(endpoint, "time_frame")):
        return False
    is_rate = endpoint.concept is Concept.RESPONSE_RATE
    if is_rate and rule("names_response").search(measure):
        return True
    names = find_terms(measure, PROMISED_NAMES)
    return any(name.value == endpoint.concept for name in names)
