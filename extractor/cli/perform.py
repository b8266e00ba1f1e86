"""Perform a run for a command: progress, Ctrl-C, summary, exit code."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, AsyncExitStack, nullcontext
from dataclasses import replace
from functools import partial
from itertools import takewhile
from time import monotonic
from typing import TYPE_CHECKING

from extractor.errors import BudgetReached, ModelAway
from extractor.events import Event, tell
from extractor.llm.batch_book import BatchQueue
from extractor.llm.opening import Route
from extractor.llm.patience import Patience
from extractor.read import read_records
from extractor.run.addresses import open_inputs
from extractor.run.executor import extract_with
from extractor.run.folder import RunFolder
from extractor.run.manifest import RunState, describe_settings
from extractor.run.records import Sink, StreamSink, extract_records, note_unread
from extractor.run.tally import Tally

from .console import BUDGET, FAILED, INTERRUPTED, OK, say
from .interrupts import Interrupts
from .job import RunJob
from .progress import show_progress
from .summary import explain_lacking, how_to_resume, list_remarks, print_summary

if TYPE_CHECKING:
    from extractor.llm.batches import BatchStatus

_SLICE_S = 0.5


def perform_job(job: RunJob) -> int:
    """Run the batch and return the exit code. Raises errors that stop the whole run, such as ``StoreError``."""
    patience = job.extractor.asking.patience or Patience()
    tally, interrupts, since = Tally(), Interrupts(patience.seconds), monotonic()
    code, stopped_by = OK, "an error"
    with _open_sink(job) as sink:
        folder = sink if isinstance(sink, RunFolder) else None
        spec = job.extractor.choice.spec
        options = job.extractor.options
        facts = {"effort": options.effort, "model": spec.name if spec else None}
        tell(Event.RUN_STARTED, **facts, workers=job.processes)
        try:
            with show_progress(tally, partial(job.count, folder), quiet=job.quiet, counts=bool(folder)):
                interrupts.run(_extract_all(job, sink, tally, interrupts))
            stopped_by = ""
        except ModelAway as error:
            say(f"{error}; {how_to_resume(job)}")
            code, stopped_by = FAILED, "the model was away"
        except BudgetReached as error:
            say(f"{error}; with a higher limit, {how_to_resume(job, raises_limits=True)}")
            code, stopped_by = BUDGET, "the budget was reached"
            tell(Event.BUDGET_REACHED)
        except KeyboardInterrupt:
            say(f"interrupted; {how_to_resume(job)}")
            code, stopped_by = INTERRUPTED, RunState.INTERRUPTED
        finally:
            if folder:
                folder.finish(tally, stopped_by or None, whole=job.limits.records is None)
            else:
                sys.stdout.flush()
            statuses = {"": "done", RunState.INTERRUPTED: "interrupted", "the budget was reached": "budget"}
            status = statuses.get(stopped_by, "failed")
            tell(Event.RUN_ENDED, status=status, seconds=round(monotonic() - since, 3), **tally.facts)
    exchange = job.extractor.choice.exchange
    if code == OK and exchange and exchange.failed and not tally.usage.calls:
        say(f"no line of --answers answers a question of these records; {how_to_resume(job)}")
        code = FAILED
    if code == OK and tally.lacking > job.max_lacking:
        say(explain_lacking(job, tally))
        code = FAILED
    print_summary(tally, folder.manifest.cost if folder else None, quiet=job.quiet)
    for remark in list_remarks(job, folder, tally):
        say(remark)
    return code or (FAILED if tally.failed else OK)


def export_job(job: RunJob) -> int:
    """Write the requests of a run to its exchange file, and print their counts as JSON. Extracts nothing."""
    tally, interrupts = Tally(), Interrupts()
    with show_progress(tally, job.count, quiet=job.quiet):
        interrupts.run(_extract_all(job, StreamSink(None, sys.stderr), tally, interrupts))
    exchange = job.extractor.choice.exchange
    assert exchange
    assert exchange.requests
    if not exchange.written:
        say(f"there is nothing to ask, so there is no {exchange.requests}")
    written = {"records": tally.extracted, "requests": exchange.written}
    print(json.dumps(written | {"files": [str(path) for path in exchange.parts]}, indent=2))
    return FAILED if tally.failed else OK


async def _extract_all(job: RunJob, sink: Sink, tally: Tally, interrupts: Interrupts) -> None:
    spec = job.extractor.choice.spec
    if job.batch_rounds and spec:
        from extractor.llm.live import open_client

        open_client(spec, spec.family.mode[0])  # a missing key is reported before the folder is made
    report = partial(note_unread, sink=sink, tally=tally)
    folder = sink if isinstance(sink, RunFolder) else None
    budget = job.pricing.open_budget(folder.earlier_calls if folder else None)
    queue = BatchQueue(folder.store.batches, budget) if job.batch_rounds and folder else None
    route = Route(answerer=lambda: queue) if queue else Route(budget)
    async with AsyncExitStack() as stack:
        executor = stack.enter_context(job.connect())
        requests = job.limits.concurrency * (max(1, executor.capacity // 2) if job.ray else 1)
        calls = folder.calls if folder else None
        opened = await stack.enter_async_context(job.extractor.open(requests, calls, route))
        await stack.enter_async_context(executor)
        if folder:
            folder.begin()
        tally.meter, tally.lost, tally.price = lambda: opened.usage, lambda: opened.lost, job.pricing.cost
        tally.watch = interrupts.watch = opened.watch
        ahead = executor.capacity
        records = requests + min(requests, ahead) if opened.model else max(requests, ahead)
        limits = replace(job.limits, budget=budget, concurrency=records)
        extract = partial(extract_with, executor, options=opened.options, model=opened.model)

        async def extract_once() -> None:
            tally.begin_again()
            found = read_records(*job.inputs, on_error=report, stdin=sys.stdin.buffer, open_address=open_inputs)
            await extract_records(takewhile(lambda _: not interrupts.pressed, found), extract, sink, tally, limits)

        if queue and folder:
            try:
                await _extract_in_rounds(job, folder, queue, extract_once, interrupts)
            finally:  # the store counts what a batch costs, not the client
                spent = folder.calls().spending
                tally.meter, tally.lost = lambda: spent.usage, lambda: spent.lost
                tally.price = None if spent.unpriced else lambda _: spent.picodollars
        else:
            await extract_once()


async def _extract_in_rounds(
    job: RunJob,
    folder: RunFolder,
    queue: BatchQueue,
    extract_once: Callable[[], Awaitable[None]],
    interrupts: Interrupts,
) -> None:
    """Run by a provider's batches: open questions go into a batch, those still open after its answers into the next.

    Raises the errors of ``extract_once``, and ``ModelUnavailable`` if the provider cannot be used.
    """
    from extractor.llm.batches import PollPolicy, open_batch_client

    spec, book = job.extractor.choice.spec, folder.store.batches
    assert spec

    async def sleep(seconds: float) -> None:
        until = monotonic() + seconds
        while not interrupts.pressed and (left := until - monotonic()) > 0:
            await asyncio.sleep(min(left, _SLICE_S))
        if interrupts.pressed:
            raise asyncio.CancelledError  # the provider's batches go on without this program

    def show_status(news: "BatchStatus") -> None:
        if news.message or not job.quiet:
            detail = f"; {news.message}" if news.message else ""
            say(f"batch {news.number}: {news.state}, {news.done} of {news.requests} done{detail}")

    policy = replace(PollPolicy(sleep=sleep), first_wait=job.poll_s)
    costs = job.pricing.live_cost, queue.reservation_of
    async with open_batch_client(spec, book, job.extractor.asking, policy, show_status, *costs) as client:
        if not job.waits:
            await extract_once()
            await client.plan()
            await client.submit_all()
            return
        for round_number in range(job.batch_rounds + 1):
            await client.finish_all()
            queue.settle()
            folder.rewind()
            await extract_once()
            if round_number == job.batch_rounds or not await client.plan():
                break
    queue.check()
    if book.count_waiting():
        say("requests are left that no batch answered; the same command goes on")


def _open_sink(job: RunJob) -> AbstractContextManager[Sink]:
    if job.out is None:
        return nullcontext(StreamSink(sys.stdout, sys.stderr))
    settings, price = describe_settings(job.extractor), job.pricing.cost
    return RunFolder(job.out, settings, inputs=job.inputs, fresh=job.fresh, price=price)
