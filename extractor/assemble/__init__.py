"""Rules' readings and the model's supported answers become one extraction."""

from collections.abc import Collection, Iterator

from extractor.parse.parsed import ParsedRecord
from extractor.schemas import (
    Absence,
    AbsenceReason,
    Eligibility,
    Endpoint,
    Finding,
    FindingKind,
    Regimen,
    Severity,
    Task,
    TrialExtraction,
)

from .coverage import measure_coverage
from .dosing import assemble_dosing
from .eligibility import assemble_eligibility
from .endpoints import assemble_endpoints
from .inquiry import Inquiry

__all__ = ["ALL_TASKS", "Inquiry", "assemble_extraction"]

ALL_TASKS = frozenset(Task)


def assemble_extraction(parsed: ParsedRecord, inquiry: Inquiry, tasks: Collection[Task] = ALL_TASKS) -> TrialExtraction:
    """Everything known about a record, each value with its proof and each gap with its reason.

    A task that is not wanted is empty, with the reason ``not_asked``.
    """
    absences = [Absence(field=task, reason=AbsenceReason.NOT_ASKED) for task in Task if task not in tasks]
    eligibility = Eligibility()
    dosing: tuple[Regimen, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    if Task.ELIGIBILITY in tasks:
        eligibility, gaps = assemble_eligibility(parsed, inquiry)
        absences += gaps
    if Task.DOSING in tasks:
        dosing, gaps = assemble_dosing(parsed, inquiry)
        absences += gaps
    if Task.ENDPOINTS in tasks:
        endpoints, gaps = assemble_endpoints(parsed, inquiry)
        absences += gaps
    evidence = [e for item in (eligibility, *eligibility.criteria, *dosing, *endpoints) for e in item.evidence]
    return TrialExtraction(
        record_id=parsed.record.record_id,
        eligibility=eligibility,
        dosing=dosing,
        endpoints=endpoints,
        source=parsed.record.source,
        absences=tuple(absences),
        findings=tuple(_report_rejections(inquiry)),
        coverage=measure_coverage(parsed.record, evidence),
        usage=inquiry.usage,
    )


def _report_rejections(inquiry: Inquiry) -> Iterator[Finding]:
    for answer in (answer for answers in inquiry.answers.values() for answer in answers):
        for rejection in answer.rejections:
            span = rejection.chunk.span
            yield Finding(
                kind=rejection.kind,
                severity=Severity.WARNING,
                field=f"{answer.task}: {rejection.field} of {span.section}[{span.start}:{span.end}]",
                message=f"the model answered {rejection.value}, which the text does not state; it was kept out",
            )
    for reason in inquiry.dropped:
        yield Finding(kind=FindingKind.ANSWER_MISSING, severity=Severity.WARNING, field="", message=reason)
