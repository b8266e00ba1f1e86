"""Who may take part, settled between rules and model."""

from typing import Any

from extractor.parse.parsed import ParsedCriterion, ParsedEligibility, ParsedRecord
from extractor.schemas import Absence, AbsenceReason, Age, Criterion, Eligibility
from extractor.text.numbers import DAYS

from .ledger import Ledger
from .model_result import ModelResult
from .settle import Settled, settle

__all__ = ["assemble_eligibility"]

_SEARCHED = ("eligibility", "brief_summary", "detailed_description", "title", "official_title")
_NO_CHUNK = -1


def assemble_eligibility(parsed: ParsedRecord, result: ModelResult) -> tuple[Eligibility, list[Absence]]:
    """The record's eligibility, and why what is empty is empty."""
    found, record = parsed.eligibility, parsed.record
    sections = [name for name in _SEARCHED if record.section(name)]
    ledger = Ledger(parsed, "eligibility", sections, result)
    people = {
        **_enter_ages(found, ledger),
        "sex": ledger.enter("sex", found.sex, _NO_CHUNK),
        "healthy_volunteers": ledger.enter("healthy_volunteers", found.healthy_volunteers, _NO_CHUNK),
    }
    provenance = ledger.provenance()
    settled = ((criterion, _settle(criterion, result, "stands")) for criterion in found.criteria)
    standing = [pair for pair in settled if pair[1].value and _settle(pair[0], result, "kind").value is not None]
    if not standing:
        ledger.note_absence("criteria", _why_no_criteria(parsed, result))
    criteria: list[Criterion] = []
    absences = list(ledger.absences)
    for criterion, stands in standing:
        path = f"eligibility.criteria[{len(criteria)}]"
        built, gaps = _assemble_criterion(parsed, criterion, stands, Ledger(parsed, path, criterion.chunk.span, result))
        criteria.append(built)
        absences += gaps
    return Eligibility.model_validate({**people, **provenance, "criteria": tuple(criteria)}), absences


def _enter_ages(found: ParsedEligibility, ledger: Ledger) -> dict[str, Age | None]:
    """Both ages; neither of two that nobody could meet, since the passages that state them contradict each other."""
    ages = {"minimum_age": found.minimum_age, "maximum_age": found.maximum_age}
    low, high = found.minimum_age.value, found.maximum_age.value
    if low and high and low.value * DAYS[low.unit] > high.value * DAYS[high.unit]:
        for field in ages:
            ledger.note_absence(field, AbsenceReason.CONTRADICTORY)
        return dict.fromkeys(ages)
    return {field: ledger.enter(field, reading, _NO_CHUNK) for field, reading in ages.items()}


def _settle(criterion: ParsedCriterion, result: ModelResult, field: str) -> Settled[Any]:
    number, policy = criterion.chunk.number, result.policy.of(f"eligibility.{field}")
    return settle(getattr(criterion, field), result.reading(number, field), result.gap(number, field), policy)


def _why_no_criteria(parsed: ParsedRecord, result: ModelResult) -> AbsenceReason:
    doubtful = [c.chunk.number for c in parsed.eligibility.criteria if not c.stands.certain]
    unanswered = [number for number in doubtful if result.reading(number, "stands") is None]
    if unanswered:
        return result.gap(unanswered[0], "stands")
    searched = any(parsed.record.section(name) for name in _SEARCHED[:3])
    return AbsenceReason.NOT_REPORTED if searched else AbsenceReason.SECTION_ABSENT


def _assemble_criterion(
    parsed: ParsedRecord, criterion: ParsedCriterion, stands: Settled[bool], ledger: Ledger
) -> tuple[Criterion, list[Absence]]:
    chunk, section = criterion.chunk, criterion.chunk.span.section
    quote = Settled(parsed.raw(chunk.span), stands.confidence, stands.origin, (chunk.span,))
    fields = {
        "kind": ledger.enter("kind", criterion.kind, chunk.number),
        "section": section,
        "quote": ledger.note("quote", quote),
        "lead_in": ledger.enter("lead_in", criterion.lead_in, chunk.number),
        "category": ledger.enter("category", criterion.category, chunk.number),
        "constraints": ledger.enter("constraints", criterion.constraints, chunk.number) or (),
        "time_window": ledger.enter("time_window", criterion.time_window, chunk.number),
    }
    return Criterion.model_validate({**fields, **ledger.provenance()}), ledger.absences
