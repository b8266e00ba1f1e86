"""Perform a run for a command, with progress, Ctrl-C, summary and exit code."""

import sys
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING

from extractor.apps.cli.console import (
    BUDGET,
    FAILED,
    INTERRUPTED,
    LATER,
    OK,
    USAGE,
    say,
)
from extractor.apps.cli.job import RunJob
from extractor.apps.cli.progress import Interrupts
from extractor.apps.cli.summary import (
    explain_lacking,
    how_to_resume,
    list_remarks,
    render,
)
from extractor.model.database import RUN_FILE
from extractor.plurals import counted
from extractor.run.folder import RunFolder
from extractor.run.manifest import Stop, describe_settings
from extractor.run.progress import show_progress
from extractor.run.records import Sink, StreamSink
from extractor.run.tally import Tally

if TYPE_CHECKING:
    from extractor.model.batches import BatchStatus

_CODES = {
    None: OK,
    Stop.MODEL_AWAY: LATER,
    Stop.BATCHES: LATER,
    Stop.BUDGET: BUDGET,
    Stop.INTERRUPTED: INTERRUPTED,
}


def perform_job(job: RunJob) -> int:
    """Perform a run, and return the exit code. Raises errors that stop the whole run, such as
    ``StoreError``.

    A run that exports its questions writes them to files, and prints their names.
    """
    tally = job.run.tally
    exchange = job.setup.choice.exchange
    exported = None if job.waits else exchange
    folder = _open_folder(job)
    try:
        with folder or nullcontext():
            if folder:
                _warn_of_earlier(job, folder)
            stdout = None if exported else sys.stdout
            code = _perform(job, folder or StreamSink(stdout, sys.stderr))
            sys.stdout.flush()
    finally:
        if folder and folder.kept_earlier:
            say(f"{folder.path}: nothing was extracted; the earlier results stay")
    if exported and code == OK:
        for path in exported.parts:
            print(path)
        written = counted(exported.written, "request")
        say(f"{written} of {counted(tally.extracted, 'record')}")
        return judge_records(tally)
    code = _judge_answers(job, code)
    if not job.options.quiet:
        print(*render("summary.txt", job, folder), sep="\n", file=sys.stderr)
    for remark in list_remarks(job, folder):
        say(remark)
    return judge_records(tally) if code == OK else code


def _judge_answers(job: RunJob, code: int) -> int:
    """Return the exit code, by the questions that have no usable answer if all records were read.
    Prints how many they are if they are too many.
    """
    lacking = explain_lacking(job) if code == OK else None
    if lacking:
        say(lacking)
        # a recorded answer that cannot be used now cannot be used later
        is_recorded = job.setup.choice.exchange or job.setup.choice.replay
        code = FAILED if is_recorded else LATER
    watch = job.run.tally.watch
    if code == LATER and watch and watch.is_too_small:
        return USAGE  # the same model would refuse the same requests tomorrow
    return code


def judge_records(tally: Tally) -> int:
    """Return the exit code of a run that read all its records, by those that have no result."""
    if tally.failed_by_model:
        return LATER
    return FAILED if tally.failed or tally.differing else OK


def _open_folder(job: RunJob) -> RunFolder | None:
    """Return the folder of the run; None if the results go to standard output."""
    if job.out is None:
        return None
    return RunFolder(
        job.out,
        describe_settings(job.setup),
        inputs=job.inputs,
        fresh=job.options.fresh,
        price=job.run.pricing.cost,
    )


def _perform(job: RunJob, sink: Sink) -> int:
    """Perform a run with progress, and report why it stopped early. Returns the exit code.

    Raises an error that is not expected.
    """
    run = job.run
    try:
        with show_progress(
            run.tally,
            job.count,
            quiet=job.options.quiet,
            say=say,
        ):
            Interrupts(run).run(_extract(job, sink))
    except BaseException as error:
        stop = run.finish(sink, error)
        if stop is Stop.ERROR:
            raise
        why = "interrupted" if stop is Stop.INTERRUPTED else error
        raised = "with a higher limit, " if stop is Stop.BUDGET else ""
        say(f"{why}; {raised}{how_to_resume(job)}")
        return _CODES[stop]
    return _CODES[run.finish(sink)]


async def _extract(job: RunJob, sink: Sink) -> None:
    """Extract the records of a job into ``sink``: in batches if the job has rounds and the sink is
    a run's folder, which keeps them; else live.
    """
    with job.connect() as connected:
        async with connected as executor:
            if not (job.batch_rounds and isinstance(sink, RunFolder)):
                await job.run.perform(sink, executor)
                return
            from extractor.model.batches import BatchPolicy
            from extractor.run.batches import perform_in_batches

            options = job.options
            # only submit asks one question live without being told
            policy = BatchPolicy(
                most_tokens=getattr(options, "batch_tokens", None),
                asks_live=getattr(options, "live", True),
                asks_again=getattr(options, "ask_again", False),
            )
            await perform_in_batches(
                job.run,
                sink,
                executor,
                job.batch_rounds,
                partial(_show_batch, job),
                poll_s=getattr(options, "poll", None),
                sending=policy,
            )


def _show_batch(job: RunJob, news: "BatchStatus") -> None:
    """Print how far a batch is. With ``--quiet`` only what went wrong with it."""
    if news.message or not job.options.quiet:
        state = (
            f"batch {news.number}: {news.state}, {news.done} of {news.requests} done"
        )
        say("; ".join(filter(None, (state, news.message))))


def _warn_of_earlier(job: RunJob, folder: RunFolder) -> None:
    """Warn of what an earlier run left: repaired files, and batches under way whose answers may be
    paid twice, since this command asks the same live.
    """
    choice = job.setup.choice
    is_recorded = choice.replay or choice.exchange or job.batch_rounds
    from extractor.model.asking.reply_models import reply_for
    from extractor.model.batch_book import BatchBook

    # opening the store of a new run would begin it
    is_new = job.options.fresh or not (folder.path / RUN_FILE).exists()
    if is_new or is_recorded or not choice.spec:
        return
    calls = sum(
        batch.requests
        for batch in BatchBook(
            folder.calls(), reply_for(job.setup.options.fields)
        ).open_batches()
    )
    if calls:
        say(
            f"{folder.path}: {counted(calls, 'call')} in batches under way; this command asks "
            "live, so that answers may be paid twice. `extractor batch collect` waits for the "
            "batches instead"
        )
