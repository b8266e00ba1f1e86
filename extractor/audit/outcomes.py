"""Compare registered outcomes with the text: endpoints, times, definitions, repetitions."""

import re
import tomllib
from collections import Counter
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
    Rank,
    Severity,
    TimeKind,
    TimePoint,
    TimeUnit,
)


def check_promised_endpoints(audited: AuditedRecord) -> Problems:
    """Report each concept that the text promises and no outcome measures, at its first mention: an
    endpoint as a warning, an objective for information. Without any endpoints nothing is reported.
    """
    if not audited.extraction.endpoints:
        return
    searched = _count_outcomes(audited.extraction.endpoints)
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
            f"the text names {words} as an {noun}, but none of the registered outcomes measures it "
            f"({searched})",
            audited.cite(section.name, *place),
            field="endpoints",
            severity=severity,
            sections=audited.outcome_sections,
        )


def _count_outcomes(endpoints: Sequence[Endpoint]) -> str:
    """Return how many outcomes of each rank were searched; primary and secondary ones are named
    even where the record has none.

    >>> _count_outcomes([Endpoint(rank="primary", index=0, measure="Response")])
    '1 primary, no secondary'
    """
    counts = Counter(endpoint.rank for endpoint in endpoints)
    parts: list[str] = []
    for rank in Rank:
        count = counts[rank]
        if count or rank is not Rank.OTHER:
            parts.append(f"{count or 'no'} {rank}")
    return ", ".join(parts)


def _is_registered(audited: AuditedRecord, concept: Concept) -> bool:
    """Return whether an outcome may measure a concept: by the outcome's own concept, by a word in
    its measure, or because any outcome has the name of the concept.

    A harm may also be named in the description. Any outcome that patients report may be quality of
    life.
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
        tokens = audited.parsed.sections[name].tokens
        for term in find_terms(tokens, PROMISED_NAMES):
            if term.value == concept:
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


DATED = (TimeUnit.DAY, TimeUnit.WEEK, TimeUnit.MONTH, TimeUnit.YEAR)
_SAME = 0.1
"""Relative difference at which two times count as the same: a month has 28 or 30 days, a year 48
or 52 weeks.
"""
_TIME_REACH = 5
"""Most tokens between a time and the endpoint after it."""
_Place = tuple[int, int]


def check_time_points(audited: AuditedRecord) -> Problems:
    """Report times in the text that no registered outcome of that concept covers, once for each
    concept. The first outcome of the concept is cited.
    """
    reported: set[Concept] = set()
    endpoints = audited.extraction.endpoints
    for promise in audited.promises:
        concept = promise.concept
        outcomes = [endpoint for endpoint in endpoints if endpoint.concept is concept]
        if not outcomes or concept in reported:
            continue
        (times_start, times_end), moments = _read_times(promise)
        if not _is_missed(audited, outcomes, moments):
            continue
        reported.add(concept)
        section = promise.listed.section
        # the citation has the endpoint and its times, of which either may stand first
        start, end = section.tokens.span(promise.first, promise.end)
        start = min(start, times_start)
        end = max(end, times_end)
        outcome = outcomes[0]
        measured = concept.replace("_", " ")
        promised = list_times(moments)
        registered = list_times(outcome.time_points)
        yield report(
            FindingKind.TIME_POINTS_DIFFER,
            f"the text measures {measured} at {promised}, {name_outcome(outcome)} at "
            f"{registered}",
            audited.cite(section.name, start, end),
            *audited.cite_outcome(outcome, "time_frame"),
            field=f"endpoints[{endpoints.index(outcome)}].time_points",
        )


def _read_times(promise: Promise) -> tuple[_Place, list[Moment]]:
    """Return the place of an endpoint's times in the cleaned text, and the times, as in "2-year
    survival" or "survival at 2 years". If one of them is a range or has no length in days, there
    are none, and the place is ``(0, 0)``.
    """
    tokens = promise.listed.section.tokens
    place = _find_times(tokens, promise)
    frame = read_time_frame(tokens.cut(*place)) if place else None
    if frame is None:
        return (0, 0), []
    moments = [moment for group in frame.groups for moment in group.moments]
    if not moments or not all(map(is_dated, moments)):
        return (0, 0), []
    start = frame.kept.starts[frame.groups[0].first]
    end = frame.kept.ends[frame.groups[-1].end - 1]
    return (start, end), moments


def _find_times(tokens: Tokens, promise: Promise) -> _Place | None:
    """Return the tokens directly before an endpoint that state its times, else those behind it, or
    None.
    """
    first = promise.first
    before = rule("stated_time_before").ends(tokens, first, first - _TIME_REACH)
    if before:
        return before.first, before.end
    after = rule("time_after").starts(tokens, promise.end, promise.clause_end)
    return after.part("times") if after else None


def is_dated(moment: Moment) -> bool:
    """Return whether a time has a length in days, from the start of the trial on, and is no end of
    a range.
    """
    if moment.unit not in DATED or moment.value <= 0:
        return False
    return not moment.after_range


def _is_missed(
    audited: AuditedRecord, outcomes: Sequence[Endpoint], moments: Sequence[Moment]
) -> bool:
    """Return whether there are times that no outcome covers, and no outcome has all their numbers
    in its words.

    Each outcome must have times, all in units with a length in days; else nothing is missed.
    """
    for outcome in outcomes:
        units = {point.unit for point in outcome.time_points}
        if not units or not units.issubset(DATED):
            return False
    numbers: set[str] = set()
    for moment in moments:
        if not any(_covers(outcome, moment) for outcome in outcomes):
            numbers.add(f"{moment.value:g}")
    if not numbers:
        return False
    return not any(_mentions(audited, outcome, numbers) for outcome in outcomes)


def _mentions(audited: AuditedRecord, outcome: Endpoint, numbers: set[str]) -> bool:
    """Return whether the words of an outcome have all these numbers."""
    words: set[str] = set()
    for part in ("measure", "description", "time_frame"):
        words.update(audited.read(outcome, part).words)
    return numbers <= words


def _covers(outcome: Endpoint, moment: Moment) -> bool:
    """Return whether an outcome is measured at a moment: on about that day, or, if it is not
    measured at single moments, over a span that reaches to about that day.
    """
    day = moment.value * DAYS[moment.unit]
    days = [point.value * DAYS[point.unit] for point in outcome.time_points]
    if outcome.time_kind is not TimeKind.AT:
        return max(days) >= day * (1 - _SAME)
    return any(abs(other - day) <= _SAME * max(other, day) for other in days)


def list_times(times: Iterable[Moment | TimePoint]) -> str:
    """Format times as a reader would write them.

    >>> list_times(
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
    """Report each outcome whose measure, description and time frame an earlier outcome has, in any
    case and with any punctuation at the end.
    """
    by_text: dict[str, int] = {}
    endpoints = audited.extraction.endpoints
    outcomes = audited.parsed.outcomes
    for number, endpoint in enumerate(endpoints):
        chunk = outcomes[number].chunk
        text = chunk.text.lower().strip(" \n.,;:")
        first = by_text.setdefault(text, number)
        if first == number:
            continue
        other = endpoints[first]
        spans = (outcomes[first].chunk.span, chunk.span)
        yield report(
            FindingKind.OUTCOME_REPEATED,
            f"{name_outcome(endpoint)} is {name_outcome(other)} again",
            *(audited.cite_raw(span.section, span.start, span.end) for span in spans),
            field=f"endpoints[{number}]",
        )


def name_outcome(endpoint: Endpoint) -> str:
    """Return the name of an outcome for readers, with its number among those of its rank, from 1.

    >>> name_outcome(Endpoint(rank="secondary", index=2, measure="Response"))
    'secondary outcome 3'
    """
    return f"{endpoint.rank} outcome {endpoint.index + 1}"


def check_time_frames(audited: AuditedRecord) -> Problems:
    """Report all outcomes without a time in one finding.

    Outcomes with blanked text are passed over, and so are outcomes that a registry delivers as one
    text: these have no field for a time.
    """
    blanked: set[str] = set()
    for hostile in audited.parsed.hostile:
        if hostile.blanked:
            blanked.add(hostile.span.section)
    bare: list[str] = []
    for name in audited.outcome_sections:
        if name in blanked:
            continue
        if _lacks_time(audited, name):
            bare.append(name)
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
    """Return whether an outcome has no time frame, and speaks of no time either. An outcome without
    parts has no field for it, and "none" is no outcome.
    """
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
    """Report each endpoint that is only a name, such as "progression-free survival", if no section
    of the record names criteria of response or progression.
    """
    bare: list[tuple[int, Endpoint]] = []
    for number, endpoint in enumerate(audited.extraction.endpoints):
        if not _is_bare_name(audited, number, endpoint):
            continue
        bare.append((number, endpoint))
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
    """Return whether an outcome is only the name of an endpoint that needs a definition.

    It is not if it is long, has a description, an instrument or events, may have one of the first
    two by the rules, or defines itself in its measure or time frame.
    """
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
