"""Perform a run by a provider's batches: open questions go into a batch, those still open after
it into the next.
"""

import asyncio
from collections.abc import Callable, Mapping
from time import monotonic

from extractor.errors import BatchUnfinished
from extractor.model.asking.reply_models import reply_for
from extractor.model.batch_book import BatchBook
from extractor.model.batch_queue import BatchQueue
from extractor.model.batches import (
    BatchAccount,
    BatchPolicy,
    BatchStatus,
    PollPolicy,
    open_batch_client,
)
from extractor.model.client import Route
from extractor.model.sdk import open_client
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
    on_status: Callable[[BatchStatus], None],
    *,
    poll_s: float | None,
    sending: BatchPolicy,
) -> None:
    """Extract all records with the answers of batches.

    All records are extracted once more after each batch, with its answers; what is still open goes
    into the next batch.

    Args:
        run: The run, which has a model.
        folder: Where results, calls and batches are stored.
        executor: What computes.
        rounds: The most batches that follow one another.
        on_status: Gets the news of each batch.
        poll_s: Seconds until the first poll for answers; None ends the run when its batches are
            submitted.
        sending: How batches are cut and sent.

    Raises the errors of ``Run.perform``, ``ModelUnavailable`` if the provider cannot be used, and
    ``BatchUnfinished`` if questions are left that no batch answered.
    """
    spec = run.setup.choice.spec
    tally = run.tally
    assert spec
    run.start()
    # a missing key is reported before the folder is written
    open_client(spec, spec.family.mode[0])
    budget = run.open_budget(folder)
    book = BatchBook(folder.calls(), reply_for(run.setup.options.fields))
    queue = BatchQueue(book, budget)

    async def sleep(seconds: float) -> None:
        until = monotonic() + seconds
        while not run.is_stopping:
            left = until - monotonic()
            if left <= 0:
                return
            await asyncio.sleep(min(left, _SLICE_S))
            folder.check_place()
        raise asyncio.CancelledError  # the provider's batches go on without this program

    policy = PollPolicy(first_wait=poll_s or 0.0, sleep=sleep)
    account = BatchAccount(run.pricing.live_cost, queue.reservation_of, queue.lose)
    try:
        async with (
            run.open(
                folder, executor, Route(answer=queue.answer, queues=True), budget
            ) as extract_all,
            open_batch_client(
                spec, book, run.setup.asking, policy, on_status, sending, account
            ) as client,
        ):
            if poll_s is None:
                await extract_all()
                await client.plan()
                await client.submit_all()
                _check_finished(client.unfinished)
                return
            tally.waits_for = client.describe_wait
            # After the last batch, its answers are read once more.
            for left in range(rounds, -1, -1):
                await client.finish_all()
                queue.settle()
                folder.rewind()
                await extract_all()
                if left == 0 or client.is_refused:
                    break
                has_open_questions = await client.plan()
                if not has_open_questions:
                    break
    finally:  # the store counts what a batch costs, not the client
        spent = folder.calls().spending
        tally.meter = lambda: spent.usage
        tally.price = None if spent.unpriced else lambda _: spent.dollars
    queue.check()
    _check_finished(client.unfinished)
    left_open = book.count_unanswered()
    if left_open:
        raise BatchUnfinished(
            f"no answer to {counted(left_open, 'call')}: the batches brought none"
        )


def _check_finished(unfinished: Mapping[int, str]) -> None:
    """Raise ``BatchUnfinished`` with the reasons why batches were not finished, by number."""
    if unfinished:
        raise BatchUnfinished(
            "; ".join(f"batch {number}: {why}" for number, why in unfinished.items())
        )
