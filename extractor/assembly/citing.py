"""Make findings, and the citations that they point to."""

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
    """Return a finding.

    Args:
        kind: What it reports.
        field: The path or name of what it is about, "" for the record.
        message: A sentence for people.
        cited: The places that it cites; None is left out.
        severity: How bad it is.
        sections: The names of sections that were searched in vain.
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
"""Return a finding that a curator must look at; the arguments are those of ``inform``."""


def cite(parsed: ParsedRecord, span: Span) -> Citation:
    """Cite the characters of a span in a section or a structured field, such as
    ``registry.sex``.
    """
    text = parsed.record.raw_text(span.section) or ""
    quote = text[span.start : span.end]
    return Citation(section=span.section, start=span.start, end=span.end, quote=quote)


def cite_field(parsed: ParsedRecord, name: str) -> Citation:
    """Cite the whole of a section or a structured field."""
    text = parsed.record.raw_text(name) or ""
    return Citation(section=name, start=0, end=len(text), quote=text)
