"""Assemble eligibility and endpoints: resolve each field between rules and model."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from extractor.concepts.groups.assemble import group_criteria
from extractor.concepts.limits.admission import describe_ages, describe_criterion
from extractor.concepts.people.registered_ages import (
    AGES,
    OLDEST,
    UNLIKE,
    agrees,
    count_days,
    differs,
    read_registered_ages,
)
from extractor.concepts.provenance import Assembled, ItemBuilder, list_read_fields
from extractor.evidence.drafts import Draft, Reading
from extractor.evidence.parsed import ParsedRecord
from extractor.evidence.scoring import measured
from extractor.schemas import (
    Absence,
    AbsenceReason,
    Criterion,
    Eligibility,
    Endpoint,
    Task,
)

_SEARCHED = (
    "eligibility",
    "brief_summary",
    "detailed_description",
    "title",
    "official_title",
)
_CONTRADICTORY: Reading[Any] = Reading(None, 0.0, gap=AbsenceReason.CONTRADICTORY)
_PEOPLE = list_read_fields(Task.ELIGIBILITY)
_CRITERION = list_read_fields(Task.ELIGIBILITY, "eligibility.criteria")
_ENDPOINT = list_read_fields(Task.ENDPOINTS)


def assemble_eligibility(
    parsed: ParsedRecord,
) -> tuple[Eligibility, Assembled[Criterion]]:
    """Assemble the facts about all participants, and the criteria."""
    searched = [name for name in _SEARCHED if parsed.record.section(name)]
    builder = ItemBuilder(parsed, parsed.whole, "eligibility", searched=searched)
    fields: dict[str, Any] = {}
    for name, age in _resolve_ages(parsed, builder).items():
        fields[name] = builder.add(name, age)
    others = [field for field in _PEOPLE if field.name not in fields]
    fields |= builder.add_fields(others)
    drafts: list[Draft] = []
    quotes: list[Reading[Any]] = []
    for draft in parsed.criteria:
        stands = _find_criterion(parsed, draft)
        if stands:
            drafts.append(draft)
            quotes.append(stands)
    criteria = Assembled[Criterion]("eligibility.criteria")
    grouping = group_criteria(parsed, drafts)
    for draft, stands, group in zip(drafts, quotes, grouping.of, strict=True):
        item = ItemBuilder(parsed, draft, criteria.path)
        values = item.add_fields(_CRITERION[:1])  # the kind, then the quote
        values["quote"] = item.add_quote(stands)
        values |= item.add_fields(_CRITERION[1:])
        section = draft.span.section
        criterion = Criterion(section=section, group=group, **values, **item.build())
        criteria.add(describe_criterion(criterion, parsed.passage(draft.span)), item)
    if not criteria.items:
        builder.add_absence("criteria", _explain_no_criteria(parsed))
    criteria.absences[:0] = builder.absences
    provenance = builder.build(grouping.evidence)
    eligibility = Eligibility(
        **fields, **provenance, groups=grouping.groups, criteria=criteria.values
    )
    return describe_ages(eligibility, parsed.sections), criteria


def _find_criterion(parsed: ParsedRecord, draft: Draft) -> Reading[Any] | None:
    """Return what shows that a draft is a criterion; None if it is not one."""
    item = ItemBuilder(parsed, draft, draft.group)
    stands = item.resolve("stands")
    if not stands.value or not item.resolve("kind").value:
        return None
    return stands


def _resolve_ages(
    parsed: ParsedRecord, builder: ItemBuilder
) -> dict[str, Reading[Any]]:
    """Resolve both ages. One that is not the registered age is never sure; one that nobody can
    reach is dropped.
    """
    registered = read_registered_ages(parsed.record.registry)
    ages: dict[str, Reading[Any]] = {}
    for name in AGES:
        age = builder.resolve(name)
        is_empty = age.value is None and age.gap is None
        if is_empty and builder.draft.read(name).alternatives:
            age = replace(age, gap=AbsenceReason.AMBIGUOUS)
        if age.value and count_days(age.value) > OLDEST:
            age = _CONTRADICTORY
        if differs(age.value, registered[name]):
            most = measured("participants", UNLIKE)
            age = replace(age, confidence=min(age.confidence, most))
        ages[name] = age
    return _drop_contradictory(ages, registered)


def _drop_contradictory(
    ages: dict[str, Reading[Any]], registered: Mapping[str, float | None]
) -> dict[str, Reading[Any]]:
    """Return both ages if the lowest is below the highest.

    Else the passages that state them contradict each other: one that is registered as well stands,
    else none.
    """
    low, high = (age.value for age in ages.values())
    if not low or not high or count_days(low) < count_days(high):
        return ages
    confirmed = [
        name
        for name in AGES
        if registered[name] and agrees(ages[name].value, registered[name])
    ]
    if len(confirmed) != 1:
        confirmed = []
    return {name: ages[name] if name in confirmed else _CONTRADICTORY for name in AGES}


def _explain_no_criteria(parsed: ParsedRecord) -> AbsenceReason:
    for draft in parsed.criteria:
        is_unanswered = "stands" not in draft.model
        if is_unanswered and not draft.rules["stands"].certain:
            return draft.gap("stands")
    # the text speaks of criteria, and the rules found none of them
    if parsed.doubts and not parsed.foreign.texts:
        return AbsenceReason.NOT_ASKED
    if any(parsed.record.section(name) for name in _SEARCHED[:3]):
        return AbsenceReason.NOT_REPORTED
    return AbsenceReason.SECTION_ABSENT


def assemble_endpoints(parsed: ParsedRecord) -> Assembled[Endpoint]:
    """Assemble one endpoint for each registered outcome, in the record's order."""
    assembled = Assembled[Endpoint](Task.ENDPOINTS)
    for draft in parsed.outcomes:
        builder = ItemBuilder(parsed, draft, assembled.path)
        place = {name: draft.rules[name].value for name in ("rank", "index")}
        values = builder.add_fields(_ENDPOINT)
        endpoint = Endpoint(**place, **values, **builder.build())
        assembled.add(endpoint, builder)
    if assembled.items:
        return assembled
    searched = tuple(
        section.name
        for section in parsed.record.sections
        if "_outcomes" in section.name
    )
    reason = AbsenceReason.NOT_REPORTED if searched else AbsenceReason.SECTION_ABSENT
    assembled.absences.append(
        Absence(field="endpoints", reason=reason, sections=searched)
    )
    return assembled
