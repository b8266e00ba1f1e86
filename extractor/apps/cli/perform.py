"""Perform a run for a command, with progress, Ctrl-C, summary and exit code; or forecast it."""

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from extractor.apps.cli.console import (
    BUDGET,
    FAILED,
    INTERRUPTED,
    LATER,
    OK,
    USAGE,
    print_table,
    say,
)
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
from extractor.plurals import counted
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
from extractor.run.tally import Tally

if TYPE_CHECKING:
    from extractor.model.batches import BatchPolicy, BatchStatus

_CODES = {
    None: OK,
    Stop.MODEL_AWAY: LATER,
    Stop.BATCHES: LATER,
    Stop.BUDGET: BUDGET,
    Stop.INTERRUPTED: INTERRUPTED,
}


def perform_job(job: RunJob, *, keeps_folder: bool = True) -> int:
    """Perform a run, and return the exit code. Raises errors that stop the whole run, such as
    ``StoreError``.

    Without ``keeps_folder`` the caller reads the failures and removes the folder, so they are not
    named here.

    A run that ``exports`` writes its requests to its exchange file, and prints their counts as
    JSON.
    """
    tally = job.run.tally
    with _open_sink(job) as sink:
        folder = sink if isinstance(sink, RunFolder) else None
        if folder:
            _tell_what_was_found(job, folder)
        stop = _perform(job, sink, folder)
        sys.stdout.flush()
    code = _CODES[stop]
    if job.exports and code == OK:
        _print_exported(job)
        return _judge_records(tally)
    if code == OK:
        code = _judge_answers(job)
    watch = tally.watch
    if code == LATER and watch and watch.is_too_small:
        # the same model would refuse the same requests tomorrow
        code = USAGE
    if not job.options.quiet:
        print_summary(tally, folder.manifest if folder else None)
    for remark in list_remarks(job, folder if keeps_folder else None):
        say(remark)
    if code == OK:
        return _judge_records(tally)
    return code


def _judge_answers(job: RunJob) -> int:
    """Return the exit code of a run that read all its records, by the questions that have no usable
    answer, and say how many they are if they are too many.
    """
    lacking = explain_lacking(job)
    if not lacking:
        return OK
    say(lacking)
    # a recorded answer that cannot be used now cannot be used later
    if job.setup.choice.replay or job.setup.choice.exchange:
        return FAILED
    return LATER


def _judge_records(tally: Tally) -> int:
    """Return the exit code of a run that read all its records, by those that have no result."""
    if tally.failed_by_model:
        return LATER
    if tally.failed or tally.differing:
        return FAILED
    return OK


def _open_sink(job: RunJob) -> AbstractContextManager[Sink]:
    """Return what takes the results: the folder of the run, or standard output."""
    if job.out is None:
        results = None if job.exports else sys.stdout
        return nullcontext(StreamSink(results, sys.stderr))
    folder = RunFolder(
        job.out,
        describe_settings(job.setup),
        inputs=job.inputs,
        fresh=job.options.fresh,
        price=job.run.pricing.cost,
    )
    return _open_folder(folder)


def _perform(job: RunJob, sink: Sink, folder: RunFolder | None) -> Stop | None:
    """Perform a run with progress, and say why it stopped early. Returns why, None if it did not.

    Raises an error that is not expected.
    """
    run = job.run
    try:
        with show_progress(
            run.tally,
            partial(job.count, folder),
            quiet=job.options.quiet,
            counts=folder is not None,
            say=say,
        ):
            Interrupts(run).run(_extract(job, sink))
    except BaseException as error:
        stop = run.finish(sink, error)
        if stop is Stop.ERROR:
            raise
        say(_explain(job, stop, error))
        return stop
    return run.finish(sink)


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
    """Return a warning that the answers of batches under way may be paid twice, since this command
    asks the same live. Return "" if that cannot be: no model is asked live, the run is new, or no
    batch is under way.
    """
    choice = job.setup.choice
    if choice.spec is None or job.batch_rounds:
        return ""
    is_answered_before = choice.replay is not None or choice.exchange is not None
    if is_answered_before:
        return ""
    is_new = job.options.fresh or not (folder.path / RUN_FILE).exists()
    # opening the store of a new run would begin it
    if is_new:
        return ""
    under_way = folder.store.batches.open_batches()
    if not under_way:
        return ""
    calls = sum(batch.requests for batch in under_way)
    waiting = "1 call waits" if calls == 1 else f"{calls:,} calls wait"
    return (
        f"{folder.path}: {waiting} for the answers of batches; this command asks live, so that "
        "answers may be paid twice. `extractor batch collect` waits for the batches instead"
    )


def _print_exported(job: RunJob) -> None:
    """Print as JSON what was written into the exchange file."""
    exchange = job.setup.choice.exchange
    assert exchange
    if not exchange.written:
        say(f"there is nothing to ask, so there is no {exchange.requests}")
    written = {
        "records": job.run.tally.extracted,
        "requests": exchange.written,
        "files": [str(path) for path in exchange.parts],
    }
    print(json.dumps(written, indent=2))


def _explain(job: RunJob, stop: Stop | None, error: BaseException) -> str:
    """Say why a run stopped early, and how it goes on."""
    if stop is Stop.BUDGET:
        return f"{error}; with a higher limit, {how_to_resume(job, raises_limits=True)}"
    why = "interrupted" if stop is Stop.INTERRUPTED else str(error)
    return f"{why}; {how_to_resume(job)}"


async def _extract(job: RunJob, sink: Sink) -> None:
    """Extract the records of a job into ``sink``: in batches if the job says so and the sink is a
    run's folder, which keeps them; else live.
    """
    with job.connect() as connected:
        async with connected as executor:
            if job.batch_rounds and isinstance(sink, RunFolder):
                from extractor.run.batches import perform_in_batches

                await perform_in_batches(
                    job.run,
                    sink,
                    executor,
                    job.batch_rounds,
                    partial(_show_batch, job),
                    poll_s=getattr(job.options, "poll", None),
                    sending=_describe_sending(job.options),
                )
            else:
                await job.run.perform(sink, executor)


def _describe_sending(options: RecordOptions) -> "BatchPolicy":
    """Return how batches are sent. Only ``batch submit`` asks one question live without being
    told.
    """
    from extractor.model.batches import BatchPolicy

    return BatchPolicy(
        most_tokens=getattr(options, "batch_tokens", None),
        asks_live=getattr(options, "live", True),
        asks_again=getattr(options, "ask_again", False),
    )


def _show_batch(job: RunJob, news: "BatchStatus") -> None:
    """Say how far a batch is. With ``--quiet`` only what went wrong with it."""
    state = f"batch {news.number}: {news.state}, {news.done} of {news.requests} done"
    if news.message:
        say(f"{state}; {news.message}")
    elif not job.options.quiet:
        say(state)


def forecast_job(job: RunJob) -> int:
    """Print the forecast of a run's calls, time and cost, and return the exit code: ``FAILED`` if a
    record cannot be read, else ``OK``. Calls no model.

    Each record is read by the rules, to count its questions; a live line shows how far that is.
    Also said: what cannot be read, in which settings the run in the output folder differs, and how
    many tokens the user's own fields add.
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
        async with open_executor(getattr(job.options, "workers", None)) as executor:
            return await measure_records(
                chosen, options, executor, on_error=report, on_estimate=note_estimate
            )

    with show_progress(tally, job.count, quiet=job.options.quiet):
        measured = asyncio.run(measure())
    folder = None if job.options.fresh else job.out
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
        with_fields = estimate_tokens(load_prompt(options.fields).system)
        built_in = estimate_tokens(load_prompt(()).system)
        names = ", ".join(field.name for field in options.fields)
        say(
            f"your own fields ({names}) add about {with_fields - built_in:,} tokens to the "
            "definitions of every call"
        )
    return FAILED if tally.failed else OK


def print_forecast(forecast: Forecast) -> None:
    """Print the least, expected and largest figures of a run as a table on standard output, then,
    on standard error, the price of the model if it is known, and the assumptions.
    """
    rows = []
    for name, cases in forecast.figures.items():
        digits = 0
        if name.startswith("dollars"):
            # Less than a dollar is shown to the hundredth of a cent.
            digits = 2 if cases.high >= 1 else 4
        rows.append((name, *(f"{figure:,.{digits}f}" for figure in cases)))
    print_table(
        (counted(forecast.records, "record"), "least", "expected", "most"),
        rows,
        apart=False,
    )
    sys.stdout.flush()  # the table comes before its assumptions, in a file of both too
    listed = forecast.price
    if listed:
        price = listed.price
        costs = f"{listed.name} costs ${price.prompt:g} for a million prompt tokens"
        if price.cached is not None:
            costs += f", {price.cached:g} for cached ones"
        if price.written is not None:
            costs += f", {price.written:g} for ones that are written into a cache"
        costs += f", and ${price.output:g} for a million output tokens"
        say(f"{costs} ({listed.source})")
    for note in forecast.notes:
        say(note)
