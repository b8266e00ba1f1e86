"""Perform a run for a command: progress, Ctrl-C, summary, exit code."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from glob import has_magic
from itertools import takewhile
from os.path import realpath  # unlike Path.resolve, it takes links that lead in a circle
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from extractor.api import Extractor
from extractor.cost.budget import Limits, Pricing
from extractor.errors import BudgetReached, ExtractorError, ModelAway
from extractor.events import Event, tell
from extractor.llm.batch_book import BatchQueue
from extractor.llm.client import ClientSettings
from extractor.llm.opening import Route
from extractor.llm.patience import Patience
from extractor.options import Assist
from extractor.read import read_records
from extractor.read.records import describe_missing
from extractor.run.addresses import open_inputs
from extractor.run.executor import (
    SMALL_RUN,
    Executor,
    InlineExecutor,
    ProcessExecutor,
    count_cores,
    extract_with,
    open_executor,
)
from extractor.run.folder import RunFolder
from extractor.run.manifest import RunState, describe_settings
from extractor.run.records import RunLimits, Sink, StreamSink, extract_records, note_unread
from extractor.run.tally import Tally
from extractor.suggestions import suggest

from .console import BUDGET, FAILED, INTERRUPTED, OK, refuse, say
from .environment import read_model_spec
from .fetch import find_records
from .forecast import find_prices
from .interrupts import Interrupts, observing
from .options import RunOptions, read_model_options
from .progress import count_records, show_progress
from .summary import explain_lacking, how_to_resume, list_remarks, print_summary

if TYPE_CHECKING:
    from extractor.llm.batches import BatchStatus
    from extractor.llm.exchange import Exchange

_MOST_PROCESSES = 5
"""With a model: the head process, and as many workers as it keeps busy."""
_SLICE_S = 0.5


@dataclass(frozen=True, kw_only=True)
class RunJob:
    """The options of a run. Without ``out`` results go to standard output.

    With ``strict``, a record that occurs twice with different texts is a failure. ``workers`` processes share the work,
    one per core if None. ``batch_rounds`` limits the provider's batches, 0 for none; the first poll for answers comes
    after ``poll_s`` seconds. Without ``waits`` the run ends when a batch is submitted. ``address`` is that of the Ray
    cluster, None for one on this machine. If more than the share ``max_lacking`` of the questions get no usable answer,
    the run fails.
    """

    inputs: tuple[str, ...]
    extractor: Extractor
    limits: RunLimits
    out: Path | None
    fresh: bool
    quiet: bool
    strict: bool = False
    asking: ClientSettings = field(default_factory=ClientSettings)
    workers: int | None = None
    pricing: Pricing = field(default_factory=Pricing)
    batch_rounds: int = 0
    poll_s: float = 5.0
    waits: bool = True
    engine: str = "local"
    address: str | None = None
    max_lacking: float = 1.0

    @property
    def uses_rules_alone(self) -> bool:
        """Whether the run uses no model."""
        return self.extractor.options.assist is Assist.NEVER or not self.extractor.choice.answers

    @property
    def processes(self) -> int:
        """Number of processes that share the work: one for replayed answers."""
        choice = self.extractor.choice
        if self.uses_rules_alone or self.engine == "ray":
            return self.workers or (1 if self.engine == "ray" else count_cores())
        if choice.replay or choice.exchange or self.batch_rounds or choice.spec is None:
            return 1
        return self.workers or min(count_cores(), _MOST_PROCESSES)

    def connect(self) -> AbstractContextManager[Executor]:
        """Return the executor for these options."""
        if self.engine == "ray":
            from extractor.run.ray import connected

            return connected(self.address, self.workers)
        if self.uses_rules_alone:
            return nullcontext(open_executor(self.workers))
        if self.processes == 1:
            return nullcontext(InlineExecutor())
        return nullcontext(ProcessExecutor(self.processes - 1, SMALL_RUN if self.workers is None else 0))

    def count(self, folder: RunFolder | None = None) -> int | None:
        """Count the records in the inputs, if possible in advance, and note the count in ``folder``."""
        total = count_records(self.inputs, self.limits.records)
        if folder and total is not None:
            with suppress(ExtractorError):  # writing the results reports it, too
                folder.note_total(total)
        return total


@contextmanager
def open_job(
    given: RunOptions,
    out: str | None,
    *,
    replay: Path | None = None,
    exchange: "Exchange | None" = None,
    dry_run: bool = False,
    concurrency: int = 8,
    asking: Mapping[str, Any] | None = None,
    **more: Any,
) -> Iterator[tuple[RunJob, int]]:
    """Yield the job of a command, with records fetched for NCT numbers, and an exit code; write the log meanwhile.

    The code is 1 if the registry does not know a number. Fetched records stay in the folder ``out`` unless it is a dry
    run. ``asking`` are settings of the model's client, ``more`` further fields of the job. Raises ``ValueError`` for
    options that do not fit together, and if no input exists.
    """
    in_batches, folder = bool(more.get("batch_rounds")), Path(out) if out else None
    place, inputs = folder and realpath(folder), [realpath(one) for one in given.inputs]
    away = "name a folder of this machine or of a shared file system with --out"
    refuse(
        {
            f"{out} is an address; {away}": out and "://" in out,
            f"{out} is an input; name another folder with --out": place in inputs,
            f"{out} is replayed; name another folder with --out": replay and place == realpath(replay),
            "a batch reads its records several times; name a file instead of standard input": in_batches
            and "-" in given.inputs,
        }
    )
    spec = read_model_spec(given.model) if given.model and not replay else None
    extractor = Extractor(
        spec,
        **given.extraction,
        replay=replay,
        exchange=exchange,
        reasoning=given.reasoning,
        model_options=read_model_options(given.model_option or ()),
    )
    limits, prices = Limits(given.max_usd, given.max_tokens), find_prices(given.prices or ())
    job = RunJob(
        inputs=tuple(given.inputs),
        extractor=extractor,
        limits=RunLimits(concurrency, given.limit),
        out=folder,
        fresh=given.fresh,
        quiet=given.quiet,
        strict=given.strict,
        asking=replace(extractor.asking, **(asking or {})),
        pricing=Pricing.of(spec, prices, limits, extractor.asking.reasoning, in_batches=in_batches),
        **more,
    )
    kept = None if dry_run else folder
    with (
        find_records(job.inputs, kept, given.base_url, fresh=job.fresh, quiet=job.quiet) as (found, unknown),
        observing(None if dry_run else given.log_json),
    ):
        if not any(one == "-" or "://" in one or has_magic(one) or Path(one).exists() for one in found):
            path = Path(found[0])  # one that is missing among others is a failure of the run
            beside = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
            nearest = "" if path.name in beside else suggest(path.name, beside)
            raise ValueError(f"{path}: {describe_missing(path)}{nearest}; check the path")
        yield replace(job, inputs=found), unknown


def perform_job(job: RunJob) -> int:
    """Run the batch and return the exit code. Raises errors that stop the whole run, such as ``StoreError``."""
    patience = job.asking.patience or Patience()
    tally, interrupts, since = Tally(), Interrupts(patience.seconds), monotonic()
    code, stopped_by = OK, "an error"
    with _open_sink(job) as sink:
        folder = sink if isinstance(sink, RunFolder) else None
        spec = job.extractor.choice.spec
        options = job.extractor.options
        facts = {"assist": options.assist.value, "effort": options.effort, "model": spec.name if spec else None}
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
        requests = job.limits.concurrency * (max(1, executor.capacity // 2) if job.engine == "ray" else 1)
        calls = folder.calls if folder else None
        opened = await stack.enter_async_context(job.extractor.open(requests, calls, route, job.asking))
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
    async with open_batch_client(spec, book, job.asking, policy, show_status, *costs) as client:
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
        return nullcontext(StreamSink(sys.stdout, sys.stderr, strict=job.strict))
    settings, price = describe_settings(job.extractor), job.pricing.cost
    return RunFolder(job.out, settings, inputs=job.inputs, fresh=job.fresh, strict=job.strict, price=price)
