"""Hold a model's answers against the text: quotes are located, numbers are found again, or the value is kept out."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from extractor.parse.parsed import Chunk, ParsedRecord, Reading, Span
from extractor.schemas import FindingKind, Support, Task
from extractor.text.passage import Passage

from .answer import Answer
from .locate import find_parts, passage_at
from .quotes import QuoteStatus
from .rederive import derive_support
from .refusals import Refusal, explain_refusal
from .shown import show_value
from .support import Supported, find_support, find_window

__all__ = ["MODEL_CONFIDENCE", "GroundedAnswer", "Rejection", "ground_answer"]

_PARTS = ("measure", "description", "time_frame")
_DOSES_TOLD = {"arms", "interventions", "title", "official_title", "brief_summary", "detailed_description"}
MODEL_CONFIDENCE = 0.9
"""How far an answer is trusted once it is grounded, until a policy is learned for each field."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A value that was kept out, and why.

    ``again`` is what was said when the model was asked again, and was refused as well: nothing if it withdrew the
    value, None if it was not asked.
    """

    chunk: Chunk
    field: str
    value: str
    kind: FindingKind
    refusal: Refusal = dataclasses.field(default_factory=Refusal)
    again: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class GroundedAnswer:
    """The part of an answer that the text supports, as readings, and what was kept out."""

    task: Task
    chunk: int
    readings: Mapping[str, Reading[Any]]
    rejections: tuple[Rejection, ...] = ()


def ground_answer(answer: Answer, parsed: ParsedRecord, chunk: Chunk | None = None) -> GroundedAnswer:
    """Check every value of ``answer`` against its chunk: the parsed one of its number, or ``chunk``.

    An agent may stand anywhere in the record, and what a whole regimen says wherever the record tells of doses: its
    cycle in an arm, its dose in an intervention. A list keeps its supported members; a list of which
    nothing is supported is kept out as a whole.
    """
    chunk = chunk or parsed.chunks[answer.chunk]
    here = passage_at(parsed.sections, chunk.span)
    parts = find_parts(here, {name: answer.values[name] for name in _PARTS if name in answer.values})
    readings: dict[str, Reading[Any]] = {}
    rejections: list[Rejection] = []
    for field, value in answer.values.items():
        members = [] if value is None else list(value) if isinstance(value, tuple) else [value]
        if field in parts:
            found = [_quote_at(here, parts[field])] if members else []
        else:
            places = (here, *_told_elsewhere(answer, field, parsed))
            find = find_window if field == "time_window" else find_support
            found = [_first(find, member, places) for member in members]
        found = [support if support and _derives(support, parsed) else None for support in found]
        refused = [member for member, support in zip(members, found, strict=True) if support is None]
        rejections += (_reject(chunk, field, member, here) for member in refused)
        supported = [support for support in found if support is not None]
        if supported or not refused:
            readings[field] = _reading(supported, many=isinstance(value, tuple))
    return GroundedAnswer(answer.task, answer.chunk, readings, tuple(rejections))


def _told_elsewhere(answer: Answer, field: str, parsed: ParsedRecord) -> tuple[Passage, ...]:
    """Where a value may stand beside its chunk."""
    sections = [parsed.sections[section.name] for section in parsed.record.sections]
    if answer.task is Task.DOSING and field != "agent":
        told = answer.values.get("stands")
        sections = [section for section in sections if told and section.name.partition("[")[0] in _DOSES_TOLD]
    return tuple(section.whole for section in sections) if field == "agent" or answer.task is Task.DOSING else ()


def _quote_at(passage: Passage, span: Span | None) -> Supported | None:
    return Supported(passage.section.raw[span.start : span.end], span, Support.LITERAL) if span else None


def _first(
    find: Callable[[Any, Passage], Supported | None], value: Any, places: tuple[Passage, ...]
) -> Supported | None:
    return next((found for place in places if (found := find(value, place)) is not None), None)


def _derives(supported: Supported, parsed: ParsedRecord) -> bool:
    """Whether the value follows from the very quote that is to be its evidence."""
    return derive_support(supported.value, supported.span, parsed.sections[supported.span.section]) is not None


def _reading(supported: list[Supported], *, many: bool) -> Reading[Any]:
    value: Any = tuple(s.value for s in supported) if many else supported[0].value if supported else None
    weakest = max((s.support for s in supported), key=list(Support).index, default=Support.LITERAL)
    return Reading(value, MODEL_CONFIDENCE, tuple(s.span for s in supported), weakest)


def _reject(chunk: Chunk, field: str, value: Any, here: Passage) -> Rejection:
    refusal = explain_refusal(value, here)
    return Rejection(chunk, field, show_value(value), _kind(value, refusal), refusal)


def _kind(value: object, refusal: Refusal) -> FindingKind:
    if refusal.status is QuoteStatus.CONFLICT:
        return FindingKind.QUOTE_CONFLICT
    return FindingKind.QUOTE_NOT_FOUND if isinstance(value, str) else FindingKind.VALUE_NOT_IN_QUOTE
