"""Assemble the values of custom fields: those of the patterns and of the model, with evidence
and reasons for gaps.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from extractor.concepts.own.declaration import CustomField, Of
from extractor.concepts.provenance import Assembled, ItemBuilder
from extractor.evidence.drafts import Draft, ModelResult, Reading
from extractor.evidence.parsed import ParsedRecord
from extractor.schemas import Absence, AbsenceReason, CustomItem, Origin, Support

_INFERRED = 0.85
"""The confidence of a model's value that is a conclusion from its words."""
_AGREED = 0.95
"""The confidence of a value that patterns and model agree on."""
_UNCONFIRMED = 0.6
"""The confidence of a value found by patterns but not by the model that was asked."""
_DISPUTED = 0.5
"""Confidence of a value beside another one that contradicts it."""

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
        assembled: The criteria, regimens and endpoints of the extraction: the items that can have
        values for custom fields.
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
            claims = _list_claims(field, draft)
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
        texts = (parsed.sections[name].raw for name in sections)
        whole = [("", parsed.whole)] if any(map(field.may_be_in, texts)) else []
        return whole, sections
    places: list[tuple[str, Draft]] = []
    sections = []
    for group in assembled:
        for path, _, draft in group.items:
            if draft.group == field.group.of:
                sections.append(draft.span.section)
                if field.may_be_in(draft.chunk.text):
                    places.append((path, draft))
    return places, sections


def _explain(
    name: str, draft: Draft, asked: Sequence[Draft], attribute: str = ""
) -> AbsenceReason:
    """Return why an item or the record has no value for a field or an attribute: the budget was
    spent, an answer was refused, or the model answered that there is none; otherwise, why the
    field has no answer from a model. ``asked`` is what a model was asked about the field.
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


def _list_claims(field: CustomField, draft: Draft) -> list[Claim]:
    """Return the model's claims, else those of the patterns; of a field with several values, both,
    each once.

    A claim of both is the model's. One of the patterns is less sure if a model was asked about the
    line and did not give it.
    """
    drafts = draft.own.get(field.name, ())
    by_rules = [own.rules for own in drafts if own.rules]
    read = list(map(_list_values, by_rules))
    claims: list[Claim] = []
    seen: list[Mapping[str, Any]] = []
    for own in drafts:
        values = _list_values(own.model)
        if values and values not in seen:
            seen.append(values)
            claims.append(_rate(own.model, is_read=values in read))
    if claims and not field.many:
        return claims
    is_skipped = draft.is_skipped and field.name in draft.asked
    most = _UNCONFIRMED if is_skipped or field.name in draft.model else 1.0
    for claim, values in zip(by_rules, read, strict=True):
        if values not in seen:
            seen.append(values)
            claims.append(_limit(claim, most))
    return claims


def _list_values(claim: Claim) -> dict[str, Any]:
    """Return the values of a claim by attribute, without where they are and how sure they are."""
    return {name: reading.value for name, reading in claim.items()}


def _rate(claim: Claim, *, is_read: bool) -> Claim:
    """Return a model's claim with its confidence: no value is more certain than its support and
    its place in the text allow, unless the patterns read the same (``is_read``).
    """
    rated: dict[str, Reading[Any]] = {}
    for name, reading in claim.items():
        rated[name] = reading
        if is_read:
            rated[name] = replace(reading, confidence=_AGREED, origin=Origin.BOTH)
        elif reading.support is Support.INFERRED:
            rated[name] = reading.at_most(_INFERRED)
    return rated


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
