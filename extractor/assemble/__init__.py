"""The rules' readings and the model's supported answers become one extraction."""

from collections.abc import Collection

from extractor.parse.parsed import ParsedRecord
from extractor.schemas import Absence, AbsenceReason, Eligibility, Endpoint, Regimen, Task, TrialExtraction

from .coverage import measure_coverage
from .dosing import assemble_dosing
from .findings import cut_to_honest_text, report_hostile, report_rejections, report_unproven, report_unread
from .items import assemble_eligibility, assemble_endpoints
from .resolve import ModelResult

__all__ = ["ALL_TASKS", "ModelResult", "assemble_extraction"]

ALL_TASKS = frozenset(Task)


def assemble_extraction(
    parsed: ParsedRecord, result: ModelResult, tasks: Collection[Task] = ALL_TASKS
) -> TrialExtraction:
    """Everything known about a record, each value with its proof and each gap with its reason.

    A task that is not wanted is empty, with the reason ``not_asked``.
    """
    absences = [Absence(field=task, reason=AbsenceReason.NOT_ASKED) for task in Task if task not in tasks]
    eligibility = Eligibility()
    dosing: tuple[Regimen, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    if Task.ELIGIBILITY in tasks:
        eligibility, gaps = assemble_eligibility(parsed, result)
        absences += gaps
    if Task.DOSING in tasks:
        dosing, gaps = assemble_dosing(parsed, result)
        absences += gaps
    if Task.ENDPOINTS in tasks:
        endpoints, gaps = assemble_endpoints(parsed, result)
        absences += gaps
    criteria = tuple(cut_to_honest_text(criterion, parsed) for criterion in eligibility.criteria)
    extraction = TrialExtraction(
        record_id=parsed.record.record_id,
        eligibility=cut_to_honest_text(eligibility, parsed).model_copy(update={"criteria": criteria}),
        dosing=tuple(cut_to_honest_text(regimen, parsed) for regimen in dosing),
        endpoints=tuple(cut_to_honest_text(endpoint, parsed) for endpoint in endpoints),
        source=parsed.record.source,
        absences=tuple(absences),
        usage=result.usage,
    )
    findings = (
        *report_hostile(parsed),
        *report_rejections(parsed, result),
        *report_unproven(extraction),
        *report_unread(parsed, extraction, tasks),
    )
    coverage = measure_coverage(parsed.record, extraction.list_items())
    return extraction.model_copy(update={"findings": findings, "coverage": coverage})
