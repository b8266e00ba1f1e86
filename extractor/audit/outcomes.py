"""Find outcomes that are registered twice."""

from collections.abc import Iterator

from extractor.assembly.citing import cite, warn
from extractor.audit.promises import name_outcome
from extractor.evidence.parsed import ParsedRecord
from extractor.schemas import Finding, FindingKind, TrialExtraction


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
