"""Run through a provider's batch API: unanswered questions go into one batch, and those still
unanswered go into the next.
"""

import asyncio
from collections.abc import Callable
from time import monotonic

from extractor.errors import BatchUnfinished, BudgetReached
from extractor.model.asking.reply_models import reply_for
from extractor.model.batches import Batch, Batches
from extractor.model.client import Model, Route
from extractor.plurals import counted
from extractor.run.executor import Executor
from extractor.run.folder import RunFolder
from extractor.run.run import Run

_SLICE_S = 0.5
"""Seconds after which a wait notices that the run is being stopped."""


async def perform_in_batches(
    run: Run,
    folder: RunFolder,
    executor: Executor,
    rounds: int,
    on_status: Callable[[Batch], None],
    *,
    poll_s: float | None,
) -> None:
    """Extract all records with the answers of batches, and once more after each batch; what is
    still open goes into the next one.

    Args:
        run: The run, which has a model.
        folder: Where results, calls and batches are stored.
        executor: What computes.
        rounds: The most batches that follow one another.
        on_status: Gets the news of each batch.
        poll_s: Seconds until the first poll for answers; None ends the run when its batches are
            submitted.

    Raises the errors of ``Run.perform``, ``ModelUnavailable`` if the provider cannot be used, and
    ``BatchUnfinished`` if questions are left that no batch answered.
    """
    spec = run.setup.choice.spec
    assert spec

    async def sleep(seconds: float) -> None:
        until = monotonic() + seconds
        while monotonic() < until and not run.is_stopping:
            await asyncio.sleep(min(_SLICE_S, until - monotonic()))
            folder.check_place()
        if run.is_stopping:
            # the provider's batches go on without this program
            raise asyncio.CancelledError

    run.start()
    # a missing key is reported before the folder is written
    async with Model(spec, run.setup.asking) as model:
        budget = run.open_budget(folder)
        reply_model = reply_for(run.setup.options.fields)
        client = Batches(
            *(model, folder.calls(), reply_model, budget, on_status),
            poll_s=poll_s or 0.0,
            sleep=sleep,
        )
        route = Route(answer=client.answer, queues=True)
        try:
            async with run.open(folder, executor, route, None) as extract_all:
                if poll_s is None:
                    await extract_all()
                    await client.submit()
                    rounds = -1
                # After the last batch, its answers are read once more.
                for _ in range(rounds + 1):
                    await client.finish()
                    folder.rewind()
                    await extract_all()
                    if client.unfinished or not client.count_waiting():
                        break
        finally:
            # the store counts what a batch costs, not the model
            spent = client.store.spending
            run.tally.meter = lambda: spent.usage
            run.tally.price = None if spent.unpriced.calls else lambda _: spent.dollars
    if budget.reached:
        raise BudgetReached(str(budget))
    reasons = [f"batch {number}: {why}" for number, why in client.unfinished.items()]
    left_open = client.count_unanswered()
    if left_open and poll_s is not None and not reasons:
        calls = counted(left_open, "call")
        reasons = [f"no answer to {calls}: the batches returned none"]
    if reasons:
        raise BatchUnfinished("; ".join(reasons))
