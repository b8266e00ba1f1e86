"""The sex of participants in the text against the registered one."""

import re
from collections.abc import Iterator

from extractor.schemas import Citation, Finding, FindingKind, Severity, Sex

from .record import AuditedRecord

__all__ = ["check_sex"]

_BEFORE = re.compile(
    r"[\s\d.)*•·-]*(?:(?:inclusion criteria|both|healthy|adults?|subjects?|patients?|participants?|is|are|must"
    r"|be|who|of|a)[\s,:-]+)*",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"\s*(?:$|[,.;:(]|[<>≥≤\d]|(?:aged?|adults?|patients?|subjects?|participants?|volunteers?|individuals?|children|gender"
    r"|sex|between|older|over|at least|years)\b)",
    re.IGNORECASE,
)
"""Around the words that say who takes part; other words speak of partners, causes, or consent."""


def check_sex(audited: AuditedRecord) -> Iterator[Finding]:
    """One sex in the text and another, or both, in the registry."""
    stated, written = audited.extraction.eligibility.sex, audited.record.registry.sex
    reading = audited.parsed.eligibility.sex
    if stated is None or not written or reading.alternatives or reading.value is not stated:
        return
    registered = {"both": "all"}.get(written.lower(), written.lower())
    citations = audited.cite_evidence(audited.extraction.eligibility, "sex")[:1]
    if not all(_is_plain(audited, one) for one in citations):
        return
    if registered in set(Sex) and registered != stated:
        yield Finding(
            kind=FindingKind.SEX_DIFFERS,
            severity=Severity.WARNING,
            field="eligibility.sex",
            message=f"the text admits {stated}, the registry {registered}",
            citations=(*citations, audited.cite_registry("sex")),
        )


def _is_plain(audited: AuditedRecord, citation: Citation) -> bool:
    """Whether the line says nothing but who takes part, up to the words that are cited and right behind them."""
    text = audited.record.raw_text(citation.section) or ""
    start = text.rfind("\n", 0, citation.start) + 1
    behind = text[citation.end :].partition("\n")[0]
    return bool(_BEFORE.fullmatch(text, start, citation.start) and _AFTER.match(behind))
