"""The sex of participants in the text against the registered one."""

import re
from collections.abc import Iterator

from extractor.parse.parsed import CERTAIN
from extractor.schemas import Citation, Finding, FindingKind, Severity, Sex

from .record import AuditedRecord

__all__ = ["check_sex"]

_OF_OTHERS = re.compile(
    r"\b(?:consent|insur|social security|partners?|couples?|spouses?|husbands?|contracept)", re.IGNORECASE
)
"""Words of a line that speak of both sexes, and not of who takes part."""


def check_sex(audited: AuditedRecord) -> Iterator[Finding]:
    """One sex in the text and another, or both, in the registry."""
    stated, written = audited.extraction.eligibility.sex, audited.record.registry.sex
    reading = audited.parsed.eligibility.sex
    if stated is None or not written or reading.confidence < CERTAIN or reading.value is not stated:
        return
    registered = {"both": "all"}.get(written.lower(), written.lower())
    citations = audited.cite_evidence(audited.extraction.eligibility, "sex")[:1]
    if any(_OF_OTHERS.search(_line_around(audited, one)) for one in citations):
        return
    if registered in set(Sex) and registered != stated:
        yield Finding(
            kind=FindingKind.SEX_DIFFERS,
            severity=Severity.WARNING,
            field="eligibility.sex",
            message=f"the text admits {stated}, the registry {registered}",
            citations=(*citations, audited.cite_registry("sex")),
        )


def _line_around(audited: AuditedRecord, citation: Citation) -> str:
    text = audited.record.raw_text(citation.section) or ""
    end = text.find("\n", citation.end)
    return text[text.rfind("\n", 0, citation.start) + 1 : end if end >= 0 else len(text)]
