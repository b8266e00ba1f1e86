"""One record's questions: planned, packed, asked, and the answers held against the text."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from extractor.assemble import Inquiry
from extractor.assemble.policy import ModelClass, classify_model, load_policy
from extractor.errors import AnswerRejected, BudgetReached, ModelError, ModelUnavailable
from extractor.ground.check import GroundedAnswer, ground_answer
from extractor.parse.parsed import ParsedRecord
from extractor.schemas import Task, Usage

from .call import Question, Reply
from .failures import RequestTooLong
from .leaks import drop_repeated
from .model import Model, Render
from .prompt import render_call
from .questions import Assist, pack_questions, plan_questions
from .recheck import believe_recheck, plan_recheck, render_recheck
from .wire import read_answers

__all__ = ["MayAsk", "inquire"]


MayAsk = Callable[[], bool]
"""Whether the run's budget still allows a question."""


async def inquire(
    parsed: ParsedRecord,
    model: Model | None,
    tasks: Collection[Task],
    assist: Assist,
    may_ask: MayAsk = lambda: True,
) -> Inquiry:
    """Ask ``model`` what ``assist`` wants asked about a record, and keep what the text supports.

    What the text does not support is asked once more, narrowly. Without a model nothing is asked, and the questions
    are counted as open; so are those for which ``may_ask``, or a ``BudgetReached`` of the model, leaves no budget. An
    answer that cannot be used leaves its questions open. Raises ``ModelUnavailable`` if no question could be put, and
    ``CassetteMiss`` in a replay of what was never recorded.
    """
    questions = plan_questions(parsed, tasks, assist)
    if model is None:
        return Inquiry(usage=Usage(open_questions=len(questions)))
    asker = _Asker(model, may_ask)
    packs = pack_questions(questions)
    replies = await _put_all(asker, packs, partial(render_call, parsed.record))
    pairs = list(zip(packs, replies, strict=True))
    answers = [answer for pack, reply in pairs if reply for answer in _ground(parsed, pack, reply)]
    told = [reply for reply in replies if reply]
    answered = {answer.chunk for answer in answers}
    put_off = [q for pack, reply in pairs if reply and reply.pending for q in pack if q.chunk.number not in answered]
    unasked = [question for pack, reply in pairs if reply is None for question in pack]
    answers, narrow = await _ask_again(asker, parsed, answers)
    asked = [question for question in questions if question not in put_off and question not in unasked]
    inquiry = _report(asked, answers, [*told, *narrow.replies])
    return _count(inquiry, unasked, len(put_off), narrow.lines)


@dataclass(frozen=True, slots=True)
class _Asker:
    """A model, as far as the budget goes."""

    model: Model
    may_ask: MayAsk

    async def put(self, questions: Sequence[Question], render: Render) -> Reply | None:
        """The reply, one that says what was wrong with it, or None where the budget is spent."""
        if not self.may_ask():
            return None
        try:
            return await self.model.put(questions, render)
        except BudgetReached:
            return None
        except (AnswerRejected, RequestTooLong) as error:
            return self.no_reply(error)

    def no_reply(self, error: BaseException) -> Reply:
        usage = error.usage if isinstance(error, ModelError) else None
        return Reply(items=(), usage=usage or Usage(), model=self.model.name, rejected=(str(error),))


@dataclass(frozen=True, slots=True)
class _Narrow:
    """The narrow question of a record: how many lines it had, and its reply, if it was put."""

    lines: int = 0
    replies: tuple[Reply, ...] = ()


async def _ask_again(
    asker: _Asker, parsed: ParsedRecord, answers: list[GroundedAnswer]
) -> tuple[list[GroundedAnswer], _Narrow]:
    """The answers after what was refused of them is asked once more, all of it in one question."""
    rechecks = plan_recheck(parsed, answers)
    if not rechecks:
        return answers, _Narrow()
    try:
        reply = await asker.put([recheck.question for recheck in rechecks], render_recheck)
    except ModelUnavailable as error:
        reply = asker.no_reply(error)  # what is known of the record is not lost
    if reply is None:
        return answers, _Narrow()
    return believe_recheck(parsed, answers, rechecks, reply.items), _Narrow(len(rechecks), (reply,))


async def _put_all(asker: _Asker, packs: Sequence[Sequence[Question]], render: Render) -> list[Reply | None]:
    """A reply for each pack. What is known of a record is not lost because one pack failed: that is raised only if
    no pack was answered, or the failure is not the model's; the error then carries the usage of all.
    """
    results = await asyncio.gather(*(asker.put(pack, render) for pack in packs), return_exceptions=True)
    errors = [result for result in results if isinstance(result, BaseException)]
    grave = [error for error in errors if not isinstance(error, ModelUnavailable)]
    if grave or (errors and not any(isinstance(result, Reply) for result in results)):
        first = (grave or errors)[0]
        if isinstance(first, ModelError):
            first.usage = _total(error.usage for error in errors if isinstance(error, ModelError) and error.usage)
        raise first
    return [asker.no_reply(result) if isinstance(result, BaseException) else result for result in results]


def _ground(parsed: ParsedRecord, pack: Sequence[Question], reply: Reply) -> list[GroundedAnswer]:
    answers = read_answers(pack, reply.items, complete=not (reply.rejected or reply.pending))
    chunks = {question.chunk.number: question.chunk for question in pack}
    return [drop_repeated(ground_answer(answer, parsed, chunks[answer.chunk])) for answer in answers]


def _report(questions: Sequence[Question], answers: Iterable[GroundedAnswer], replies: Sequence[Reply]) -> Inquiry:
    """What was asked and answered."""
    by_chunk: dict[int, tuple[GroundedAnswer, ...]] = defaultdict(tuple)
    for answer in answers:
        by_chunk[answer.chunk] += (answer,)
    return Inquiry(
        asked=_fields_by_chunk(questions),
        answers=dict(by_chunk),
        dropped=tuple(reason for reply in replies for reason in reply.rejected),
        usage=_total(reply.usage for reply in replies),
        policy=load_policy(_weakest_class(replies)),
        stretches={q.chunk.number: q.chunk for q in questions if "regimens" in q.fields},
    )


def _count(inquiry: Inquiry, unasked: Sequence[Question], put_off: int, narrow: int) -> Inquiry:
    """The inquiry with its questions counted: ``unasked`` for want of budget, and those whose answer is still to come,
    are open, not asked; ``narrow`` is how many lines were asked again.
    """
    stretches = {q.chunk.number: q.chunk for q in unasked if "regimens" in q.fields}
    still_open = len(unasked) + put_off + sum(map(inquiry.is_open, inquiry.asked))
    counts = {"questions": len(inquiry.asked) + narrow, "open_questions": still_open}
    return replace(
        inquiry,
        unasked=_fields_by_chunk(unasked),
        stretches={**inquiry.stretches, **stretches},
        usage=inquiry.usage.model_copy(update=counts),
    )


def _fields_by_chunk(questions: Iterable[Question]) -> dict[int, frozenset[str]]:
    return {question.chunk.number: frozenset(question.fields) for question in questions}


def _weakest_class(replies: Iterable[Reply]) -> ModelClass:
    classes = {classify_model(reply.model) for reply in replies}
    return ModelClass.SMALL if ModelClass.SMALL in classes else ModelClass.CAPABLE


def _total(usages: Iterable[Usage]) -> Usage:
    return sum(usages, Usage())
