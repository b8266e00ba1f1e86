"""The job of ``run`` and ``batch``: build it from a command's options, perform it with progress and
Ctrl-C, and return an exit code.
"""

import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial

# unlike Path.resolve, realpath accepts circular links
from os.path import realpath
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from extractor.apps.cli.console import (
    BUDGET,
    FAILED,
    INTERRUPTED,
    LATER,
    OK,
    USAGE,
    say,
)
from extractor.apps.cli.environment import choose_pricing, read_model_spec
from extractor.apps.cli.inputs import fetch_inputs
from extractor.apps.cli.options import RecordOptions
from extractor.apps.cli.progress import Interrupts, observing
from extractor.apps.cli.summary import (
    explain_lacking_answers,
    how_to_resume,
    is_unread,
    list_remarks,
    render,
)
from extractor.face import read_records, refuse_missing
from extractor.model.database import RUN_FILE
from extractor.model.exchange import Exchange
from extractor.model.opening import ReplayTally
from extractor.options import Keywords
from extractor.plurals import counted
from extractor.run.files import Failed
from extractor.run.finished import find_run
from extractor.run.folder import RunFolder
from extractor.run.manifest import Stop
from extractor.run.progress import show_progress
from extractor.run.records import Sink
from extractor.run.run import Run
from extractor.run.tally import ExtractedLine, Tally
from extractor.schemas import TrialRecord
from extractor.setup import Setup

if TYPE_CHECKING:
    from extractor.model.batches import Batch
    from extractor.run.executor import Executor

_CODES = {
    Stop.MODEL_AWAY: LATER,
    Stop.BATCHES: LATER,
    Stop.BUDGET: BUDGET,
    Stop.INTERRUPTED: INTERRUPTED,
}


@dataclass(kw_only=True, eq=False)
class CommandJob(Run):
    """A command's job and its options. Without ``out``, results go to standard output.

    If ``waits`` is false, the run ends once its questions are submitted. The run fails if the
    share of its questions without a usable answer exceeds ``max_lacking``.
    """

    options: RecordOptions
    waits: bool = True
    max_lacking: float = 1.0


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


@contextmanager
def open_job(
    options: RecordOptions, rounds: int = 0, **fields: Any
) -> Iterator[tuple[CommandJob, int]]:
    """Fetch the records for the NCT numbers among a command's inputs, then yield (job, exit code).
    Events are logged until the block ends.

    The exit code is 1 if a number is not in the registry. Fetched records are kept in the ``out``
    folder, except in a dry run, which does not write any files. ``rounds`` is the maximum number of
    consecutive batches, or 0 to extract without batches, and ``fields`` sets further attributes of
    the job. Raises ``ValueError`` if options conflict or no input exists.
    """
    # the commands declare different options: only `run` has `concurrency`, for example
    given = dict(options)
    setup = _read_setup(options)
    if rounds and setup.choice.spec:
        # a forecast rejects a model without a batch API, as the batch itself does
        setup.choice.spec.check_batches()
    pricing = choose_pricing(setup, options, in_batches=rounds > 0)
    out = None
    if options.out:
        out = Path(options.out)
    folder = out
    log = options.log_json
    # a dry run does not write any files
    if given.get("dry_run"):
        folder = None
        log = None
    fetching = fetch_inputs(
        options.inputs, folder, fresh=options.fresh, quiet=options.quiet
    )
    batches = None
    if rounds:
        batches = _make_batch_extractor(options, rounds)
    _check_paths(options)
    with fetching as (inputs, code), observing(log):
        refuse_missing(inputs)
        job = CommandJob(
            options=options,
            setup=setup,
            read=partial(read_records, *inputs, columns=options.columns),
            inputs=inputs,
            columns=options.columns or None,
            out=out,
            fresh=options.fresh,
            concurrency=given.get("concurrency", 8),
            limit=options.limit,
            pricing=pricing,
            workers=given.get("workers"),
            batches=batches,
            **fields,
        )
        if rounds and job.reads_stream:
            raise ValueError(
                "a batch reads its records several times; specify a file instead of standard "
                "input or a pipe"
            )
        yield job, code


def _check_paths(options: RecordOptions) -> None:
    """Raise ``ValueError`` if an input is the results of a run, or if the results cannot be written
    to ``--out``.
    """
    for name in options.inputs:
        if find_run(Path(name)):
            raise ValueError(
                f"{name}: these are results; to see them, use `extractor list` or `extractor "
                "export`; to extract again, specify the records"
            )
    if not options.out:
        return
    sources = list(options.inputs)
    replay = dict(options).get("replay")
    if replay:
        sources.append(replay)
    # two paths may refer to the same folder
    if realpath(options.out) in map(realpath, sources):
        raise ValueError(
            f"{options.out} is also an input or the --replay folder; specify another folder "
            "with --out"
        )
    if "://" in options.out or Path(options.out).is_file():
        raise ValueError(f"--out {options.out} is not a folder; specify one")


def _read_setup(options: RecordOptions) -> Setup:
    """Return the setup of the extraction and its model: a model, the answers of an earlier run
    (``--replay``), or files of questions and answers (``--requests``, ``--answers``).
    """
    given = dict(options)
    replay = given.get("replay")
    # those options of the command that a setup takes, except for the spending limit, which
    # applies to the whole run and is part of its pricing
    names = given.keys() & Keywords.__annotations__.keys() - {"max_usd", "prices"}
    exchange = None
    if given.get("answers") or given.get("requests"):
        exchange = Exchange(given.get("answers") or (), given["requests"])
    spec = None
    if options.model and not replay:
        spec = read_model_spec(options.model)
    setup = Setup(spec, exchange=exchange, **{name: given[name] for name in names})
    if replay:
        # questions without a recorded answer remain open, and are counted
        setup.choice = replace(setup.choice, tally=ReplayTally())
    return setup


def _make_batch_extractor(
    options: RecordOptions, rounds: int
) -> "Callable[[Run, RunFolder, Executor], Awaitable[None]]":
    """Return the function that extracts through batches and prints their state, such as "batch 1:
    submitted, 0 of 14 done". With ``--quiet``, only problems are printed.
    """
    from extractor.run.batches import perform_in_batches  # noqa: PLC0415 - loads the library of a model

    def print_state(batch: "Batch") -> None:
        state = f"batch {batch.number}: {batch.state}, {batch.done} of {batch.requests} done"
        if batch.message:
            say(f"{state}; {batch.message}")
        elif not options.quiet:
            say(state)

    return partial(
        perform_in_batches,
        rounds=rounds,
        on_status=print_state,
        poll_s=dict(options).get("poll"),
    )


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
    lacking = None
    if job.waits:
        lacking = explain_lacking_answers(job, job.max_lacking, folder)
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
