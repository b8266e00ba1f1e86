"""Runs a record's dialogue with a model, batch by batch."""

import asyncio
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from extractor.errors import AnswerRejected, BudgetReached, ModelError, ModelUnavailable, RequestTooLong, RunStopped
from extractor.llm.client import Model
from extractor.schemas import Usage

from .answers import ask
from .dialogue import QuestionBatch, Replies
from .questions import ModelReply, Question, Render

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _End(Generic[T]):
    result: T


async def converse(
    batches: Generator[QuestionBatch, Replies | None, T],
    model: Model | None,
    *,
    in_thread: bool = False,
) -> T:
    """Send each batch of questions to ``model``, and return the result of ``batches``.

    ``in_thread`` computes in another thread, so that the event loop goes on meanwhile.
    """

    def advance(replies: Replies | None) -> QuestionBatch | _End[T]:
        try:
            return batches.send(replies)
        except StopIteration as end:  # a thread cannot raise it
            return _End(end.value)

    replies: Replies | None = None
    while isinstance(
        step := await asyncio.to_thread(advance, replies) if in_thread else advance(replies), QuestionBatch
    ):
        replies = await query_batch(step, model) if model else None
    return step.result


async def query_batch(asked: QuestionBatch, model: Model) -> tuple[ModelReply | None, ...]:
    """Return a reply for each pack, None if the budget is spent.

    A failed pack does not lose the answers to the others. Raises a failure only if it is not the model's, or if the
    batch is needed and no pack was answered. The error then carries the usage of all packs.
    """
    calls = (_complete(pack, asked.render, model) for pack in asked.packs)
    results = await asyncio.gather(*calls, return_exceptions=True)
    errors = [result for result in results if isinstance(result, BaseException)]
    grave = [error for error in errors if not isinstance(error, ModelUnavailable) or isinstance(error, RunStopped)]
    if grave or (errors and asked.needed and not any(isinstance(result, ModelReply) for result in results)):
        first = (grave or errors)[0]
        if isinstance(first, ModelError):
            used = (error.usage for error in errors if isinstance(error, ModelError) and error.usage)
            first.usage = sum(used, Usage())
        raise first
    return tuple(_no_reply(model, result) if isinstance(result, BaseException) else result for result in results)


async def _complete(pack: Sequence[Question], render: Render, model: Model) -> ModelReply | None:
    """Return the reply, an empty reply with the reason for its rejection, or None if the budget is spent."""
    try:
        return await ask(model, pack, render)
    except BudgetReached:
        return None
    except (AnswerRejected, RequestTooLong) as error:
        return _no_reply(model, error)


def _no_reply(model: Model, error: BaseException) -> ModelReply:
    usage = error.usage if isinstance(error, ModelError) else None
    return ModelReply(items=(), usage=usage or Usage(), model=model.name, rejected=(str(error),))
