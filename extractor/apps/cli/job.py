"""Open the job of a command: its run, made of the options, and the processes that share the
work.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

# unlike Path.resolve, it takes links that lead in a circle
from os.path import (
    realpath,
)
from pathlib import Path
from typing import Any

from extractor.apps.cli.console import refuse, say
from extractor.apps.cli.environment import find_prices, read_model_spec
from extractor.apps.cli.fetch import find_records
from extractor.apps.cli.options import RecordOptions, name_option
from extractor.apps.cli.progress import observing
from extractor.errors import ExtractorError
from extractor.formats import read_records
from extractor.formats.inputs import refuse_missing
from extractor.model.cost.budget import Pricing
from extractor.model.exchange import Exchange
from extractor.model.opening import ReplayTally
from extractor.run.addresses import open_inputs
from extractor.run.executor import (
    SMALL_RUN,
    Executor,
    InlineExecutor,
    ProcessExecutor,
    count_cores,
    open_executor,
)
from extractor.run.folder import RunFolder
from extractor.run.reading import is_stream
from extractor.run.records import RunLimits
from extractor.run.run import Run
from extractor.run.setup import Setup

_MOST_PROCESSES = 5
"""With a model: the head process, and as many workers as it keeps busy."""


@dataclass(frozen=True, kw_only=True)
class RunJob:
    """A command's options and its run, and how to open the executor for it.

    Without ``out`` the results go to standard output. ``batch_rounds`` limits the provider's
    batches, 0 for none; without ``waits`` the run ends when a batch is submitted. If more than the
    share ``max_lacking`` of the questions get no usable answer, the run fails.
    """

    given: RecordOptions
    inputs: tuple[str, ...]
    run: Run
    connect: Callable[[], AbstractContextManager[Executor]]
    out: Path | None
    batch_rounds: int = 0
    waits: bool = True
    max_lacking: float = 1.0

    @property
    def setup(self) -> Setup:
        """The options of the extraction, and the model."""
        return self.run.setup

    @property
    def exports(self) -> bool:
        """Whether the run writes its questions into a file, and no results."""
        exchange = self.setup.choice.exchange
        return exchange is not None and not self.waits

    @property
    def uses_rules_alone(self) -> bool:
        """Whether the run uses no model."""
        return not self.setup.options.asks or not self.setup.choice.answers

    def count(self, folder: RunFolder | None = None) -> int | None:
        """Count the records in the inputs, and note the count in ``folder``.

        Returns None for inputs that cannot be read twice or lie on the network.
        """
        most = self.run.limits.records
        if any("://" in one for one in self.inputs):
            return None
        # a second reader would take records from the first
        if any(map(is_stream, self.inputs)):
            return most
        total = sum(
            1 for _ in islice(read_records(*self.inputs, on_error=lambda _: None), most)
        )
        if folder:
            with suppress(ExtractorError):  # writing the results reports it, too
                folder.note_total(total)
        return total


def _share_work(
    given: RecordOptions, setup: Setup, *, in_batches: bool
) -> tuple[int, Callable[[], AbstractContextManager[Executor]]]:
    """Return how many processes share the work, and a function that opens their executor.

    One process is enough if the answers come from a store, a file or a batch.
    """
    workers = getattr(given, "workers", None)
    ray = getattr(given, "ray", None)
    choice = setup.choice
    if ray:

        def connect() -> AbstractContextManager[Executor]:
            from extractor.run.ray import connected

            return connected(ray, workers)

        return workers or 1, connect
    if not setup.options.asks or not choice.answers:
        return workers or count_cores(), lambda: nullcontext(open_executor(workers))
    stored = choice.replay or choice.exchange or in_batches
    processes = 1 if stored else workers or min(count_cores(), _MOST_PROCESSES)
    if processes == 1:
        return 1, lambda: nullcontext(InlineExecutor())
    inline_first = SMALL_RUN if workers is None else 0
    return processes, lambda: nullcontext(ProcessExecutor(processes - 1, inline_first))


def _tell_unread(setup: Setup) -> None:
    """Say which of the user's own fields stay empty, before anything runs for nothing."""
    if setup.unread:
        say(setup.unread)


def _check_before_removing(given: RecordOptions, setup: Setup) -> None:
    """Raise what would end a fresh run before its first record, as without a key, while all
    earlier files are there: records are fetched into the folder before the run begins.
    """
    if not given.fresh or getattr(given, "dry_run", False):
        return
    inputs = given.inputs
    if not any(one[:3].upper() == "NCT" for one in inputs):
        refuse_missing(inputs)
    choice = setup.choice
    if choice.spec and not (choice.exchange or choice.replay):
        asyncio.run(_open_once(setup))


async def _open_once(setup: Setup) -> None:
    async with setup.open():
        pass


@contextmanager
def open_job(given: RecordOptions, **more: Any) -> Iterator[tuple[RunJob, int]]:
    """Yield the job of a command, with records fetched for NCT numbers, and an exit code; write the
    log meanwhile.

    The code is 1 if the registry does not know a number. Fetched records stay in the folder ``out``
    unless it is a dry run. ``more`` are further fields of the job. Raises ``ValueError`` for
    options that do not fit together, and if no input exists.
    """
    asked = given.model_dump(
        include={"replay", "answers", "requests", "dry_run", "timeout", "concurrency"}
    )
    replay = asked.get("replay")
    in_batches = bool(more.get("batch_rounds"))
    folder = Path(given.out or "")
    place = given.out and realpath(folder)
    inputs = [realpath(one) for one in given.inputs]
    away = "name a folder of this machine or of a shared file system with --out"
    refuse(
        {
            f"{given.out} is an address; {away}": given.out and "://" in given.out,
            f"{given.out} is an input; name another folder with --out": place in inputs,
            f"{given.out} is replayed; name another folder with --out": replay
            and place == realpath(replay),
            (
                "a batch reads its records several times; name a file instead of standard input "
                "or a pipe"
            ): in_batches and any(map(is_stream, given.inputs)),
        }
    )
    spec = read_model_spec(given.model) if given.model and not replay else None
    if spec and in_batches:
        # a forecast refuses a model without batches, as the batch itself does
        _ = spec.batch_protocol
    files = asked.get("answers") or (), asked.get("requests")
    setup = Setup(
        spec,
        exchange=Exchange(*files, most_tokens=getattr(given, "batch_tokens", None))
        if any(files)
        else None,
        tasks=given.tasks,
        effort=given.effort,
        min_confidence=given.min_confidence,
        fields=given.fields,
        reasoning=given.reasoning,
        model_options=given.model_options,
        **{name: asked[name] for name in ("replay", "timeout") if name in asked},
    )
    _tell_unread(setup)
    if replay:  # a question without an answer stays open, and is counted
        setup.choice = replace(setup.choice, tally=ReplayTally())
    prices = find_prices(given.prices)
    reasoning = setup.asking.reasoning
    pricing = Pricing.of(
        spec, prices, given.max_usd, reasoning, in_batches=in_batches, spell=name_option
    )
    out = Path(given.out) if given.out else None
    is_dry = asked.get("dry_run", False)
    _check_before_removing(given, setup)
    with (
        find_records(
            given.inputs, None if is_dry else out, fresh=given.fresh, quiet=given.quiet
        ) as (found, unknown),
        observing(None if is_dry else given.log_json),
    ):
        refuse_missing(found)
        processes, connect = _share_work(given, setup, in_batches=in_batches)
        run = Run(
            setup=setup,
            read=partial(read_records, *found, open_address=open_inputs),
            limits=RunLimits(asked.get("concurrency", 8), given.limit),
            pricing=pricing,
            workers=processes,
        )
        yield (
            RunJob(
                given=given, inputs=found, run=run, connect=connect, out=out, **more
            ),
            unknown,
        )
