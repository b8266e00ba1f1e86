"""Assemble the rules' readings and the model's supported answers into one extraction."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from extractor.assembly.coverage import measure_coverage
from extractor.assembly.findings import (
    report_hostile,
    report_refused,
    report_skipped,
    report_source,
    report_structure,
    report_unconfirmed,
)
from extractor.assembly.items import assemble_eligibility, assemble_endpoints
from extractor.assembly.own import assemble_own
from extractor.assembly.terms import list_terms
from extractor.assembly.unread import find_unread, report_ambiguous
from extractor.concepts.doses.assemble import assemble_dosing
from extractor.concepts.languages.assemble import explain_by_language, report_languages
from extractor.concepts.own.declaration import CustomField, Of
from extractor.concepts.provenance import Assembled
from extractor.evidence.answers import ModelResult
from extractor.evidence.parsed import ParsedRecord
from extractor.schemas import Absence, AbsenceReason, Eligibility, Task, TrialExtraction

__all__ = ["ALL_TASKS", "ModelResult", "assemble_extraction"]

ALL_TASKS = frozenset(Task)


def assemble_extraction(
    parsed: ParsedRecord,
    result: ModelResult,
    tasks: Collection[Task] = ALL_TASKS,
    fields: Sequence[CustomField] = (),
) -> TrialExtraction:
    """Assemble an extraction, each value with its evidence and each empty field with its reason.

    A task that is not in ``tasks`` is empty, with the reason ``not_asked``. ``fields`` are the
    user's own.
    """
    said_of = (
        tuple(map(result.complete, parsed.criteria)),
        tuple(map(result.complete, parsed.outcomes)),
    )
    parsed = replace(
        parsed, whole=result.complete(parsed.whole), criteria=said_of[0], outcomes=said_of[1]
    )
    eligibility, criteria = (
        assemble_eligibility(parsed) if Task.ELIGIBILITY in tasks else (Eligibility(), Assembled())
    )
    regimens = assemble_dosing(parsed, result) if Task.DOSING in tasks else Assembled()
    outcomes = assemble_endpoints(parsed) if Task.ENDPOINTS in tasks else Assembled()
    wanted = [field for field in fields if field.of is Of.RECORD or field.of.task in tasks]
    custom, left = assemble_own(parsed, result, wanted, (criteria, regimens, outcomes))
    unwanted = [task.value for task in Task if task not in tasks]
    unwanted_fields = [f"custom.{field.name}" for field in fields if field not in wanted]
    extraction = TrialExtraction(
        record_id=parsed.record.record_id,
        eligibility=eligibility,
        dosing=regimens.values,
        endpoints=outcomes.values,
        custom={field.name: custom.get(field.name, ()) for field in fields},
        source=parsed.record.source,
        absences=(
            *(Absence(field=task, reason=AbsenceReason.NOT_ASKED) for task in unwanted),
            *criteria.absences,
            *regimens.absences,
            *outcomes.absences,
            *left,
            *(Absence(field=name, reason=AbsenceReason.NOT_ASKED) for name in unwanted_fields),
        ),
        usage=result.usage,
        registered_terms=list_terms(parsed.record),
    )
    unread, absences = find_unread(parsed, extraction, tasks)
    absences = tuple(explain_by_language(parsed, absences))
    structure = report_structure(parsed) if Task.ELIGIBILITY in tasks else ()
    findings = (
        *report_source(parsed),
        *report_hostile(parsed),
        *report_languages(parsed),
        *report_refused(parsed, result),
        *report_skipped(parsed, result),
        *report_unconfirmed(parsed, result),
        *structure,
        *unread,
        *report_ambiguous(parsed, extraction),
    )
    coverage = measure_coverage(parsed.record, extraction.list_items())
    return extraction.model_copy(
        update={"absences": absences, "findings": findings, "coverage": coverage}
    )
