"""Where a record contradicts itself: text against outcomes and structured fields, criteria among themselves.

Each check looks for one kind of contradiction and says nothing where it is not sure: a false alarm costs trust.
"""

from collections.abc import Callable, Iterable

from extractor.parse.parsed import ParsedRecord
from extractor.schemas import Finding, TrialExtraction

from .design import (
    check_allocation,
    check_arm_count,
    check_arms_without_intervention,
    check_doses,
    check_masking,
    check_phase,
    check_sample_size,
)
from .eligibility import check_ages, check_both_ways, check_limits, check_sex
from .outcomes import (
    check_primary_time_points,
    check_promised_endpoints,
    check_repeated_outcomes,
    check_time_frames,
    check_time_points,
    check_undefined_endpoints,
)
from .record import AuditedRecord

__all__ = ["CHECKS", "add_findings", "audit_extraction"]

CHECKS: tuple[Callable[[AuditedRecord], Iterable[Finding]], ...] = (
    check_promised_endpoints,
    check_time_points,
    check_primary_time_points,
    check_sample_size,
    check_phase,
    check_allocation,
    check_masking,
    check_arm_count,
    check_arms_without_intervention,
    check_ages,
    check_sex,
    check_limits,
    check_both_ways,
    check_undefined_endpoints,
    check_time_frames,
    check_doses,
    check_repeated_outcomes,
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
    found = tuple(finding for check in CHECKS for finding in check(audited))
    return tuple(one for one in found if not _cites_blanks(parsed, one)) if parsed.hostile else found


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
