"""The values of the user's own fields: those of the rules and of the model, with evidence and reasons for gaps."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from extractor.fields.declaration import CustomField, Of
from extractor.ground.answers import ModelResult
from extractor.ground.number_units import has_unit
from extractor.ground.places import cut
from extractor.ground.places import span_of as span_in
from extractor.mentions.rows import find_numbers
from extractor.parse.drafts import RECORD, Draft, Reading, Span
from extractor.parse.parsed import ParsedRecord
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

from .findings import cite, inform
from .provenance import Assembled, cite_value

PRIORS: Mapping[Support, float] = {
    Support.LITERAL: 0.9,
    Support.PARSED: 0.9,
    Support.INFERRED: 0.85,
    Support.UNSUPPORTED: 0.6,
    Support.UNPROVEN: 0.5,
}
"""The confidence of a model's value without gold of the user's own, by how it follows from its words."""
_AGREED, _DISPUTED, _LEFT_OUT = 0.95, 0.5, 0.6
"""The same where rules and model say the same, where one record says two things, and where the model says nothing."""


class _Source(NamedTuple):
    """What is said of a field by attribute, who says it, and the confidence if that is known."""

    readings: Mapping[str, Reading[Any]]
    origin: Origin
    confidence: float | None = None

    @property
    def values(self) -> dict[str, Any]:
        """The values by attribute."""
        return {name: reading.value for name, reading in self.readings.items()}


def assemble_own(
    parsed: ParsedRecord, result: ModelResult, fields: Sequence[CustomField], assembled: Sequence[Assembled[Any]]
) -> tuple[dict[str, tuple[CustomItem, ...]], list[Absence], list[Finding]]:
    """The values of all fields by name, why each empty field is empty, and values that the rules may have missed."""
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
            sources = list(_list_sources(field, draft))
            chosen = _unite(sources, in_record=path is None) if field.many else _choose(sources)
            if field.many and field.name not in draft.model:
                findings += _report_others(parsed, field, place, chosen)
            found += (_make_item(parsed, field, path, one) for one in chosen)
            if not chosen:
                absences.append(Absence(field=place, reason=_explain(field, draft, parsed, result), sections=sections))
        if not places:
            absences.append(Absence(field=f"custom.{field.name}", reason=AbsenceReason.NOT_REPORTED))
        own[field.name] = tuple(found)
    return own, absences, findings


def _report_others(
    parsed: ParsedRecord, field: CustomField, path: str, sources: Sequence[_Source]
) -> Iterator[Finding]:
    """Yield numbers beside a value of the rules that may be another one, where no model was asked for others."""
    readings = [reading for source in sources for reading in source.readings.values()]
    taken = {(span.section, at) for reading in readings for span in reading.spans for at in range(span.start, span.end)}
    stated = ((value, reading.spans[0]) for reading in readings if reading.spans for value in reading.list_values())
    measured = ((getattr(value, "unit", None), _find_line(parsed, span)) for value, span in stated)
    message = f"the rules of {field.name} read a value here, so that no model was asked, and this may be another one"
    for unit, line in dict.fromkeys((unit, line) for unit, line in measured if unit and type(unit) is str):
        passage = parsed.passage(line)
        for number in find_numbers(tokens := cut(passage)):
            place = span_in(passage, tokens, number.first, number.end)
            if (place.section, place.start) not in taken and has_unit(tokens, (number.first, number.end), unit):
                yield inform(FindingKind.NUMBER_UNREAD, path, message, cite(parsed, place), Severity.WARNING)


def _find_line(parsed: ParsedRecord, span: Span) -> Span:
    text = parsed.sections[span.section].raw
    end = text.find("\n", span.end)
    return Span(span.section, text.rfind("\n", 0, span.start) + 1, end if end >= 0 else len(text))


def _list_sources(field: CustomField, draft: Draft) -> Iterator[_Source]:
    """What the model says of the field there, else the rules; both, if they say the same."""
    said = draft.own.get(field.name, ())
    by_rules = [
        _Source(one.rules, Origin.RULE, min(r.confidence for r in one.rules.values())) for one in said if one.rules
    ]
    claims = [_Source(one.model, Origin.MODEL) for one in said if one.model]
    for claim in claims:
        agreed = next((one.confidence for one in by_rules if one.values == claim.values), None)
        yield claim._replace(origin=Origin.BOTH, confidence=max(agreed, _AGREED)) if agreed else claim
    if not claims or field.many:
        most = _LEFT_OUT if field.name in draft.model else 1.0
        for one in by_rules:
            if all(one.values != claim.values for claim in claims):
                yield one._replace(confidence=min(one.confidence or 0, most))


def _unite(sources: Sequence[_Source], *, in_record: bool) -> list[_Source]:
    """The claims, each once. What a record says again elsewhere, with fewer words or attributes, is left out, too."""
    said = [source.values for source in sources]

    def is_said_by(at: int, other: int) -> bool:
        covers = _says_no_more(said[at], said[other]) if in_record else said[at] == said[other]
        return covers and (other < at or not _says_no_more(said[other], said[at]))

    numbers = range(len(sources))
    return [sources[at] for at in numbers if not any(is_said_by(at, other) for other in numbers if other != at)]


def _says_no_more(values: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether other values have all of these; of words, the same ones or more around them."""
    return all(_is_in(value, other.get(name)) for name, value in values.items())


def _is_in(value: Any, other: Any) -> bool:
    if isinstance(value, str) and isinstance(other, str):
        part, whole = (f" {' '.join(text.split())} ".casefold() for text in (value, other))
        return part in whole
    return bool(value == other)


def _choose(sources: list[_Source]) -> list[_Source]:
    """Of several claims, the one that says most, the first of equals, with what others say of further attributes.

    It is doubtful if another one contradicts it.
    """
    if not sources:
        return []
    best = max(sources, key=lambda one: sum(len(reading.list_values()) for reading in one.readings.values()))
    known = best.values
    disputed = any(
        name in known and _contradict(known[name], value) for one in sources for name, value in one.values.items()
    )
    readings = {name: reading for one in reversed(sources) for name, reading in one.readings.items()}
    confidence = _DISPUTED if disputed else best.confidence
    return [
        _Source({**best.readings, **{n: r for n, r in readings.items() if n not in known}}, best.origin, confidence)
    ]


def _contradict(one: Any, other: Any) -> bool:
    """Whether two values cannot both hold: of two lists, each has what the other lacks."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return any(value not in other for value in one) and any(value not in one for value in other)
    return bool(one != other)


def _make_item(parsed: ParsedRecord, field: CustomField, path: str | None, source: _Source) -> CustomItem:
    proofs = [
        (name if not field.attribute(name).many else f"{name}[{number}]", span, support)
        for name, reading in source.readings.items()
        for number, (span, support) in enumerate(
            zip(reading.spans or (None,), reading.list_supports() or (reading.support,), strict=True)
        )
    ]
    weakest = max((support for _, _, support in proofs), key=list(Support).index)
    counted = field.confidence.get(weakest) if source.confidence is None else source.confidence
    sure = [PRIORS[support] if counted is None else counted for _, _, support in proofs]
    return CustomItem(
        of=path,
        values=source.values,
        evidence=tuple(
            cite_value(parsed, f"values.{name}", span, source.origin, support, confidence)
            for (name, span, support), confidence in zip(proofs, sure, strict=True)
            if span
        ),
        origin=source.origin,
        support=weakest,
        confidence=min(sure),
        calibrated=source.confidence is None and counted is not None,
    )


def _explain(field: CustomField, draft: Draft, parsed: ParsedRecord, result: ModelResult) -> AbsenceReason:
    """Why a field is empty: no text mentions it, nothing was answered, the answer was refused, or not all was asked."""
    of_record = draft.number == RECORD
    texts = (section.raw for name, section in parsed.sections.items() if field.may_stand_in(name))
    if of_record and not any(map(field.may_be_in, texts)):
        return AbsenceReason.NOT_REPORTED
    if draft.asked.get(field.name) is AbsenceReason.BUDGET_EXHAUSTED:
        return AbsenceReason.BUDGET_EXHAUSTED
    if any(one.refuses(field.name) for one in (result.drafts if of_record else [draft])):
        return AbsenceReason.UNSUPPORTED_ANSWER
    return AbsenceReason.NOT_REPORTED if field.name in draft.model else draft.gap(field.name)
