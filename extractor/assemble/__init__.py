"""Assemble the rules' readings and the model's supported answers into one extraction."""

from collections.abc import Collection, Sequence

from extractor.fields.declaration import CustomField, Of
from extractor.parse.parsed import ParsedRecord
from extractor.schemas import Absence, AbsenceReason, Eligibility, Endpoint, Regimen, Task, TrialExtraction

from .coverage import measure_coverage
from .custom import assemble_custom
from .dosing import assemble_dosing
from .findings import report_hostile, report_implausible, report_rejections, report_unconfirmed
from .items import assemble_eligibility, assemble_endpoints
from .resolve import ModelResult
from .unread import explain_unread, report_ambiguous, report_unread

__all__ = ["ALL_TASKS", "ModelResult", "assemble_extraction"]

ALL_TASKS = frozenset(Task)


def assemble_extraction(
    parsed: ParsedRecord,
    result: ModelResult,
    tasks: Collection[Task] = ALL_TASKS,
    fields: Sequence[CustomField] = (),
) -> TrialExtraction:
    """Assemble an extraction, each value with its evidence and each empty field with its reason.

    A task that is not in ``tasks`` is empty, with the reason ``not_asked``. ``fields`` are the user's own.
    """
    people: tuple[Eligibility, list[Absence]] = (Eligibility(), [])
    regimens: tuple[tuple[Regimen, ...], list[Absence]] = ((), [])
    outcomes: tuple[tuple[Endpoint, ...], list[Absence]] = ((), [])
    if Task.ELIGIBILITY in tasks:
        people = assemble_eligibility(parsed, result)
    if Task.DOSING in tasks:
        regimens = assemble_dosing(parsed, result)
    if Task.ENDPOINTS in tasks:
        outcomes = assemble_endpoints(parsed, result)
    unwanted = [Absence(field=task, reason=AbsenceReason.NOT_ASKED) for task in Task if task not in tasks]
    extraction = TrialExtraction(
        record_id=parsed.record.record_id,
        eligibility=people[0],
        dosing=regimens[0],
        endpoints=outcomes[0],
        source=parsed.record.source,
        absences=(*unwanted, *people[1], *regimens[1], *outcomes[1]),
        usage=result.usage,
    )
    if fields:
        custom, left = assemble_custom(parsed, result, fields, extraction)
        idle = [one for one in fields if one.of is not Of.RECORD and one.of.task not in tasks]
        left = [one for one in left if one.field not in {f"custom.{each.name}" for each in idle}]
        left += [Absence(field=f"custom.{one.name}", reason=AbsenceReason.NOT_ASKED) for one in idle]
        extraction = extraction.model_copy(update={"custom": custom, "absences": (*extraction.absences, *left)})
    findings = (
        *report_hostile(parsed),
        *report_rejections(parsed, result),
        *report_unconfirmed(parsed, result),
        *report_implausible(extraction),
        *report_unread(parsed, extraction, tasks),
        *report_ambiguous(parsed, extraction),
    )
    coverage = measure_coverage(parsed.record, extraction.list_items())
    absences = explain_unread(parsed, extraction)
    return extraction.model_copy(update={"absences": absences, "findings": findings, "coverage": coverage})
