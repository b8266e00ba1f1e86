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
"""The confidence of a model's value without gold of the user's own, by how it follows from its
words.
"""
_AGREED = 0.95
"""How sure a value is that patterns and model both read."""
_DISPUTED = 0.5
"""How sure a value is beside another one that contradicts it."""
_LEFT_OUT = 0.6
"""How sure a value of the patterns is that the model did not give."""

_UNREAD = {AbsenceReason.NOT_ASKED: AbsenceReason.UNREAD_NUMBER}
"""Why a field is empty for which patterns found a number or date that is none."""

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
    """Return the values of all fields by name, and why each empty field is empty."""
    own: dict[str, tuple[CustomItem, ...]] = {}
    absences: list[Absence] = []
    for field in fields:
        items: list[CustomItem] = []
        places = list(_list_places(field, parsed, assembled))
        for path, draft in places:
            claims = list(_list_claims(field, draft))
            chosen = _unite(claims, field) if field.many else _choose(claims)
            for claim in chosen:
                # the record's values are asked for chunk by chunk
                asked = [draft] if path else result.drafts
                number = f"custom.{field.name}[{len(items)}]"
                absences += _explain_attributes(field, claim, number, draft, asked)
                items.append(_build_item(parsed, field, (path, draft), claim))
            if not chosen:
                absences.append(_explain(field, (path, draft), parsed, result))
        if not places:
            empty = Absence(
                field=f"custom.{field.name}", reason=AbsenceReason.NOT_REPORTED
            )
            absences.append(empty)
        own[field.name] = tuple(items)
    return own, absences


def _list_places(
    field: CustomField, parsed: ParsedRecord, assembled: Sequence[Assembled[Any]]
) -> Iterator[Place]:
    if field.of is Of.RECORD:
        yield None, parsed.whole
    for group in assembled:
        for path, item, draft in group.items:
            if draft.group != field.group.of:
                continue
            if field.may_be_in(draft.chunk.text) and field.applies(item.value_of):
                yield path, draft


def _build_item(
    parsed: ParsedRecord, field: CustomField, place: Place, claim: Claim
) -> CustomItem:
    path, draft = place
    builder = ItemBuilder(parsed, draft, path or "", searched=())
    values = {
        name: builder.add(f"values.{name}", reading) for name, reading in claim.items()
    }
    proven = builder.build()
    proven["origin"] = proven["origin"] or Origin.MODEL
    proven["support"] = find_weakest(piece.support for piece in proven["evidence"])
    is_calibrated = _is_calibrated(field, claim)
    return CustomItem(of=path, values=values, calibrated=is_calibrated, **proven)


def _is_calibrated(field: CustomField, claim: Claim) -> bool:
    """Return whether all confidences of a claim come from gold of the user's own."""
    counted = field.confidence.get(_find_support(claim))
    for reading in claim.values():
        if reading.origin is not Origin.MODEL or reading.confidence != counted:
            return False
    return True


def _list_claims(field: CustomField, draft: Draft) -> Iterator[Claim]:
    """Yield the model's claims, else those of the patterns; of a field with several, both."""
    by_patterns: list[Claim] = []
    by_model: list[Claim] = []
    for own in draft.own.get(field.name, ()):
        if own.rules:
            by_patterns.append(own.rules)
        if own.model:
            by_model.append(own.model)
    for claim in by_model:
        yield _rate(field, claim, by_patterns)
    if by_model and not field.many:
        return
    most = 1.0
    if field.name in draft.model:
        most = _LEFT_OUT
    elif draft.is_skipped and field.name in draft.asked:
        most = UNCONFIRMED
    answered = list(map(_read, by_model))
    for claim in by_patterns:
        if _read(claim) not in answered:
            yield _limit(claim, most)


def _rate(field: CustomField, claim: Claim, by_patterns: Sequence[Claim]) -> Claim:
    """Return a model's claim with its confidence: higher if the patterns say the same."""
    if _read(claim) in map(_read, by_patterns):
        return {
            name: replace(reading, confidence=_AGREED, origin=Origin.BOTH)
            for name, reading in claim.items()
        }
    counted = field.confidence.get(_find_support(claim))
    return {
        name: replace(reading, confidence=_limit_by_place(reading, counted))
        for name, reading in claim.items()
    }


def _limit_by_place(reading: Reading[Any], counted: float | None) -> float:
    """Return the confidence of a value, no higher than its place in the text allows."""
    sure = counted or PRIORS[reading.support]
    is_doubted = reading.confidence < MODEL_CONFIDENCE
    return min(sure, reading.confidence) if is_doubted else sure


def _find_support(claim: Claim) -> Support:
    return find_weakest(reading.support for reading in claim.values())


def _read(claim: Claim) -> dict[str, Any]:
    return {name: reading.value for name, reading in claim.items()}


def _limit(claim: Claim, most: float) -> Claim:
    return {
        name: replace(reading, confidence=min(reading.confidence, most))
        for name, reading in claim.items()
    }


def _unite(claims: Sequence[Claim], field: CustomField) -> list[Claim]:
    """Return each claim once.

    Lines of a record repeat each other, so a claim of the record is left out, too, if another one
    says it with more words or attributes.
    """
    covers = _covers if field.of is Of.RECORD else dict.__eq__
    united: list[Claim] = []
    for claim in claims:
        values = _read(claim)
        if any(covers(_read(other), values) for other in united):
            continue
        united = [other for other in united if not covers(values, _read(other))]
        united.append(claim)
    return united


def _covers(values: dict[str, Any], others: dict[str, Any]) -> bool:
    """Return whether some values say all that others say; a longer text says what is in it."""
    for name, other in others.items():
        value = values.get(name)
        if isinstance(value, str) and isinstance(other, str):
            if f" {_fold(other)} " not in f" {_fold(value)} ":
                return False
        elif value != other:
            return False
    return True


def _fold(text: str) -> str:
    return " ".join(text.split()).casefold()


def _choose(claims: Sequence[Claim]) -> list[Claim]:
    """Of several claims, choose the one that says most, the first of equals, and add what others
    say besides.

    It is doubtful if another one contradicts it.
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
    """Return whether two values cannot both hold: of two lists, each has what the other lacks."""
    if not isinstance(first, tuple) or not isinstance(second, tuple):
        return bool(first != second)
    only_first = [value for value in first if value not in second]
    only_second = [value for value in second if value not in first]
    return bool(only_first and only_second)


def _explain_attributes(
    field: CustomField,
    claim: Claim,
    path: str,
    draft: Draft,
    asked: Sequence[Draft],
) -> Iterator[Absence]:
    """Yield why attributes are missing from a value: refused, not stated, or nobody was asked."""
    is_by_model = any(reading.origin is not Origin.RULE for reading in claim.values())
    for attribute in field.attributes:
        name = attribute.name
        if name in claim:
            continue
        reason = draft.gap(field.name)
        if any(answered.refuses(field.name, name) for answered in asked):
            reason = AbsenceReason.UNSUPPORTED_ANSWER
        elif is_by_model or field.name in draft.model:
            reason = AbsenceReason.NOT_REPORTED
        elif draft.has_unread(field.name, name):
            reason = _UNREAD.get(reason, reason)
        sections = tuple(dict.fromkeys(_list_sections(claim)))
        yield Absence(field=f"{path}.values.{name}", reason=reason, sections=sections)


def _list_sections(claim: Claim) -> Iterator[str]:
    """Yield the sections in which the other attributes of a value stand."""
    for reading in claim.values():
        for span in reading.spans:
            yield span.section


def _explain(
    field: CustomField, place: Place, parsed: ParsedRecord, result: ModelResult
) -> Absence:
    """Say why a field is empty: no text mentions it, it was not asked, not answered, or its answer
    was refused.
    """
    path, draft = place
    where = f"{path}.custom.{field.name}" if path else f"custom.{field.name}"
    searched: tuple[str, ...] = (draft.span.section,)
    asked: Sequence[Draft] = [draft]
    is_mentioned = True
    if path is None:
        searched = tuple(filter(field.may_stand_in, parsed.sections))
        asked = result.drafts
        is_mentioned = any(
            field.may_be_in(parsed.sections[name].raw) for name in searched
        )
    reason = draft.gap(field.name)
    if not is_mentioned:
        reason = AbsenceReason.NOT_REPORTED
    elif draft.asked.get(field.name) is AbsenceReason.BUDGET_EXHAUSTED:
        reason = AbsenceReason.BUDGET_EXHAUSTED
    elif any(answered.refuses(field.name) for answered in asked):
        reason = AbsenceReason.UNSUPPORTED_ANSWER
    elif field.name in draft.model:
        reason = AbsenceReason.NOT_REPORTED
    elif draft.has_unread(field.name):
        reason = _UNREAD.get(reason, reason)
    return Absence(field=where, reason=reason, sections=searched)
