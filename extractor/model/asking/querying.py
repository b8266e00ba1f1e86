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


@dataclass(frozen=True, slots=True)
class _End(Generic[T]):
    """The end of a dialogue, with what it returns."""

    result: T


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

    def advance(replies: Replies | None) -> Round | _End[T]:
        """Hand the replies on; return the next round, or the end."""
        try:
            return rounds.send(replies)
        # a thread cannot raise it
        except StopIteration as end:
            return _End(end.value)

    replies: Replies | None = None
    while True:
        if in_thread:
            step = await asyncio.to_thread(advance, replies)
        else:
            step = advance(replies)
        if isinstance(step, _End):
            return step.result
        replies = None
        if model:
            replies = await ask_round(step, model)


async def ask_round(asked: Round, model: Model) -> Replies:
    """Send the calls of a round at once, and return a reply for each: None if the budget is spent,
    an empty one with the reason if the call failed or its answer is useless.

    A failed call does not lose the answers to the others. Raises its error only if it is not the
    model's, if the run was stopped, or if no call was answered. The error then carries the usage of
    all failed calls.
    """
    calls = [ask(model, questions, asked.render) for questions in asked.calls]
    results = await asyncio.gather(*calls, return_exceptions=True)
    failure = _find_failure(results)
    if failure:
        raise failure
    replies: list[ModelReply | None] = []
    for result in results:
        if isinstance(result, ModelReply):
            replies.append(result)
        elif isinstance(result, BudgetReached):
            replies.append(None)
        else:
            usage = _usage_of(result) or Usage()
            dropped = ((None, str(result)),)
            failed = ModelReply(usage=usage, model=model.name, dropped=dropped)
            replies.append(failed)
    return replies


def _find_failure(
    results: Sequence[ModelReply | BaseException],
) -> BaseException | None:
    """Return the error that ends a round, None if it goes on. An error of the model gets the usage
    of all failed calls.

    A stopped run, and an error that is not the model's, always end it. A model that is not there
    ends it only if no call was answered. A useless answer, or a refusal of a call as too long, is
    an answer, too. A spent budget is no error.
    """
    errors: list[BaseException] = []
    grave: list[BaseException] = []
    is_answered = False
    for result in results:
        if isinstance(result, (ModelReply, AnswerRejected, RequestTooLong)):
            is_answered = True
            continue
        if isinstance(result, BudgetReached):
            continue
        errors.append(result)
        is_absence = isinstance(result, ModelUnavailable)
        if not is_absence or isinstance(result, RunStopped):
            grave.append(result)
    if not errors:
        return None
    if is_answered and not grave:
        return None
    first = grave[0] if grave else errors[0]
    if isinstance(first, ModelError):
        usages = [_usage_of(error) for error in errors]
        first.usage = sum(filter(None, usages), Usage())
    return first


def _usage_of(error: BaseException) -> Usage | None:
    """Return what the attempts of a call cost that ended in an error, None if nothing is known."""
    if isinstance(error, ModelError):
        return error.usage
    return None


async def ask(
    model: Model, questions: Sequence[Question], render: Render
) -> ModelReply:
    """Ask questions in as many calls as the answers need. ``render`` makes the call for any part of
    them.

    The reply holds every item that is valid on its own, and the reasons for dropping others. A
    reply with neither is a valid, empty answer. If the answer will come by a batch, the reply is
    ``pending``. The session of the record gets the items, and notes whether anything is lacking.

    Raises ``AnswerRejected`` if no item could be used, and the errors of ``Model.complete``, all
    with the usage of the attempts.
    """
    asking = _Asking(model, render, Usage(questions=len(questions)))
    session = current_session()
    try:
        async with model:
            try:
                reply, _ = await asking.ask(tuple(questions), MOST_CALLS)
            except ModelUnavailable as error:
                model.watch.check_call(error)
                raise
            if not reply.pending:
                model.watch.check_call(_find_problem(reply, questions))
    except (BudgetReached, ModelError) as error:
        session.lacking = True
        if isinstance(error, ModelError):
            error.usage = asking.usage
        raise
    if reply.pending:
        session.pending = True
    if reply.dropped or reply.pending:
        session.lacking = True
    by_number = {question.number: question for question in questions}
    for item in reply.items:
        number = item_number(item)
        if number in by_number:
            session.answers.append((by_number[number], item, reply.model))
    is_useless = bool(reply.dropped) and not reply.items
    if is_useless and not reply.pending:
        reasons = "; ".join(reply.rejected)
        raise AnswerRejected(f"model {model.name}: {reasons}", asking.usage)
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
        """Ask in at most ``most`` answered calls. If the request is too long, ask two halves. If
        the answer is cut off, ask what it left out.

        Returns the reply, and how many calls were answered. An answer that will come by a batch
        counts as none. Raises ``RequestTooLong`` if a single question is too long.
        """
        if not questions:
            return ModelReply(), 0
        is_too_long = False
        try:
            reply, calls, is_cut = await self._call(questions, most)
        except AnswerPending:
            return ModelReply(pending=True), 0
        except RequestTooLong:
            if len(questions) == 1:
                raise
            is_too_long = True
        if is_too_long:
            # the refusal cost nothing, so that each half may take as many calls
            first, second = _halve(questions)
            reply, calls = await self.ask(first, most)
            more, more_calls = await self.ask(second, most)
            return reply.joined_with(more), calls + more_calls
        if not is_cut:
            return reply, calls
        more, more_calls = await self._ask_rest(questions, reply, most - calls)
        return more.completed_by(reply), calls + more_calls

    async def _ask_rest(
        self, questions: tuple[Question, ...], reply: ModelReply, room: int
    ) -> tuple[ModelReply, int]:
        """Ask the lines that a truncated answer leaves out, in two halves, in at most ``room``
        answered calls. Returns the reply to them, and how many calls were answered.

        Nothing is asked again if the truncated answer was about one line: asking it again would be
        cut off as well. Lines that no call is left for are dropped, with the reason.
        """
        answered = reply.numbers
        left = [question for question in questions if question.number not in answered]
        first, second = _halve(tuple(left))
        if len(questions) == 1:
            room = 0
        first_room = room
        if second:
            # the second half needs a call, too
            first_room -= 1
        rest = ModelReply(model=reply.model)
        more, calls = await self._ask_if_allowed(first, first_room)
        rest = rest.joined_with(more)
        more, more_calls = await self._ask_if_allowed(second, room - calls)
        return rest.joined_with(more), calls + more_calls

    async def _ask_if_allowed(
        self, questions: tuple[Question, ...], room: int
    ) -> tuple[ModelReply, int]:
        """Ask in at most ``room`` answered calls; if none is left, drop each line, because its
        answer was cut off. Returns the reply, and how many calls were answered.
        """
        if room > 0:
            return await self.ask(questions, room)
        dropped = tuple((question.number, _CUT) for question in questions)
        return ModelReply(dropped=dropped), 0

    async def _call(
        self, questions: tuple[Question, ...], most: int
    ) -> tuple[ModelReply, int, bool]:
        """Send one call, in at most ``most`` attempts that are answered. Return the usable items,
        the number of answers, and whether the output limit cut the last one.

        An answer without text, because the limit was reached among the thoughts, is not called cut:
        fewer questions would take as many thoughts. A useless answer is marked in the store, so
        that a later run asks again; not one that came from the store or from a batch.
        """
        call = self.render(questions)
        try:
            answer = await self.model.complete(call, most)
        # also a cancellation
        except BaseException as error:
            self.usage += getattr(error, "usage", None) or Usage()
            raise
        completion = answer.completion
        self.usage += completion.usage
        reply = read_items(completion, call, questions)
        is_cut = completion.ending is Ending.CUT
        if is_cut and not completion.text.strip():
            reply = ModelReply(dropped=((None, _SILENT),))
            is_cut = False
        has_failed = is_cut or bool(reply.dropped)
        is_useless = has_failed and not reply.items
        # A stored one was useless before; a batch would ask without end.
        if answer.calls and is_useless:
            self.model.reject(answer)
        reply = replace(reply, model=completion.model)
        return reply, answer.calls, is_cut


def _halve(
    questions: tuple[Question, ...],
) -> tuple[tuple[Question, ...], tuple[Question, ...]]:
    """Return two halves of questions; of an odd number, the first has one more."""
    middle = (len(questions) + 1) // 2
    return questions[:middle], questions[middle:]


def _find_problem(reply: ModelReply, questions: Sequence[Question]) -> str | None:
    """Say why an answer is useless. None if it has an item, and for an empty answer to questions
    that may all have none: the text then states nothing.
    """
    if reply.items:
        return None
    if reply.dropped:
        reasons = dict.fromkeys(reason for _, reason in reply.dropped)
        return "; ".join(reasons)
    if all(map(is_listing, questions)):
        return None
    return "the answers are empty"
