"""Ask a model the questions about a record, round by round, in as many calls as the answers
need.
"""

import asyncio
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from extractor.errors import (
    AnswerPending,
    AnswerRejected,
    BudgetReached,
    ModelError,
    ModelUnavailable,
    RequestTooLong,
    RunStopped,
)
from extractor.model.asking.dialogue import Replies, Round
from extractor.model.asking.questions import (
    ModelReply,
    Question,
    Render,
    current_session,
    item_number,
)
from extractor.model.asking.reply_models import is_listing
from extractor.model.asking.salvage import read_items
from extractor.model.client import Model
from extractor.model.completions import Ending
from extractor.model.patience import MOST_CALLS
from extractor.schemas import Usage

T = TypeVar("T")

_CUT = "the answer did not fit into the output limit (finish reason length)"
_SILENT = (
    "the output limit was reached before the answer began (finish reason length); lower "
    "--reasoning"
)


@dataclass(frozen=True, slots=True)
class _End(Generic[T]):
    result: T


async def converse(
    rounds: Generator[Round, Replies | None, T],
    model: Model | None,
    *,
    in_thread: bool = False,
) -> T:
    """Send each round of questions to ``model``, and return the result of ``rounds``.

    ``in_thread`` computes in another thread, so that the event loop goes on meanwhile.
    """

    def advance(replies: Replies | None) -> Round | _End[T]:
        try:
            return rounds.send(replies)
        except StopIteration as end:  # a thread cannot raise it
            return _End(end.value)

    replies: Replies | None = None
    while isinstance(
        step := await asyncio.to_thread(advance, replies)
        if in_thread
        else advance(replies),
        Round,
    ):
        replies = await ask_round(step, model) if model else None
    return step.result


async def ask_round(asked: Round, model: Model) -> Replies:
    """Return a reply for each call: None if the budget is spent, an empty one with the reason if
    the answer is useless.

    A failed call does not lose the answers to the others. Raises a failure only if it is not the
    model's, or if no call was answered. The error then carries the usage of
    all calls.
    """
    results = await asyncio.gather(
        *(ask(model, questions, asked.render) for questions in asked.calls),
        return_exceptions=True,
    )
    refused = (AnswerRejected, RequestTooLong)
    failed = [one for one in results if isinstance(one, BaseException)]
    errors = [
        error for error in failed if not isinstance(error, (*refused, BudgetReached))
    ]
    grave = [
        error
        for error in errors
        if not isinstance(error, ModelUnavailable) or isinstance(error, RunStopped)
    ]
    is_answered = any(isinstance(one, (ModelReply, *refused)) for one in results)
    if grave or (errors and not is_answered):
        first = (grave or errors)[0]
        if isinstance(first, ModelError):
            used = (
                error.usage
                for error in errors
                if isinstance(error, ModelError) and error.usage
            )
            first.usage = sum(used, Usage())
        raise first
    replies: list[ModelReply | None] = []
    for one in results:
        if isinstance(one, BudgetReached):
            replies.append(None)
        elif isinstance(one, BaseException):
            usage = (one.usage if isinstance(one, ModelError) else None) or Usage()
            replies.append(ModelReply((), usage, model.name, ((None, str(one)),)))
        else:
            replies.append(one)
    return replies


async def ask(
    model: Model, questions: Sequence[Question], render: Render
) -> ModelReply:
    """Ask questions. ``render`` makes the call for any part of them.

    The reply holds every item that is valid on its own, and the reasons for dropping others. A
    reply with neither is a valid, empty answer. The session of the record gets all of it.

    Raises ``AnswerRejected`` if no item could be used, and the errors of ``Model.complete``, all
    with the usage of the attempts.
    """
    asking = _Asking(model, render, Usage(questions=len(questions)))
    session = current_session()
    try:
        async with model, model.watch.calling():
            reply, _ = await asking.ask(tuple(questions), MOST_CALLS)
            if not reply.pending:
                model.watch.note_call(_find_problem(reply, questions))
    except (BudgetReached, ModelError) as error:
        session.lacking = True
        if isinstance(error, ModelError):
            error.usage = asking.usage
        raise
    session.pending |= reply.pending
    session.lacking |= bool(reply.dropped or reply.pending)
    by_number = {question.chunk.number: question for question in questions}
    session.answers += (
        (by_number[number], item, reply.model)
        for item in reply.items
        if (number := item_number(item)) in by_number
    )
    if reply.dropped and not reply.items and not reply.pending:
        raise AnswerRejected(
            f"model {model.name}: {'; '.join(reply.rejected)}", asking.usage
        )
    return replace(reply, usage=asking.usage, model=reply.model or model.name)


@dataclass(slots=True)
class _Asking:
    """Sends the calls for some questions, and sums their usage."""

    model: Model
    render: Render
    usage: Usage

    async def ask(
        self, questions: tuple[Question, ...], most: int
    ) -> tuple[ModelReply, int]:
        """Ask in at most ``most`` answered calls. If the answer is cut off, or the request too
        long, ask two halves.

        Each half of a request that was too long may take as many calls, because the refusal cost
        nothing. Returns the reply, and how many calls were answered.
        """
        if not questions:
            return ModelReply(), 0
        reply = ModelReply()
        calls = 0
        is_cut = False
        too_long = False
        try:
            reply, calls, is_cut = await self._call(questions, most)
        except AnswerPending:
            return ModelReply(pending=True), 0
        except RequestTooLong:
            if len(questions) == 1:
                raise
            too_long = True
        if not is_cut and not too_long:
            return reply, calls
        left = tuple(q for q in questions if q.chunk.number not in reply.numbers)
        middle = (len(left) + 1) // 2
        again = ModelReply(model=reply.model)
        for half, reserved in (
            (left[:middle], int(middle < len(left))),
            (left[middle:], 0),
        ):
            room = most if too_long else most - calls - reserved
            if len(questions) > 1 and room > 0:
                more, used = await self.ask(half, room)
            else:
                more = ModelReply(dropped=tuple((q.chunk.number, _CUT) for q in half))
                used = 0
            again = again.joined_with(more)
            calls = calls + used
        return again.completed_by(reply), calls

    async def _call(
        self, questions: tuple[Question, ...], most: int
    ) -> tuple[ModelReply, int, bool]:
        """Send one call. Return the usable items, the number of answers, and whether the output
        limit cut the last.
        """
        call = self.render(questions)
        try:
            answer = await self.model.complete(call, most)
        except BaseException as error:  # also a cancellation
            self.usage += getattr(error, "usage", None) or Usage()
            raise
        completion = answer.completion
        self.usage += completion.usage
        reply = read_items(completion, call, questions)
        is_cut = completion.ending is Ending.CUT
        # fewer questions would take as many thoughts
        if is_cut and not completion.text.strip():
            reply = ModelReply(dropped=((None, _SILENT),))
            is_cut = False
        # A stored one was useless before; a batch would ask without end.
        if answer.calls and not reply.items and (is_cut or reply.dropped):
            self.model.reject(answer)
        return replace(reply, model=completion.model), answer.calls, is_cut


def _find_problem(reply: ModelReply, questions: Sequence[Question]) -> str | None:
    """Say why an answer is useless. None if it is not; an empty answer may mean that the text
    states nothing.
    """
    if reply.items:
        return None
    if reply.dropped:
        return "; ".join(dict.fromkeys(reason for _, reason in reply.dropped))
    return None if all(map(is_listing, questions)) else "the answers are empty"
