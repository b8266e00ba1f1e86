"""Assemble the values of users' fields: those of the rules and of the model, with evidence and
reasons for gaps.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from extractor.assembly.findings import cite, inform
from extractor.concepts.limits.number_units import has_unit
from extractor.concepts.limits.rows import find_numbers
from extractor.concepts.own.declaration import CustomField, Of
from extractor.concepts.places import cut, locate
from extractor.concepts.provenance import Assembled, ItemBuilder
from extractor.concepts.resolve import UNCONFIRMED
from extractor.evidence.drafts import RECORD, Draft, ModelResult, Reading, Span, find_weakest
from extractor.evidence.parsed import ParsedRecord
from extractor.schemas import (
    Absence,
    AbsenceReason,
    CustomItem,
    Finding,
    FindingKind,
    Origin,
    Severity,
    Support,
)

PRIORS: Mapping[Support, float] = {
    Support.LITERAL: 0.9,
    Support.PARSED: 0.9,
    Support.INFERRED: 0.85,
    Support.UNSUPPORTED: 0.6,
    Support.UNPROVEN: 0.5,
}
"""The confidence of a model's value without gold of the user's own, by how it follows from its
words.
"""
_AGREED = 0.95
_DISPUTED = 0.5
_LEFT_OUT = 0.6
"""The same where rules and model say the same, where one record says two things, and where the
model says nothing.
"""


Claim = Mapping[str, Reading[Any]]
"""What is said of a field at one place, by attribute."""


def assemble_own(
    parsed: ParsedRecord,
    result: ModelResult,
    fields: Sequence[CustomField],
    assembled: Sequence[Assembled[Any]],
) -> tuple[dict[str, tuple[CustomItem, ...]], list[Absence], list[Finding]]:
    """Return the values of all fields by name, why each empty field is empty, and what the rules
    may have missed.
    """
    own: dict[str, tuple[CustomItem, ...]] = {}
    absences: list[Absence] = []
    findings: list[Finding] = []
    for field in fields:
        found: list[CustomItem] = []
        searched = tuple(filter(field.may_stand_in, parsed.sections))
        places: list[tuple[str | None, Draft, tuple[str, ...]]] = [(None, parsed.whole, searched)]
        if field.of is not Of.RECORD:
            places = [
                (path, draft, (draft.span.section,))
                for each in assembled
                for path, item, draft in each.items
                if draft.group == field.group.of
                if field.may_be_in(draft.chunk.text) and field.applies(item.value_of)
            ]
        for path, draft, sections in places:
            place = f"{path}.custom.{field.name}" if path else f"custom.{field.name}"
            claims = list(_list_claims(field, draft))
            chosen = _unite(claims, in_record=path is None) if field.many else _choose(claims)
            if field.many and field.name not in draft.model:
                findings += _report_others(parsed, field, place, chosen)
            for claim in chosen:
                builder = ItemBuilder(parsed, draft, path or "", searched=())
                found.append(_build_item(builder, field, path, claim))
            if not chosen:
                absences.append(
                    Absence(
                        field=place,
                        reason=_explain(field, draft, parsed, result),
                        sections=sections,
                    )
                )
        if not places:
            absences.append(
                Absence(field=f"custom.{field.name}", reason=AbsenceReason.NOT_REPORTED)
            )
        own[field.name] = tuple(found)
    return own, absences, findings


def _build_item(
    builder: ItemBuilder, field: CustomField, path: str | None, claim: Claim
) -> CustomItem:
    values = {name: builder.add(f"values.{name}", reading) for name, reading in claim.items()}
    proven = builder.build()
    supports = [piece.support for piece in proven["evidence"]]
    # a judgement without words
    supports += [reading.support for reading in claim.values() if not reading.spans]
    counted = field.confidence.get(find_weakest(one.support for one in claim.values()))
    own = {
        "origin": proven["origin"] or Origin.MODEL,
        "support": find_weakest(supports),
        "calibrated": all(
            (one.origin, one.confidence) == (Origin.MODEL, counted) for one in claim.values()
        ),
    }
    return CustomItem(of=path, values=values, **proven | own)


def _list_claims(field: CustomField, draft: Draft) -> Iterator[Claim]:
    """Yield the model's claims, else those of the rules; of a field that may have several, both."""
    said = draft.own.get(field.name, ())
    by_rules = [one.rules for one in said if one.rules]
    claims = [one.model for one in said if one.model]
    for claim in claims:
        agreed = [one for one in by_rules if _values_of(one) == _values_of(claim)]
        if agreed:
            sure = max(_AGREED, min(reading.confidence for reading in agreed[0].values()))
            yield {
                name: replace(one, confidence=sure, origin=Origin.BOTH)
                for name, one in claim.items()
            }
        else:
            counted = field.confidence.get(find_weakest(one.support for one in claim.values()))
            sures = {
                name: PRIORS[one.support] if counted is None else counted
                for name, one in claim.items()
            }
            yield {name: replace(one, confidence=sures[name]) for name, one in claim.items()}
    most = 1.0
    if field.name in draft.model:
        most = _LEFT_OUT
    elif draft.is_skipped and field.name in draft.asked:
        most = UNCONFIRMED
    for one in by_rules if field.many or not claims else ():
        if all(_values_of(one) != _values_of(claim) for claim in claims):
            yield _limit(one, most)


def _values_of(claim: Claim) -> dict[str, Any]:
    return {name: reading.value for name, reading in claim.items()}


def _limit(claim: Claim, most: float) -> Claim:
    return {name: replace(one, confidence=min(one.confidence, most)) for name, one in claim.items()}


def _unite(claims: Sequence[Claim], *, in_record: bool) -> list[Claim]:
    """Return each claim once. In a record, leave out claims that another one says with more
    words or attributes.
    """
    said = list(map(_values_of, claims))

    def is_said_by(at: int, other: int) -> bool:
        covers = _says_no_more(said[at], said[other]) if in_record else said[at] == said[other]
        return covers and (other < at or not _says_no_more(said[other], said[at]))

    numbers = range(len(claims))
    return [
        claims[at]
        for at in numbers
        if not any(is_said_by(at, other) for other in numbers if other != at)
    ]


def _says_no_more(values: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether ``other`` has all of these values; a text counts as contained in a longer
    one.
    """

    def is_in(value: Any, whole: Any) -> bool:
        if isinstance(value, str) and isinstance(whole, str):
            value, whole = (f" {' '.join(text.split())} ".casefold() for text in (value, whole))
            return value in whole
        return bool(value == whole)

    return all(is_in(value, other.get(name)) for name, value in values.items())


def _choose(claims: Sequence[Claim]) -> list[Claim]:
    """Of several claims, choose the one that says most, the first of equals, and add what others
    say besides.

    It is doubtful if another one contradicts it.
    """
    if not claims:
        return []
    best = max(claims, key=lambda one: sum(len(reading.list_values()) for reading in one.values()))
    disputed = any(
        name in best and _contradict(best[name].value, one[name].value)
        for one in claims
        for name in one
    )
    others = {
        name: reading
        for one in reversed(claims)
        for name, reading in one.items()
        if name not in best
    }
    return [_limit({**best, **others}, _DISPUTED if disputed else 1.0)]


def _contradict(one: Any, other: Any) -> bool:
    """Return whether two values cannot both hold: of two lists, each has what the other lacks."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return any(value not in other for value in one) and any(value not in one for value in other)
    return bool(one != other)


def _report_others(
    parsed: ParsedRecord, field: CustomField, path: str, claims: Sequence[Claim]
) -> Iterator[Finding]:
    """Yield numbers beside a value of the rules that may be another one, where no model was
    asked for others.
    """
    readings = [reading for claim in claims for reading in claim.values()]
    taken = {
        (span.section, at)
        for reading in readings
        for span in reading.spans
        for at in range(span.start, span.end)
    }
    stated = (
        (value, reading.spans[0])
        for reading in readings
        if reading.spans
        for value in reading.list_values()
    )
    measured = ((getattr(value, "unit", None), _find_line(parsed, span)) for value, span in stated)
    message = (
        f"the rules of {field.name} read a value here, so that no model was asked, and this "
        "may be another one"
    )
    for unit, line in dict.fromkeys(
        (unit, line) for unit, line in measured if unit and type(unit) is str
    ):
        passage = parsed.passage(line)
        for number in find_numbers(tokens := cut(passage)):
            place = locate(passage, number.first, number.end)
            if (place.section, place.start) not in taken and has_unit(
                tokens, (number.first, number.end), unit
            ):
                yield inform(
                    FindingKind.NUMBER_UNREAD, path, message, cite(parsed, place), Severity.WARNING
                )


def _find_line(parsed: ParsedRecord, span: Span) -> Span:
    text = parsed.sections[span.section].raw
    end = text.find("\n", span.end)
    return Span(span.section, text.rfind("\n", 0, span.start) + 1, end if end >= 0 else len(text))


def _explain(
    field: CustomField, draft: Draft, parsed: ParsedRecord, result: ModelResult
) -> AbsenceReason:
    """Why a field is empty: no text mentions it, nothing was answered, the answer was refused,
    or not all was asked.
    """
    of_record = draft.number == RECORD
    texts = (section.raw for name, section in parsed.sections.items() if field.may_stand_in(name))
    if of_record and not any(map(field.may_be_in, texts)):
        return AbsenceReason.NOT_REPORTED
    if draft.asked.get(field.name) is AbsenceReason.BUDGET_EXHAUSTED:
        return AbsenceReason.BUDGET_EXHAUSTED
    if any(one.refuses(field.name) for one in (result.drafts if of_record else [draft])):
        return AbsenceReason.UNSUPPORTED_ANSWER
    return AbsenceReason.NOT_REPORTED if field.name in draft.model else draft.gap(field.name)
