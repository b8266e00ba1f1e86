"""A batch as the command line runs it: progress, Ctrl-C, summary, exit code."""

import asyncio
import json
import shlex
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer
from time import monotonic
from typing import TYPE_CHECKING
from uuid import uuid4

from extractor.api import Extractor
from extractor.errors import BudgetReached, ExtractorError, ModelAway
from extractor.events import Event, tell
from extractor.llm.batch_api.provider import BatchStatus, PollPolicy, open_batch_client
from extractor.llm.batch_api.requests import BatchTransport
from extractor.llm.client import ClientSettings
from extractor.llm.spec import ModelKind
from extractor.llm.transport import Route
from extractor.options import Assist
from extractor.read import read_records
from extractor.run.addresses import open_inputs
from extractor.run.batch import BatchLimits, Sink, StreamSink, note_unread, run_batch
from extractor.run.budget import Pricing
from extractor.run.executor import (
    SMALL_RUN,
    Executor,
    InlineExecutor,
    ProcessExecutor,
    count_cores,
    extract_with,
    open_executor,
)
from extractor.run.folder import FAILURES, REPEATED, RunFolder
from extractor.run.manifest import RunState, describe_settings
from extractor.run.tally import Tally

from .console import BUDGET, FAILED, INTERRUPTED, OK, to_printable, without_controls
from .interrupts import Interrupts, run_interruptibly
from .progress import count_records, print_summary, show_progress

if TYPE_CHECKING:
    from extractor.run.mirror import Mirror

_MOST_PROCESSES = 5
"""With a model: the head process, and as many workers as it keeps busy."""
_MOST_SHOWN, _LONGEST = 3, 300
_COUNT_AFTER_S = 5.0
"""A shorter run does not read its inputs once more only to know how many records they hold."""
_SLICE_S = 0.5


@dataclass(frozen=True, kw_only=True)
class Job:
    """The options of one ``extractor run``. Without ``out`` results go to standard output.

    ``strict``: a record that occurs twice with different texts is a failure. ``workers`` processes share the work; as
    many as there are cores if None. ``batch_rounds`` limits the provider's batches, 0 for none; the first answers are
    looked for after ``poll_s`` seconds. ``address`` is that of a Ray cluster, None for one on this machine. ``mirror``
    is where ``out`` is kept, if that is an address.
    """

    inputs: tuple[str, ...]
    extractor: Extractor
    limits: BatchLimits
    out: Path | None
    fresh: bool
    quiet: bool
    strict: bool = False
    asking: ClientSettings = field(default_factory=ClientSettings)
    workers: int | None = None
    pricing: Pricing = field(default_factory=Pricing)
    batch_rounds: int = 0
    poll_s: float = 5.0
    engine: str = "local"
    address: str | None = None
    mirror: "Mirror | None" = None

    @property
    def uses_rules_alone(self) -> bool:
        """Whether no model is asked."""
        return self.extractor.options.assist is Assist.NEVER or not self.extractor.choice.answers

    @property
    def processes(self) -> int:
        """Processes that share the work: one where answers are replayed, or come from a model of this machine."""
        choice, spec = self.extractor.choice, self.extractor.choice.spec
        if self.uses_rules_alone or self.engine == "ray":
            return self.workers or (1 if self.engine == "ray" else count_cores())
        if choice.replay or choice.exchange or self.batch_rounds or spec is None or spec.kind is ModelKind.LOCAL:
            return 1
        return self.workers or min(count_cores(), _MOST_PROCESSES)

    @contextmanager
    def connect(self) -> Iterator[Executor]:
        """The executor that the options ask for."""
        if self.engine == "ray":
            from extractor.run.ray import connected

            with connected(self.address, self.workers) as executor:
                yield executor
        elif self.uses_rules_alone:
            yield open_executor(self.workers)
        elif self.processes == 1:
            yield InlineExecutor()
        else:
            yield ProcessExecutor(self.processes - 1, SMALL_RUN if self.workers is None else 0)


def check_ray(engine: str, address: str | None, out: object, others: object) -> None:
    """Raise ``ValueError`` for options that ``--engine ray`` excludes."""
    ray = engine == "ray"
    _refuse(
        (not ray and address, "--address names a Ray cluster; add --engine ray"),
        (ray and out is None, "--engine ray keeps what was answered in a folder; name one with --out"),
        (
            ray and others,
            "--engine ray asks a model or the rules; drop --replay, --record, --batch and the files of requests",
        ),
    )


def check_batch(inputs: Sequence[str], out: Path | None, model: str | None, others: object) -> None:
    """Raise ``ValueError`` for options that ``--batch`` excludes."""
    _refuse(
        (out is None, "--batch takes hours, and goes on from its folder if it is stopped; name one with --out"),
        (model is None, "--batch needs the model that is to answer; name it with --model"),
        (others, "--batch asks the provider itself; drop --replay, --record and the files of requests and answers"),
        ("-" in inputs, "--batch reads its records several times; name a file instead of standard input"),
    )


def _refuse(*reasons: tuple[object, str]) -> None:
    for applies, reason in reasons:
        if applies:
            raise ValueError(reason)


@contextmanager
def kept_at(out: str | None, *, fresh: bool, others: object) -> Iterator[tuple[Path | None, "Mirror | None"]]:
    """The folder that a run works in, and its mirror where ``out`` is an address.

    The folder of a mirror lies on this machine and begins with what is kept at the address; its files are published
    there when the run has ended, whatever its exit code. Raises ``ValueError`` for an address together with ``others``.
    """
    from extractor.run.addresses import Place, is_address

    if out is None or not is_address(out):
        yield Path(out) if out else None, None
        return
    from extractor.run.mirror import Mirror

    if others:
        raise ValueError(f"--open and --batch need a folder of this machine, which {out} is not")
    with TemporaryDirectory(prefix="extractor-") as scratch:
        mirror = Mirror(Place(out), Path(scratch), fresh=fresh)
        try:
            yield Path(scratch), mirror
        except SystemExit:
            mirror.publish()
            raise


def perform_job(job: Job) -> int:
    """Run the batch and return the exit code. Raises what stops a run as a whole, such as ``StoreError``."""
    tally, interrupts = Tally(), Interrupts()
    code, since = OK, monotonic()
    stopped_by: str | None = "an error"
    with _open_sink(job) as sink:
        spec = job.extractor.choice.spec
        facts = {"assist": job.extractor.options.assist.value, "model": spec.name if spec else None}
        servers = {"servers": len(spec.servers)} if spec and spec.others else {}
        tell(Event.RUN_STARTED, **facts, workers=job.processes, **servers)
        try:
            with _counting(job, sink) as count, show_progress(tally, count, quiet=job.quiet):
                run_interruptibly(_extract_all(job, sink, tally, interrupts), interrupts)
            stopped_by = None
        except ModelAway as error:
            _say(f"{without_controls(str(error))}; {_resume(job)}")
            code, stopped_by = FAILED, "the model was away"
        except BudgetReached as error:
            _say(f"{error}; with a higher limit, {_resume(job)}")
            code, stopped_by = BUDGET, "the budget was reached"
            tell(Event.BUDGET_REACHED)
        except KeyboardInterrupt:
            _say(f"interrupted; {_resume(job)}")
            code, stopped_by = INTERRUPTED, RunState.INTERRUPTED
        finally:
            sink.finish(tally, stopped_by) if isinstance(sink, RunFolder) else sys.stdout.flush()
            _report_end(tally, code, monotonic() - since)
    print_summary(tally, quiet=job.quiet)
    _say_results(job, sink, tally)
    return code or (FAILED if tally.failed else OK)


def export_job(job: Job) -> int:
    """Write the requests of a run to the file of its exchange, and print what was written as JSON. Extracts nothing."""
    tally = Tally()
    with show_progress(tally, partial(count_records, job.inputs, job.limits.records), quiet=job.quiet):
        interrupts = Interrupts()
        run_interruptibly(_extract_all(job, StreamSink(None, sys.stderr), tally, interrupts), interrupts)
    exchange = job.extractor.choice.exchange
    assert exchange
    assert exchange.requests
    written = {"records": tally.extracted, "requests": exchange.written}
    print(json.dumps(written | {"files": [str(path) for path in exchange.parts]}, indent=2))
    return FAILED if tally.failed else OK


def _report_end(tally: Tally, code: int, seconds: float) -> None:
    status = {BUDGET: "budget", INTERRUPTED: "interrupted", FAILED: "failed"}.get(code, "done")
    if sys.exc_info()[0]:
        status = "failed"
    counts = {"extracted": tally.extracted, "resumed": tally.resumed, "failed": tally.failed}
    usage = tally.usage.model_dump(include={"calls", "prompt_tokens", "output_tokens"})
    tell(Event.RUN_ENDED, status=status, seconds=round(seconds, 3), **counts, **usage)


@contextmanager
def _counting(job: Job, sink: Sink) -> Iterator[Callable[[], int | None]]:
    """A function that counts the records, and notes the number in the run's folder.

    It is called from here after some seconds, unless that would fetch the inputs over the network once more.
    """

    def count() -> int | None:
        total = count_records(job.inputs, job.limits.records)
        if isinstance(sink, RunFolder) and total is not None:
            with suppress(ExtractorError):  # writing the results reports it, too
                sink.note_total(total)
        return total

    shown = sys.stderr.isatty() and not job.quiet  # then it is called at once
    later = Timer(_COUNT_AFTER_S, count)
    later.daemon = True
    if isinstance(sink, RunFolder) and not shown and not any("://" in location for location in job.inputs):
        later.start()
    try:
        yield count
    finally:
        later.cancel()


async def _extract_all(job: Job, sink: Sink, tally: Tally, interrupts: Interrupts) -> None:
    report = partial(note_unread, sink=sink, tally=tally)
    folder = sink if isinstance(sink, RunFolder) else None
    budget = job.pricing.open_budget(folder.earlier_replies if folder else None)
    post = BatchTransport(folder.store.batch_requests, budget) if job.batch_rounds and folder else None
    route = Route(transport=lambda: post) if post else Route(budget)
    with job.connect() as executor:
        requests = job.limits.concurrency * (max(1, executor.capacity // 2) if job.engine == "ray" else 1)
        async with AsyncExitStack() as stack:
            replies = folder.replies if folder else None
            opened = await stack.enter_async_context(job.extractor.open(requests, replies, route, job.asking))
            await stack.enter_async_context(executor)
            if folder:
                folder.begin()
            if folder and job.mirror:
                await stack.enter_async_context(job.mirror.following(folder))
            tally.meter, tally.price = lambda: opened.usage, job.pricing.cost
            tally.by_server = lambda: opened.calls_by_server
            ahead = executor.capacity
            records = requests + min(requests, ahead) if opened.model else max(requests, ahead)
            limits = replace(job.limits, budget=budget, concurrency=records)

            extract = partial(extract_with, executor, options=opened.options, model=opened.model)

            async def extract_once() -> None:
                tally.begin_again()
                found = read_records(*job.inputs, on_error=report, stdin=sys.stdin.buffer, open_address=open_inputs)
                await run_batch(takewhile(lambda _: not interrupts.any(), found), extract, sink, tally, limits)

            if post and folder:
                await _extract_in_rounds(job, folder, extract_once, interrupts)
            else:
                await extract_once()


async def _extract_in_rounds(
    job: Job, folder: RunFolder, extract_once: Callable[[], Awaitable[None]], interrupts: Interrupts
) -> None:
    """A run by a provider's batches: what is open goes into a batch, and what its answers leave open into the next.

    Raises what ``extract_once`` does, and ``ModelUnavailable`` where the provider cannot be used.
    """
    spec, requests = job.extractor.choice.spec, folder.store.batch_requests
    assert spec

    async def sleep(seconds: float) -> None:
        until = monotonic() + seconds
        while not interrupts.any() and (left := until - monotonic()) > 0:
            await asyncio.sleep(min(left, _SLICE_S))
        if interrupts.any():
            raise asyncio.CancelledError  # the provider's batches go on without this program

    def say(news: BatchStatus) -> None:
        if news.message or not job.quiet:
            detail = f"; {without_controls(news.message)}" if news.message else ""
            _say(f"batch {news.number}: {news.state}, {news.done} of {news.requests} done{detail}")

    async def extract_anew() -> None:
        folder.rewind()
        await extract_once()

    policy = replace(PollPolicy(sleep=sleep), first_wait=job.poll_s)
    async with open_batch_client(spec, requests, policy, say) as client:
        await client.finish_all()
        for _ in range(job.batch_rounds):
            await extract_anew()
            if not requests.plan(uuid4().hex[:12]):
                return
            await client.finish_all()
        await extract_anew()
    if requests.count_waiting():
        _say("requests are left that no batch answered; the same command goes on")


@contextmanager
def _open_sink(job: Job) -> Iterator[Sink]:
    if job.out is None:
        yield StreamSink(sys.stdout, sys.stderr, strict=job.strict)
        return
    settings, price = describe_settings(job.extractor), job.pricing.cost
    with RunFolder(job.out, settings, inputs=job.inputs, fresh=job.fresh, strict=job.strict, price=price) as folder:
        yield folder


def _resume(job: Job) -> str:
    if job.out is None:
        return "with --out DIR a run can go on where it stopped"
    words = [word for word in sys.argv[1:] if word != "--fresh"]
    return f"go on with: extractor {shlex.join(words)}"


def _say(text: str) -> None:
    print(f"extractor: {text}", file=sys.stderr)


def _say_results(job: Job, sink: Sink, tally: Tally) -> None:
    """What failed, what was left out, what stayed open, and what can be done with the results."""
    exchange, asks = job.extractor.choice.exchange, job.extractor.options.assist is not Assist.NEVER
    if not job.quiet:
        _say_failures(job, tally)
        if isinstance(sink, RunFolder):
            _say_repeated(job, sink)
        if job.uses_rules_alone and asks and tally.usage.open_questions:
            _say(f"{tally.usage.open_questions} questions stayed open; a model can answer them (--model)")
    for broken in exchange.failed if exchange else ():  # also when quiet, since these answers are lost
        _say(f"no answer in {without_controls(str(broken))}")
    if job.quiet:
        return
    if exchange and exchange.requests:
        files = ", ".join(map(str, exchange.parts))
        _say(f"{exchange.written} requests still open, in {files}")
    if job.mirror:
        _say(f"the results are at {without_controls(job.mirror.place.address)}")
    elif job.out:
        folder = shlex.quote(str(job.out))
        _say(f"to read the results: extractor report {folder}")
        _say(f"to correct them: extractor review {folder} --gold GOLD")


def _say_failures(job: Job, tally: Tally) -> None:
    """Why most records failed, where the failures are in a file."""
    if not tally.failed or job.out is None:
        return
    from extractor.report.overview import count_reasons, read_failures

    for reason in count_reasons(read_failures(job.out / FAILURES))[:_MOST_SHOWN]:
        message = to_printable(reason.message)[:_LONGEST]
        _say(f"{reason.records} failed: {message} (such as {to_printable(reason.example)})")
    _say(f"all failures are in {_name_file(job, FAILURES)}")


def _say_repeated(job: Job, folder: RunFolder) -> None:
    """Which records were read twice, changed since an earlier run, or lack an answer."""
    for error in folder.differing[:_MOST_SHOWN]:
        _say(without_controls(str(error)))
    if len(folder.differing) > _MOST_SHOWN:
        _say(f"all of these are in {_name_file(job, REPEATED)}")
    if folder.changed:
        _say(f"records with another text than in an earlier run: {folder.changed}")
    if folder.lacking:
        _say(f"records that lack an answer: {folder.lacking}; the same command asks again")


def _name_file(job: Job, name: str) -> str:
    """A file of the results, as the user knows it."""
    return without_controls(f"{job.mirror.place.address}/{name}") if job.mirror else str(Path(job.out or "", name))
