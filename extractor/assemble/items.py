"""Eligibility and endpoints, with each field resolved between rules and model."""

from dataclasses import replace
from typing import Any

from extractor.parse.parsed import ParsedCriterion, ParsedOutcome, ParsedRecord, Reading
from extractor.parse.scoring import measured
from extractor.schemas import (
    Absence,
    AbsenceReason,
    Age,
    Concept,
    Criterion,
    Eligibility,
    Endpoint,
    EndpointCategory,
    Origin,
    Task,
)
from extractor.text.registered_ages import (
    AGES,
    OLDEST,
    UNLIKE,
    agrees,
    count_days,
    differs,
    read_registered_ages,
)

from .provenance import ProvenanceBuilder, list_read_fields
from .resolve import PARTICIPANTS, ModelResult, Resolved, resolve

_SEARCHED = ("eligibility", "brief_summary", "detailed_description", "title", "official_title")
_CONTRADICTORY: Resolved[Any] = Resolved(None, 0.0, Origin.RULE, gap=AbsenceReason.CONTRADICTORY)
_PEOPLE = list_read_fields(Task.ELIGIBILITY)
_CRITERION = list_read_fields(Task.ELIGIBILITY, "eligibility.criteria")
_ENDPOINT = list_read_fields(Task.ENDPOINTS)


def assemble_eligibility(parsed: ParsedRecord, result: ModelResult) -> tuple[Eligibility, list[Absence]]:
    """The record's eligibility, and why each empty field is empty."""
    found = parsed.eligibility
    builder = ProvenanceBuilder(parsed, "eligibility", [n for n in _SEARCHED if parsed.record.section(n)], result)
    ages = _resolve_ages(parsed, builder)
    fields: dict[str, Any] = {name: builder.add_resolved(name, age) for name, age in ages.items()}
    fields |= builder.add_fields(
        [field for field in _PEOPLE if field.name not in ages], list_readings(found), PARTICIPANTS
    )
    resolved = ((one, _resolve(one, result, "stands")) for one in found.criteria)
    accepted = [(one, stands) for one, stands in resolved if stands.value and _resolve(one, result, "kind").value]
    if not accepted:
        builder.add_absence("criteria", _explain_no_criteria(parsed, result))
    criteria: list[Criterion] = []
    absences = builder.absences
    for criterion, stands in accepted:
        span, number, readings = criterion.chunk.span, criterion.chunk.number, list_readings(criterion)
        nested = ProvenanceBuilder(parsed, f"eligibility.criteria[{len(criteria)}]", span, result)
        values = nested.add_fields(_CRITERION[:1], readings, number)
        quote = Resolved(parsed.raw(span), stands.confidence, stands.origin, (span,))
        values["quote"] = nested.add_resolved("quote", quote)
        values |= nested.add_fields(_CRITERION[1:], readings, number)
        criteria.append(Criterion(section=span.section, **values, **nested.build()))
        absences += nested.absences
    return Eligibility(**fields, **builder.build(), criteria=tuple(criteria)), absences


def _resolve_ages(parsed: ParsedRecord, builder: ProvenanceBuilder) -> dict[str, Resolved[Age | None]]:
    """Both ages. One that is not the registered age is never sure, and one that nobody can reach is none.

    If the lowest is not below the highest, the passages that state them contradict each other: one that is registered
    as well stands, else none.
    """
    found, registered = parsed.eligibility, read_registered_ages(parsed.record.registry)
    ages: dict[str, Resolved[Age | None]] = {}
    for name in AGES:
        reading: Reading[Age | None] = getattr(found, name)
        age = builder.resolve(name, reading, PARTICIPANTS)
        if age.value is None and age.gap is None and reading.alternatives:
            age = replace(age, gap=AbsenceReason.AMBIGUOUS)
        if age.value and count_days(age.value) > OLDEST:
            age = _CONTRADICTORY
        if differs(age.value, registered[name]):
            age = replace(age, confidence=min(age.confidence, measured("participants", UNLIKE)))
        ages[name] = age
    low, high = (age.value for age in ages.values())
    if low and high and count_days(low) >= count_days(high):
        known = [name for name in AGES if registered[name] and agrees(ages[name].value, registered[name])]
        ages |= dict.fromkeys(AGES if len(known) != 1 else set(AGES) - set(known), _CONTRADICTORY)
    return ages


def list_readings(item: Any) -> dict[str, Any]:
    """The attributes of a parsed item by name."""
    return {name: getattr(item, name) for name in item.__dataclass_fields__}


def _resolve(criterion: ParsedCriterion, result: ModelResult, name: str) -> Resolved[Any]:
    number, policy = criterion.chunk.number, result.policy.of(f"eligibility.{name}")
    return resolve(getattr(criterion, name), result.reading(number, name), result.gap(number, name), policy)


def _explain_no_criteria(parsed: ParsedRecord, result: ModelResult) -> AbsenceReason:
    doubtful = [one.chunk.number for one in parsed.eligibility.criteria if not one.stands.certain]
    unanswered = [number for number in doubtful if result.reading(number, "stands") is None]
    if unanswered:
        return result.gap(unanswered[0], "stands")
    searched = any(parsed.record.section(name) for name in _SEARCHED[:3])
    return AbsenceReason.NOT_REPORTED if searched else AbsenceReason.SECTION_ABSENT


_KINETICS = (Concept.PHARMACOKINETICS, Concept.CELLULAR_KINETICS)


def assemble_endpoints(parsed: ParsedRecord, result: ModelResult) -> tuple[tuple[Endpoint, ...], list[Absence]]:
    """One endpoint for each registered outcome, in the record's order, and why each empty field is empty."""
    endpoints: list[Endpoint] = []
    absences: list[Absence] = []
    for outcome in parsed.outcomes:
        builder = ProvenanceBuilder(parsed, f"endpoints[{len(endpoints)}]", outcome.chunk.span, result)
        readings = list_readings(outcome) | {"concept": _choose_concept(outcome, builder)}
        values = builder.add_fields(_ENDPOINT, readings, outcome.chunk.number)
        endpoints.append(Endpoint(rank=outcome.rank, index=outcome.index, **values, **builder.build()))
        absences += builder.absences
    if not endpoints:
        searched = tuple(s.name for s in parsed.record.sections if "_outcomes" in s.name)
        reason = AbsenceReason.NOT_REPORTED if searched else AbsenceReason.SECTION_ABSENT
        absences.append(Absence(field="endpoints", reason=reason, sections=searched))
    return tuple(endpoints), absences


def _choose_concept(outcome: ParsedOutcome, builder: ProvenanceBuilder) -> Reading[Concept | None]:
    """The rules' concept, or the best alternative if a model's category excludes kinetics."""
    concept = outcome.concept
    category = builder.resolve("category", outcome.category, outcome.chunk.number)
    excluded = category.origin is not Origin.RULE and category.value not in (None, EndpointCategory.PHARMACOKINETICS)
    if not excluded or concept.certain or concept.value not in _KINETICS:
        return concept
    others = [other for other in concept.alternatives if other not in _KINETICS]
    return replace(concept, value=others[0], alternatives=tuple(others[1:])) if others else concept
