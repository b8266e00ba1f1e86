"""Registered outcomes that are repeated, undefined or without a time frame."""

import re
from collections.abc import Iterator, Mapping

from extractor.parse.parsed import CERTAIN
from extractor.schemas import Concept, Endpoint, Finding, FindingKind, Section, Severity

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


_TIME = re.compile(
    r"\b(?:baseline|end of|before|after|during|(?:min|hour|day|week|month|year|visit|cycle)\w*)\b", re.IGNORECASE
)
_PLACEHOLDER = re.compile(
    r"\s*(?:there\s+(?:is|are)\s+)?(?:no\b[^.\n]*\boutcome|none\b|n/?a\b|not\s+(?:applicable|specified|provided|available))",
    re.IGNORECASE,
)
"""Stands in an outcome's place and says that there is none."""


def check_time_frames(audited: AuditedRecord) -> Iterator[Finding]:
    """One finding for all outcomes of a record that state no time; flattened outcomes keep no field for it."""
    blanked = {hostile.span.section for hostile in audited.parsed.hostile if hostile.blanked}
    sections = (audited.record.section(name) for name in audited.outcome_sections if name not in blanked)
    bare = [one.name for one in sections if one and _is_timeless(one)]
    if bare:
        yield Finding(
            kind=FindingKind.TIME_FRAME_MISSING,
            severity=Severity.INFO,
            field="",
            message=f"{len(bare)} of {len(audited.outcome_sections)} outcomes have no time frame",
            citations=tuple(map(audited.cite_label, bare)),
            sections=tuple(bare),
        )


def _is_timeless(section: Section) -> bool:
    """Whether an outcome's field for it is empty, and no word of the outcome speaks of time."""
    if not section.parts or section.parts[-1].name == "time_frame":
        return False
    return not _TIME.search(section.text) and not _PLACEHOLDER.match(section.text)


_NAMES: Mapping[Concept, re.Pattern[str]] = {
    concept: re.compile(words)
    for concept, words in (
        (Concept.PROGRESSION_FREE_SURVIVAL, r"progress(?:ion)?[-\s]free survival|\bpfs\b"),
        (Concept.EVENT_FREE_SURVIVAL, r"event[-\s]free survival|\befs\b"),
        (
            Concept.DISEASE_FREE_SURVIVAL,
            r"(?:disease|relapse|recurrence|leuka?emia)[-\s]free survival|\b[drl]fs\b",
        ),
        (Concept.TIME_TO_PROGRESSION, r"time to (?:disease |tumou?r )?progression|\bttp\b"),
        (
            Concept.DURATION_OF_RESPONSE,
            r"duration of (?:overall )?(?:response|remission)|response duration|\bdor\b",
        ),
        (
            Concept.RESPONSE_RATE,
            r"(?:objective|overall|tumou?r|complete|best overall|clinical|anti-?tumou?r) (?:response|remission)"
            r"|response rate|\borr\b",
        ),
    )
}
_EVENT = re.compile(r"\b(?:progress|relaps|recurr|death|die|respon)", re.IGNORECASE)
"""In a time frame, these words define the endpoint: "from enrolment to progression"."""
_LONGEST = 80
"""Characters of a measure that is a name and no definition."""
_DEFINED = re.compile(
    r"\d+\s*%|≥|≤|>|<|\b(?:defined|proportion|percent\w*|number of|from|until|score|to (?:first|death))\b"
)
_CRITERIA = re.compile(
    r"\b(?:[im]?recist|cheson|lugano|iwg|imwg|imweb|nccn|eln|rano|who (?:criteria|response)|pcwg\d?|lymphoma response"
    r"|gina|percist|ebmt|choi|acr\s?\d0|easi|pasi|uas7?|international working group|(?:is|are) defined|defined as"
    r"|definition|response criteria|criteria (?:of|by|for response)|nci(?:-wg)?|owen|iwwm|aasld|macdonald|inss|inrc"
    r"|g?cig|nih consensus|omeract|oarsi|asas|eular|haq|das\s?28|madrs|ham-?d|panss)\b"
)


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
    named = _NAMES.get(endpoint.concept) if endpoint.concept else None
    if not named or endpoint.description or endpoint.instrument or endpoint.end_events or endpoint.start_event:
        return False
    if _EVENT.search(endpoint.time_frame or ""):
        return False
    measure = (endpoint.measure or "").lower()
    outcome = audited.parsed.outcomes[number]
    return (
        len(measure) <= _LONGEST
        and bool(named.search(measure))
        and not _DEFINED.search(measure)
        and outcome.description.confidence >= CERTAIN
        and outcome.instrument.confidence >= CERTAIN
    )


def _names_criteria(audited: AuditedRecord) -> bool:
    return any(_CRITERIA.search(clean.text.lower()) for clean in audited.parsed.cleaned.values())
