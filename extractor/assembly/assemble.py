"""Assemble the rules' readings and the model's supported answers into one extraction."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from extractor.assembly.findings import (
    measure_coverage,
    report_answers,
    report_record,
    report_skipped,
    report_structure,
    report_unconfirmed,
    report_unread_text,
)
from extractor.assembly.items import assemble_eligibility, assemble_endpoints
from extractor.assembly.provenance import Assembled
from extractor.assembly.unread import find_unread
from extractor.concepts.languages import explain_by_language, report_languages
from extractor.evidence.drafts import ModelResult
from extractor.evidence.parsed import ParsedRecord
from extractor.schemas import (
    Absence,
    AbsenceReason,
    Criterion,
    Eligibility,
    Endpoint,
    FieldRef,
    Finding,
    Regimen,
    RegisteredTerm,
    Section,
    Task,
    TermKind,
    TrialExtraction,
    TrialRecord,
)
from extractor.schemas.extraction import CustomItems

if TYPE_CHECKING:
    from extractor.concepts.own.declaration import CustomField

__all__ = ["ALL_TASKS", "ModelResult", "assemble_extraction"]

ALL_TASKS = frozenset(Task)

_DOSE_SECTIONS = ("arms", "interventions", "brief_summary", "detailed_description")


def assemble_extraction(
    parsed: ParsedRecord,
    result: ModelResult,
    tasks: Collection[Task] = ALL_TASKS,
    fields: "Sequence[CustomField]" = (),
) -> TrialExtraction:
    """Assemble an extraction in which each value has evidence and each empty field has a reason.

    A task that is not in ``tasks`` has no values, and its absence has the reason ``not_asked``; the
    same applies to the custom fields of its items. Findings report rejected values, unread text and
    doubts, and the coverage states how much of the text is quoted. The audit adds its findings
    later.

    Args:
        parsed: The readings of the rules.
        result: The answers of a model; an empty result if no model was asked.
        tasks: The tasks to assemble.
        fields: The declarations of custom fields.
    """
    parsed = replace(
        parsed,
        whole=result.complete(parsed.whole),
        criteria=tuple(map(result.complete, parsed.criteria)),
        outcomes=tuple(map(result.complete, parsed.outcomes)),
    )
    eligibility = Eligibility()
    criteria = Assembled[Criterion]()
    regimens = Assembled[Regimen]()
    outcomes = Assembled[Endpoint]()
    if Task.ELIGIBILITY in tasks:
        eligibility, criteria = assemble_eligibility(parsed)
    if Task.DOSING in tasks:
        regimens = _assemble_doses(parsed, result)
    if Task.ENDPOINTS in tasks:
        outcomes = assemble_endpoints(parsed)
    wanted = [field for field in fields if field.is_wanted(tasks)]
    custom: CustomItems = {}
    custom_absences: list[Absence] = []
    if wanted:
        from extractor.assembly.own import assemble_own  # noqa: PLC0415 - few extractions have custom fields

        custom, custom_absences = assemble_own(
            parsed, result, wanted, (*criteria.items, *regimens.items, *outcomes.items)
        )
    unwanted = [task.value for task in Task if task not in tasks]
    unwanted_fields = [
        f"custom.{field.name}" for field in fields if field not in wanted
    ]
    extraction = TrialExtraction(
        record_id=parsed.record.record_id,
        eligibility=eligibility,
        dosing=regimens.values,
        endpoints=outcomes.values,
        custom={field.name: custom.get(field.name, ()) for field in fields},
        declared=tuple(field.shape for field in fields),
        source=parsed.record.source,
        absences=(
            *map(_explain_unwanted, unwanted),
            *criteria.absences,
            *regimens.absences,
            *outcomes.absences,
            *custom_absences,
            *map(_explain_unwanted, unwanted_fields),
        ),
        usage=result.usage,
        registered_terms=list_terms(parsed.record),
    )
    unread, absences = find_unread(parsed, extraction, tasks)
    absences = tuple(explain_by_language(parsed, absences))
    structure: Iterable[Finding] = ()
    if Task.ELIGIBILITY in tasks:
        structure = report_structure(parsed)
    findings = (
        *report_record(parsed),
        *report_languages(parsed),
        *report_answers(parsed, result),
        *report_skipped(parsed, result),
        *report_unconfirmed(parsed, result),
        *structure,
        *report_unread_text(parsed, absences),
        *unread,
    )
    coverage = measure_coverage(parsed.record, extraction.list_items())
    return extraction.model_copy(
        update={"absences": absences, "findings": findings, "coverage": coverage}
    )


def _explain_unwanted(field: str) -> Absence:
    return Absence(field=field, reason=AbsenceReason.NOT_ASKED)


def list_terms(record: TrialRecord) -> tuple[RegisteredTerm, ...]:
    r"""Return the registered terms of a record, without duplicates: MeSH terms, other names for
    interventions, and keywords.

    >>> from extractor.schemas import Source
    >>> source = Source(path="a.json", format="ctgov_json")
    >>> keywords = Section(name="keywords", text="inhaler\nairways\ninhaler")
    >>> record = TrialRecord(record_id="A", source=source, sections=(keywords,))
    >>> [(term.kind.value, term.name) for term in list_terms(record)]
    [('keyword', 'inhaler'), ('keyword', 'airways')]
    """
    return tuple(dict.fromkeys(_find_terms(record)))


def _find_terms(record: TrialRecord) -> Iterator[RegisteredTerm]:
    yield from record.registry.terms
    for section in record.sections:
        if section.name.startswith("interventions["):
            yield from _find_other_names(section)
    # a table of a user may hold the keywords in one line, with bars
    for line in (record.raw_text("keywords") or "").replace("|", "\n").splitlines():
        name = _tidy(line)
        if name:
            yield RegisteredTerm(kind=TermKind.KEYWORD, name=name)


def _find_other_names(section: Section) -> Iterator[RegisteredTerm]:
    for part in section.parts:
        name = _tidy(section.text[part.start : part.end])
        if part.name == "other_names" and name:
            yield RegisteredTerm(
                kind=TermKind.OTHER_NAME, name=name, section=section.name
            )


def _tidy(text: str) -> str:
    return " ".join(text.split())


def _assemble_doses(parsed: ParsedRecord, result: ModelResult) -> Assembled[Regimen]:
    """Assemble the regimens. If there are none, an absence states the reason."""
    regimens = Assembled[Regimen](Task.DOSING)
    if parsed.regimens or result.passages:
        from extractor.assembly.regimens import assemble_dosing  # noqa: PLC0415 - many texts have no doses

        regimens = assemble_dosing(parsed, result)
    if not regimens.items:
        regimens.absences.append(_explain_no_doses(parsed, result))
    return regimens


def _explain_no_doses(parsed: ParsedRecord, result: ModelResult) -> Absence:
    """Return the absence that states why a record does not have regimens, with the sections that
    were searched. Reasons that involve the model take precedence: a rejected answer, then an
    unanswered passage, then clauses that the model was not asked about.
    """
    names = [section.name for section in parsed.record.sections]
    searched = tuple(name for name in names if FieldRef(name).path in _DOSE_SECTIONS)
    reason = AbsenceReason.SECTION_ABSENT
    if searched:
        reason = AbsenceReason.NOT_REPORTED
    # the text may state doses that only a model can read
    if parsed.candidates and not result.passages:
        reason = AbsenceReason.NOT_ASKED
    for passage in result.passages:
        if not passage.is_answered:
            reason = passage.gap("regimens")
            break
    if any(passage.objections for passage in result.passages):
        reason = AbsenceReason.UNSUPPORTED_ANSWER
    return Absence(field="dosing", reason=reason, sections=searched)
