"""One record's questions: planned, packed, asked, and the answers held against the text."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from functools import partial

from extractor.assemble import Inquiry
from extractor.errors import AnswerRejected, ModelError
from extractor.ground.check import GroundedAnswer, ground_answer
from extractor.parse.parsed import ParsedRecord
from extractor.schemas import AbsenceReason, Task, Usage

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
    used leaves its questions open. Raises ``ModelUnavailable`` if the model cannot be reached, and
    ``CassetteMiss`` in a replay of what was never recorded.
    """
    if model is None or assist is Assist.NEVER:
        questions = plan_questions(parsed, tasks, Assist.AUTO)
        return Inquiry(usage=Usage(open_questions=len(questions)))
    questions = plan_questions(parsed, tasks, assist)
    packs = pack_questions(questions)
    replies = await _put_all(model, parsed, packs)
    answers = [answer for pack, reply in zip(packs, replies, strict=True) for answer in _ground(parsed, pack, reply)]
    return _report(questions, answers, _total(reply.usage for reply in replies))


async def _put_all(model: Model, parsed: ParsedRecord, packs: Sequence[Sequence[Question]]) -> list[Reply]:
    """A reply for each pack. If one fails for good, its error carries the usage of all."""
    results = await asyncio.gather(*(_put(model, parsed, pack) for pack in packs), return_exceptions=True)
    errors = [result for result in results if isinstance(result, BaseException)]
    replies = [result for result in results if isinstance(result, Reply)]
    if errors:
        first = errors[0]
        if isinstance(first, ModelError):
            spent = [error.usage for error in errors if isinstance(error, ModelError) and error.usage]
            first.usage = _total([*spent, *(reply.usage for reply in replies)])
        raise first
    return replies


async def _put(model: Model, parsed: ParsedRecord, pack: Sequence[Question]) -> Reply:
    try:
        return await model.put(pack, partial(render_call, parsed.record))
    except (AnswerRejected, RequestTooLong) as error:
        return Reply(items=(), usage=error.usage or Usage(), model=model.name, rejected=(str(error),))


def _ground(parsed: ParsedRecord, pack: Sequence[Question], reply: Reply) -> list[GroundedAnswer]:
    answers = read_answers(render_call(parsed.record, pack), reply.items, complete=not reply.rejected)
    return [ground_answer(answer, parsed) for answer in answers]


def _report(questions: Iterable[Question], answers: Iterable[GroundedAnswer], usage: Usage) -> Inquiry:
    asked = {question.chunk.number: frozenset(question.fields) for question in questions}
    by_chunk: dict[int, tuple[GroundedAnswer, ...]] = defaultdict(tuple)
    for answer in answers:
        by_chunk[answer.chunk] += (answer,)
    unanswered = {number: AbsenceReason.MODEL_REFUSED for number in asked if number not in by_chunk}
    counted = usage.model_copy(update={"questions": len(asked), "open_questions": len(unanswered)})
    return Inquiry(asked, dict(by_chunk), unanswered, counted)


def _total(usages: Iterable[Usage]) -> Usage:
    return sum(usages, Usage())
