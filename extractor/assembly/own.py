"""Assemble the values of custom fields from patterns and from the model, with evidence and reasons
for missing values.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

from extractor.assembly.provenance import ItemBuilder
from extractor.concepts.own.attributes import find_root, nest
from extractor.concepts.own.declaration import CustomField, Of
from extractor.confidence import CUSTOM, find_most
from extractor.evidence.drafts import Draft, ModelResult, Reading
from extractor.evidence.items import OwnReadings, list_attribute_values
from extractor.evidence.parsed import ParsedRecord
from extractor.language.values import list_members
from extractor.schemas import (
    Absence,
    AbsenceReason,
    CustomItem,
    ExtractedItem,
    FieldRef,
    Origin,
    Support,
)
from extractor.schemas.extraction import CustomItems


def assemble_own(
    parsed: ParsedRecord,
    result: ModelResult,
    fields: Sequence[CustomField],
    items: Sequence[tuple[str, ExtractedItem, Draft]],
) -> tuple[CustomItems, list[Absence]]:
    """Return the values of the fields, keyed by name, and the absences of empty fields.

    A field can have values for each item whose text mentions it, or for the whole record. If the
    field allows several values, all claims are kept; otherwise, one is chosen. An absence is added
    for each place without a value and for each attribute that a value lacks. A field that no item
    or section mentions is not reported.

    Args:
        parsed: The readings of the rules and the patterns.
        result: A model's answers about the record.
        fields: The declarations of the user's fields.
        items: The criteria, regimens and endpoints of the extraction, which can have values for
            custom fields, with their paths and drafts.
    """
    values: CustomItems = {}
    absences: list[Absence] = []

    def explain(field: str, reason: AbsenceReason, sections: Iterable[str]) -> None:
        searched = tuple(dict.fromkeys(sections))
        absences.append(Absence(field=field, reason=reason, sections=searched))

    for field in fields:
        custom = f"custom.{field.name}"
        places = _list_searched_places(field, parsed, result, items)
        mentioned = [
            place for place in places if any(map(field.is_mentioned_in, place.texts))
        ]
        if not mentioned:
            sections = chain.from_iterable(place.searched for place in places)
            explain(custom, AbsenceReason.NOT_REPORTED, sections)
        found: list[CustomItem] = []
        for path, draft, searched, _, asked in mentioned:
            claims = _list_claims(field, draft)
            if not claims:
                reason = _explain(field.name, draft, asked)
                explain(f"{path}.{custom}".removeprefix("."), reason, searched)
            for claim in claims:
                item = _build_item(parsed, path, draft, claim)
                for name in field.list_missing(item.values):
                    reason = _explain(field.name, draft, asked, FieldRef(name).path)
                    place = f"{custom}[{len(found)}].values.{name}"
                    explain(place, reason, (piece.section for piece in item.evidence))
                found.append(item)
        values[field.name] = tuple(found)
    return values, absences


class _FieldPlace(NamedTuple):
    """A place where a field may have values: an item with its ``path``, or the whole record, whose
    path is empty.

    Attributes:
        path: The path of the item.
        draft: Its draft.
        searched: The names of the sections that were searched.
        texts: The texts that may mention the field.
        asked: The drafts that a model was asked about.
    """

    path: str
    draft: Draft
    searched: Sequence[str]
    texts: Iterable[str]
    asked: Sequence[Draft]


def _list_searched_places(
    field: CustomField,
    parsed: ParsedRecord,
    result: ModelResult,
    items: Sequence[tuple[str, ExtractedItem, Draft]],
) -> list[_FieldPlace]:
    """Return the places where a field may have values: the items of its group, or the record."""
    if field.of is not Of.RECORD:
        return [
            _FieldPlace(path, draft, [draft.span.section], [draft.chunk.text], [draft])
            for path, _, draft in items
            if draft.group == field.group.of
        ]
    sections = list(filter(field.searches, parsed.sections))
    texts = [parsed.sections[name].raw for name in sections]
    # a field of the record may be stated on any line, and the model is asked line by line
    return [_FieldPlace("", parsed.whole, sections, texts, result.drafts)]


def _explain(
    name: str, draft: Draft, asked_drafts: Sequence[Draft], attribute: str = ""
) -> AbsenceReason:
    """Return the reason why a place does not have a value for a field or, if given, its
    ``attribute``.

    The reason is the first of these that applies: the budget was spent; an answer was rejected;
    the model answered that there is no value (``not_reported``); or the model did not answer or
    was not asked (``not_asked``). A field whose patterns do not match is also ``not_asked``, since
    patterns may be incomplete. ``asked_drafts`` contains the drafts that a model was asked about.
    """
    reason = draft.gap(name)
    if reason is AbsenceReason.BUDGET_EXHAUSTED:
        return reason
    if any(answered.objects_to(name, attribute) for answered in asked_drafts):
        return AbsenceReason.UNSUPPORTED_ANSWER
    # an empty answer of a model says that nothing is stated
    if name in draft.model:
        return AbsenceReason.NOT_REPORTED
    return reason


def _build_item(
    parsed: ParsedRecord, path: str, draft: Draft, claim: OwnReadings
) -> CustomItem:
    """Return a claim as a value of the extraction, with the evidence of its attributes. The
    value's support is the weakest support among its attributes.
    """
    builder = ItemBuilder(parsed, draft, path, searched=())
    values = {
        name: builder.add(f"values.{name}", reading) for name, reading in claim.items()
    }
    proven = builder.build()
    return CustomItem(of=path or None, values=nest(values), calibrated=False, **proven)


def _list_claims(field: CustomField, draft: Draft) -> list[OwnReadings]:
    """Return the claims about a field, without duplicates: for a field with several values, the
    claims from both the model and the patterns; otherwise, the best claim from the model or, if
    the model made none, from the patterns.

    A claim made by both the model and the patterns is taken from the model. A claim from the
    patterns has a lower confidence if a model was asked about the line and did not make the same
    claim.
    """
    drafts = draft.custom_values.get(field.name, ())
    by_rules = [custom.rules for custom in drafts if custom.rules]
    read = list(map(list_attribute_values, by_rules))
    claims = [
        _rate(custom.model, is_read=list_attribute_values(custom.model) in read)
        for custom in drafts
        if custom.model
    ]
    # the answer of a model takes precedence over a pattern
    is_answered = bool(claims)
    if field.many or not is_answered:
        is_skipped = draft.is_skipped and field.name in draft.questions
        # the model read the same words, but did not find the value there
        if is_skipped or field.name in draft.model:
            by_rules = [_limit(claim, "unconfirmed") for claim in by_rules]
        claims += by_rules
    distinct: dict[str, OwnReadings] = {}
    for claim in claims:
        distinct.setdefault(repr(list_attribute_values(claim)), claim)
    if field.many or not claims:
        return list(distinct.values())
    return [_choose(list(distinct.values()))]


def _rate(claim: OwnReadings, *, is_read: bool) -> OwnReadings:
    """Return a model's claim with its final confidences, which are higher if the patterns read the
    same values (``is_read``) and lower for values that are inferred.
    """
    sure = find_most(CUSTOM, "agreed")
    rated: dict[str, Reading[object]] = {}
    for name, reading in claim.items():
        if is_read:
            agreed = reading.with_confidence(sure)
            rated[name] = replace(agreed, origin=Origin.BOTH)
        elif reading.support is Support.INFERRED:
            rated[name] = reading.limited(CUSTOM, "inferred")
        else:
            rated[name] = reading.limited(CUSTOM, "answered")
    return rated


def _limit(claim: OwnReadings, feature: str) -> OwnReadings:
    """Return a claim that is no surer than a feature allows."""
    return {name: reading.limited(CUSTOM, feature) for name, reading in claim.items()}


def _choose(claims: Sequence[OwnReadings]) -> OwnReadings:
    """Return the best claim for a field with a single value: the first of the claims with the most
    values, supplemented with attributes that only other claims have.

    If another claim contradicts it, it is disputed. Lists contradict each other if each has a
    member that the other lacks; other values contradict each other if they differ.
    """
    best = max(claims, key=_count_values)
    chosen = dict(best)
    known = _list_distinct(best)
    is_disputed = False
    for claim in claims:
        members = _list_distinct(claim)
        added = members.keys() - known
        chosen |= {path: claim[path] for path in claim if find_root(path) in added}
        for name, values in members.items():
            stated = known.setdefault(name, values)
            # one claim may list more members than another without contradicting it
            if not (values <= stated or stated <= values):
                is_disputed = True
    if is_disputed:
        return _limit(chosen, "disputed")
    return chosen


def _list_distinct(claim: OwnReadings) -> dict[str, set[str]]:
    """Return the distinct members of each attribute, or its single value, in written form."""
    values = nest(list_attribute_values(claim))
    return {name: set(map(repr, list_members(value))) for name, value in values.items()}


def _count_values(claim: OwnReadings) -> int:
    return sum(len(reading.list_values()) for reading in claim.values())
