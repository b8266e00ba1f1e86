"""The values of the user's own fields: those of the rules and of the model, with evidence and reasons for gaps."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from extractor.fields.declaration import CustomField, Of
from extractor.ground.check import GroundedAnswer
from extractor.parse.parsed import Chunk, ParsedRecord, ProvenClaim, ProvenValue, Span
from extractor.schemas import (
    Absence,
    AbsenceReason,
    CustomItem,
    Evidence,
    ExtractedItem,
    Origin,
    Support,
    TrialExtraction,
)

from .resolve import RECORD, ModelResult
from .unconfirmed import is_same_agent

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


@dataclass(frozen=True, slots=True)
class _Place:
    """An item that may have a field: its path, None for the record, and the chunk that was asked."""

    path: str | None
    chunk: int
    sections: tuple[str, ...]
    agent: str | None = None
    quote: Span | None = None


@dataclass(frozen=True, slots=True)
class _Source:
    """A claim, who makes it, and its confidence if that is known."""

    claim: ProvenClaim
    origin: Origin
    confidence: float | None = None


def assemble_custom(
    parsed: ParsedRecord, result: ModelResult, fields: Sequence[CustomField], extraction: TrialExtraction
) -> tuple[dict[str, tuple[CustomItem, ...]], list[Absence]]:
    """The values of all fields by name, and why each empty field is empty."""
    custom: dict[str, tuple[CustomItem, ...]] = {}
    absences: list[Absence] = []
    for field in fields:
        found: list[CustomItem] = []
        for place in _list_places(field, parsed, result, extraction):
            sources = list(_list_sources(field, place, parsed, result))
            chosen = _unite(sources, in_record=place.path is None) if field.many else _choose(sources)
            found += (_make_item(parsed, field, place.path, one) for one in chosen)
            if not chosen:
                reason = _explain(field, place, parsed, result)
                path = f"{place.path}.custom.{field.name}" if place.path else f"custom.{field.name}"
                absences.append(Absence(field=path, reason=reason, sections=place.sections))
        if not found and not any(one.field.endswith(f".{field.name}") for one in absences):
            absences.append(Absence(field=f"custom.{field.name}", reason=AbsenceReason.NOT_REPORTED))
        custom[field.name] = tuple(found)
    return custom, absences


def _list_places(
    field: CustomField, parsed: ParsedRecord, result: ModelResult, extraction: TrialExtraction
) -> Iterator[_Place]:
    """The items that have the field in the finished extraction, which knows for sure what ``when`` asks."""
    if field.of is Of.RECORD:
        names = (section.name for section in parsed.record.sections)
        yield _Place(None, RECORD, tuple(filter(field.may_stand_in, names)))
        return
    group, items, chunks = {
        Of.CRITERION: ("eligibility.criteria", extraction.eligibility.criteria, _chunks(parsed.eligibility.criteria)),
        Of.OUTCOME: ("endpoints", extraction.endpoints, _chunks(parsed.outcomes)),
        Of.REGIMEN: ("dosing", extraction.dosing, [*result.reread.values(), *_chunks(parsed.dosing.regimens)]),
    }[field.of]
    for number, item in enumerate(items):
        span = _span_of(item) if field.of is not Of.OUTCOME else chunks[number].span
        chunk = next((one for one in chunks if span and one.span.contains(span)), None)
        if chunk and field.may_be_in(chunk.text) and field.applies(partial(getattr, item)):
            yield _Place(f"{group}[{number}]", chunk.number, (chunk.span.section,), getattr(item, "agent", None), span)


def _chunks(items: Iterable[Any]) -> list[Chunk]:
    return [item.chunk for item in items]


def _span_of(item: ExtractedItem) -> Span | None:
    """Where the quote of an item stands."""
    quoted = next((one for one in item.evidence if one.field == "quote"), next(iter(item.evidence), None))
    return Span(quoted.section, quoted.start, quoted.end) if quoted else None


def _list_sources(field: CustomField, place: _Place, parsed: ParsedRecord, result: ModelResult) -> Iterator[_Source]:
    """What the model says of the field there, else the rules; both, if they say the same."""
    by_rules = parsed.list_custom(field.name, None if place.chunk == RECORD else place.chunk)
    answered = [answer for answer in result.answers.get(place.chunk, ()) if field.name in answer.readings]
    if place.agent:
        answered = _choose_answers([one for one in answered if _is_about(one, place.agent)], place.quote)
    claims = [claim for answer in answered for claim in answer.readings[field.name].value]
    said = {_values_of(one.claim): one.confidence for one in by_rules}
    for claim in claims:
        agreed = said.get(_values_of(claim))
        yield _Source(claim, Origin.BOTH, max(agreed, _AGREED)) if agreed else _Source(claim, Origin.MODEL)
    if not claims or field.many:
        most, known = _LEFT_OUT if answered else 1.0, set(map(_values_of, claims))
        left = (one for one in by_rules if _values_of(one.claim) not in known)
        yield from (_Source(one.claim, Origin.RULE, min(one.confidence, most)) for one in left)


def _choose_answers(answers: Sequence[GroundedAnswer], quote: Span | None) -> list[GroundedAnswer]:
    """Of several answers about one agent, those that quote the words of the regimen."""
    quoted = [(one, one.readings.get("quote")) for one in answers]
    near = [one for one, words in quoted if words and quote and any(span.overlaps(quote) for span in words.spans)]
    return near or (list(answers) if len(answers) == 1 else [])


def _is_about(answer: GroundedAnswer, agent: str) -> bool:
    named = answer.readings.get("agent")
    return named is not None and is_same_agent(named.value, agent)


def _values_of(claim: ProvenClaim) -> tuple[tuple[str, Any], ...]:
    """The values by attribute, those of a list together."""
    found: dict[str, Any] = {}
    for one in claim.values:
        name, listed = _name_of(one), one.attribute.endswith("]")
        found[name] = (*found.get(name, ()), one.value) if listed else one.value
    return tuple(found.items())


def _unite(sources: Sequence[_Source], *, in_record: bool) -> list[_Source]:
    """The claims, each once. What a record says again elsewhere, with fewer words or attributes, is left out, too."""
    said = [dict(_values_of(source.claim)) for source in sources]

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


def _choose(sources: Sequence[_Source]) -> list[_Source]:
    """Of several claims, the one that says most, the first of equals, with what others say of further attributes.

    It is doubtful if another one contradicts it.
    """
    if not sources:
        return []
    best = max(sources, key=lambda one: len(one.claim.values))
    said, values = dict(_values_of(best.claim)), list(best.claim.values)
    stated = [pair for one in sources for pair in _values_of(one.claim)]
    disputed = any(name in said and _contradict(said[name], value) for name, value in stated)
    known = set(said)
    for one in sources:  # a list comes whole from one claim
        values += (value for value in one.claim.values if _name_of(value) not in known)
        known |= {name for name, _ in _values_of(one.claim)}
    confidence = _DISPUTED if disputed else best.confidence
    return [_Source(ProvenClaim(tuple(values)), best.origin, confidence)]


def _contradict(one: Any, other: Any) -> bool:
    """Whether two values cannot both hold: of two lists, each has what the other lacks."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return any(value not in other for value in one) and any(value not in one for value in other)
    return bool(one != other)


def _name_of(value: ProvenValue) -> str:
    """The attribute of a value, without its place in a list."""
    return value.attribute.partition("[")[0]


def _make_item(parsed: ParsedRecord, field: CustomField, path: str | None, source: _Source) -> CustomItem:
    support = max((one.support for one in source.claim.values), key=list(Support).index)
    counted = field.confidence.get(support) if source.confidence is None else source.confidence
    values: dict[str, Any] = {}
    evidence: list[Evidence] = []
    least = 1.0
    for one in source.claim.values:
        sure = PRIORS[one.support] if counted is None else counted
        least = min(least, sure)
        name = _name_of(one)
        values[name] = (*values.get(name, ()), one.value) if field.attribute(name).many else one.value
        evidence += _prove(parsed, one, source.origin, sure)
    return CustomItem(
        of=path,
        values=values,
        evidence=tuple(evidence),
        origin=source.origin,
        support=support,
        confidence=least,
        calibrated=source.confidence is None and counted is not None,
    )


def _prove(parsed: ParsedRecord, value: ProvenValue, origin: Origin, confidence: float) -> Iterator[Evidence]:
    if value.span:
        yield Evidence(
            field=f"values.{value.attribute}",
            section=value.span.section,
            start=value.span.start,
            end=value.span.end,
            quote=parsed.raw(value.span),
            origin=origin,
            support=value.support,
            confidence=confidence,
        )


def _explain(field: CustomField, place: _Place, parsed: ParsedRecord, result: ModelResult) -> AbsenceReason:
    """Why a field is empty: no text mentions it, nothing was answered, the answer was refused, or not all was asked."""
    if place.chunk == RECORD and not any(field.may_be_in(parsed.sections[name].raw) for name in place.sections):
        return AbsenceReason.NOT_REPORTED
    if field.name in result.unasked.get(place.chunk, ()):
        return AbsenceReason.BUDGET_EXHAUSTED
    answers = (answer for given in result.answers.values() for answer in given)
    own = list(answers) if place.chunk == RECORD else result.answers.get(place.chunk, ())
    if any(rejection.field == field.name for answer in own for rejection in answer.rejections):
        return AbsenceReason.UNSUPPORTED_ANSWER
    if any(field.name in answer.readings for answer in result.answers.get(place.chunk, ())):
        return AbsenceReason.NOT_REPORTED
    return result.gap(place.chunk, field.name)
