"""Assemble the values of users' fields: those of the patterns and of the model, with evidence
and reasons for gaps.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from extractor.concepts.own.declaration import CustomField, Of
from extractor.concepts.places import MODEL_CONFIDENCE
from extractor.concepts.provenance import Assembled, ItemBuilder
from extractor.concepts.resolve import UNCONFIRMED
from extractor.evidence.drafts import Draft, ModelResult, Reading, find_weakest
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
"""How sure a value is that patterns and model both read."""
_DISPUTED = 0.5
"""How sure a value is beside another one that contradicts it."""
_LEFT_OUT = 0.6
"""How sure a value of the patterns is that the model did not give."""


Claim = Mapping[str, Reading[Any]]
"""What is said of a field at one place, by attribute."""
Place = tuple[str | None, Draft]
"""An item that has a field: its path, None for the record, and its draft."""


def assemble_own(
    parsed: ParsedRecord,
    result: ModelResult,
    fields: Sequence[CustomField],
    assembled: Sequence[Assembled[Any]],
) -> tuple[dict[str, tuple[CustomItem, ...]], list[Absence]]:
    """Return the values of all fields by name, and why each empty field is empty.

    A field has values at each item that may have one, or at the record. Of a field with several
    values all claims are kept, else one is chosen. An absence is given for each place without a
    value, for each attribute that a value lacks, and for a field that no item of the record has.

    Args:
        parsed: What the rules and the patterns read.
        result: What a model said of the record.
        fields: The declarations of the user's fields.
        assembled: The criteria, regimens and endpoints of the extraction, which may have values.
    """
    own: dict[str, tuple[CustomItem, ...]] = {}
    absences: list[Absence] = []
    for field in fields:
        items: list[CustomItem] = []
        places = list(_list_places(field, parsed, assembled))
        for path, draft in places:
            claims = list(_list_claims(field, draft))
            chosen = _unite(claims, field) if field.many else _choose(claims)
            # the record's values are asked for chunk by chunk
            asked = [draft] if path else result.drafts
            for claim in chosen:
                path_of_value = f"custom.{field.name}[{len(items)}]"
                absences += _explain_attributes(
                    field, claim, path_of_value, draft, asked
                )
                items.append(_build_item(parsed, field, (path, draft), claim))
            if not chosen:
                absences.append(_explain_absence(field, (path, draft), parsed, result))
        if not places:
            absences.append(
                Absence(
                    field=f"custom.{field.name}",
                    reason=AbsenceReason.NOT_REPORTED,
                    sections=_list_sections(field, assembled),
                )
            )
        own[field.name] = tuple(items)
    return own, absences


def _list_places(
    field: CustomField, parsed: ParsedRecord, assembled: Sequence[Assembled[Any]]
) -> Iterator[Place]:
    """Yield where a field may have values: the record, or each item of the field's group whose
    text mentions the field and whose values meet the conditions of its declaration.
    """
    if field.of is Of.RECORD:
        yield None, parsed.whole
    for group in assembled:
        for path, _, draft in group.items:
            if draft.group != field.group.of:
                continue
            if field.may_be_in(draft.chunk.text):
                yield path, draft


def _list_sections(
    field: CustomField, assembled: Sequence[Assembled[Any]]
) -> tuple[str, ...]:
    """Return the sections of all items of the field's group, in their order: none of these items
    was one that the field is asked of.
    """
    sections: dict[str, None] = {}
    for group in assembled:
        for _, _, draft in group.items:
            if draft.group == field.group.of:
                sections[draft.span.section] = None
    return tuple(sections)


def _build_item(
    parsed: ParsedRecord, field: CustomField, place: Place, claim: Claim
) -> CustomItem:
    """Return a claim as a value of the extraction, with the evidence of its attributes.

    Its support is the weakest of them.
    """
    path, draft = place
    builder = ItemBuilder(parsed, draft, path or "", searched=())
    values: dict[str, Any] = {}
    for name, reading in claim.items():
        values[name] = builder.add(f"values.{name}", reading)
    proven = builder.build()
    proven["origin"] = proven["origin"] or Origin.MODEL
    proven["support"] = find_weakest(piece.support for piece in proven["evidence"])
    return CustomItem(of=path, values=values, calibrated=False, **proven)


def _list_claims(field: CustomField, draft: Draft) -> Iterator[Claim]:
    """Yield the model's claims, else those of the patterns; of a field with several values, both.

    A claim of the patterns is less sure if the model answered about the field without it, or
    skipped the line that it was asked about. A claim of both is the model's.
    """
    by_patterns: list[Claim] = []
    by_model: list[Claim] = []
    for own in draft.own.get(field.name, ()):
        if own.rules:
            by_patterns.append(own.rules)
        if own.model:
            by_model.append(own.model)
    for claim in by_model:
        yield _rate(claim, by_patterns)
    if by_model and not field.many:
        return
    most = 1.0
    if field.name in draft.model:
        most = _LEFT_OUT
    elif draft.is_skipped and field.name in draft.asked:
        most = UNCONFIRMED
    answered = list(map(_list_values, by_model))
    for claim in by_patterns:
        if _list_values(claim) not in answered:
            yield _limit(claim, most)


def _rate(claim: Claim, by_patterns: Sequence[Claim]) -> Claim:
    """Return a model's claim with its confidences: ``_AGREED`` if the patterns say the same.

    Else each value has the prior of its support, but is no surer than its place in the text allows.
    """
    is_agreed = _list_values(claim) in map(_list_values, by_patterns)
    rated: dict[str, Reading[Any]] = {}
    for name, reading in claim.items():
        if is_agreed:
            rated[name] = replace(reading, confidence=_AGREED, origin=Origin.BOTH)
            continue
        confidence = PRIORS[reading.support]
        # a place that leaves a doubt has lowered the confidence already
        if reading.confidence < MODEL_CONFIDENCE:
            confidence = min(confidence, reading.confidence)
        rated[name] = replace(reading, confidence=confidence)
    return rated


def _list_values(claim: Claim) -> dict[str, Any]:
    """Return the values of a claim by attribute, without where they stand and how sure they are."""
    return {name: reading.value for name, reading in claim.items()}


def _limit(claim: Claim, most: float) -> Claim:
    """Return a claim of which no value is surer than a limit."""
    limited: dict[str, Reading[Any]] = {}
    for name, reading in claim.items():
        confidence = min(reading.confidence, most)
        limited[name] = replace(reading, confidence=confidence)
    return limited


def _unite(claims: Sequence[Claim], field: CustomField) -> list[Claim]:
    """Return each claim of a field with several values once.

    Lines of a record repeat each other, so a claim of the record is left out, too, if another one
    says it with more words or attributes.
    """
    covers = _covers if field.of is Of.RECORD else dict.__eq__
    united: list[Claim] = []
    for claim in claims:
        values = _list_values(claim)
        if any(covers(_list_values(other), values) for other in united):
            continue
        united = [other for other in united if not covers(values, _list_values(other))]
        united.append(claim)
    return united


def _covers(values: dict[str, Any], others: dict[str, Any]) -> bool:
    """Return whether some values say all that others say.

    A text says what another text says if it has its words, in any case; all other values must be
    equal.
    """
    for name, other in others.items():
        value = values.get(name)
        if isinstance(value, str) and isinstance(other, str):
            if _fold(other) not in _fold(value):
                return False
        elif value != other:
            return False
    return True


def _fold(text: str) -> str:
    """Return the words of a text in lower case, with one space before and behind each: a text holds
    another one only as whole words.
    """
    words = " ".join(text.split())
    return f" {words} ".casefold()


def _choose(claims: Sequence[Claim]) -> list[Claim]:
    """Return the one value of a field, as a list; an empty list without claims.

    It is the claim with the most values, the first of equals, with the attributes that only other
    claims have. No value in it is surer than ``_DISPUTED`` if another claim contradicts it.
    """
    if not claims:
        return []
    best = max(claims, key=_count_values)
    chosen = dict(best)
    most = 1.0
    for claim in claims:
        for name, reading in claim.items():
            chosen.setdefault(name, reading)
            if name in best and _contradict(best[name].value, reading.value):
                most = _DISPUTED
    return [_limit(chosen, most)]


def _count_values(claim: Claim) -> int:
    return sum(len(reading.list_values()) for reading in claim.values())


def _contradict(first: Any, second: Any) -> bool:
    """Return whether two values cannot both hold: two lists if each has a member that the other
    lacks, other values if they differ.
    """
    if not isinstance(first, tuple) or not isinstance(second, tuple):
        return bool(first != second)
    first_adds = any(value not in second for value in first)
    second_adds = any(value not in first for value in second)
    return first_adds and second_adds


def _explain_attributes(
    field: CustomField,
    claim: Claim,
    path: str,
    draft: Draft,
    asked: Sequence[Draft],
) -> Iterator[Absence]:
    """Yield why attributes are missing from a value.

    A model's value for it was refused; the model answered about the field without it; else why the field has no answer of a model. The sections
    are those in which the value's other attributes stand.

    Args:
        field: The field.
        claim: The value, by attribute.
        path: The place of the value: ``custom.blinding[0]``.
        draft: The item that has the value.
        asked: What a model was asked about the field: the item, or the lines of a record.
    """
    is_by_model = any(reading.origin is not Origin.RULE for reading in claim.values())
    sections: dict[str, None] = {}
    for reading in claim.values():
        for span in reading.spans:
            sections[span.section] = None
    for attribute in field.attributes:
        name = attribute.name
        if name in claim:
            continue
        reason = draft.gap(field.name)
        if any(answered.refuses(field.name, name) for answered in asked):
            reason = AbsenceReason.UNSUPPORTED_ANSWER
        elif is_by_model or field.name in draft.model:
            reason = AbsenceReason.NOT_REPORTED
        yield Absence(
            field=f"{path}.values.{name}", reason=reason, sections=tuple(sections)
        )


def _explain_absence(
    field: CustomField, place: Place, parsed: ParsedRecord, result: ModelResult
) -> Absence:
    """Say why an item or the record has no value of a field.

    In this order: no text of the record mentions the field, the budget was spent, an answer was
    refused, the model answered that there is none; else
    why the field has no answer of a model.
    """
    path, draft = place
    field_path = f"custom.{field.name}"
    if path is None:
        searched = tuple(filter(field.may_stand_in, parsed.sections))
        asked: Sequence[Draft] = result.drafts
        is_mentioned = any(
            field.may_be_in(parsed.sections[name].raw) for name in searched
        )
    else:
        field_path = f"{path}.{field_path}"
        searched = (draft.span.section,)
        asked = [draft]
        # only items whose text mentions the field have a place for it
        is_mentioned = True
    reason = draft.gap(field.name)
    if not is_mentioned:
        reason = AbsenceReason.NOT_REPORTED
    elif draft.asked.get(field.name) is AbsenceReason.BUDGET_EXHAUSTED:
        reason = AbsenceReason.BUDGET_EXHAUSTED
    elif any(answered.refuses(field.name) for answered in asked):
        reason = AbsenceReason.UNSUPPORTED_ANSWER
    elif field.name in draft.model:
        reason = AbsenceReason.NOT_REPORTED
    return Absence(field=field_path, reason=reason, sections=searched)
