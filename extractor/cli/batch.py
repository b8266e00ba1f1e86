"""A batch as the command line runs it: progress, Ctrl-C, summary, exit code."""

import json
import shlex
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import takewhile
from pathlib import Path
from threading import Timer
from time import monotonic
from typing import TYPE_CHECKING

from extractor.api import Extractor, OpenExtractor
from extractor.cluster.addresses import open_inputs
from extractor.errors import BudgetReached, ExtractorError, ModelAway
from extractor.events import Event, tell
from extractor.llm.model import AskSettings
from extractor.llm.sending.metered import Route
from extractor.llm.spec import ModelKind
from extractor.options import Assist
from extractor.read import read_records
from extractor.run import (
    BatchLimits,
    FailuresSink,
    Pricing,
    RunFolder,
    Sink,
    StreamSink,
    Tally,
    attend,
    describe_settings,
    note_unread,
    run_batch,
)
from extractor.run.asking_pool import MOST_PROCESSES, AskingPool
from extractor.run.budget import Budget
from extractor.run.folder import FAILURES, REPEATED
from extractor.run.manifest import RunState
from extractor.run.observed import observe
from extractor.run.worker import extract_line
from extractor.run.workers import A_HANDFUL, count_cores, share_work
from extractor.schemas import TrialRecord

from .console import BUDGET, FAILED, INTERRUPTED, OK, to_printable, without_controls
from .interrupts import Interrupts, run_interruptibly
from .progress import count_records, print_summary, show_progress

if TYPE_CHECKING:
    from extractor.cluster.mirror import Mirror

    from .cluster import ClusterSettings
    from .provider import BatchRun

__all__ = ["BatchSettings", "Job", "begun", "export_job", "perform_job"]

_MOST_SAID, _LONGEST = 3, 300
_COUNT_AFTER_S = 5.0
"""A shorter run does not read its inputs once more only to know how many records they hold."""


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """How a provider's batches are used: rounds at most, and seconds until answers are looked for."""

    rounds: int
    poll_s: float


@dataclass(frozen=True)
class Job:
    """What one ``extractor run`` was told to do. Without ``out`` results go to standard output."""

    inputs: tuple[str, ...]
    extractor: Extractor
    limits: BatchLimits
    out: Path | None
    fresh: bool = field(kw_only=True)
    quiet: bool = field(kw_only=True)
    strict: bool = field(default=False, kw_only=True)
    """Whether a record that occurs twice with different texts is a failure."""
    asking: AskSettings = field(default_factory=AskSettings, kw_only=True)
    workers: int | None = field(default=None, kw_only=True)
    """Processes that share the work; as many as there are cores if None."""
    pricing: Pricing = field(default_factory=Pricing, kw_only=True)
    batch: BatchSettings | None = field(default=None, kw_only=True)
    cluster: "ClusterSettings | None" = field(default=None, kw_only=True)
    mirror: "Mirror | None" = field(default=None, kw_only=True)
    """Where ``out`` is kept, if that is not where it is worked on."""

    @property
    def processes(self) -> int:
        """Processes that share the work: one where answers are replayed, or come from a model that has this machine's
        cores.
        """
        choice = self.extractor.choice
        if self.uses_rules_alone or self.cluster:
            return self.workers or (1 if self.cluster else count_cores())
        if choice.replay or choice.exchange or self.batch or choice.spec is None or choice.spec.kind is ModelKind.LOCAL:
            return 1
        return self.workers or min(count_cores(), MOST_PROCESSES)

    @property
    def uses_rules_alone(self) -> bool:
        """Whether no model is asked."""
        return self.extractor.options.assist is Assist.NEVER or not self.extractor.choice.answers


def perform_job(job: Job) -> int:
    """Run the batch and return the exit code. Raises what stops a run as a whole, such as ``StoreError``."""
    tally, interrupts = Tally(), Interrupts()
    code, since = OK, monotonic()
    stopped_by: str | None = "an error"
    with _open_sink(job) as (sink, finish):
        _tell_start(job)
        try:
            with _counting(job, sink) as count, show_progress(tally, count, quiet=job.quiet):
                run_interruptibly(_extract_all(job, sink, tally, interrupts), interrupts)
            stopped_by = None
        except ModelAway as error:
            print(f"extractor: {without_controls(str(error))}; {_resume(job)}", file=sys.stderr)
            code, stopped_by = FAILED, "the model was away"
        except BudgetReached as error:
            print(f"extractor: {error}; with a higher limit, {_resume(job)}", file=sys.stderr)
            code, stopped_by = BUDGET, "the budget was reached"
            tell(Event.BUDGET_REACHED)
        except KeyboardInterrupt:
            print(f"extractor: interrupted; {_resume(job)}", file=sys.stderr)
            code, stopped_by = INTERRUPTED, RunState.INTERRUPTED
        finally:
            finish(tally, stopped_by)
            _tell_end(tally, code, monotonic() - since)
    print_summary(tally, quiet=job.quiet)
    _say_failures(job, tally)
    _say_repeated(job, sink)
    _say_open_questions(job, tally)
    _say_exchange(job)
    _say_next(job)
    return code or (FAILED if tally.failed else OK)


def _tell_start(job: Job) -> None:
    spec, assist = job.extractor.choice.spec, job.extractor.options.assist
    facts = {"assist": assist.value, "model": spec.name if spec else None, "workers": job.processes}
    tell(Event.RUN_STARTED, **facts, **({"servers": len(spec.servers)} if spec and spec.others else {}))


def _tell_end(tally: Tally, code: int, seconds: float) -> None:
    status = {BUDGET: "budget", INTERRUPTED: "interrupted", FAILED: "failed"}.get(code, "done")
    if sys.exc_info()[0]:
        status = "failed"
    counts = {"extracted": tally.extracted, "resumed": tally.resumed, "failed": tally.failed}
    usage = tally.usage.model_dump(include={"calls", "prompt_tokens", "output_tokens"})
    tell(Event.RUN_ENDED, status=status, seconds=round(seconds, 3), **counts, **usage)


def export_job(job: Job) -> int:
    """Write the requests of a run to the file of its exchange, and print what was written as JSON. Extracts nothing."""
    tally = Tally()
    with show_progress(tally, partial(count_records, job.inputs, job.limits.records), quiet=job.quiet):
        interrupts = Interrupts()
        run_interruptibly(_extract_all(job, FailuresSink(sys.stderr), tally, interrupts), interrupts)
    exchange = job.extractor.choice.exchange
    assert exchange
    assert exchange.requests
    written = {"records": tally.extracted, "requests": exchange.requests.written}
    print(json.dumps(written | {"files": [str(path) for path in exchange.requests.parts]}, indent=2))
    return FAILED if tally.failed else OK


@contextmanager
def _counting(job: Job, sink: Sink) -> Iterator[Callable[[], int | None]]:
    """What counts the records, and notes the number in the run's folder. After some seconds it is called from here,
    unless that would fetch the inputs over the network once more.
    """
    folder = sink if isinstance(sink, RunFolder) else None

    def count() -> int | None:
        total = count_records(job.inputs, job.limits.records)
        if folder and total is not None:
            with suppress(ExtractorError):  # who writes the results says it, too
                folder.note_total(total)
        return total

    shown = sys.stderr.isatty() and not job.quiet  # then it is called at once
    later = Timer(_COUNT_AFTER_S, count)
    later.daemon = True
    if folder and not shown and not any("://" in location for location in job.inputs):
        later.start()
    try:
        yield count
    finally:
        later.cancel()


async def _extract_all(job: Job, sink: Sink, tally: Tally, interrupts: Interrupts) -> None:
    report = partial(note_unread, sink=sink, tally=tally)

    def read() -> Iterator[TrialRecord]:
        records = read_records(*job.inputs, on_error=report, stdin=sys.stdin.buffer, open_address=open_inputs)
        return takewhile(lambda _: not interrupts.any(), records)

    folder = sink if isinstance(sink, RunFolder) else None
    if job.cluster and folder:
        from .cluster import extract_on_cluster

        await extract_on_cluster(job, read(), folder, tally)
        return
    if job.uses_rules_alone and job.workers != 1:
        await _extract_in_workers(job, read(), sink, tally)
        return
    budget = job.pricing.open_budget(folder.earlier_replies if folder else None)
    limits = replace(job.limits, budget=budget)
    replies = folder.replies if folder else None
    by_batch = _plan_batches(job, folder, budget)
    route = by_batch.route if by_batch else Route(budget)
    async with job.extractor.open(job.limits.concurrency, replies, route, job.asking) as extract:
        tally.meter, tally.price = lambda: extract.usage, job.pricing.cost
        tally.by_server = lambda: extract.calls_by_server

        async def go_over() -> None:
            tally.begin_again()
            await run_batch(read(), observe(attended), sink, tally, limits)

        spec = job.extractor.choice.spec
        async with _share(job, extract) as shared, begun(job, folder):
            attended = attend(shared, folder.note_asker) if folder else shared
            if isinstance(shared, AskingPool):
                limits = replace(limits, concurrency=limits.concurrency + shared.ahead(limits.concurrency))
            await (by_batch.go(spec, go_over, interrupts, quiet=job.quiet) if by_batch and spec else go_over())


@asynccontextmanager
async def begun(job: Job, folder: RunFolder | None) -> AsyncIterator[None]:
    """The folder is this run's from here on, and followed to where it is kept."""
    if folder:
        folder.begin()
    async with job.mirror.following(folder) if job.mirror and folder else nullcontext():
        yield


def _plan_batches(job: Job, folder: RunFolder | None, budget: Budget | None) -> "BatchRun | None":
    if job.batch is None or folder is None:
        return None
    from extractor.run.rounds import Rounds

    from .provider import BatchRun

    return BatchRun(folder, budget, Rounds(job.batch.rounds), job.batch.poll_s)


def _share(job: Job, extract: OpenExtractor) -> AbstractAsyncContextManager[OpenExtractor | AskingPool]:
    """This process asks, and others do the rest."""
    if job.uses_rules_alone or job.processes == 1:
        return nullcontext(extract)
    return AskingPool(extract, job.processes - 1, A_HANDFUL if job.workers is None else 0)


async def _extract_in_workers(job: Job, records: Iterable[TrialRecord], sink: Sink, tally: Tally) -> None:
    pool = share_work(partial(extract_line, options=job.extractor.options), job.workers)
    async with pool, begun(job, sink if isinstance(sink, RunFolder) else None):
        await run_batch(records, observe(pool), sink, tally, replace(job.limits, concurrency=pool.concurrency))


@contextmanager
def _open_sink(job: Job) -> Iterator[tuple[Sink, Callable[[Tally, str | None], None]]]:
    if job.out is None:
        yield StreamSink(sys.stdout, sys.stderr, strict=job.strict), lambda *_: sys.stdout.flush()
        return
    settings = describe_settings(job.extractor)
    price = job.pricing.cost
    with RunFolder(job.out, settings, inputs=job.inputs, fresh=job.fresh, strict=job.strict, price=price) as folder:
        yield folder, folder.finish


def _resume(job: Job) -> str:
    if job.out is None:
        return "with --out DIR a run can go on where it stopped"
    words = [word for word in sys.argv[1:] if word != "--fresh"]
    return f"go on with: extractor {shlex.join(words)}"


def _say_exchange(job: Job) -> None:
    """What the files of an exchange held and what is still open, also when quiet if an answer is broken."""
    exchange = job.extractor.choice.exchange
    if exchange is None:
        return
    for failure in exchange.answers.failed:
        print(f"extractor: no answer in {without_controls(str(failure))}", file=sys.stderr)
    if exchange.requests and not job.quiet:
        files = ", ".join(map(str, exchange.requests.parts))
        print(f"extractor: {exchange.requests.written} requests still open, in {files}", file=sys.stderr)


def _say_next(job: Job) -> None:
    """What can be done with the results."""
    if job.out is None or job.quiet:
        return
    if job.mirror:
        print(f"extractor: the results are at {without_controls(job.mirror.place.address)}", file=sys.stderr)
        return
    folder = shlex.quote(str(job.out))
    print(f"extractor: to read the results: extractor report {folder}", file=sys.stderr)
    print(f"extractor: to correct them: extractor review {folder} --gold GOLD", file=sys.stderr)


def _name_file(job: Job, name: str) -> str:
    """A file of the results, as the user knows it."""
    return without_controls(f"{job.mirror.place.address}/{name}") if job.mirror else str(Path(job.out or "", name))


def _say_failures(job: Job, tally: Tally) -> None:
    """Why most records failed, where the failures are in a file."""
    if not tally.failed or job.quiet or job.out is None:
        return
    from extractor.report.overview import count_reasons, read_failures

    reasons = count_reasons(read_failures(job.out / FAILURES))
    for reason in reasons[:_MOST_SAID]:
        message = to_printable(reason.message)[:_LONGEST]
        print(
            f"extractor: {reason.records} failed: {message} (such as {to_printable(reason.example)})", file=sys.stderr
        )
    print(f"extractor: all failures are in {_name_file(job, FAILURES)}", file=sys.stderr)


def _say_repeated(job: Job, sink: Sink) -> None:
    """What an earlier run left that could not be taken as it was, and what this one leaves so."""
    if job.quiet or not isinstance(sink, RunFolder):
        return
    for error in sink.differing[:_MOST_SAID]:
        print(f"extractor: {without_controls(str(error))}", file=sys.stderr)
    if len(sink.differing) > _MOST_SAID:
        print(f"extractor: all of these are in {_name_file(job, REPEATED)}", file=sys.stderr)
    if sink.changed:
        print(f"extractor: records with another text than in an earlier run: {sink.changed}", file=sys.stderr)
    if sink.lacking:
        print(f"extractor: records that lack an answer: {sink.lacking}; the same command asks again", file=sys.stderr)


def _say_open_questions(job: Job, tally: Tally) -> None:
    asks = job.extractor.options.assist is not Assist.NEVER and not job.extractor.choice.answers
    if asks and tally.usage.open_questions and not job.quiet:
        print(
            f"extractor: {tally.usage.open_questions} questions stayed open; a model can answer them (--model)",
            file=sys.stderr,
        )
