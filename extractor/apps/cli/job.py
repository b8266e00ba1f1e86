"""Build a run's job from the options of ``run`` and ``batch``."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

# unlike Path.resolve, realpath accepts circular links
from os.path import realpath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractor.apps.cli.console import say
from extractor.apps.cli.environment import choose_pricing, read_model_spec
from extractor.apps.cli.inputs import fetch_inputs
from extractor.apps.cli.options import RecordOptions
from extractor.apps.cli.progress import observing
from extractor.face import read_records, refuse_missing
from extractor.model.exchange import Exchange
from extractor.model.opening import ReplayTally
from extractor.options import Keywords
from extractor.run.finished import find_run
from extractor.run.run import Run
from extractor.setup import Setup

if TYPE_CHECKING:
    from extractor.model.batches import Batch
    from extractor.run.executor import Executor
    from extractor.run.folder import RunFolder


@dataclass(kw_only=True, eq=False)
class CommandJob(Run):
    """A command's job and its options. Without ``out``, results go to standard output.

    If ``waits`` is false, the run ends once its questions are submitted. The run fails if the
    share of its questions without a usable answer exceeds ``max_lacking``.
    """

    options: RecordOptions
    waits: bool = True
    max_lacking: float = 1.0


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
