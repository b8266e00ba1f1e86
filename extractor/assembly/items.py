"""Assemble eligibility and endpoints: resolve each field from the readings of the rules and the
model.
"""

from dataclasses import replace

from extractor.assembly.admission import describe_ages, describe_criterion
from extractor.assembly.groups import group_criteria
from extractor.assembly.provenance import Assembled, ItemBuilder, list_read_fields
from extractor.concepts.criteria.prose import find_people_words
from extractor.concepts.people.registered_ages import (
    AGES,
    OLDEST,
    UNLIKE,
    agrees,
    count_days,
    differs,
    read_registered_ages,
)
from extractor.concepts.places import DESCRIPTIONS
from extractor.evidence.drafts import NOT_READ, Reading
from extractor.evidence.items import CriterionDraft, Read
from extractor.evidence.parsed import ParsedRecord
from extractor.language.passage import Passage
from extractor.schemas import (
    Absence,
    AbsenceReason,
    Age,
    Criterion,
    CriterionKind,
    Eligibility,
    Endpoint,
    Task,
)
from extractor.schemas.record import PROSE_FORMATS

_SEARCHED = (
    "eligibility",
    "brief_summary",
    "detailed_description",
    "title",
    "official_title",
)
_CONTRADICTORY = replace(NOT_READ, gap=AbsenceReason.CONTRADICTORY)
_PEOPLE = list_read_fields(Task.ELIGIBILITY)
_CRITERION = list_read_fields(Task.ELIGIBILITY, "eligibility.criteria")
_ENDPOINT = list_read_fields(Task.ENDPOINTS)


def assemble_eligibility(
    parsed: ParsedRecord,
) -> tuple[Eligibility, Assembled[Criterion]]:
    """Assemble the facts about all participants, and the criteria with their groups.

    Lines that the resolved readings do not classify as criteria are skipped. If no criteria remain,
    an absence explains why. Absences of the facts precede those of the criteria.
    """
    searched = [name for name in _SEARCHED if parsed.record.section(name)]
    builder = ItemBuilder(parsed, parsed.whole, "eligibility", searched=searched)
    ages = _resolve_ages(parsed, builder)
    minimum, maximum = (builder.add(name, age) for name, age in ages.items())
    fields = builder.add_fields(field for field in _PEOPLE if field.name not in ages)
    standing: list[tuple[CriterionDraft, CriterionKind]] = []
    existences: list[Reading[object]] = []
    for draft in parsed.criteria:
        item = ItemBuilder(parsed, draft, draft.group)
        exists = item.resolve("stands")
        kind = item.resolve_as(CriterionKind, "kind").value
        # a line of which it is unknown whether it includes or excludes is no criterion
        if exists.value and kind:
            standing.append((draft, kind))
            existences.append(exists)
    criteria = Assembled[Criterion]("eligibility.criteria")
    grouping = group_criteria(parsed, standing)
    for (draft, _), exists, group in zip(
        standing, existences, grouping.group_names, strict=True
    ):
        item = ItemBuilder(parsed, draft, criteria.path, ceiling=draft.ceiling)
        # the evidence is in this order: the kind, the quote, the other fields
        values = item.add_fields(_CRITERION[:1])
        values["quote"] = item.add_quote(exists)
        values |= item.add_fields(_CRITERION[1:])
        provenance = item.build()
        section = draft.span.section
        criterion = Criterion(section=section, group=group, **values, **provenance)
        passage = parsed.passage(draft.span)
        criteria.add(describe_criterion(criterion, passage), item)
    if not criteria.items:
        builder.add_absence("criteria", _explain_no_criteria(parsed))
    criteria.absences[:0] = builder.absences
    provenance_of_people = builder.build(grouping.evidence)
    eligibility = Eligibility(
        minimum_age=minimum,
        maximum_age=maximum,
        **fields,
        **provenance_of_people,
        groups=grouping.groups,
        criteria=criteria.values,
    )
    return describe_ages(eligibility, parsed.sections), criteria


def _resolve_ages(parsed: ParsedRecord, builder: ItemBuilder) -> dict[str, Read[Age]]:
    """Resolve the minimum and maximum age, keyed by field.

    An age that differs from the registered age never has high confidence. An age above ``OLDEST``
    is dropped as contradictory. Ages that exclude everybody are also dropped, unless the registry
    states them too. If no age was read and the rules found several alternatives, the age is
    ambiguous.
    """
    registered = read_registered_ages(parsed.record.registry)
    ages: dict[str, Read[Age]] = {}
    for name in AGES:
        age = builder.resolve_as(Age, name)
        is_empty = age.value is None and age.gap is None
        if is_empty and builder.draft.read(name).alternatives:
            age = replace(age, gap=AbsenceReason.AMBIGUOUS)
        # "aged 365" is a misread number
        if age.value and count_days(age.value) > OLDEST:
            age = _CONTRADICTORY
        if differs(age.value, registered[name]):
            age = age.limited(f"eligibility.{name}", UNLIKE)
        ages[name] = age
    low, high = (age.value for age in ages.values())
    if low is None or high is None:
        return ages
    excludes_all = count_days(low) >= count_days(high)
    if not excludes_all:
        return ages
    for name, age in ages.items():
        days = registered[name]
        # the registry shows which of the two ages is right
        is_registered = bool(days) and agrees(age.value, days)
        if not is_registered:
            ages[name] = _CONTRADICTORY
    return ages


def _explain_no_criteria(parsed: ParsedRecord) -> AbsenceReason:
    """Return the reason why an extraction does not contain any criteria.

    The reason is one of the following: a model did not answer a question about a line that may be
    a criterion, the structure of the text is uncertain for a reason other than its language, the
    record does not state criteria, or the record lacks sections that could state them.
    """
    for draft in parsed.criteria:
        is_answered = "stands" in draft.model
        if not is_answered and not draft.rules.stands.certain:
            return draft.gap("stands")
    # the text seems to contain criteria that the rules did not find
    if parsed.doubts and not parsed.foreign.texts:
        return AbsenceReason.NOT_ASKED
    if find_unread_people(parsed):
        return AbsenceReason.UNREAD_TEXT
    # only the eligibility section and the two descriptions state criteria
    if any(map(parsed.record.section, _SEARCHED[:3])):
        return AbsenceReason.NOT_REPORTED
    return AbsenceReason.SECTION_ABSENT


def assemble_endpoints(parsed: ParsedRecord) -> Assembled[Endpoint]:
    """Assemble one endpoint for each registered outcome, in record order.

    If there are no outcomes, an absence indicates whether the record has an outcome section.
    """
    assembled = Assembled[Endpoint](Task.ENDPOINTS)
    for draft in parsed.outcomes:
        builder = ItemBuilder(parsed, draft, assembled.path, ceiling=draft.ceiling)
        rank = draft.rules.rank.value
        index = draft.rules.index.value
        values = builder.add_fields(_ENDPOINT)
        provenance = builder.build()
        endpoint = Endpoint(rank=rank, index=index, **values, **provenance)
        assembled.add(endpoint, builder)
    if assembled.items:
        return assembled
    searched = list_outcome_sections(parsed)
    if parsed.record.source.format in PROSE_FORMATS:
        searched += tuple(name for name in DESCRIPTIONS if name in parsed.sections)
    reason = AbsenceReason.SECTION_ABSENT
    if searched:
        # the section is there, but states no outcome
        reason = AbsenceReason.NOT_REPORTED
    if find_unread_endpoint(parsed):
        reason = AbsenceReason.UNREAD_TEXT
    absence = Absence(field="endpoints", reason=reason, sections=searched)
    assembled.absences.append(absence)
    return assembled


def find_unread_people(parsed: ParsedRecord) -> Passage | None:
    """Return the first sentence that speaks of who takes part, in a text that comes from no
    registry and of which no criterion was read; otherwise None.
    """
    if parsed.record.source.format not in PROSE_FORMATS or parsed.doubts:
        return None
    if any(draft.rules.stands.value for draft in parsed.criteria):
        return None
    return find_people_words(parsed.sections)


def find_unread_endpoint(parsed: ParsedRecord) -> Passage | None:
    """Return the first sentence that speaks of an endpoint, in a text that comes from no registry
    and of which no endpoint was read; otherwise None.
    """
    if parsed.record.source.format not in PROSE_FORMATS or parsed.outcomes:
        return None
    from extractor.concepts.outcomes.stated import find_endpoint_words  # noqa: PLC0415 - few records are prose

    return find_endpoint_words(parsed.sections)


def list_outcome_sections(parsed: ParsedRecord) -> tuple[str, ...]:
    """Return the names of the sections with registered outcomes."""
    return tuple(name for name in parsed.sections if "_outcomes" in name)
