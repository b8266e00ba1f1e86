"""Find contradictions within a record: its text against outcomes and structured fields.

Each check looks for one kind of contradiction and reports only certain cases: a false alarm costs
trust.
"""

from extractor.audit import (
    described_ages,
    design,
    eligibility,
    outcomes,
    own_times,
)
from extractor.audit.record import AuditedRecord
from extractor.evidence.parsed import ParsedRecord
from extractor.schemas import Finding, RegistryFields, TrialExtraction

CHECKS = (
    outcomes.check_promised_endpoints,
    outcomes.check_time_points,
    own_times.check_own_times,
    design.check_sample_size,
    design.check_phase,
    design.check_allocation_and_masking,
    design.check_arm_count,
    design.check_arms_without_intervention,
    eligibility.check_ages_of_nobody,
    eligibility.check_ages,
    described_ages.check_described_ages,
    eligibility.check_sex,
    outcomes.check_undefined_endpoints,
    outcomes.check_time_frames,
    outcomes.check_repeated_outcomes,
)
"""The checks in the order of their findings."""
_OF_TEXTS = (eligibility.check_ages_of_nobody,)
"""The checks of a text alone, which has no outcomes and registered fields to contradict."""


def audit_extraction(
    parsed: ParsedRecord, extraction: TrialExtraction
) -> tuple[Finding, ...]:
    """Return the contradictions in a record, with both sides quoted. Findings of the extraction are
    not repeated.

    A task that was not extracted is not audited. Text that was blanked as hostile is not quoted.

    >>> from extractor import Extractor, read_records
    >>> from extractor.concepts.parse import parse_record
    >>> record = [
    ...     one
    ...     for one in read_records("seeds/records")
    ...     if one.record_id.startswith("002")
    ... ][0]
    >>> findings = audit_extraction(parse_record(record), Extractor().extract(record))
    >>> [
    ...     (found.kind.value, [citation.quote for citation in found.citations])
    ...     for found in findings
    ... ]
    [('time_points_differ', ['ORR(CR+CRi) on days 45, 90, 120', 'day 30, day 45, day 90'])]
    """
    audited = AuditedRecord(parsed, extraction)
    findings: list[Finding] = []
    is_text_alone = not parsed.outcomes and parsed.record.registry == RegistryFields()
    for check in _OF_TEXTS if is_text_alone else CHECKS:
        for finding in check(audited):
            if any(map(parsed.list_blanks, finding.citations)):
                continue
            findings.append(finding)
    return tuple(findings)


def add_findings(parsed: ParsedRecord, extraction: TrialExtraction) -> TrialExtraction:
    """Return the extraction with the findings of its audit appended."""
    findings = audit_extraction(parsed, extraction)
    if not findings:
        return extraction
    return extraction.model_copy(update={"findings": extraction.findings + findings})
