"""Find contradictions within a record by comparing its text with its outcomes and structured
fields.

A check is a function that receives the parsed record and its extraction, and yields findings that
quote both sides. False alarms erode trust: a check is kept only if almost all of its findings
on real records are correct, and a check must not report anything uncertain.

- ``promises.py``: endpoints in the text that are not registered as outcomes, and times that differ
  from the registered times.
- ``registered.py``: allocation, masking and ages.

The checks use the rules in ``rules/`` to find words.
"""

from extractor.audit import promises, registered
from extractor.evidence.parsed import ParsedRecord
from extractor.schemas import Finding, TrialExtraction

CHECKS = (
    promises.check_promises,
    registered.check_design,
    registered.check_ages,
)
"""The checks, in the order in which their findings are listed."""


def audit_extraction(
    parsed: ParsedRecord, extraction: TrialExtraction
) -> tuple[Finding, ...]:
    """Return the contradictions in a record, with both sides quoted. Findings that would quote
    blanked text are omitted.

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
    findings: list[Finding] = []
    for check in CHECKS:
        for finding in check(parsed, extraction):
            cites_blanks = any(map(parsed.list_blanks, finding.citations))
            if not cites_blanks:
                findings.append(finding)
    return tuple(findings)


def add_findings(parsed: ParsedRecord, extraction: TrialExtraction) -> TrialExtraction:
    """Return the extraction with the findings of its audit appended."""
    findings = audit_extraction(parsed, extraction)
    if not findings:
        return extraction
    return extraction.model_copy(update={"findings": extraction.findings + findings})
