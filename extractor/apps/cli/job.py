"""Open the job of a command: its run, made of the options, and the processes that share the
work.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

# unlike Path.resolve, it takes links that lead in a circle
from os.path import realpath
from pathlib import Path
from typing import Any

from extractor.apps.cli.environment import choose_pricing, read_model_spec
from extractor.apps.cli.fetch import find_records
from extractor.apps.cli.options import RecordOptions
from extractor.apps.cli.progress import observing
from extractor.formats import read_records
from extractor.formats.inputs import refuse_missing
from extractor.model.exchange import Exchange
from extractor.model.opening import ReplayTally
from extractor.options import Keywords
from extractor.run.addresses import is_stream, open_inputs
from extractor.run.executor import (
    SMALL_RUN,
    Executor,
    InlineExecutor,
    ProcessExecutor,
    count_cores,
    open_executor,
)
from extractor.run.records import RunLimits
from extractor.run.run import Run
from extractor.run.setup import Setup

_OF_MONEY = frozenset({"max_usd", "prices"})
"""The limit of money is that of the run, with all that it resumes."""
_OF_EXCHANGE = ("answers", "requests", "batch_tokens")
_MOST_PROCESSES = 5
"""With a model: the head process, and as many workers as it keeps busy."""

Connect = Callable[[], AbstractContextManager[Executor]]


@dataclass(frozen=True, kw_only=True)
class RunJob:
    """A command's options and its run, and how to open the executor for it.

    Without ``out`` the results go to standard output. ``batch_rounds`` limits the provider's
    batches, 0 for none; without ``waits`` the run ends when a batch is submitted. If more than the
    share ``max_lacking`` of the questions get no usable answer, the run fails.
    """

    options: RecordOptions
    inputs: tuple[str, ...]
    run: Run
    connect: Connect
    out: Path | None
    batch_rounds: int = 0
    waits: bool = True
    max_lacking: float = 1.0

    @property
    def setup(self) -> Setup:
        """The options of the extraction, and the model."""
        return self.run.setup

    def count(self) -> int | None:
        """Count the records in the inputs. Returns None for inputs that cannot be read twice or lie
        on the network.
        """
        # a second reader would take records from the first
        if any("://" in name or is_stream(name) for name in self.inputs):
            return None
        records = read_records(*self.inputs, on_error=lambda _: None)
        return sum(1 for _ in islice(records, self.run.limits.records))


@contextmanager
def open_job(options: RecordOptions, **more: Any) -> Iterator[tuple[RunJob, int]]:
    """Yield the job of a command, with records fetched for NCT numbers, and an exit code; write the
    log meanwhile.

    The code is 1 if the registry does not know a number. Fetched records stay in the folder ``out``
    unless it is a dry run. ``more`` are further fields of the job. Raises ``ValueError`` for
    options that do not fit together, and if no input exists.
    """
    in_batches = bool(more.get("batch_rounds"))
    _check_places(options, in_batches=in_batches)
    setup = _read_setup(options, in_batches=in_batches)
    pricing = choose_pricing(setup, options, in_batches=in_batches)
    out = Path(options.out) if options.out else None
    is_dry = getattr(options, "dry_run", False)  # leaves no file
    fetched = None if is_dry else out
    quiet = options.quiet
    fetching = find_records(options.inputs, fetched, fresh=options.fresh, quiet=quiet)
    log = observing(None if is_dry else options.log_json)
    with fetching as (inputs, code), log:
        refuse_missing(inputs)
        processes, connect = _share_work(options, setup, in_batches=in_batches)
        run = Run(
            setup=setup,
            read=partial(read_records, *inputs, open_address=open_inputs),
            limits=RunLimits(getattr(options, "concurrency", 8), options.limit),
            pricing=pricing,
            workers=processes,
        )
        job = RunJob(
            options=options, inputs=inputs, run=run, connect=connect, out=out, **more
        )
        yield job, code


def _check_places(options: RecordOptions, *, in_batches: bool) -> None:
    """Raise ``ValueError`` for places that the job cannot use."""
    if in_batches and any(map(is_stream, options.inputs)):
        raise ValueError(
            "a batch reads its records several times; name a file instead of standard input or a "
            "pipe"
        )
    if not options.out:
        return
    if "://" in options.out:
        raise ValueError(f"--out {options.out} is an address; name a folder")
    replay = getattr(options, "replay", None) or options.inputs[0]
    # two names may lead to one folder
    if realpath(options.out) in map(realpath, (*options.inputs, replay)):
        raise ValueError(
            f"{options.out} is an input or is replayed; name another folder with --out"
        )


def _read_setup(options: RecordOptions, *, in_batches: bool) -> Setup:
    """Return the options of the extraction and the model."""
    names = {*Keywords.__annotations__, *_OF_EXCHANGE} - _OF_MONEY
    given = {name: getattr(options, name) for name in names if hasattr(options, name)}
    exchange = None
    answers, requests, most_tokens = (given.pop(name, None) for name in _OF_EXCHANGE)
    if answers or requests:
        exchange = Exchange(answers or (), requests, most_tokens=most_tokens)
    spec = None
    replay = given.get("replay")
    if options.model and not replay:
        spec = read_model_spec(options.model)
    if spec and in_batches:
        # a forecast refuses a model without batches, as the batch itself does
        _ = spec.batch_protocol
    setup = Setup(spec, exchange=exchange, **given)
    if replay:  # a question without an answer stays open, and is counted
        setup.choice = replace(setup.choice, tally=ReplayTally())
    return setup


def _share_work(
    options: RecordOptions, setup: Setup, *, in_batches: bool
) -> tuple[int, Connect]:
    """Return how many processes share the work, and a function that opens their executor.

    One process is enough if the answers come from a store, a file or a batch.
    """
    workers = getattr(options, "workers", None)
    ray = getattr(options, "ray", None)
    choice = setup.choice
    if ray:
        from extractor.run.ray import connected

        return workers or 1, partial(connected, ray, workers)
    if not (setup.options.asks and choice.answers):
        return workers or count_cores(), lambda: nullcontext(open_executor(workers))
    processes = workers or min(count_cores(), _MOST_PROCESSES)
    if choice.replay or choice.exchange or in_batches or processes == 1:
        return 1, lambda: nullcontext(InlineExecutor())
    inline_first = SMALL_RUN if workers is None else 0
    return processes, lambda: nullcontext(ProcessExecutor(processes - 1, inline_first))
