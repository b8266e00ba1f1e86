"""Find registered outcomes that lack a time or a definition, or occur twice."""

from collections.abc import Iterator

from extractor.assembly.citing import cite, inform, warn
from extractor.audit.promises import PROMISED_NAMES, list_outcome_sections, name_outcome
from extractor.evidence.drafts import Span
from extractor.evidence.parsed import ParsedRecord
from extractor.language.book import find_terms, read_text, rule
from extractor.schemas import (
    Concept,
    Endpoint,
    Finding,
    FindingKind,
    TrialExtraction,
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
_LONGEST_NAME = 80
"""Maximum number of characters of a measure that is only a name, not a definition."""


def check_repeated(
    parsed: ParsedRecord, extraction: TrialExtraction
) -> Iterator[Finding]:
    """Yield each outcome that repeats the text of an earlier one, ignoring case and final
    punctuation.
    """
    by_text: dict[str, int] = {}
    for number, endpoint in enumerate(extraction.endpoints):
        chunk = parsed.outcomes[number].chunk
        first = by_text.setdefault(chunk.text.lower().strip(" \n.,;:"), number)
        if first == number:
            continue
        other = extraction.endpoints[first]
        yield warn(
            FindingKind.OUTCOME_REPEATED,
            f"endpoints[{number}]",
            f"{name_outcome(endpoint)} is {name_outcome(other)} again",
            cite(parsed, parsed.outcomes[first].chunk.span),
            cite(parsed, chunk.span),
        )


def check_time_frames(parsed: ParsedRecord, _: TrialExtraction) -> Iterator[Finding]:
    """Yield one finding of all outcomes without a time frame that do not mention a time either.

    An outcome that a registry delivers as one text has no field for a time, and "none" is not
    an outcome. Outcomes with blanked text are skipped.
    """
    outcomes = list_outcome_sections(parsed)
    bare: list[Span] = []
    for name in outcomes:
        section = parsed.record.section(name)
        if section is None or not section.parts:
            continue
        tokens = parsed.sections[name].tokens
        has_time = section.parts[-1].name == "time_frame"
        if has_time or rule("speaks_of_time").search(tokens):
            continue
        is_blanked = parsed.list_blanks(Span(name, 0, len(section.text)))
        if not is_blanked and not rule("no_outcome").starts(tokens, 0):
            measure = section.parts[0]
            bare.append(Span(name, measure.start, measure.end))
    if bare:
        yield inform(
            FindingKind.TIME_FRAME_MISSING,
            "",
            f"{len(bare)} of {len(outcomes)} outcomes have no time frame",
            *(cite(parsed, place) for place in bare),
            sections=tuple(place.section for place in bare),
        )


def check_definitions(
    parsed: ParsedRecord, extraction: TrialExtraction
) -> Iterator[Finding]:
    """Yield each endpoint that is only a name, such as "progression-free survival", if no section
    of the record names criteria of response or progression.
    """
    for number, endpoint in enumerate(extraction.endpoints):
        draft = parsed.outcomes[number]
        doubted = [draft.read(name) for name in ("description", "instrument")]
        if not all(reading.certain for reading in doubted) or not _is_name(endpoint):
            continue
        sections = parsed.sections.values()
        if any(rule("defines_response").search(one.tokens) for one in sections):
            return
        yield inform(
            FindingKind.ENDPOINT_UNDEFINED,
            f"endpoints[{number}]",
            f'nothing defines "{endpoint.measure}", and no criteria are named',
            *(piece.cite() for piece in endpoint.evidence_for("measure")),
            sections=tuple(parsed.sections),
        )


def _is_name(endpoint: Endpoint) -> bool:
    """Return True if an outcome is only the name of an endpoint that needs a definition: it has no
    description, instrument or events, and defines itself neither in its measure nor its time frame.
    """
    if endpoint.concept not in _NAMED or len(endpoint.measure or "") > _LONGEST_NAME:
        return False
    defined = (
        endpoint.description,
        endpoint.instrument,
        endpoint.start_event,
        endpoint.end_events,
    )
    if any(defined):
        return False
    measure = read_text(endpoint.measure or "")
    if rule("defines_a_measure").search(measure):
        return False
    if rule("ends_an_endpoint").search(read_text(endpoint.time_frame or "")):
        return False
    if endpoint.concept is Concept.RESPONSE_RATE:
        return rule("names_response").search(measure) is not None
    names = find_terms(measure, PROMISED_NAMES)
    return any(name.value == endpoint.concept for name in names)
