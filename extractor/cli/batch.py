"""A batch as the command line runs it: progress, Ctrl-C, summary, exit code."""

import asyncio
import json
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

from extractor.ask.estimate import Estimate, estimate_questions
from extractor.ask.questions import Assist
from extractor.errors import BudgetReached
from extractor.parse import parse_record
from extractor.pipeline import Extractor
from extractor.read import read_records
from extractor.run import (
    BatchLimits,
    FailuresSink,
    RunFolder,
    Sink,
    StreamSink,
    Tally,
    attend,
    describe_failure,
    describe_settings,
    run_batch,
)

from .exits import BUDGET, FAILED, INTERRUPTED, OK
from .progress import print_summary, show_progress
from .tables import without_controls

__all__ = ["Job", "estimate_job", "export_job", "perform_job"]


@dataclass(frozen=True)
class Job:
    """What one ``extractor run`` was told to do. Without ``out`` results go to standard output."""

    inputs: tuple[str, ...]
    extractor: Extractor
    limits: BatchLimits
    out: Path | None
    fresh: bool = field(kw_only=True)
    quiet: bool = field(kw_only=True)


def perform_job(job: Job) -> int:
    """Run the batch and return the exit code. Raises what stops a run as a whole, such as ``StoreError``."""
    tally = Tally()
    code = OK
    with _open_sink(job) as (sink, finish):
        try:
            with show_progress(tally, partial(_count_records, job), quiet=job.quiet):
                asyncio.run(_extract_all(job, sink, tally))
        except BudgetReached as error:
            print(f"extractor: {error}; {_resume(job)}", file=sys.stderr)
            code = BUDGET
        except KeyboardInterrupt:
            print(f"extractor: interrupted; {_resume(job)}", file=sys.stderr)
            code = INTERRUPTED
        finally:
            finish(tally)
    print_summary(tally, quiet=job.quiet)
    _say_repeated(job, sink)
    _say_open_questions(job, tally)
    _say_exchange(job)
    return code or (FAILED if tally.failed else OK)


def export_job(job: Job) -> int:
    """Write the requests of a run to the file of its exchange, and print what was written as JSON. Extracts nothing."""
    tally = Tally()
    with show_progress(tally, partial(_count_records, job), quiet=job.quiet):
        asyncio.run(_extract_all(job, FailuresSink(sys.stderr), tally))
    exchange = job.extractor.choice.exchange
    assert exchange
    assert exchange.requests
    written = {"records": tally.extracted, "requests": exchange.requests.written}
    print(json.dumps(written | {"files": [str(path) for path in exchange.requests.parts]}, indent=2))
    return FAILED if tally.failed else OK


def estimate_job(job: Job) -> int:
    """Print as JSON what a run would ask: records, questions, calls and estimated tokens. Asks nothing."""
    total = Estimate()
    failed = 0
    assist = job.extractor.assist

    def count_failure(error: Exception) -> None:
        nonlocal failed
        failed += 1
        print(f"extractor: {without_controls(str(error))}", file=sys.stderr)

    records = read_records(*job.inputs, on_error=count_failure, stdin=sys.stdin.buffer)
    for record in islice(records, job.limits.records):
        total += estimate_questions(parse_record(record), job.extractor.tasks, assist)
    print(total.model_dump_json(indent=2))
    return FAILED if failed else OK


def _count_records(job: Job) -> int | None:
    """How many records the inputs hold, read once more for it; None for standard input, which is read only once."""
    if "-" in job.inputs:
        return job.limits.records
    return sum(1 for _ in islice(read_records(*job.inputs, on_error=lambda _: None), job.limits.records))


async def _extract_all(job: Job, sink: Sink, tally: Tally) -> None:
    def report(error: Exception) -> None:
        tally.failed += 1
        sink.write_failure(describe_failure(error))

    records = read_records(*job.inputs, on_error=report, stdin=sys.stdin.buffer)
    folder = sink if isinstance(sink, RunFolder) else None
    async with job.extractor.open(job.limits.concurrency, folder.replies if folder else None) as extract:
        tally.meter = lambda: extract.usage
        if folder:
            folder.begin()
        await run_batch(records, attend(extract, folder.note_asker) if folder else extract, sink, tally, job.limits)


@contextmanager
def _open_sink(job: Job) -> Iterator[tuple[Sink, Callable[[Tally], None]]]:
    if job.out is None:
        yield StreamSink(sys.stdout, sys.stderr), lambda _: sys.stdout.flush()
        return
    with RunFolder(job.out, describe_settings(job.extractor), fresh=job.fresh) as folder:
        yield folder, partial(folder.finish, inputs=job.inputs)


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


def _say_repeated(job: Job, sink: Sink) -> None:
    """What an earlier run left that could not be taken as it was, and what this one leaves so."""
    if job.quiet or not isinstance(sink, RunFolder):
        return
    if sink.changed:
        print(f"extractor: records with another text than in an earlier run: {sink.changed}", file=sys.stderr)
    if sink.lacking:
        print(f"extractor: records that lack an answer: {sink.lacking}; the same command asks again", file=sys.stderr)


def _say_open_questions(job: Job, tally: Tally) -> None:
    asks = job.extractor.assist is not Assist.NEVER and not job.extractor.choice.answers
    if asks and tally.usage.open_questions and not job.quiet:
        print(
            f"extractor: {tally.usage.open_questions} questions stayed open; a model can answer them (--model)",
            file=sys.stderr,
        )
