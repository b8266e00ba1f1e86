"""The sex of participants in the text against the registered one."""

from collections.abc import Iterator

from extractor.parse.parsed import CERTAIN
from extractor.schemas import Finding, FindingKind, Severity, Sex

from .record import AuditedRecord

__all__ = ["check_sex"]


def check_sex(audited: AuditedRecord) -> Iterator[Finding]:
    """One sex in the text and another, or both, in the registry."""
    stated, written = audited.extraction.eligibility.sex, audited.record.registry.sex
    reading = audited.parsed.eligibility.sex
    if stated is None or not written or reading.confidence < CERTAIN or reading.value is not stated:
        return
    registered = {"both": "all"}.get(written.lower(), written.lower())
    if registered in set(Sex) and registered != stated:
        yield Finding(
            kind=FindingKind.SEX_DIFFERS,
            severity=Severity.WARNING,
            field="eligibility.sex",
            message=f"the text admits {stated}, the registry {registered}",
            citations=(
                *audited.cite_evidence(audited.extraction.eligibility, "sex")[:1],
                audited.cite_registry("sex"),
            ),
        )
