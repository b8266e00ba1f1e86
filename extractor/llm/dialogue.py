"""What is asked about one record and made of the answers, as rounds of questions: nothing here talks to a model."""

from collections import defaultdict
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from extractor.assemble import ModelResult
from extractor.assemble.policy import ModelClass, classify_model, load_policy
from extractor.ground.check import GroundedAnswer, ground_answer
from extractor.options import ExtractionOptions
from extractor.parse.parsed import ParsedRecord
from extractor.schemas import Usage

from .plan.questions import pack_questions, plan_questions
from .prompting.leaks import drop_repeated
from .prompting.prompt import narrow_record, render_call
from .recheck import believe_recheck, plan_recheck, render_recheck
from .requests import Question, Render, Reply
from .wire import read_answers

__all__ = ["Dialogue", "QuestionBatch", "Replies", "dialogue", "discuss"]


@dataclass(frozen=True, slots=True)
class QuestionBatch:
    """Packs of questions that may be put at once, and how a call is made of any of them.

    ``needed``: without an answer to any of them there is nothing to say about the record.
    """

    packs: tuple[tuple[Question, ...], ...]
    render: Render
    needed: bool


Replies = Sequence[Reply | None]
"""A reply for each pack of a batch; None where the budget is spent."""

Dialogue = Generator[QuestionBatch, Replies | None, ModelResult]
"""Yields batches of questions, takes their replies (None without a model), returns what the text supports."""


def dialogue(parsed: ParsedRecord, options: ExtractionOptions) -> Dialogue:
    """The questions that ``options`` want asked about a record."""
    return (yield from discuss(parsed, plan_questions(parsed, options)))


def discuss(parsed: ParsedRecord, questions: Sequence[Question]) -> Dialogue:
    """These questions about a record, and then, narrowly, those whose answers the text did not support."""
    packs = pack_questions(questions)
    replies: Replies | None = ()
    if packs:
        replies = yield QuestionBatch(packs, partial(render_call, narrow_record(parsed.record)), needed=True)
    if replies is None:
        return ModelResult(usage=Usage(open_questions=len(questions)))
    pairs = list(zip(packs, replies, strict=True))
    answers = [answer for pack, reply in pairs if reply for answer in _ground(parsed, pack, reply)]
    told = [reply for reply in replies if reply]
    answered = {answer.chunk for answer in answers}
    put_off = [q for pack, reply in pairs if reply and reply.pending for q in pack if q.chunk.number not in answered]
    unasked = [question for pack, reply in pairs if reply is None for question in pack]
    lines = 0
    rechecks = plan_recheck(parsed, answers)
    if rechecks:
        again = yield QuestionBatch((tuple(recheck.question for recheck in rechecks),), render_recheck, needed=False)
        reply = again[0] if again else None
        if reply:
            answers = believe_recheck(parsed, answers, rechecks, reply.items)
            told, lines = [*told, reply], len(rechecks)
    asked = [question for question in questions if question not in put_off and question not in unasked]
    return _count(_report(asked, answers, told), unasked, len(put_off), lines)


def _ground(parsed: ParsedRecord, pack: Sequence[Question], reply: Reply) -> list[GroundedAnswer]:
    answers = read_answers(pack, reply.items, complete=not (reply.rejected or reply.pending))
    chunks = {question.chunk.number: question.chunk for question in pack}
    return [drop_repeated(ground_answer(answer, parsed, chunks[answer.chunk])) for answer in answers]


def _report(questions: Sequence[Question], answers: Iterable[GroundedAnswer], replies: Sequence[Reply]) -> ModelResult:
    """What was asked and answered."""
    by_chunk: dict[int, tuple[GroundedAnswer, ...]] = defaultdict(tuple)
    for answer in answers:
        by_chunk[answer.chunk] += (answer,)
    return ModelResult(
        asked=_fields_by_chunk(questions),
        answers=dict(by_chunk),
        dropped=tuple(reason for reply in replies for reason in reply.rejected),
        usage=_total(reply.usage for reply in replies),
        policy=load_policy(_weakest_class(replies)),
        stretches={q.chunk.number: q.chunk for q in questions if "regimens" in q.fields},
    )


def _count(result: ModelResult, unasked: Sequence[Question], put_off: int, narrow: int) -> ModelResult:
    """The result with its questions counted: ``unasked`` for want of budget, and those whose answer is still to come,
    are open, not asked; ``narrow`` is how many lines were asked again.
    """
    stretches = {q.chunk.number: q.chunk for q in unasked if "regimens" in q.fields}
    still_open = len(unasked) + put_off + sum(map(result.is_open, result.asked))
    counts = {"questions": len(result.asked) + narrow, "open_questions": still_open}
    return replace(
        result,
        unasked=_fields_by_chunk(unasked),
        stretches={**result.stretches, **stretches},
        usage=result.usage.model_copy(update=counts),
    )


def _fields_by_chunk(questions: Iterable[Question]) -> dict[int, frozenset[str]]:
    return {question.chunk.number: frozenset(question.fields) for question in questions}


def _weakest_class(replies: Iterable[Reply]) -> ModelClass:
    classes = {classify_model(reply.model) for reply in replies}
    return min(classes, key=list(ModelClass).index, default=ModelClass.CAPABLE)


def _total(usages: Iterable[Usage]) -> Usage:
    return sum(usages, Usage())
