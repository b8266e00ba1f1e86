"""Assemble the values of users' fields: those of the patterns and of the model, with evidence
and reasons for gaps.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from extractor.concepts.own.declaration import CustomField, Of
from extractor.concepts.provenance import Assembled, ItemBuilder
from extractor.concepts.resolve import UNCONFIRMED
from extractor.evidence.drafts import RECORD, Draft, ModelResult, Reading, find_weakest
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

Claim = Mapping[str, Reading[Any]]
"""What is said of a field at one place, by attribute."""


class Place(NamedTuple):
    """An item that has a field: its path, None for the record; its draft; and the sections that
    were searched.
    """

    path: str | None
    draft: Draft
    sections: tuple[str, ...]

    def name(self, field: CustomField) -> str:
        """Return where absences say that the field is empty."""
        return f"{self.path}.custom.{field.name}" if self.path else f"custom.{field.name}"


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
        for place in places:
            claims = list(_list_claims(field, place.draft))
            chosen = _unite(claims, in_record=place.path is None) if field.many else _choose(claims)
            items += [_build_item(parsed, field, place, claim) for claim in chosen]
            if not chosen:
                reason = _explain(field, place.draft, parsed, result)
                absences.append(
                    Absence(field=place.name(field), reason=reason, sections=place.sections)
                )
        if not places:
            absences.append(
                Absence(field=f"custom.{field.name}", reason=AbsenceReason.NOT_REPORTED)
            )
        own[field.name] = tuple(items)
    return own, absences


def _list_places(
    field: CustomField, parsed: ParsedRecord, assembled: Sequence[Assembled[Any]]
) -> Iterator[Place]:
    if field.of is Of.RECORD:
        yield Place(None, parsed.whole, tuple(filter(field.may_stand_in, parsed.sections)))
        return
    for path, item, draft in (one for each in assembled for one in each.items):
        is_host = draft.group == field.group.of
        if is_host and field.may_be_in(draft.chunk.text) and field.applies(item.value_of):
            yield Place(path, draft, (draft.span.section,))


def _build_item(parsed: ParsedRecord, field: CustomField, place: Place, claim: Claim) -> CustomItem:
    builder = ItemBuilder(parsed, place.draft, place.path or "", searched=())
    values = {name: builder.add(f"values.{name}", reading) for name, reading in claim.items()}
    proven = builder.build()
    counted = field.confidence.get(_weakest_of(claim))
    own = {
        "origin": proven["origin"] or Origin.MODEL,
        "support": find_weakest(piece.support for piece in proven["evidence"]),
        "calibrated": all(
            (one.origin, one.confidence) == (Origin.MODEL, counted) for one in claim.values()
        ),
    }
    return CustomItem(of=place.path, values=values, **proven | own)


def _list_claims(field: CustomField, draft: Draft) -> Iterator[Claim]:
    """Yield the model's claims, else those of the patterns; of a field that may have several,
    both.
    """
    said = draft.own.get(field.name, ())
    by_patterns = [one.rules for one in said if one.rules]
    by_model = [one.model for one in said if one.model]
    for claim in by_model:
        yield _rate(field, claim, by_patterns)
    if by_model and not field.many:
        return
    most = 1.0
    if field.name in draft.model:
        most = _LEFT_OUT
    elif draft.is_skipped and field.name in draft.asked:
        most = UNCONFIRMED
    answered = [_values_of(claim) for claim in by_model]
    for claim in by_patterns:
        if _values_of(claim) not in answered:
            yield _limit(claim, most)


def _rate(field: CustomField, claim: Claim, by_patterns: Sequence[Claim]) -> Claim:
    """Return a model's claim with its confidence: higher if the patterns say the same."""
    agreed = next((one for one in by_patterns if _values_of(one) == _values_of(claim)), None)
    if agreed:
        sure = max(_AGREED, min(reading.confidence for reading in agreed.values()))
        return {
            name: replace(one, confidence=sure, origin=Origin.BOTH) for name, one in claim.items()
        }
    counted = field.confidence.get(_weakest_of(claim))
    if counted is not None:
        return {name: replace(one, confidence=counted) for name, one in claim.items()}
    return {name: replace(one, confidence=PRIORS[one.support]) for name, one in claim.items()}


def _weakest_of(claim: Claim) -> Support:
    return find_weakest(one.support for one in claim.values())


def _values_of(claim: Claim) -> dict[str, Any]:
    return {name: reading.value for name, reading in claim.items()}


def _limit(claim: Claim, most: float) -> Claim:
    return {name: replace(one, confidence=min(one.confidence, most)) for name, one in claim.items()}


def _unite(claims: Sequence[Claim], *, in_record: bool) -> list[Claim]:
    """Return each claim once. In a record, leave out claims that another one says with more
    words or attributes.
    """
    united: list[Claim] = []
    for claim in claims:
        values = _values_of(claim)
        if any(_covers(_values_of(one), values, in_record=in_record) for one in united):
            continue
        united = [
            one for one in united if not _covers(values, _values_of(one), in_record=in_record)
        ]
        united.append(claim)
    return united


def _covers(values: Mapping[str, Any], others: Mapping[str, Any], *, in_record: bool) -> bool:
    """Return whether some values say all that others say. In a record, a longer text says what
    is in it.
    """
    if not in_record:
        return values == others
    return all(_contains(values.get(name), other) for name, other in others.items())


def _contains(value: Any, other: Any) -> bool:
    if isinstance(value, str) and isinstance(other, str):
        whole, part = (f" {' '.join(text.split())} ".casefold() for text in (value, other))
        return part in whole
    return bool(value == other)


def _choose(claims: Sequence[Claim]) -> list[Claim]:
    """Of several claims, choose the one that says most, the first of equals, and add what others
    say besides.

    It is doubtful if another one contradicts it.
    """
    if not claims:
        return []
    best = max(claims, key=lambda one: sum(len(reading.list_values()) for reading in one.values()))
    chosen = dict(best)
    is_disputed = False
    for claim in claims:
        for name, reading in claim.items():
            if name in best and _contradict(best[name].value, reading.value):
                is_disputed = True
            chosen.setdefault(name, reading)
    return [_limit(chosen, _DISPUTED if is_disputed else 1.0)]


def _contradict(one: Any, other: Any) -> bool:
    """Return whether two values cannot both hold: of two lists, each has what the other lacks."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return any(value not in other for value in one) and any(value not in one for value in other)
    return bool(one != other)


def _explain(
    field: CustomField, draft: Draft, parsed: ParsedRecord, result: ModelResult
) -> AbsenceReason:
    """Say why a field is empty: no text mentions it, it was not asked, not answered, or its
    answer was refused.
    """
    is_record = draft.number == RECORD
    searched = filter(field.may_stand_in, parsed.sections)
    if is_record and not any(field.may_be_in(parsed.sections[name].raw) for name in searched):
        return AbsenceReason.NOT_REPORTED
    if draft.asked.get(field.name) is AbsenceReason.BUDGET_EXHAUSTED:
        return AbsenceReason.BUDGET_EXHAUSTED
    asked = result.drafts if is_record else [draft]
    if any(one.refuses(field.name) for one in asked):
        return AbsenceReason.UNSUPPORTED_ANSWER
    return AbsenceReason.NOT_REPORTED if field.name in draft.model else draft.gap(field.name)
