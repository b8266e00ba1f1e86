"""Check a model's answers against the text: locate quotes, find numbers again, and reject values without support."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from extractor.fields.declaration import Claim
from extractor.fields.value_forms import show_value
from extractor.parse.parsed import Chunk, ParsedRecord, ProvenClaim, Reading, Span
from extractor.schemas import (
    Constraint,
    CriterionKind,
    FindingKind,
    Support,
    Task,
    list_fields,
)
from extractor.text.aliases import trim_event
from extractor.text.passage import Passage
from extractor.text.registered_ages import AGES

from .claims import check_claim
from .names import find_agent
from .places import Supported, find_parts
from .quotes import QuoteStatus
from .refusals import Refusal, explain_refusal
from .support import find_support
from .times import find_stated_age, find_window

MODEL_CONFIDENCE = 0.9
"""The confidence of a grounded answer, until a policy is learned for its field."""
_PARTS = [field.name for field in list_fields(Task.ENDPOINTS) if field.metadata.question == "split"]
_NO_DOSES = {"eligibility", "conditions", "keywords"}
"""Sections that state nothing of a regimen."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What a model wrote for a value and is none in the form of its field, and which form is allowed."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's values for a chunk, before they are checked.

    Attributes:
        task: The task of the item.
        chunk: The number of the chunk.
        values: Values by field of the parsed item, in the types of the schemas. Free text and time windows are
            quotes that are not located yet: a string, or a tuple of strings. None means that the text does not
            state the field. ``stands`` says whether a criterion or regimen exists; ``quote`` holds a regimen's words.
        unreadable: By field, what was written for a value and is none.
        claims: What is said of the user's own fields, by field.
    """

    task: Task
    chunk: int
    values: Mapping[str, Any]
    unreadable: Mapping[str, tuple[Unreadable, ...]] = dataclasses.field(default_factory=dict)
    claims: Mapping[str, tuple[Claim, ...]] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rejection:
    """A rejected value, and why.

    ``again`` holds the values from a second query, if they were rejected too. It is empty if the model withdrew the
    value, and None if there was no second query.
    """

    chunk: Chunk
    field: str
    value: str
    kind: FindingKind
    refusal: Refusal = dataclasses.field(default_factory=Refusal)
    again: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class GroundedAnswer:
    """The supported part of an answer, as readings, and the rejected values."""

    task: Task
    chunk: int
    readings: Mapping[str, Reading[Any]]
    rejections: tuple[Rejection, ...] = ()


def ground_answer(
    answer: Answer, parsed: ParsedRecord, chunk: Chunk | None = None, lead_in: Chunk | None = None
) -> GroundedAnswer:
    """Check every value of ``answer`` against ``chunk``, by default the parsed chunk with the answer's number.

    ``lead_in`` is the line that introduces a criterion: its limits and its time window may stand there, or a limit's
    quantity in it and the number in the chunk ("Life expectancy:" above "At least 4 weeks").

    An agent may stand anywhere in the record, the other values of a regimen in any section that states doses: the
    cycle in an arm, the dose in an intervention. A list keeps its supported members, and is rejected if it has none.
    """
    search = _Search(answer, parsed, chunk or parsed.chunks[answer.chunk], lead_in)
    parts = find_parts(search.here, {name: answer.values[name] for name in _PARTS if name in answer.values})
    readings: dict[str, Reading[Any]] = {}
    rejections: list[Rejection] = []
    for field, value in answer.values.items():
        members = () if value is None else value if isinstance(value, tuple) else (value,)
        supported: list[Supported] = []
        for member in members:
            found = search.take(parts[field]) if field in parts else search.find(field, member)
            if found:
                supported.append(found)
            else:
                rejections.append(_reject(search.chunk, field, member, search.here))
        if supported or not members:
            readings[field] = _read(supported, many=isinstance(value, tuple))
    _ground_claims(answer, search, readings, rejections)
    for field, broken in answer.unreadable.items():
        for one in broken:
            refusal = Refusal(reason=one.reason)
            rejections.append(Rejection(search.chunk, field, one.text, FindingKind.ANSWER_MISSING, refusal))
    return GroundedAnswer(answer.task, answer.chunk, readings, tuple(rejections))


@dataclass(frozen=True, slots=True)
class _Search:
    """Where the values of an answer may stand: its chunk, the line that introduces it, other sections."""

    answer: Answer
    parsed: ParsedRecord
    chunk: Chunk
    lead_in: Chunk | None

    @property
    def here(self) -> Passage:
        return self.parsed.sections[self.chunk.span.section].between(self.chunk.span.start, self.chunk.span.end)

    def take(self, part: Span | None) -> Supported | None:
        """A part of an outcome, which ``find_parts`` has located."""
        return Supported(self.parsed.raw(part), part, Support.LITERAL) if part else None

    def find(self, field: str, value: Any) -> Supported | None:
        """What supports a value: the first place that states it, else what this field alone allows."""
        places = (self.here, *_list_other_places(self.answer, field, self.parsed, self.lead_in))
        if field == "time_points":
            places = (self._find_frame(),)
        found = _find_first(self._choose_finder(field), value, places)
        if field in ("start_event", "end_events"):
            return _trim_event(found) if found else None
        if found is None and field == "constraints" and self.lead_in:
            return _find_across(value, self.lead_in, self.chunk, self.parsed)
        return _find_first(find_agent, value, places) if found is None and field == "agent" else found

    def _choose_finder(self, field: str) -> Callable[[Any, Passage], Supported | None]:
        """How values of a field are found: ages by their side, windows in their quote, the others by their type."""
        if field in AGES:
            return partial(find_stated_age, lower=field == AGES[0], admits=self._kind is CriterionKind.INCLUSION)
        return find_window if field == "time_window" else find_support

    @property
    def _kind(self) -> CriterionKind:
        """Whether the chunk admits or excludes: the model's answer, else the rules' reading of its list."""
        if kind := self.answer.values.get("kind"):
            return CriterionKind(kind)
        of_chunk = (one for one in self.parsed.eligibility.criteria if one.chunk.number == self.answer.chunk)
        return next((one.kind.value for one in of_chunk if one.kind.value), CriterionKind.INCLUSION)

    def _find_frame(self) -> Passage:
        """The time frame of an outcome: that of the answer, else that of the rules, else the whole outcome."""
        stated = find_parts(self.here, {n: self.answer.values[n] for n in _PARTS if n in self.answer.values})
        span = stated.get("time_frame")
        if span is None and "time_frame" not in self.answer.values:
            of_chunk = (one for one in self.parsed.outcomes if one.chunk.number == self.answer.chunk)
            spans = next((one.time_frame.spans for one in of_chunk), ())
            span = spans[0] if spans else None
        return self.parsed.sections[span.section].between(span.start, span.end) if span else self.here


def _find_first(
    find: Callable[[Any, Passage], Supported | None], value: Any, places: Iterable[Passage]
) -> Supported | None:
    return next((found for place in places if (found := find(value, place)) is not None), None)


def _ground_claims(
    answer: Answer, search: _Search, readings: dict[str, Reading[Any]], rejections: list[Rejection]
) -> None:
    """Add what the chunk bears out of the user's own fields, and what it does not."""
    for field, claims in answer.claims.items():
        checked = [check_claim(claim, search.here) for claim in claims]
        proven = tuple(one.claim for one in checked if one.claim)
        refused = [refusal for one in checked for refusal in one.refused]
        rejections += (_reject(search.chunk, field, value, search.here, reason) for value, reason in refused)
        if proven or not claims:
            readings[field] = Reading(proven, MODEL_CONFIDENCE, tuple(_span_of(one, search.chunk) for one in proven))


def _find_across(limit: Constraint, lead_in: Chunk, chunk: Chunk, parsed: ParsedRecord) -> Supported | None:
    """A limit whose quantity stands in the introducing line and whose number stands in the chunk below it."""
    first, last = lead_in.span, chunk.span
    if first.section != last.section or first.start >= last.start:
        return None
    found = find_support(limit, parsed.sections[first.section].between(first.start, last.end))
    return found if found and found.span.end > last.start else None


def _trim_event(found: Supported) -> Supported:
    start, end = trim_event(found.value)
    if len(found.value) != found.span.length:  # the text writes the quote in other characters
        return found
    span = Span(found.span.section, found.span.start + start, found.span.start + end)
    return replace(found, value=found.value[start:end], span=span)


def _list_other_places(answer: Answer, field: str, parsed: ParsedRecord, lead_in: Chunk | None) -> list[Passage]:
    """The passages that may state a value if its chunk does not."""
    if lead_in is not None and field in ("time_window", "constraints"):
        return [parsed.sections[lead_in.span.section].between(lead_in.span.start, lead_in.span.end)]
    if answer.task is not Task.DOSING and field != "agent":
        return []
    names = [section.name for section in parsed.record.sections]
    if field != "agent":
        names = [name for name in names if answer.values.get("stands") and name.partition("[")[0] not in _NO_DOSES]
    return [parsed.sections[name].whole for name in names]


def _read(supported: list[Supported], *, many: bool) -> Reading[Any]:
    value: Any = tuple(s.value for s in supported) if many else supported[0].value if supported else None
    weakest = max((s.support for s in supported), key=list(Support).index, default=Support.LITERAL)
    spans, supports = tuple(s.span for s in supported), tuple(s.support for s in supported)
    return Reading(value, MODEL_CONFIDENCE, spans, weakest, supports=supports)


def _span_of(claim: ProvenClaim, chunk: Chunk) -> Span:
    """The words of a claim; its chunk if it is a judgement without any."""
    return next((one.span for one in claim.values if one.span), chunk.span)


def _reject(chunk: Chunk, field: str, value: Any, here: Passage, reason: str = "") -> Rejection:
    refusal = Refusal(reason=reason) if reason else explain_refusal(value, here)
    kind = FindingKind.QUOTE_NOT_FOUND if isinstance(value, str) else FindingKind.VALUE_NOT_IN_QUOTE
    if refusal.status is QuoteStatus.CONFLICT:
        kind = FindingKind.QUOTE_CONFLICT
    return Rejection(chunk, field, show_value(value), kind, refusal)
