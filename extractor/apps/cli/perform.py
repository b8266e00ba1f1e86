"""Perform a command's run: show progress, handle Ctrl-C, and return an exit code."""

import json
import sys
from contextlib import nullcontext
from typing import TextIO

from extractor.apps.cli.console import (
    BUDGET,
    FAILED,
    INTERRUPTED,
    LATER,
    OK,
    USAGE,
    say,
)
from extractor.apps.cli.job import CommandJob
from extractor.apps.cli.progress import Interrupts
from extractor.apps.cli.summary import (
    explain_lacking_answers,
    how_to_resume,
    is_unread,
    list_remarks,
    render,
)
from extractor.model.database import RUN_FILE
from extractor.plurals import counted
from extractor.run.files import Failed
from extractor.run.folder import RunFolder
from extractor.run.manifest import Stop
from extractor.run.progress import show_progress
from extractor.run.records import Sink
from extractor.run.tally import ExtractedLine, Tally
from extractor.schemas import TrialRecord

_CODES = {
    Stop.MODEL_AWAY: LATER,
    Stop.BATCHES: LATER,
    Stop.BUDGET: BUDGET,
    Stop.INTERRUPTED: INTERRUPTED,
}


class StreamSink(Sink):
    """Writes extractions as JSON lines to an optional stream, and failures to standard error.

    Failures, and results on a terminal, are written as ASCII, because a terminal may interpret some
    other characters as commands.
    """

    def __init__(self, results: TextIO | None = None) -> None:
        self._results = results

    def write(self, record: TrialRecord, line: ExtractedLine) -> None:  # noqa: ARG002 - only folders keep more than its line
        if self._results is None:
            return
        text = line.line.decode()
        if self._results.isatty():
            text = json.dumps(json.loads(text))
        print(text, file=self._results)

    def write_failure(self, failure: Failed) -> None:
        print(json.dumps(failure), file=sys.stderr)


def perform_job(job: CommandJob) -> int:
    """Perform a run, and return the exit code. Raises errors that stop the whole run, such as
    ``StoreError``.

    If the questions are exported to a batch file, the file's name is printed.
    """
    exported = None
    # `batch submit --requests` only writes the questions to a file
    if not job.waits:
        exported = job.setup.choice.exchange
    folder = job.open_folder() if job.out else None
    with folder or nullcontext():
        if folder:
            _warn_open_batches(job, folder)
        sink = folder or StreamSink(None if exported else sys.stdout)
        with show_progress(job.tally, job.count, quiet=job.options.quiet):
            stop = job.perform(sink, Interrupts(job).run)
        sys.stdout.flush()
    code = _judge_run(job, folder, stop)
    if exported and exported.is_saved:
        print(exported.requests)
        say(
            f"{counted(exported.written, 'request')} of "
            f"{counted(job.tally.extracted, 'record')}"
        )
        return code
    if not job.options.quiet:
        print(*render("summary.txt", job, folder), sep="\n", file=sys.stderr)
    for remark in list_remarks(job, folder):
        say(remark)
    return code


def _judge_run(job: CommandJob, folder: RunFolder | None, stop: Stop | None) -> int:
    """Return a run's exit code and, if the run stopped early or lacks answers, print the reason."""
    if stop:
        reason: object = job.error
        if stop is Stop.INTERRUPTED:
            reason = "interrupted"
        condition = "with a higher limit, " if stop is Stop.BUDGET else ""
        say(f"{reason}; {condition}{how_to_resume(job)}")
        return _CODES[stop]
    lacking = explain_lacking_answers(job, folder) if job.waits else None
    if lacking is None:
        return judge_records(job.tally)
    say(lacking)
    # asking again would return the same recorded answers
    if job.setup.choice.replay or is_unread(job):
        return FAILED
    return LATER


def judge_records(tally: Tally) -> int:
    """Return the exit code of a run that read all its records, based on the records that failed:
    ``USAGE`` if none could be read, ``LATER`` if the model failed for some, ``FAILED`` if others
    failed, or else ``OK``.
    """
    # a script that goes on after FAILED would export tables without the registers' data
    if tally.failed and not tally.read:
        return USAGE
    if tally.failed_by_model:
        return LATER
    if tally.failed:
        return FAILED
    return OK


def _warn_open_batches(job: CommandJob, folder: RunFolder) -> None:
    """Warn about batches that an earlier run left open. This command asks the same questions live,
    so the answers may be paid for twice.
    """
    # opening the store of a new run would start the run
    has_store = (folder.path / RUN_FILE).exists() and not job.fresh
    if not (has_store and job.asks_live):
        return
    from extractor.model.batches import list_open  # noqa: PLC0415 - loads the library of a model, and few runs have batches

    calls = sum(batch.requests for batch in list_open(folder.calls()))
    if calls:
        say(
            f"{folder.path}: {counted(calls, 'call')} in open batches; this command asks the same "
            "questions live, so you may pay for them twice. To wait for the batches instead, use "
            "`extractor batch collect`"
        )
