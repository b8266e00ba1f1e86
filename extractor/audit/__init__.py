"""Find contradictions within a record: its text against outcomes and structured fields.

A check is a function of the parsed record and its extraction, and yields findings that quote both
sides. False alarms cost trust: a check is kept only if at least nine in ten of its findings on
real records are right, and it does not report anything uncertain.

- ``promises.py``: endpoints of the text that no outcome measures, and times that none has.
- ``registered.py``: allocation, masking and ages.

The words that checks look for are the rules in ``rules/``.
"""

from extractor.audit import promises, registered
from extractor.evidence.parsed import ParsedRecord
from extractor.schemas import Finding, TrialExtraction

CHECKS = (
    promises.check_promises,
    registered.check_design,
    registered.check_ages,
)
"""The checks in the order of their findings."""


def audit_extraction(
    parsed: ParsedRecord, extraction: TrialExtraction
) -> tuple[Finding, ...]:
    """Return the contradictions in a record, with both sides quoted.

    Text that was blanked as hostile is not quoted.

    >>> from extractor import Extractor, read_records
    >>> from extractor.concepts.parse import parse_record
    >>> record = next(read_records("seeds/records/002_2baf81115b3b9652.txt"))
    >>> findings = audit_extraction(parse_record(record), Extractor().extract(record))
    >>> [
    ...     (found.kind.value, [citation.quote for citation in found.citations])
    ...     for found in findings
    ... ]
    [('time_points_differ', ['ORR(CR+CRi) on days 45, 90, 120', 'day 30, day 45, day 90'])]
    """
    return tuple(
        finding
        for check in CHECKS
        for finding in check(parsed, extraction)
        if not any(map(parsed.list_blanks, finding.citations))
    )


def add_findings(parsed: ParsedRecord, extraction: TrialExtraction) -> TrialExtraction:
    """Return the extraction with the findings of its audit appended."""
    findings = audit_extraction(parsed, extraction)
    if not findings:
        return extraction
    return extraction.model_copy(update={"findings": extraction.findings + findings})
