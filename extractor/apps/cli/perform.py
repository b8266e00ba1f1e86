"""Perform a run for a command, with progress, Ctrl-C, summary and exit code; or forecast it."""

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from extractor.apps.cli.console import BUDGET, FAILED, INTERRUPTED, OK, print_table, say
from extractor.apps.cli.job import RunJob
from extractor.apps.cli.options import RecordOptions
from extractor.apps.cli.progress import Interrupts
from extractor.apps.cli.summary import (
    explain_lacking,
    how_to_resume,
    list_remarks,
    print_summary,
)
from extractor.errors import ExtractorError
from extractor.model.asking.prompt import load_prompt
from extractor.model.calls import estimate_tokens
from extractor.model.database import RUN_FILE
from extractor.run.executor import open_executor
from extractor.run.folder import RunFolder, holds_something
from extractor.run.forecast import Forecast, Measured, forecast_run, measure_records
from extractor.run.manifest import (
    MANIFEST,
    Stop,
    describe_settings,
    explain_changed,
    read_manifest,
)
from extractor.run.progress import show_progress
from extractor.run.records import Sink, StreamSink, describe_failure

if TYPE_CHECKING:
    from extractor.model.batches import BatchPolicy, BatchStatus

_CODES = {
    None: OK,
    Stop.MODEL_AWAY: FAILED,
    Stop.BATCHES: FAILED,
    Stop.BUDGET: BUDGET,
    Stop.INTERRUPTED: INTERRUPTED,
}


def perform_job(job: RunJob) -> int:
    """Perform a run, and return the exit code. Raises errors that stop the whole run, such as
    ``StoreError``.

    A run that ``exports`` writes its requests to its exchange file, and prints their counts as
    JSON.
    """
    run = job.run
    tally = job.run.tally
    quiet = job.given.quiet
    results = None if job.exports else sys.stdout
    opening: AbstractContextManager[Sink] = nullcontext(StreamSink(results, sys.stderr))
    if job.out:
        settings = describe_settings(job.setup)
        price = run.pricing.cost
        opening = _open_folder(
            RunFolder(
                job.out,
                settings,
                inputs=job.inputs,
                fresh=job.given.fresh,
                price=price,
            )
        )
    with opening as sink:
        folder = sink if isinstance(sink, RunFolder) else None
        if folder:
            _tell_what_was_found(job, folder)
        try:
            with show_progress(
                tally,
                partial(job.count, folder),
                quiet=quiet,
                counts=bool(folder),
                say=say,
            ):
                Interrupts(run).run(_extract(job, sink))
        except BaseException as error:
            stop = run.finish(sink, error)
            if stop is Stop.ERROR:
                raise
            say(_explain(job, stop, error))
        else:
            stop = run.finish(sink)
        sys.stdout.flush()
    code = _CODES[stop]
    if job.exports and code == OK:
        _print_exported(job)
        return FAILED if tally.failed else OK
    if code == OK and (lacking := explain_lacking(job)):
        say(lacking)
        code = FAILED
    if not quiet:
        print_summary(tally, folder.manifest if folder else None)
    for remark in list_remarks(job, folder):
        say(remark)
    return code or (FAILED if tally.failed else OK)


@contextmanager
def _open_folder(folder: RunFolder) -> Iterator[RunFolder]:
    """Open a run's folder, and say at the end if the new run gave nothing in place of the
    earlier one.
    """
    try:
        with folder:
            yield folder
    finally:
        if folder.kept_earlier:
            say(f"{folder.path}: nothing was extracted; the earlier results stay")


def _tell_what_was_found(job: RunJob, folder: RunFolder) -> None:
    """Say what an earlier run left that the user must know: files that were mended, and batches
    under way.
    """
    if folder.mended:
        say(folder.mended)
    warning = _warn_of_batches(job, folder)
    if warning:
        say(warning)


def _warn_of_batches(job: RunJob, folder: RunFolder) -> str:
    """Say that batches may answer what this command asks live, so that it is paid twice. Empty
    if none can.
    """
    choice = job.setup.choice
    asks_live = (
        choice.spec is not None
        and choice.replay is None
        and choice.exchange is None
        and not job.batch_rounds
    )
    is_new = job.given.fresh or not (folder.path / RUN_FILE).exists()
    # opening the store of a new run would begin it
    if not asks_live or is_new:
        return ""
    under_way = folder.store.batches.open_batches()
    if not under_way:
        return ""
    calls = sum(batch.requests for batch in under_way)
    return (
        f"{folder.path}: {calls:,} calls wait for the answers of batches; this command asks them "
        "live, and they may be"
        " paid twice. `extractor batch collect` waits for the batches instead"
    )


def _print_exported(job: RunJob) -> None:
    exchange = job.setup.choice.exchange
    assert exchange
    if not exchange.written:
        say(f"there is nothing to ask, so there is no {exchange.requests}")
    written = {"records": job.run.tally.extracted, "requests": exchange.written}
    print(
        json.dumps(
            written | {"files": [str(path) for path in exchange.parts]}, indent=2
        )
    )


def _explain(job: RunJob, stop: Stop | None, error: BaseException) -> str:
    """Say why a run stopped early, and how it goes on."""
    if stop is Stop.BUDGET:
        return f"{error}; with a higher limit, {how_to_resume(job, raises_limits=True)}"
    why = "interrupted" if stop is Stop.INTERRUPTED else str(error)
    return f"{why}; {how_to_resume(job)}"


async def _extract(job: RunJob, sink: Sink) -> None:
    with job.connect() as connected:
        async with connected as executor:
            if not (job.batch_rounds and isinstance(sink, RunFolder)):
                await job.run.perform(sink, executor)
                return
            from extractor.run.batches import perform_in_batches

            given = job.given
            await perform_in_batches(
                job.run,
                sink,
                executor,
                job.batch_rounds,
                partial(_show_batch, job),
                poll_s=getattr(given, "poll", None),
                sending=_describe_sending(given),
            )


def _describe_sending(given: RecordOptions) -> "BatchPolicy":
    """Return how batches are sent. Only ``batch submit`` asks one question live without being
    told.
    """
    from extractor.model.batches import BatchPolicy

    return BatchPolicy(
        most_tokens=getattr(given, "batch_tokens", None),
        asks_live=getattr(given, "live", True),
        asks_again=getattr(given, "ask_again", False),
    )


def _show_batch(job: RunJob, news: "BatchStatus") -> None:
    if news.message or not job.given.quiet:
        detail = f"; {news.message}" if news.message else ""
        say(
            f"batch {news.number}: {news.state}, {news.done} of {news.requests} done{detail}"
        )


def forecast_job(job: RunJob) -> int:
    """Print the forecast of a run's calls, time and cost, and return the exit code. Calls no
    model.
    """
    run = job.run
    tally = job.run.tally
    options = job.setup.options

    def report(error: ExtractorError) -> None:
        tally.failed += 1
        say(describe_failure(error)["message"])

    def note_estimate() -> None:
        tally.extracted += 1

    async def measure() -> Measured:
        chosen = islice(run.read(on_error=report), run.limits.records)
        # as many processes as would extract
        async with open_executor(getattr(job.given, "workers", None)) as executor:
            return await measure_records(
                chosen, options, executor, on_error=report, on_estimate=note_estimate
            )

    with show_progress(tally, job.count, quiet=job.given.quiet):
        measured = asyncio.run(measure())
    folder = None if job.given.fresh else job.out
    earlier = read_manifest(folder / MANIFEST) if folder else None
    if folder and earlier and holds_something(folder, earlier):
        changed = explain_changed(earlier.settings, describe_settings(job.setup))
        differences = "; ".join(changed.values())
        if differences:
            say(
                f"{folder}: holds a run with other settings ({differences}); the run itself needs "
                "another --out"
            )
    print_forecast(forecast_run(measured, run.pricing, run.limits.concurrency))
    if options.fields:
        own, built_in = (
            estimate_tokens(load_prompt(each).system) for each in (options.fields, ())
        )
        names = ", ".join(field.name for field in options.fields)
        say(
            f"your own fields ({names}) add about {own - built_in:,} tokens to the definitions of "
            "every call"
        )
    return FAILED if tally.failed else OK


def print_forecast(forecast: Forecast) -> None:
    """Print the least, expected and largest figures of a run as a table, and their assumptions
    on standard error.
    """
    rows = []
    for name, cases in forecast.figures.items():
        if not name.startswith("dollars"):
            digits = 0
        elif cases.high >= 1:
            digits = 2
        else:
            digits = 4
        rows.append((name, *(f"{figure:,.{digits}f}" for figure in cases)))
    print_table(
        (f"{forecast.records:,} records", "least", "expected", "most"),
        rows,
        apart=False,
    )
    sys.stdout.flush()  # the table comes before its assumptions, in a file of both too
    listed = forecast.price
    if listed:
        price = listed.price
        kinds = (
            (price.cached, "cached ones"),
            (price.written, "ones that are written into a cache"),
        )
        others = (f", {each:g} for {kind}" for each, kind in kinds if each is not None)
        say(
            f"{listed.name} costs ${price.prompt:g} for a million prompt "
            f"tokens{''.join(others)},"
            f" and ${price.output:g} for a million output tokens ({listed.source})"
        )
    for note in forecast.notes:
        say(note)
