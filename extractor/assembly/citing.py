"""Create findings and their citations."""

from functools import partial

from extractor.evidence.drafts import Span
from extractor.evidence.parsed import ParsedRecord
from extractor.schemas import Citation, Finding, FindingKind, Severity


def inform(
    kind: FindingKind,
    field: str,
    message: str,
    *cited: Citation | None,
    severity: Severity = Severity.INFO,
    sections: tuple[str, ...] = (),
) -> Finding:
    """Return a finding, which is informational by default.

    Args:
        kind: The kind of finding.
        field: The path or name of the affected field; "" for the whole record.
        message: The message for readers.
        cited: The citations; any ``None`` is skipped.
        severity: How important the finding is.
        sections: The names of the sections that were searched without result.
    """
    citations = tuple(citation for citation in cited if citation is not None)
    return Finding(
        kind=kind,
        severity=severity,
        field=field,
        message=message,
        citations=citations,
        sections=sections,
    )


warn = partial(inform, severity=Severity.WARNING)
"""Return a finding that a curator must check. Takes the same arguments as ``inform``."""


def cite(parsed: ParsedRecord, span: Span) -> Citation:
    """Cite the characters of a span in a section or in a structured field, such as
    ``registry.sex``.
    """
    text = parsed.record.raw_text(span.section) or ""
    quote = text[span.start : span.end]
    return Citation(section=span.section, start=span.start, end=span.end, quote=quote)


def cite_field(parsed: ParsedRecord, name: str) -> Citation:
    """Cite a whole section or structured field."""
    text = parsed.record.raw_text(name) or ""
    return Citation(section=name, start=0, end=len(text), quote=text)
