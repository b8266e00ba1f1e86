"""Run through a provider's batch API: unanswered questions go into one batch, and questions that
are still unanswered go into the next batch.
"""

import asyncio
from collections.abc import Callable
from time import monotonic

from extractor.errors import BatchUnfinished, BudgetReached
from extractor.model.asking.prompt import load_prompt
from extractor.model.asking.reply_models import reply_for
from extractor.model.batches import Batch, Batches
from extractor.model.calls import ReplyModel
from extractor.model.client import Model, Route
from extractor.plurals import counted
from extractor.run.executor import Executor
from extractor.run.folder import RunFolder
from extractor.run.run import Run

_SLICE_S = 0.5
"""Interval, in seconds, at which a waiting run checks whether it is being stopped."""


async def perform_in_batches(
    run: Run,
    folder: RunFolder,
    executor: Executor,
    rounds: int,
    on_status: Callable[[Batch], None],
    *,
    poll_s: float | None,
) -> None:
    """Extract all records using answers from batches. After each batch, the records are extracted
    again, and unanswered questions go into the next batch.

    Args:
        run: The run, which must have a model.
        folder: The folder in which results, calls and batches are stored.
        executor: The executor for the steps of extractions.
        rounds: The maximum number of successive batches, and of batches that a question is in.
        on_status: Called with a batch's status whenever the status changes.
        poll_s: Seconds until the first poll for answers. If None, the run ends when its batches are
            submitted.

    Raises the errors of ``Run.perform``, ``ModelUnavailable`` if the provider cannot be used, and
    ``BatchUnfinished`` if questions remain unanswered after the batches.
    """
    spec = run.setup.choice.spec
    assert spec

    async def sleep(seconds: float) -> None:
        until = monotonic() + seconds
        while monotonic() < until and not run.is_stopping:
            await asyncio.sleep(min(_SLICE_S, until - monotonic()))
            folder.check_place()
        if run.is_stopping:
            # the provider continues the batches without this program
            raise asyncio.CancelledError

    run.start()
    # a missing key is reported before the folder is written
    async with Model(spec, run.setup.asking) as model:
        budget = run.open_budget(folder)
        reply_models: dict[str, type[ReplyModel]] = {
            load_prompt().name: reply_for(run.setup.options.fields)
        }
        client = Batches(
            model,
            folder.calls(),
            reply_models,
            budget,
            on_status,
            poll_s=poll_s or 0.0,
            sleep=sleep,
            rounds=rounds,
        )
        route = Route(answer=client.answer, queues=True)
        try:
            async with run.open(folder, executor, route, None) as extract_all:
                if poll_s is None:
                    await extract_all()
                    await client.submit()
                else:
                    # The first pass only stores questions, unless an earlier command has stored
                    # them. Each other one reads the answers to the questions of the pass before.
                    for _ in range(rounds + 1):
                        await client.finish()
                        folder.rewind()
                        await extract_all()
                        if client.unfinished or not client.count_open():
                            break
        finally:
            # the cost of batches is in the store, not in the model's usage
            spent = client.store.spending
            run.tally.meter = lambda: spent.usage
            if spent.unpriced.calls:
                run.tally.price = None
            else:
                run.tally.price = lambda _: spent.dollars
    if client.refused:
        raise client.refused
    if budget.reached:
        raise BudgetReached(str(budget))
    reasons = [f"batch {number}: {why}" for number, why in client.unfinished.items()]
    unanswered = client.count_unanswered()
    exhausted = client.count_exhausted()
    if exhausted:
        calls = counted(exhausted, "call")
        reasons.append(
            f"{rounds} batches did not return an answer to {calls}; to ask again, use "
            "`extractor batch collect` with more --rounds, or `extractor run`"
        )
    # if batches are only submitted, nothing is expected to be answered
    elif unanswered and poll_s is not None and not reasons:
        calls = counted(unanswered, "call")
        reasons = [f"the batches did not return an answer to {calls}"]
    if reasons:
        raise BatchUnfinished("; ".join(reasons))
