"""Who may take part, settled between rules and model."""

from typing import TypeVar

from extractor.parse.parsed import ParsedCriterion, ParsedEligibility, ParsedRecord, Reading
from extractor.schemas import Absence, AbsenceReason, Age, Criterion, Eligibility
from extractor.text.times import DAYS

from .inquiry import Inquiry
from .ledger import Ledger
from .settle import Settled, settle

__all__ = ["assemble_eligibility"]

_SEARCHED = ("eligibility", "brief_summary", "detailed_description", "title", "official_title")
_NO_CHUNK = -1

T = TypeVar("T")


def assemble_eligibility(parsed: ParsedRecord, inquiry: Inquiry) -> tuple[Eligibility, list[Absence]]:
    """The record's eligibility, and why what is empty is empty."""
    found, record = parsed.eligibility, parsed.record
    sections = [name for name in _SEARCHED if record.section(name)]
    ledger = Ledger(parsed, "eligibility", sections, inquiry)
    people = {
        **_enter_ages(found, ledger),
        "sex": ledger.enter("sex", found.sex, _NO_CHUNK),
        "healthy_volunteers": ledger.enter("healthy_volunteers", found.healthy_volunteers, _NO_CHUNK),
    }
    provenance = ledger.provenance()
    standing = [criterion for criterion in found.criteria if _stands(criterion, inquiry)]
    if not standing:
        ledger.note_absence("criteria", _why_no_criteria(parsed, inquiry))
    criteria: list[Criterion] = []
    absences = list(ledger.absences)
    for criterion in standing:
        built, gaps = _assemble_criterion(parsed, criterion, inquiry, f"eligibility.criteria[{len(criteria)}]")
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


def _settle(rule: Reading[T], inquiry: Inquiry, number: int, field: str) -> Settled[T]:
    policy = inquiry.policy.of(f"eligibility.{field}")
    return settle(rule, inquiry.reading(number, field), inquiry.gap(number, field), policy)


def _settle_standing(criterion: ParsedCriterion, inquiry: Inquiry) -> Settled[bool]:
    number = criterion.chunk.number
    return _settle(criterion.stands, inquiry, number, "stands")


def _stands(criterion: ParsedCriterion, inquiry: Inquiry) -> bool:
    number = criterion.chunk.number
    kind = _settle(criterion.kind, inquiry, number, "kind")
    return bool(_settle_standing(criterion, inquiry).value) and kind.value is not None


def _why_no_criteria(parsed: ParsedRecord, inquiry: Inquiry) -> AbsenceReason:
    doubtful = [c.chunk.number for c in parsed.eligibility.criteria if not c.stands.certain]
    unanswered = [number for number in doubtful if inquiry.reading(number, "stands") is None]
    if unanswered:
        return inquiry.gap(unanswered[0], "stands")
    searched = any(parsed.record.section(name) for name in _SEARCHED[:3])
    return AbsenceReason.NOT_REPORTED if searched else AbsenceReason.SECTION_ABSENT


def _assemble_criterion(
    parsed: ParsedRecord, criterion: ParsedCriterion, inquiry: Inquiry, path: str
) -> tuple[Criterion, list[Absence]]:
    chunk, section = criterion.chunk, criterion.chunk.span.section
    ledger = Ledger(parsed, path, chunk.span, inquiry)
    standing = _settle_standing(criterion, inquiry)
    quote = Settled(parsed.raw(chunk.span), standing.confidence, standing.origin, (chunk.span,))
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
