"""Registered outcomes that are repeated, undefined or without a time frame."""

from collections.abc import Iterator

from extractor.parse.parsed import CERTAIN
from extractor.schemas import Concept, Endpoint, Finding, FindingKind, Severity
from extractor.text.book import find_terms, read_text, rule
from extractor.text.lexer import Tokens

from .promises import PROMISED_NAMES
from .record import AuditedRecord

__all__ = ["check_repeated_outcomes", "check_time_frames", "check_undefined_endpoints"]

_SIGNS = " \n.,;:"


def check_repeated_outcomes(audited: AuditedRecord) -> Iterator[Finding]:
    """Outcomes that are the same to the letter: measure, description and time frame."""
    first: dict[str, Endpoint] = {}
    places = audited.parsed.outcomes
    for number, endpoint in enumerate(audited.extraction.endpoints):
        words = places[number].chunk.text.lower().strip(_SIGNS)
        other = first.setdefault(words, endpoint)
        if other is endpoint:
            continue
        spans = (places[audited.extraction.endpoints.index(other)].chunk.span, places[number].chunk.span)
        yield Finding(
            kind=FindingKind.OUTCOME_REPEATED,
            severity=Severity.WARNING,
            field=f"endpoints[{number}]",
            message=f"{endpoint.rank} outcome {endpoint.index + 1} is {other.rank} outcome {other.index + 1} again",
            citations=tuple(audited.cite_raw(span.section, span.start, span.end) for span in spans),
        )


def check_time_frames(audited: AuditedRecord) -> Iterator[Finding]:
    """One finding for all outcomes of a record that state no time; flattened outcomes keep no field for it."""
    blanked = {hostile.span.section for hostile in audited.parsed.hostile if hostile.blanked}
    bare = [name for name in audited.outcome_sections if name not in blanked and _is_timeless(audited, name)]
    if bare:
        yield Finding(
            kind=FindingKind.TIME_FRAME_MISSING,
            severity=Severity.INFO,
            field="",
            message=f"{len(bare)} of {len(audited.outcome_sections)} outcomes have no time frame",
            citations=tuple(map(audited.cite_label, bare)),
            sections=tuple(bare),
        )


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


def check_undefined_endpoints(audited: AuditedRecord) -> Iterator[Finding]:
    """A name alone, where no outcome and no other text of the record defines it or names criteria."""
    bare = [(n, one) for n, one in enumerate(audited.extraction.endpoints) if _is_bare_name(audited, n, one)]
    if not bare or _names_criteria(audited):
        return
    for number, endpoint in bare:
        yield Finding(
            kind=FindingKind.ENDPOINT_UNDEFINED,
            severity=Severity.INFO,
            field=f"endpoints[{number}]",
            message=f'nothing defines "{endpoint.measure}", and no criteria are named',
            citations=audited.cite_outcome(endpoint),
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
        and _names(measure, endpoint.concept)
        and not rule("defines_a_measure").search(measure)
        and outcome.description.confidence >= CERTAIN
        and outcome.instrument.confidence >= CERTAIN
    )


def _names(measure: Tokens, concept: Concept | None) -> bool:
    """Whether a measure has a name of an endpoint that needs a definition."""
    if concept is Concept.RESPONSE_RATE and rule("names_response").search(measure):
        return True
    return concept in _NAMED and any(term.value == concept for term in find_terms(measure, PROMISED_NAMES))


def _names_criteria(audited: AuditedRecord) -> bool:
    return any(rule("defines_response").search(section.tokens) for section in audited.parsed.sections.values())
