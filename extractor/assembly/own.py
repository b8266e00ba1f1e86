"""Assemble the values of custom fields: those of the patterns and of the model, with evidence
and reasons for gaps.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from extractor.concepts.own.declaration import CustomField, Of
from extractor.concepts.places import MODEL_CONFIDENCE
from extractor.concepts.provenance import Assembled, ItemBuilder
from extractor.concepts.resolve import UNCONFIRMED
from extractor.evidence.drafts import Draft, ModelResult, Reading
from extractor.evidence.parsed import ParsedRecord
from extractor.schemas import Absence, AbsenceReason, CustomItem, Origin, Support

PRIORS: Mapping[Support, float] = {
    Support.LITERAL: 0.9,
    Support.PARSED: 0.9,
    Support.INFERRED: 0.85,
    Support.UNSUPPORTED: 0.6,
}
"""The confidence of a model's value, by how it follows from its words."""
_AGREED = 0.95
"""The confidence of a value that patterns and model agree on."""
_DISPUTED = 0.5
"""Confidence of a value beside another one that contradicts it."""
_LEFT_OUT = 0.6
"""The confidence of a value found by patterns but not by the model."""

Claim = Mapping[str, Reading[Any]]
"""What is stated about a field at one place, by attribute."""


def assemble_own(
    parsed: ParsedRecord,
    result: ModelResult,
    fields: Sequence[CustomField],
    assembled: Sequence[Assembled[Any]],
) -> tuple[dict[str, tuple[CustomItem, ...]], list[Absence]]:
    """Return the values of all fields by name, and why each empty field is empty.

    A field has values at each item whose text mentions it, or at the record. Of a field with
    several values all claims are kept, else one is chosen. An absence is given for each place
    without a value, for each attribute that a value lacks, and for a field that no item mentions.

    Args:
        parsed: What the rules and the patterns read.
        result: A model's answers about the record.
        fields: The declarations of the user's fields.
        assembled: The criteria, regimens and endpoints of the extraction, which may have values.
    """
    own: dict[str, tuple[CustomItem, ...]] = {}
    absences: list[Absence] = []

    def explain(field: str, reason: AbsenceReason, sections: Iterable[str]) -> None:
        searched = tuple(dict.fromkeys(sections))
        absences.append(Absence(field=field, reason=reason, sections=searched))

    for field in fields:
        custom = f"custom.{field.name}"
        places, sections = _find_places(field, parsed, assembled)
        if not places:
            explain(custom, AbsenceReason.NOT_REPORTED, sections)
        items: list[CustomItem] = []
        for path, draft in places:
            claims = list(_list_claims(field, draft))
            # the record's values are asked for line by line
            asked = [draft] if path else result.drafts
            if not claims:
                reason = _explain(field.name, draft, asked)
                searched = (draft.span.section,) if path else sections
                explain(f"{path}.{custom}".removeprefix("."), reason, searched)
            for claim in claims if field.many else _choose(claims):
                item = _build_item(parsed, path, draft, claim)
                for name in field.list_missing(claim):
                    reason = _explain(field.name, draft, asked, name)
                    place = f"{custom}[{len(items)}].values.{name}"
                    explain(place, reason, (piece.section for piece in item.evidence))
                items.append(item)
        own[field.name] = tuple(items)
    return own, absences


def _find_places(
    field: CustomField, parsed: ParsedRecord, assembled: Sequence[Assembled[Any]]
) -> tuple[list[tuple[str, Draft]], list[str]]:
    """Return where a field may have values, and the sections that were searched.

    The places are the items of the field's group whose text mentions it, each with its path, or
    the record, without a path.
    """
    if field.of is Of.RECORD:
        sections = list(filter(field.may_stand_in, parsed.sections))
        is_mentioned = any(
            field.may_be_in(parsed.sections[one].raw) for one in sections
        )
        return [("", parsed.whole)] if is_mentioned else [], sections
    items = [
        (path, draft)
        for group in assembled
        for path, _, draft in group.items
        if draft.group == field.group.of
    ]
    places = [item for item in items if field.may_be_in(item[1].chunk.text)]
    return places, [draft.span.section for _, draft in items]


def _explain(
    name: str, draft: Draft, asked: Sequence[Draft], attribute: str = ""
) -> AbsenceReason:
    """Return why an item or the record has no value of a field, or of an attribute: the budget was
    spent, an answer was refused, the model answered that there is none; otherwise why the
    field has no answer of a model. ``asked`` is what a model was asked about the field.
    """
    reason = draft.gap(name)
    if reason is AbsenceReason.BUDGET_EXHAUSTED:
        return reason
    if any(answered.refuses(name, attribute) for answered in asked):
        return AbsenceReason.UNSUPPORTED_ANSWER
    return AbsenceReason.NOT_REPORTED if name in draft.model else reason


def _build_item(
    parsed: ParsedRecord, path: str, draft: Draft, claim: Claim
) -> CustomItem:
    """Return a claim as a value of the extraction, with the evidence of its attributes, and as
    weakly supported as the weakest of them.
    """
    builder = ItemBuilder(parsed, draft, path, searched=())
    values = {
        name: builder.add(f"values.{name}", reading) for name, reading in claim.items()
    }
    proven = builder.build()
    return CustomItem(of=path or None, values=values, calibrated=False, **proven)


def _list_claims(field: CustomField, draft: Draft) -> Iterator[Claim]:
    """Yield the model's claims, else those of the patterns; of a field with several values, both,
    each once.

    A model's value has the prior of its support, but is no more certain than its place in the text
    allows. A claim of both is the model's. One of the patterns is less sure if the model answered
    about the field without it, or skipped the line that it was asked about.
    """
    drafts = draft.own.get(field.name, ())
    read = [_list_values(own.rules) for own in drafts]
    seen: list[Mapping[str, Any]] = []
    for own in drafts:
        values = _list_values(own.model)
        if not values or values in seen:
            continue
        seen.append(values)
        claim: dict[str, Reading[Any]] = {}
        for name, reading in own.model.items():
            sure = PRIORS[reading.support]
            # a place that leaves a doubt has lowered the confidence already
            if reading.confidence < MODEL_CONFIDENCE:
                sure = min(sure, reading.confidence)
            claim[name] = replace(reading, confidence=sure)
            if values in read:
                claim[name] = replace(reading, confidence=_AGREED, origin=Origin.BOTH)
        yield claim
    most = 1.0
    if field.name in draft.model:
        most = _LEFT_OUT
    elif draft.is_skipped and field.name in draft.asked:
        most = UNCONFIRMED
    is_answered = bool(seen) and not field.many
    for own in () if is_answered else drafts:
        values = _list_values(own.rules)
        if values and values not in seen:
            seen.append(values)
            yield _limit(own.rules, most)


def _list_values(claim: Claim) -> dict[str, Any]:
    """Return the values of a claim by attribute, without where they are and how sure they are."""
    return {name: reading.value for name, reading in claim.items()}


def _limit(claim: Claim, most: float) -> Claim:
    """Return a claim of which no value is more certain than a limit."""
    return {name: reading.at_most(most) for name, reading in claim.items()}


def _choose(claims: Sequence[Claim]) -> list[Claim]:
    """Return the one value of a field, as a list; an empty list without claims.

    It is the claim with the most values, the first of equals, with the attributes that only other
    claims have. No value in it is more certain than ``_DISPUTED`` if another claim contradicts
    it: two lists if each has a member that the other lacks, other values if they differ.
    """
    if not claims:
        return []
    best = max(claims, key=_count_values)
    chosen = dict(best)
    most = 1.0
    for claim in claims:
        for name, reading in claim.items():
            known = chosen.setdefault(name, reading)
            values = set(reading.list_values())
            others = set(known.list_values())
            if name in best and not (values <= others or others <= values):
                most = _DISPUTED
    return [_limit(chosen, most)]


def _count_values(claim: Claim) -> int:
    return sum(len(reading.list_values()) for reading in claim.values())
