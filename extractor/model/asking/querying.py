"""Send a record's questions to a model, in as many calls as the answers need.

The way of one call: ``converse`` (or a worker's ``ask_round``) -> ``ask`` -> ``Model.complete``
-> ``read_items``. A request that is too long is sent in halves, and so is what a truncated answer
leaves out.
"""

import asyncio
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

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
    Questions,
    Render,
    current_session,
    item_number,
)
from extractor.model.asking.reply_models import is_listing
from extractor.model.asking.salvage import read_items
from extractor.model.calls import MOST_CALLS
from extractor.model.client import Model
from extractor.model.completions import Ending
from extractor.schemas import Usage

T = TypeVar("T")

_CUT = "the answer did not fit into the output limit (finish reason length)"
_SILENT = (
    "the output limit was reached before the answer began (finish reason length); lower "
    "--reasoning"
)


async def converse(
    rounds: Generator[Round, Replies | None, T],
    model: Model | None,
    *,
    in_thread: bool = False,
) -> T:
    """Send each round of questions to ``model``, and return the result of ``rounds``.

    Without a model, ``rounds`` gets None in place of replies. ``in_thread`` computes in another
    thread, so that the event loop goes on meanwhile.
    """
    results: list[T] = []

    def advance(replies: Replies | None) -> Round | None:
        try:
            return rounds.send(replies)
        # a thread cannot raise it
        except StopIteration as end:
            results.append(end.value)
            return None

    replies: Replies | None = None
    while True:
        if in_thread:
            asked = await asyncio.to_thread(advance, replies)
        else:
            asked = advance(replies)
        if asked is None:
            return results[0]
        replies = await ask_round(asked, model) if model else None


async def ask_round(asked: Round, model: Model) -> Replies:
    """Send the calls of a round at once, and return a reply for each: None if the budget is spent,
    an empty one with the reason if the call failed or its answer is useless.

    A failed call does not lose the answers to the others. Raises its error, with the usage of all
    failed calls, only if it is not the model's, if the run was stopped, or if no call was answered.
    """
    calls = [ask(model, questions, asked.render) for questions in asked.calls]
    results = await asyncio.gather(*calls, return_exceptions=True)
    replies: list[ModelReply | None] = []
    lost: list[BaseException] = []
    usage = Usage()
    for result in results:
        if isinstance(result, ModelReply):
            replies.append(result)
            continue
        if isinstance(result, BudgetReached):
            replies.append(None)
            lost.append(result)
            continue
        spent = getattr(result, "usage", None) or Usage()
        dropped = ((None, str(result)),)
        replies.append(ModelReply(usage=spent, model=model.name, dropped=dropped))
        # a useless answer, or a refusal of a call as too long, is an answer, too
        if not isinstance(result, AnswerRejected | RequestTooLong):
            usage += spent
            lost.append(result)
    is_answered = len(lost) < len(results)
    for error in lost:
        is_away = isinstance(error, ModelUnavailable) and not isinstance(
            error, RunStopped
        )
        if isinstance(error, BudgetReached) or (is_away and is_answered):
            continue
        if isinstance(error, ModelError):
            error.usage = usage
        raise error
    return replies


async def ask(model: Model, questions: Questions, render: Render) -> ModelReply:
    """Ask questions in as many calls as the answers need. ``render`` makes the call for any part of
    them.

    The reply has every item that is valid on its own, and the reasons for dropping others. If an
    answer will come by a batch, the reply is ``pending``. The session of the record notes whether
    anything is lacking.

    Raises ``AnswerRejected`` if no item could be used, and the errors of ``Model.complete``, all
    with the usage of the attempts.
    """
    usage = Usage(questions=len(questions))
    asking = _Asking(model, render, ModelReply(usage=usage, model=model.name))
    session = current_session()
    try:
        async with model:
            try:
                await asking.ask(questions)
            except ModelUnavailable as error:
                model.watch.check_call(error)
                raise
            reply = asking.reply
            if not reply.pending:
                model.watch.check_call(_find_problem(reply, questions))
    except (BudgetReached, ModelError) as error:
        session.lacking = True
        if isinstance(error, ModelError):
            error.usage = asking.reply.usage
        raise
    session.lacking |= reply.pending or bool(reply.dropped)
    if reply.dropped and not reply.items and not reply.pending:
        reasons = "; ".join(reply.rejected)
        raise AnswerRejected(f"model {model.name}: {reasons}", reply.usage)
    return reply


def _find_problem(reply: ModelReply, questions: Questions) -> str | None:
    """Describe why an answer is useless. None if it has an item, and for an empty answer to
    questions that may all have none.
    """
    if reply.items:
        return None
    if reply.dropped:
        return "; ".join(dict.fromkeys(reason for _, reason in reply.dropped))
    return None if all(map(is_listing, questions)) else "the answers are empty"


@dataclass(slots=True)
class _Asking:
    """The calls for some questions; ``reply`` has what they brought and cost so far."""

    model: Model
    render: Render
    reply: ModelReply

    def add(self, **more: Any) -> None:
        """Add to the reply."""
        for name, value in more.items():
            total = getattr(self.reply, name) + value
            self.reply = replace(self.reply, **{name: total})

    async def ask(self, questions: Questions) -> None:
        """Ask in at most ``MOST_CALLS`` answered calls.

        A request that is too long, and what a truncated answer leaves out, is asked in two halves.
        Lines that no call is left for are dropped; so is a line whose answer was cut off although
        it was the only one. Raises ``RequestTooLong`` if a single question is too long.
        """
        room = MOST_CALLS
        waiting = deque([questions])
        while waiting:
            part = waiting.popleft()
            most = room - len(waiting)
            left = part
            if most > 0:
                try:
                    calls, left = await self.call(part, min(most, MOST_CALLS))
                except AnswerPending:
                    self.reply = replace(self.reply, pending=True)
                    continue
                except RequestTooLong:
                    if len(part) == 1:
                        raise
                    # the refusal cost nothing, so that each half may take as many calls
                    calls = -MOST_CALLS
                room -= calls
            if most <= 0 or len(part) == 1:
                self.add(dropped=tuple((line.number, _CUT) for line in left))
                continue
            middle = (len(left) + 1) // 2
            waiting += filter(None, (left[:middle], left[middle:]))

    async def call(self, part: Questions, most: int) -> tuple[int, Questions]:
        """Send one call, in at most ``most`` attempts that are answered. Return the number of
        answers, and the lines that a truncated one leaves out.

        An answer without text, because the limit was reached among the thoughts, is not called cut:
        fewer questions would take as many thoughts. A useless answer is marked in the store, so
        that a later run asks again; not one that came from the store or from a batch.
        """
        call = self.render(part)
        try:
            answer = await self.model.complete(call, most)
        # also a cancellation
        except BaseException as error:
            self.add(usage=getattr(error, "usage", None) or Usage())
            raise
        completion = answer.completion
        read = read_items(completion, call, part)
        dropped = read.dropped
        is_cut = completion.ending is Ending.CUT
        if is_cut and not completion.text.strip():
            dropped = ((None, _SILENT),)
            is_cut = False
        # A stored one was useless before; a batch would ask without end.
        if answer.calls and not read.items and (is_cut or dropped):
            self.model.reject(answer)
        left: Questions = ()
        if is_cut:
            answered = set(map(item_number, read.items))
            left = [line for line in part if line.number not in answered]
            dropped = tuple(drop for drop in dropped if drop[0] in answered)
        self.add(
            items=read.items,
            dropped=dropped,
            remarks=read.remarks,
            usage=completion.usage,
        )
        self.reply = replace(self.reply, model=completion.model or self.reply.model)
        return answer.calls, left
