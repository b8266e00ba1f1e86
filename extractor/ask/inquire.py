"""One record's questions: planned, packed, asked, and the answers held against the text."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial

from extractor.assemble import Inquiry
from extractor.assemble.policy import ModelClass, classify_model, load_policy
from extractor.errors import AnswerRejected, ModelError, ModelUnavailable
from extractor.ground.check import GroundedAnswer, ground_answer
from extractor.parse.parsed import ParsedRecord
from extractor.schemas import Task, Usage

from .call import Question, Reply
from .failures import RequestTooLong
from .model import Model
from .prompt import render_call
from .questions import Assist, pack_questions, plan_questions
from .wire import read_answers

__all__ = ["inquire"]


async def inquire(parsed: ParsedRecord, model: Model | None, tasks: Collection[Task], assist: Assist) -> Inquiry:
    """Ask ``model`` what ``assist`` wants asked about a record, and keep what the text supports.

    Without a model nothing is asked, and the questions are counted as open. An answer that cannot be
    used leaves its questions open. Raises ``ModelUnavailable`` if no question could be put, and
    ``CassetteMiss`` in a replay of what was never recorded.
    """
    questions = plan_questions(parsed, tasks, assist)
    if model is None:
        return Inquiry(usage=Usage(open_questions=len(questions)))
    packs = pack_questions(questions)
    replies = await _put_all(model, parsed, packs)
    answers = [answer for pack, reply in zip(packs, replies, strict=True) for answer in _ground(parsed, pack, reply)]
    pending = [q for pack, reply in zip(packs, replies, strict=True) if reply.pending for q in pack]
    answered = {answer.chunk for answer in answers}
    waiting = [question for question in pending if question.chunk.number not in answered]
    return _report([q for q in questions if q not in waiting], answers, replies, len(waiting))


async def _put_all(model: Model, parsed: ParsedRecord, packs: Sequence[Sequence[Question]]) -> list[Reply]:
    """A reply for each pack. What is known of a record is not lost because one pack failed: that is raised only if
    no pack was answered, or the failure is not the model's; the error then carries the usage of all.
    """
    results = await asyncio.gather(*(_put(model, parsed, pack) for pack in packs), return_exceptions=True)
    replies = [result for result in results if isinstance(result, Reply)]
    errors = [result for result in results if isinstance(result, BaseException)]
    grave = [error for error in errors if not isinstance(error, ModelUnavailable)]
    if grave or (errors and not replies):
        first = (grave or errors)[0]
        if isinstance(first, ModelError):
            first.usage = _total(error.usage for error in errors if isinstance(error, ModelError) and error.usage)
        raise first
    return [result if isinstance(result, Reply) else _no_reply(model, result) for result in results]


async def _put(model: Model, parsed: ParsedRecord, pack: Sequence[Question]) -> Reply:
    try:
        return await model.put(pack, partial(render_call, parsed.record))
    except (AnswerRejected, RequestTooLong) as error:
        return _no_reply(model, error)


def _no_reply(model: Model, error: BaseException) -> Reply:
    usage = error.usage if isinstance(error, ModelError) else None
    return Reply(items=(), usage=usage or Usage(), model=model.name, rejected=(str(error),))


def _ground(parsed: ParsedRecord, pack: Sequence[Question], reply: Reply) -> list[GroundedAnswer]:
    answers = read_answers(pack, reply.items, complete=not (reply.rejected or reply.pending))
    chunks = {question.chunk.number: question.chunk for question in pack}
    return [ground_answer(answer, parsed, chunks[answer.chunk]) for answer in answers]


def _report(
    questions: Sequence[Question], answers: Iterable[GroundedAnswer], replies: Sequence[Reply], waiting: int
) -> Inquiry:
    """What was asked and answered; ``waiting`` questions have been put down, and count as open, not as asked."""
    by_chunk: dict[int, tuple[GroundedAnswer, ...]] = defaultdict(tuple)
    for answer in answers:
        by_chunk[answer.chunk] += (answer,)
    asked = {question.chunk.number: frozenset(question.fields) for question in questions}
    dropped = tuple(reason for reply in replies for reason in reply.rejected)
    usage = _total(reply.usage for reply in replies)
    policy = load_policy(_weakest_class(replies))
    stretches = {q.chunk.number: q.chunk for q in questions if "regimens" in q.fields}
    inquiry = Inquiry(asked, dict(by_chunk), dropped, usage, policy, stretches)
    counts = {"questions": len(asked), "open_questions": waiting + sum(map(inquiry.is_open, asked))}
    return replace(inquiry, usage=inquiry.usage.model_copy(update=counts))


def _weakest_class(replies: Iterable[Reply]) -> ModelClass:
    classes = {classify_model(reply.model) for reply in replies}
    return ModelClass.SMALL if ModelClass.SMALL in classes else ModelClass.CAPABLE


def _total(usages: Iterable[Usage]) -> Usage:
    return sum(usages, Usage())
