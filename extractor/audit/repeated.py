"""Outcomes that are registered twice."""

from collections.abc import Iterator

from extractor.schemas import Endpoint, Finding, FindingKind, Severity

from .record import AuditedRecord

__all__ = ["check_repeated_outcomes"]

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
