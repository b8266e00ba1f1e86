"""Send a record's request to a model, in as many calls as necessary.

A call passes through ``ask_record``, ``Model.complete`` and ``read_items``. If a reply is cut or
garbled, only the rest of the record is asked about again.
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
from extractor.model.asking.questions import AskedLines, ModelReply, Replies
from extractor.model.asking.request import Request
from extractor.model.calls import MOST_CALLS, Call
from extractor.model.client import Model
from extractor.model.completions import Ending
from extractor.model.store import Answer
from extractor.schemas import Usage

_TRUNCATED = "the answer did not fit into the output limit (finish reason length)"
_NO_TEXT = (
    "the output limit was reached before the answer began (finish reason length); set --reasoning "
    "to none, or to low, medium or high for more room to think"
)


async def ask_record(request: Request, model: Model) -> Replies:
    """Send the parts of a request concurrently, and return a reply for each. The reply is None if
    the budget did not cover the part, and contains only the reason if the call failed or its answer
    is unusable.

    If a call fails, the answers to the other parts are kept. The error of a failed call is raised,
    with the usage of all calls, only if the model did not cause the error, if the run was stopped,
    or if no part was answered.
    """
    replies, lost = await _gather(
        ask_part(request, part, model) for part in request.parts
    )
    # at least one of the parts that the budget covered
    is_answered = len(lost) < len(replies) - replies.count(None)
    for error in lost:
        is_tolerable = isinstance(error, ModelUnavailable) and is_answered
        if is_tolerable and not isinstance(error, RunStopped):
            continue
        if isinstance(error, ModelError):
            error.usage = sum((reply.usage for reply in replies if reply), Usage())
        raise error
    return replies


async def _gather(
    calls: Iterable[Awaitable[ModelReply]],
) -> tuple[list[ModelReply | None], list[BaseException]]:
    """Return a reply for each part, as ``ask_record`` describes it, and the errors of the calls
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


async def ask_part(request: AskedLines, part: range, model: Model) -> ModelReply:
    """Ask about a part in at most ``MOST_CALLS`` answered calls.

    If a reply is cut or garbled, the rest of the part is asked about again: from the last item of
    the reply on, or in two halves if it has no item. What remains when no more calls are allowed,
    or when a reply about a single item is cut, is dropped. The reply contains every valid item and
    the reasons for dropping others. If an answer is not available yet, as in a batch run, the reply
    is ``pending``.

    Raises ``AnswerRejected`` if no item is usable, and the errors of ``Model.complete``. All errors
    contain the usage of the attempts.
    """
    reply = ModelReply(usage=Usage(questions=request.count_items(part)))
    room = MOST_CALLS
    waiting = deque([part])
    try:
        while waiting:
            piece = waiting.popleft()
            rest: tuple[range, ...] = (piece,)
            # leave a call for each of the other pieces
            may_ask = room > len(waiting)
            if may_ask:
                piece_reply, rest = await _ask_once(request, piece, model)
                reply += piece_reply
                room -= piece_reply.usage.calls
            is_left = not may_ask or piece in rest
            if is_left:
                reply += ModelReply(dropped=((piece.start, _TRUNCATED),))
                continue
            waiting += rest
    except ModelError as error:
        error.usage = reply.usage + (error.usage or Usage())
        model.watch.note_useless(error, counts=False)
        raise
    if reply.is_useless:
        rejected = "; ".join(reply.rejected)
        raise AnswerRejected(f"model {model.name}: {rejected}", reply.usage)
    return reply


async def _ask_once(
    request: AskedLines, part: range, model: Model
) -> tuple[ModelReply, tuple[range, ...]]:
    """Ask about a part in one call. Return the reply, and what remains to be asked: nothing if the
    reply is whole, the part itself if it cannot be cut any further.

    An answer that has no text because reasoning used up the output limit is not asked for again:
    asking about less would require just as much reasoning. An unusable answer is marked in the
    store, so that a later run asks again. An answer from the store or from a batch is not marked,
    because its questions would otherwise be asked again endlessly. Raises the errors of
    ``Model.complete``.
    """
    call = request.render(part)
    try:
        answer = await model.complete(call)
    except AnswerPending:
        return ModelReply(pending=1), ()
    except RequestTooLong as error:
        model.note_useless(call, str(error))
        raise
    completion = answer.completion
    reply = read_items(completion, call, request, part)
    reply = reply._replace(usage=completion.usage)
    is_cut = completion.ending is Ending.CUT
    if answer.is_new:
        must_have_items = request.needs_items(part)
        _note_answer(model, call, answer, reply, must_have_items=must_have_items)
    if is_cut and not completion.text.strip():
        return reply._replace(dropped=((None, _NO_TEXT),)), ()
    if is_cut:
        return _find_rest(request, part, reply)
    is_garbled = any(number is None for number, _ in reply.dropped)
    if is_garbled and reply.items:
        # what was lost before the last item that can be read is not asked again
        last = max(item.n for item in reply.items)
        return reply, _list_pieces(last + 1, part)
    return reply, ()


def _note_answer(
    model: Model,
    call: Call,
    answer: Answer,
    reply: ModelReply,
    *,
    must_have_items: bool,
) -> None:
    """Tell the model whether a new answer was of use, and mark it in the store if it was not. An
    empty answer is only useless if the text or a line of the part must have an item.
    """
    if reply.items:
        model.watch.note_useful()
        return
    is_cut = answer.completion.ending is Ending.CUT
    if is_cut or reply.dropped:
        model.reject(answer)
    if reply.dropped:
        reasons = dict.fromkeys(reason for _, reason in reply.dropped)
        model.note_useless(call, "; ".join(reasons))
    elif must_have_items:
        model.note_useless(call, "the answers are empty")


def _list_pieces(start: int, part: range) -> tuple[range, ...]:
    """Return what remains of a part from a number on."""
    rest = range(start, part.stop)
    return (rest,) if rest else ()


def _find_rest(
    request: AskedLines, part: range, reply: ModelReply
) -> tuple[ModelReply, tuple[range, ...]]:
    """Return the items of a cut reply that are whole, and the rest of the part.

    An item ends where the next one begins, so the end of the last item is unknown: if it is a place
    of the text, it is asked about again, unless it is the only one. A passage may have more items
    than those that were read, so it is asked about again, too.
    """
    if not reply.items:
        return reply._replace(dropped=()), request.halve(part)
    # that the whole answer cannot be read says only that it is cut
    dropped = tuple(one for one in reply.dropped if one[0] is not None)
    last = max(item.n for item in reply.items)
    kept = tuple(item for item in reply.items if item.n != last)
    if not kept:
        kept = reply.items
        last += 1
    return reply._replace(items=kept, dropped=dropped), _list_pieces(last, part)
