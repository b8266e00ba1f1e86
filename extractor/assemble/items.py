"""Eligibility and endpoints, with each field resolved between rules and model."""

from dataclasses import replace
from typing import Any

from extractor.parse.drafts import Draft, Reading
from extractor.parse.eligibility.admission import describe_ages, describe_criterion
from extractor.parse.parsed import ParsedRecord
from extractor.parse.scoring import measured
from extractor.schemas import (
    Absence,
    AbsenceReason,
    Concept,
    Criterion,
    Eligibility,
    Endpoint,
    EndpointCategory,
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

from .provenance import Assembled, ItemBuilder, list_read_fields
from .resolve import ModelResult

_SEARCHED = ("eligibility", "brief_summary", "detailed_description", "title", "official_title")
_CONTRADICTORY: Reading[Any] = Reading(None, 0.0, gap=AbsenceReason.CONTRADICTORY)
_PEOPLE = list_read_fields(Task.ELIGIBILITY)
_CRITERION = list_read_fields(Task.ELIGIBILITY, "eligibility.criteria")
_ENDPOINT = list_read_fields(Task.ENDPOINTS)


def assemble_eligibility(parsed: ParsedRecord, result: ModelResult) -> tuple[Eligibility, Assembled]:
    """The record's eligibility."""
    searched = [name for name in _SEARCHED if parsed.record.section(name)]
    builder = ItemBuilder(parsed, result.complete(parsed.whole), "eligibility", result, searched=searched)
    fields: dict[str, Any] = {name: builder.add(name, age) for name, age in _resolve_ages(parsed, builder).items()}
    fields |= builder.add_fields([field for field in _PEOPLE if field.name not in fields])
    criteria: list[Criterion] = []
    nested = Assembled()
    for draft in map(result.complete, parsed.criteria):
        path = f"eligibility.criteria[{len(criteria)}]"
        item = ItemBuilder(parsed, draft, path, result)
        stands = item.resolve("stands")
        if not stands.value or not item.resolve("kind").value:
            continue
        values = item.add_fields(_CRITERION[:1])
        quote = Reading(parsed.raw(draft.span), stands.confidence, (draft.span,), origin=stands.origin)
        values["quote"] = item.add("quote", quote)
        values |= item.add_fields(_CRITERION[1:])
        criterion = Criterion(section=draft.span.section, **values, **item.build())
        criteria.append(describe_criterion(criterion, parsed.passage(draft.span)))
        nested.add(path, criteria[-1], item)
    if not criteria:
        builder.add_absence("criteria", _explain_no_criteria(parsed, result))
    eligibility = Eligibility(**fields, **builder.build(), criteria=tuple(criteria))
    eligibility = describe_ages(eligibility, parsed.sections)
    nested.absences[:0] = builder.absences
    return eligibility, nested


def _resolve_ages(parsed: ParsedRecord, builder: ItemBuilder) -> dict[str, Reading[Any]]:
    """Both ages. One that is not the registered age is never sure, and one that nobody can reach is none.

    If the lowest is not below the highest, the passages that state them contradict each other: one that is registered
    as well stands, else none.
    """
    registered = read_registered_ages(parsed.record.registry)
    ages: dict[str, Reading[Any]] = {}
    for name in AGES:
        age = builder.resolve(name)
        if age.value is None and age.gap is None and builder.draft.read(name).alternatives:
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


def _explain_no_criteria(parsed: ParsedRecord, result: ModelResult) -> AbsenceReason:
    doubtful = [one.number for one in parsed.criteria if not one.rules["stands"].certain]
    unanswered = [number for number in doubtful if result.reading(number, "stands") is None]
    if unanswered:
        return result.gap(unanswered[0], "stands")
    searched = any(parsed.record.section(name) for name in _SEARCHED[:3])
    return AbsenceReason.NOT_REPORTED if searched else AbsenceReason.SECTION_ABSENT


_KINETICS = (Concept.PHARMACOKINETICS, Concept.CELLULAR_KINETICS)


def assemble_endpoints(parsed: ParsedRecord, result: ModelResult) -> tuple[tuple[Endpoint, ...], Assembled]:
    """One endpoint for each registered outcome, in the record's order."""
    endpoints: list[Endpoint] = []
    assembled = Assembled()
    for draft in map(result.complete, parsed.outcomes):
        path = f"endpoints[{len(endpoints)}]"
        chosen = replace(draft, rules={**draft.rules, "concept": _choose_concept(draft)})
        builder = ItemBuilder(parsed, chosen, path, result)
        place = {name: draft.rules[name].value for name in ("rank", "index")}
        endpoints.append(Endpoint(**place, **builder.add_fields(_ENDPOINT), **builder.build()))
        assembled.add(path, endpoints[-1], builder)
    if not endpoints:
        searched = tuple(s.name for s in parsed.record.sections if "_outcomes" in s.name)
        reason = AbsenceReason.NOT_REPORTED if searched else AbsenceReason.SECTION_ABSENT
        assembled.absences.append(Absence(field="endpoints", reason=reason, sections=searched))
    return tuple(endpoints), assembled


def _choose_concept(draft: Draft) -> Reading[Any]:
    """The rules' concept, or the best alternative if a model's category excludes kinetics."""
    concept, said = draft.read("concept"), draft.model.get("category")
    excluded = said is not None and said.value not in (None, EndpointCategory.PHARMACOKINETICS)
    if not excluded or concept.certain or concept.value not in _KINETICS:
        return concept
    others = [other for other in concept.alternatives if other not in _KINETICS]
    return replace(concept, value=others[0], alternatives=tuple(others[1:])) if others else concept
