"""Send a record's questions to a model, in as many calls as necessary.

A call passes through ``ask_round``, ``ask``, ``Model.complete`` and ``read_items``. Lines that a
truncated answer omits are asked about again, in two halves.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Iterable

from extractor.errors import (
    AnswerPending,
    AnswerRejected,
    BudgetReached,
    ModelError,
    ModelUnavailable,
    RequestTooLong,
    RunStopped,
)
from extractor.model.asking.answers import read_items
from extractor.model.asking.planner import Round
from extractor.model.asking.questions import (
    ModelReply,
    Questions,
    Render,
    Replies,
)
from extractor.model.asking.reply_models import is_listing
from extractor.model.calls import MOST_CALLS
from extractor.model.client import Model
from extractor.model.completions import Ending
from extractor.schemas import Usage

_TRUNCATED = "the answer did not fit into the output limit (finish reason length)"
_NO_TEXT = (
    "the output limit was reached before the answer began (finish reason length); set --reasoning "
    "to none, or to low, medium or high for more room to think"
)


async def ask_round(query_round: Round, model: Model) -> Replies:
    """Send the calls of a round concurrently, and return a reply for each call. The reply is None
    if the budget did not cover the call, and contains only the reason if the call failed or its
    answer is unusable.

    A call that is already answered is not sent again. If its answer is still missing, the other
    calls are not sent either, because they depend on it.

    If a call fails, the answers to the other calls are kept. The error of a failed call is raised,
    with the usage of all calls, only if the model did not cause the error, if the run was stopped,
    or if no call was answered.
    """
    answered = query_round.answered
    unasked = query_round.calls[len(answered) :]
    for reply in answered:
        if reply is None or reply.pending:
            return [reply] * len(query_round.calls)
    calls = [ask(model, questions, query_round.render) for questions in unasked]
    replies, lost = await _gather(calls)
    is_answered = len(lost) < len(replies) - replies.count(None)
    for error in lost:
        is_tolerable = isinstance(error, ModelUnavailable) and is_answered
        if is_tolerable and not isinstance(error, RunStopped):
            continue
        if isinstance(error, ModelError):
            spent = [reply.usage for reply in (*answered, *replies) if reply]
            error.usage = sum(spent, Usage())
        raise error
    return [*answered, *replies]


async def _gather(
    calls: Iterable[Awaitable[ModelReply]],
) -> tuple[list[ModelReply | None], list[BaseException]]:
    """Return a reply for each call, as ``ask_round`` describes it, and the errors of the calls
    whose answers were lost.
    """
    replies: list[ModelReply | None] = []
    lost: list[BaseException] = []
    for result in await asyncio.gather(*calls, return_exceptions=True):
        if isinstance(result, ModelReply):
            replies.append(result)
            continue
        if isinstance(result, BudgetReached):
            replies.append(None)
            continue
        usage = getattr(result, "usage", None) or Usage()
        replies.append(ModelReply(usage=usage, dropped=((None, str(result)),)))
        # in these two cases, the model works; any other error counts as a lost answer
        if not isinstance(result, AnswerRejected | RequestTooLong):
            lost.append(result)
    return replies, lost


async def ask(model: Model, questions: Questions, render: Render) -> ModelReply:
    """Ask questions in at most ``MOST_CALLS`` answered calls. ``render`` creates the call for any
    subset of the questions.

    The lines that a truncated answer omits are asked about again, in two halves. A line is dropped
    if no more calls are allowed, or if its answer was truncated although it was the only line in
    the call. The reply contains every valid item and the reasons for dropping the other items. If
    an answer is not available yet, as in a batch run, the reply is ``pending``.

    Raises ``AnswerRejected`` if no item is usable, and the errors of ``Model.complete``. All errors
    contain the usage of the attempts.
    """
    counts = not model.was_useless(render(questions))
    is_new = False
    reply = ModelReply(usage=Usage(questions=len(questions)))
    room = MOST_CALLS
    waiting = deque([questions])
    try:
        while waiting:
            part = waiting.popleft()
            remaining = part
            may_ask = room > len(waiting)
            if may_ask:
                part_reply, remaining, is_part_new = await _ask_part(
                    model, part, render
                )
                is_new |= is_part_new
                reply += part_reply
                room -= part_reply.usage.calls
            if len(part) == 1 or not may_ask:
                dropped = tuple((line.number, _TRUNCATED) for line in remaining)
                reply += ModelReply(dropped=dropped)
                continue
            middle = (len(remaining) + 1) // 2
            waiting += filter(None, (remaining[:middle], remaining[middle:]))
    except ModelError as error:
        error.usage = reply.usage + (error.usage or Usage())
        is_answer = isinstance(error, RequestTooLong)
        model.watch.note_useless(error, counts=is_answer and counts)
        raise
    _judge(reply, model, questions, counts=is_new and counts)
    return reply


def _judge(
    reply: ModelReply, model: Model, questions: Questions, *, counts: bool
) -> None:
    """Report to the watch whether the answer is usable. Raises ``AnswerRejected`` if all its items
    were rejected. An answer without items is only reported. ``counts`` is False if the answer says
    nothing new about the model: it was stored, or an earlier one was not usable either.
    """
    if reply.items:
        model.watch.note_useful()
    elif reply.is_useless:
        reasons = dict.fromkeys(reason for _, reason in reply.dropped)
        model.watch.note_useless("; ".join(reasons), counts=counts)
        rejected = "; ".join(reply.rejected)
        raise AnswerRejected(f"model {model.name}: {rejected}", reply.usage)
    # no items, although a line that is not a list must have one
    elif not reply.pending and not all(map(is_listing, questions)):
        model.watch.note_useless("the answers are empty", counts=counts)


async def _ask_part(
    model: Model, part: Questions, render: Render
) -> tuple[ModelReply, Questions, bool]:
    """Ask some questions in one call. Return the reply, the lines that a truncated answer omits,
    and whether the model gave the answer now. Raises the errors of ``Model.complete``.

    An answer that has no text because reasoning used up the output limit is not treated as
    truncated: asking fewer questions would require just as much reasoning. An unusable answer is
    marked in the store, so that a later run asks again. An answer from the store or from a batch
    is not marked, because its questions would otherwise be asked again endlessly.
    """
    call = render(part)
    try:
        answer = await model.complete(call)
    except AnswerPending:
        return ModelReply(pending=1), (), False
    completion = answer.completion
    reply = read_items(completion, call, part)._replace(usage=completion.usage)
    is_cut = completion.ending is Ending.CUT
    if answer.is_new and not reply.items and (is_cut or reply.dropped):
        model.reject(answer)
    if not is_cut:
        return reply, (), answer.is_new
    if not completion.text.strip():
        return reply._replace(dropped=((None, _NO_TEXT),)), (), answer.is_new
    answered = {item.n for item in reply.items}
    dropped = tuple(drop for drop in reply.dropped if drop[0] in answered)
    remaining = [line for line in part if line.number not in answered]
    return reply._replace(dropped=dropped), remaining, answer.is_new
