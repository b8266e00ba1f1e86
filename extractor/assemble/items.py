"""Eligibility and endpoints, with each field resolved between rules and model."""

from dataclasses import replace
from typing import Any

from extractor.parse.parsed import ParsedCriterion, ParsedEligibility, ParsedOutcome, ParsedRecord, Reading
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
from extractor.text.numbers import DAYS

from .provenance import ProvenanceBuilder, list_read_fields
from .resolve import PARTICIPANTS, ModelResult, Resolved, resolve

_SEARCHED = ("eligibility", "brief_summary", "detailed_description", "title", "official_title")
_AGES = ("minimum_age", "maximum_age")
_GENERAL = [field.name for field in list_read_fields(Task.ELIGIBILITY) if field.name not in _AGES]
_OF_CRITERION = list_read_fields(Task.ELIGIBILITY, "eligibility.criteria")
_OF_ENDPOINT = list_read_fields(Task.ENDPOINTS)


def assemble_eligibility(parsed: ParsedRecord, result: ModelResult) -> tuple[Eligibility, list[Absence]]:
    """The record's eligibility, and why what is empty is empty."""
    found = parsed.eligibility
    sections = [name for name in _SEARCHED if parsed.record.section(name)]
    builder = ProvenanceBuilder(parsed, "eligibility", sections, result)
    fields: dict[str, Any] = _add_ages(found, builder)
    fields |= {name: builder.add(name, getattr(found, name), PARTICIPANTS) for name in _GENERAL}
    resolved = ((one, _resolve(one, result, "stands")) for one in found.criteria)
    accepted = [(one, stands) for one, stands in resolved if stands.value and _resolve(one, result, "kind").value]
    if not accepted:
        builder.add_absence("criteria", _explain_no_criteria(parsed, result))
    criteria: list[Criterion] = []
    absences = builder.absences
    for criterion, stands in accepted:
        path = f"eligibility.criteria[{len(criteria)}]"
        nested = ProvenanceBuilder(parsed, path, criterion.chunk.span, result)
        criteria.append(_assemble_criterion(parsed, criterion, stands, nested))
        absences += nested.absences
    return Eligibility(**fields, **builder.build(), criteria=tuple(criteria)), absences


def _add_ages(found: ParsedEligibility, builder: ProvenanceBuilder) -> dict[str, Age | None]:
    """Both ages; none if nobody could meet both, since the passages that state them contradict each other."""
    low, high = (builder.resolve(name, getattr(found, name), PARTICIPANTS).value for name in _AGES)
    if low and high and low.value * DAYS[low.unit] > high.value * DAYS[high.unit]:
        for name in _AGES:
            builder.add_absence(name, AbsenceReason.CONTRADICTORY)
        return dict.fromkeys(_AGES)
    return {name: builder.add(name, getattr(found, name), PARTICIPANTS) for name in _AGES}


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


def _assemble_criterion(
    parsed: ParsedRecord, criterion: ParsedCriterion, stands: Resolved[bool], builder: ProvenanceBuilder
) -> Criterion:
    chunk, fields = criterion.chunk, dict[str, Any]()
    quote = Resolved(parsed.raw(chunk.span), stands.confidence, stands.origin, (chunk.span,))
    for field in _OF_CRITERION:
        value: Any = builder.add(field.name, getattr(criterion, field.name), chunk.number)
        fields[field.name] = value or () if field.many else value
        if field.name == "kind":
            fields["quote"] = builder.add_resolved("quote", quote)
    return Criterion(section=chunk.span.section, **fields, **builder.build())


_KINETICS = (Concept.PHARMACOKINETICS, Concept.CELLULAR_KINETICS)


def assemble_endpoints(parsed: ParsedRecord, result: ModelResult) -> tuple[tuple[Endpoint, ...], list[Absence]]:
    """One endpoint for each registered outcome, in the record's order, and why what is empty is empty."""
    endpoints: list[Endpoint] = []
    absences: list[Absence] = []
    for outcome in parsed.outcomes:
        builder = ProvenanceBuilder(parsed, f"endpoints[{len(endpoints)}]", outcome.chunk.span, result)
        fields: dict[str, Any] = {}
        for field in _OF_ENDPOINT:
            reading = getattr(outcome, field.name)
            if field.name == "concept":
                reading = _choose_concept(outcome, builder)
            value: Any = builder.add(field.name, reading, outcome.chunk.number, field.metadata.question)
            fields[field.name] = () if field.many and value is None else value
        endpoints.append(Endpoint(rank=outcome.rank, index=outcome.index, **fields, **builder.build()))
        absences += builder.absences
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
