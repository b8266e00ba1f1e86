"""The narrow question: what a model answered and the text does not bear out is asked once more, and nothing else."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pydantic import BaseModel

from extractor.ground.answer import Answer
from extractor.ground.check import GroundedAnswer, Rejection, ground_answer
from extractor.ground.locate import passage_at
from extractor.ground.quotes import QuoteStatus
from extractor.parse.parsed import Chunk, ParsedRecord, Reading
from extractor.schemas import Task

from .prompting.lines import estimate_tokens, render_line
from .prompting.prompt_files import fill, load_frame, load_prompt
from .requests import Call, Question
from .wire import WIRE_ITEMS, narrow_reply, read_answers, write_grammar

__all__ = ["LINE_TOKENS", "Recheck", "believe_recheck", "plan_recheck", "render_recheck"]

LINE_TOKENS = 500
"""Estimated tokens of all lines of a record's narrow question; what does not fit is kept out without asking."""
_PER_ITEM, _PER_REPLY, _ALLOWANCE = 8, 60, 60
_SHOWN_AROUND = 160
"""Characters on either side of the passage that comes nearest to a refused value."""
_LONGEST_VALUE = 80


@dataclass(frozen=True, slots=True)
class Recheck:
    """One line of the question: the answer whose values were refused, by its place among all, and these values."""

    question: Question
    place: int
    rejections: tuple[Rejection, ...]


def plan_recheck(parsed: ParsedRecord, answers: Sequence[GroundedAnswer]) -> tuple[Recheck, ...]:
    """The refused values of a record as lines of one question, those that the text contradicts first.

    A line shows the passage that comes nearest to its values, and no more than ``LINE_TOKENS`` are spent on all.
    """
    drafts = [draft for place, answer in enumerate(answers) for draft in _draft(parsed, place, answer)]
    drafts.sort(key=lambda draft: not any(map(_is_conflict, draft.rejections)))
    kept: list[Recheck] = []
    room = LINE_TOKENS
    for draft in drafts:
        chunk = replace(draft.question.chunk, number=len(kept) + 1)
        numbered = replace(draft, question=replace(draft.question, chunk=chunk))
        size = estimate_tokens(render_line(numbered.question))
        if size <= room:
            kept.append(numbered)
            room -= size
    return tuple(kept)


def render_recheck(questions: Sequence[Question]) -> Call:
    """The call that carries these lines. Raises ``PromptError`` for a prompt that cannot be filled."""
    frame = load_frame("conflict")
    fields = {q.chunk.number: tuple(q.fields) for q in questions}
    return Call(
        prompt=frame.version,
        questions=tuple(questions),
        system=fill(frame.system, definitions="\n".join(_define(questions))),
        user=fill(frame.user, lines="\n".join(map(render_line, questions))),
        reply_model=narrow_reply(questions),
        max_output_tokens=_PER_REPLY + sum(_PER_ITEM + _allowance(q) for q in questions),
        context={
            "tasks": {q.chunk.number: q.task for q in questions},
            "fields": fields,
            "once": tuple(fields),
            "texts": {q.chunk.number: q.chunk.text for q in questions},
        },
        line_grammar=partial(write_grammar, questions),
    )


def believe_recheck(
    parsed: ParsedRecord, answers: Sequence[GroundedAnswer], rechecks: Sequence[Recheck], items: Iterable[BaseModel]
) -> list[GroundedAnswer]:
    """The answers with what the text bears out of the second ones; ``items`` are those of the reply.

    What is withdrawn stays kept out: that a value is not there was not asked.
    """
    said = {answer.chunk: answer for answer in read_answers([r.question for r in rechecks], items, complete=False)}
    believed = list(answers)
    for recheck in rechecks:
        if second := said.get(recheck.question.chunk.number):
            first, chunk = answers[recheck.place], recheck.rejections[0].chunk
            again = ground_answer(Answer(first.task, first.chunk, second.values), parsed, chunk)
            believed[recheck.place] = _join(first, again, recheck.question.fields)
    return believed


def _draft(parsed: ParsedRecord, place: int, answer: GroundedAnswer) -> Iterator[Recheck]:
    """A line for the refused values of one answer, if a model can be asked about their fields at all."""
    known = WIRE_ITEMS[answer.task].model_fields
    refused = tuple(rejection for rejection in answer.rejections if rejection.field in known)
    if refused:
        fields = tuple(dict.fromkeys(rejection.field for rejection in refused))
        hint = "; ".join(_tell(answer.task, rejection, parsed) for rejection in refused)
        yield Recheck(Question(answer.task, _narrow(parsed, refused), fields, hint), place, refused)


def _tell(task: Task, rejection: Rejection, parsed: ParsedRecord) -> str:
    """What was answered, and what the text has there instead."""
    told = f'{WIRE_ITEMS[task].key(rejection.field)} "{rejection.value[:_LONGEST_VALUE]}"'
    near = rejection.refusal.nearest
    if near is None:
        return f"{told} does not stand there"
    return f'{told}, the text has "{parsed.raw(near)[:_LONGEST_VALUE]}"'


def _narrow(parsed: ParsedRecord, refused: Sequence[Rejection]) -> Chunk:
    """The chunk, or where it is long the words around what comes nearest to the refused values."""
    chunk = refused[0].chunk
    near = [rejection.refusal.nearest for rejection in refused if rejection.refusal.nearest]
    near = [span for span in near if span.section == chunk.span.section]
    if len(near) < len(refused):
        return chunk
    first, last = min(span.start for span in near), max(span.end for span in near)
    text = parsed.raw(replace(chunk.span, start=0))
    # Whole words only: a number that is cut is another number.
    before = text.find(" ", max(chunk.span.start, first - _SHOWN_AROUND), first)
    behind = text.rfind(" ", last, last + _SHOWN_AROUND)
    start = chunk.span.start if before < 0 or first - _SHOWN_AROUND <= chunk.span.start else before + 1
    end = chunk.span.end if behind < 0 or last + _SHOWN_AROUND >= chunk.span.end else behind
    span = replace(chunk.span, start=start, end=end)
    return replace(chunk, span=span, text=passage_at(parsed.sections, span).text)


def _define(questions: Sequence[Question]) -> Iterator[str]:
    asked: dict[Task, set[str]] = defaultdict(set)
    for question in questions:
        asked[question.task].update(question.fields)
    for task, fields in asked.items():
        definitions = load_prompt().tasks[task].definitions
        yield from (definition.text for field, definition in definitions.items() if field in fields)


def _allowance(question: Question) -> int:
    known: Mapping[str, int] = WIRE_ITEMS[question.task].allowance
    return sum(known.get(field, _ALLOWANCE) for field in question.fields)


def _is_conflict(rejection: Rejection) -> bool:
    return rejection.refusal.status is QuoteStatus.CONFLICT


def _join(first: GroundedAnswer, again: GroundedAnswer, fields: Iterable[str]) -> GroundedAnswer:
    """The first answer, completed by what the second one proves of the fields that were asked again."""
    readings = dict(first.readings)
    settled: set[str] = set()
    for field in fields:
        proven = again.readings.get(field)
        if proven is not None and proven.value not in (None, ()):
            known = readings.get(field)
            readings[field] = _unite(known, proven) if known and known.value else proven
            refused = sum(one.field == field for one in first.rejections)
            if not isinstance(proven.value, tuple) or len(readings[field].value) >= refused + _count(known):
                settled.add(field)
    still = (
        replace(one, again=_said_of(one.field, again)) if one.field in fields else one
        for one in first.rejections
        if one.field not in settled
    )
    return replace(first, readings=readings, rejections=tuple(still))


def _said_of(field: str, again: GroundedAnswer) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.value for one in again.rejections if one.field == field))


def _count(reading: Reading[Any] | None) -> int:
    return len(reading.value) if reading and isinstance(reading.value, tuple) else 0


def _unite(one: Reading[Any], other: Reading[Any]) -> Reading[Any]:
    """Both readings of a list, in the order of the text, each member once."""
    members = dict(zip(one.value, one.spans, strict=True)) | dict(zip(other.value, other.spans, strict=True))
    ordered = sorted(members, key=lambda member: members[member].start)
    return replace(one, value=tuple(ordered), spans=tuple(members[member] for member in ordered))
