"""Find registered outcomes that lack a time, or occur twice."""

from collections.abc import Iterator

from extractor.assembly.citing import cite, inform, warn
from extractor.audit.promises import list_outcome_sections, name_outcome
from extractor.evidence.drafts import Span
from extractor.evidence.parsed import ParsedRecord
from extractor.language.book import rule
from extractor.schemas import (
    Finding,
    FindingKind,
    TrialExtraction,
)


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
