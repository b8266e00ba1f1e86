"""Perform a run for a command, with progress, Ctrl-C, summary and exit code; or forecast it."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, AsyncExitStack, closing, nullcontext
from dataclasses import replace
from functools import partial
from itertools import islice, takewhile
from time import monotonic
from typing import TYPE_CHECKING

from extractor.errors import BudgetReached, ModelAway
from extractor.events import Event, tell
from extractor.llm.batch_book import BatchQueue
from extractor.llm.calls import estimate_tokens
from extractor.llm.cost.tokens import Cases
from extractor.llm.database import open_run_to_read
from extractor.llm.opening import Route
from extractor.llm.patience import Patience
from extractor.llm.store import CallStore
from extractor.run.addresses import open_inputs
from extractor.run.executor import extract_with, open_executor
from extractor.run.folder import RunFolder
from extractor.run.forecast import Forecast, Measured, forecast_run, measure_records
from extractor.run.manifest import MANIFEST, RunState, describe_settings, explain_changed, read_manifest
from extractor.run.records import Sink, StreamSink, describe_failure, extract_records, note_unread
from extractor.run.tally import Tally
from extractor.stages.ask.prompt import load_prompt
from extractor.stages.read import read_records

from .console import BUDGET, FAILED, INTERRUPTED, OK, print_table, say
from .job import RunJob
from .progress import Interrupts, show_progress
from .summary import explain_lacking, how_to_resume, list_remarks, print_summary

if TYPE_CHECKING:
    from extractor.llm.batches import BatchStatus

_SLICE_S = 0.5


def perform_job(job: RunJob) -> int:
    """Run the batch and return the exit code. Raises errors that stop the whole run, such as ``StoreError``."""
    patience = job.extractor.asking.patience or Patience()
    tally, interrupts, since = Tally(), Interrupts(patience.seconds), monotonic()
    code, stopped_by = OK, "an error"
    settings, price = describe_settings(job.extractor), job.pricing.cost
    opening: AbstractContextManager[Sink] = (
        RunFolder(job.out, settings, inputs=job.inputs, fresh=job.fresh, price=price)
        if job.out
        else nullcontext(StreamSink(sys.stdout, sys.stderr))
    )
    with opening as sink:
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


def forecast_job(job: RunJob) -> int:
    """Print the forecast of a run's calls, time and cost, and return the exit code. Calls no model."""
    tally, options = Tally(), job.extractor.options

    def report(error: Exception) -> None:
        tally.failed += 1
        say(describe_failure(error)["message"])

    def note_estimate() -> None:
        tally.extracted += 1

    async def measure() -> Measured:
        records = read_records(*job.inputs, on_error=report, stdin=sys.stdin.buffer, open_address=open_inputs)
        chosen = islice(records, job.limits.records)
        async with open_executor(job.workers) as executor:  # as many processes as would extract
            return await measure_records(chosen, options, executor, on_error=report, on_estimate=note_estimate)

    with show_progress(tally, job.count, quiet=job.quiet):
        measured = asyncio.run(measure())
    rates, folder = job.pricing.rates(), None if job.fresh else job.out
    if folder and (earlier := read_manifest(folder / MANIFEST)):
        if changed := explain_changed(earlier.settings, describe_settings(job.extractor)):
            differences = "; ".join(changed.values())
            say(f"{folder}: holds a run with other settings ({differences}); the run itself needs another --out")
        with closing(open_run_to_read(folder)) as run:  # its calls say how many tokens a call takes
            rates = job.pricing.rates(CallStore(run))
    print_forecast(forecast_run(measured, rates, job.pricing, job.limits.concurrency))
    if options.fields:
        own, built_in = (estimate_tokens(load_prompt(each).system) for each in (options.fields, ()))
        names = ", ".join(field.name for field in options.fields)
        say(f"your own fields ({names}) add about {own - built_in:,} tokens to the definitions of every call")
    return FAILED if tally.failed else OK


def print_forecast(forecast: Forecast) -> None:
    """Print the least, expected and largest figures of a run as a table, and their assumptions on standard error."""
    figures: dict[str, Cases[int] | Cases[float] | None] = {
        "questions": forecast.questions,
        "calls": forecast.calls,
        "prompt tokens": forecast.prompt_tokens,
        "of them cached": forecast.cached_tokens,
        "output tokens": forecast.output_tokens,
        "dollars": forecast.usd,
        "dollars without a cache": forecast.usd_uncached,
        "seconds": forecast.seconds,
    }
    rows = []
    for name, cases in figures.items():
        if cases is not None:
            digits = 0 if not name.startswith("dollars") else 2 if cases.high >= 1 else 4
            rows.append((name, *(f"{figure:,.{digits}f}" for figure in cases)))
    print_table((f"{forecast.records:,} records", "least", "expected", "most"), rows, apart=False)
    sys.stdout.flush()  # the table comes before its assumptions, in a file of both too
    if listed := forecast.price:
        price = listed.price
        kinds = ((price.cached, "cached ones"), (price.written, "ones that are written into a cache"))
        others = (f", {float(each):g} for {kind}" for each, kind in kinds if each is not None)
        say(
            f"{listed.name} costs ${float(price.prompt):g} for a million prompt tokens{''.join(others)},"
            f" and ${float(price.output):g} for a million output tokens ({listed.source})"
        )
    for note in forecast.notes:
        say(note)
