"""Where a record contradicts itself: text against outcomes and structured fields, criteria among themselves.

Each check looks for one kind of contradiction and says nothing where it is not sure: a false alarm costs trust.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from extractor.parse.parsed import ParsedRecord
from extractor.schemas import Finding, FindingKind, Severity, TrialExtraction

from . import design, eligibility, outcomes
from .record import AuditedRecord, Problem

__all__ = ["CHECKS", "Check", "add_findings", "audit_extraction"]


class Check(NamedTuple):
    """The kind of finding, how serious it usually is, and the function that looks for it."""

    kind: FindingKind
    severity: Severity
    find: Callable[[AuditedRecord], Iterable[Problem]]


CHECKS = (
    Check(FindingKind.ENDPOINT_NOT_REGISTERED, Severity.WARNING, outcomes.check_promised_endpoints),
    Check(FindingKind.TIME_POINTS_DIFFER, Severity.WARNING, outcomes.check_time_points),
    Check(FindingKind.TIME_POINTS_DIFFER, Severity.WARNING, outcomes.check_primary_time_points),
    Check(FindingKind.SAMPLE_SIZE_DIFFERS, Severity.WARNING, design.check_sample_size),
    Check(FindingKind.PHASE_DIFFERS, Severity.WARNING, design.check_phase),
    Check(FindingKind.ALLOCATION_DIFFERS, Severity.WARNING, design.check_allocation),
    Check(FindingKind.MASKING_DIFFERS, Severity.WARNING, design.check_masking),
    Check(FindingKind.ARM_COUNT_DIFFERS, Severity.WARNING, design.check_arm_count),
    Check(FindingKind.ARM_WITHOUT_INTERVENTION, Severity.WARNING, design.check_arms_without_intervention),
    Check(FindingKind.AGE_DIFFERS, Severity.WARNING, eligibility.check_ages),
    Check(FindingKind.SEX_DIFFERS, Severity.WARNING, eligibility.check_sex),
    Check(FindingKind.LIMITS_CONTRADICT, Severity.WARNING, eligibility.check_limits),
    Check(FindingKind.CRITERION_CONTRADICTED, Severity.ERROR, eligibility.check_both_ways),
    Check(FindingKind.ENDPOINT_UNDEFINED, Severity.INFO, outcomes.check_undefined_endpoints),
    Check(FindingKind.TIME_FRAME_MISSING, Severity.INFO, outcomes.check_time_frames),
    Check(FindingKind.DOSE_DIFFERS, Severity.WARNING, design.check_doses),
    Check(FindingKind.OUTCOME_REPEATED, Severity.WARNING, outcomes.check_repeated_outcomes),
)
"""What is audited, in the order of the findings."""


def audit_extraction(parsed: ParsedRecord, extraction: TrialExtraction) -> tuple[Finding, ...]:
    """What contradicts itself in a record, with both sides quoted. Findings that an extraction has are not repeated.

    A task that was not wanted is not audited: what is not extracted contradicts nothing.

    >>> from extractor import Extractor, read_records
    >>> from extractor.parse import parse_record
    >>> record = [one for one in read_records("seeds/records") if one.record_id.startswith("002")][0]
    >>> findings = audit_extraction(parse_record(record), Extractor(assist="never").extract(record))
    >>> [(found.kind.value, [citation.quote for citation in found.citations]) for found in findings]
    [('time_points_differ', ['ORR(CR+CRi) on days 45, 90, 120', 'day 30, day 45, day 90'])]
    """
    audited = AuditedRecord(parsed, extraction)
    found = tuple(_describe(check, problem) for check in CHECKS for problem in check.find(audited))
    return tuple(one for one in found if not _cites_blanks(parsed, one)) if parsed.hostile else found


def _describe(check: Check, problem: Problem) -> Finding:
    return Finding(
        kind=check.kind,
        severity=problem.severity or check.severity,
        field=problem.field,
        message=problem.message,
        citations=problem.citations,
        sections=problem.sections,
    )


def add_findings(parsed: ParsedRecord, extraction: TrialExtraction) -> TrialExtraction:
    """The extraction with what its audit found behind the findings that it has."""
    found = audit_extraction(parsed, extraction)
    return extraction.model_copy(update={"findings": extraction.findings + found}) if found else extraction


def _cites_blanks(parsed: ParsedRecord, finding: Finding) -> bool:
    """Whether a quote runs over text that was blanked for its hostility: it would not be the record's own words."""
    return any(
        hostile.blanked
        and hostile.span.section == citation.section
        and hostile.span.start < citation.end
        and citation.start < hostile.span.end
        for hostile in parsed.hostile
        for citation in finding.citations
    )
