"""Set up a run and perform it: one place for Python, the command line and the service.

::

    options, model --> Setup --> RunJob(setup, read, ...) --> open_folder --> perform or extract

A caller decides where records come from (``read``) and what it prints; this decides which processes
share the work, live or in batches, and how a run ends. A step of a run is in ``extractor.run``.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractor.run.addresses import is_stream
from extractor.run.executor import (
    SMALL_RUN,
    Executor,
    InlineExecutor,
    ProcessExecutor,
    count_cores,
)
from extractor.run.folder import RunFolder
from extractor.run.manifest import Stop, describe_settings
from extractor.run.records import RunLimits, Sink
from extractor.run.run import Run
from extractor.run.setup import Setup
from extractor.schemas import TrialRecord

if TYPE_CHECKING:
    from extractor.model.cost.budget import Meter, Pricing

_MOST_PROCESSES = 5
"""With a model: the head process, and as many workers as it keeps busy."""


@dataclass(kw_only=True, eq=False)
class RunJob:
    """A run with its inputs and processes.

    Args:
        setup: The options and the model.
        read: Reads the records from the first one; its ``on_error`` gets the error of each one that
            cannot be read.
        inputs: The names of the inputs.
        out: The folder of the results.
        fresh: Replace what an earlier run left there.
        limits: The requests at once, and the records to read.
        pricing: The price of tokens with the limit of money; by default that of ``setup``.
        meter: The budget that calls must fit, in place of the run's own.
        workers: The number of processes; None for all cores.
        ray: The Ray cluster that extracts.
        batches: Extracts by a provider's batches, in place of ``run.perform``.

    ``run`` has the counts, ``error`` is what ended it.
    """

    setup: Setup
    read: Callable[..., Iterable[TrialRecord]]
    inputs: tuple[str, ...] = ()
    out: Path | None = None
    fresh: bool = False
    limits: RunLimits = field(default_factory=RunLimits)
    pricing: "Pricing | None" = None
    meter: "Meter | None" = None
    workers: int | None = None
    ray: str | None = None
    batches: Callable[[Run, RunFolder, Executor], Awaitable[None]] | None = None
    run: Run = field(init=False)
    error: BaseException | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.run = Run(
            setup=self.setup,
            read=self.read,
            limits=self.limits,
            pricing=self.pricing or self.setup.pricing,
            meter=self.meter,
            workers=self._processes,
        )

    def open_folder(self) -> RunFolder:
        """Open the folder of the run, and continue what an earlier one left there.

        Raises ``StoreError`` if it cannot be used, ``SettingsDiffer`` for a run with other
        settings.
        """
        assert self.out, "the run has no folder"
        return RunFolder(
            self.out,
            describe_settings(self.setup),
            inputs=self.inputs,
            fresh=self.fresh,
            price=self.run.pricing.cost,
        )

    def stop(self) -> None:
        """Begin no further record. Another thread may call this."""
        self.run.is_stopping = True

    @property
    def reads_stream(self) -> bool:
        """Whether an input can be read only once."""
        return any(map(is_stream, self.inputs))

    def count(self) -> int | None:
        """Count the records in the inputs, up to the limit. Returns None for inputs that can be
        read only once, or are on the network.
        """
        if self.reads_stream or any("://" in name for name in self.inputs):
            return None
        records = self.read(on_error=lambda _: None)
        return sum(1 for _ in islice(records, self.limits.records))

    def perform(
        self,
        sink: Sink,
        loop: Callable[[Coroutine[Any, Any, None]], object] = asyncio.run,
    ) -> Stop | None:
        """Extract all records into ``sink`` in an event loop, and finish the run, however it ends.
        Returns why it stopped early. Raises an error that is not expected.
        """
        try:
            loop(self.extract(sink))
        except BaseException as error:  # noqa: BLE001 - raised below, after the end of the run
            self.error = error
        stop = self.run.finish(sink, self.error)
        if self.error and stop is Stop.ERROR:
            raise self.error
        return stop

    def explain(self, stop: Stop | None) -> str | None:
        """Return why a run in Python has not all results: its limit of money, or its model that
        went away after some. Raises any other error that ended it.
        """
        if stop is Stop.INTERRUPTED:
            raise KeyboardInterrupt
        is_partial = stop is Stop.MODEL_AWAY and self.run.tally.extracted > 0
        if self.error and stop is not Stop.BUDGET and not is_partial:
            raise self.error
        return str(self.error) if self.error else None

    async def extract(self, sink: Sink, executor: Executor | None = None) -> None:
        """Extract all records into ``sink``. ``executor`` replaces the processes of the run.
        ``run.finish`` must follow.
        """
        opened = nullcontext(executor) if executor else self._open_executor()
        async with opened as computing:
            if self.batches and isinstance(sink, RunFolder):
                await self.batches(self.run, sink, computing)
            else:
                await self.run.perform(sink, computing)

    @property
    def asks_live(self) -> bool:
        """Whether a model is asked for each record, not a store, a file or a batch."""
        choice = self.setup.choice
        is_recorded = choice.replay or choice.exchange or self.batches
        return self.setup.options.asks and bool(choice.spec) and not is_recorded

    @property
    def _processes(self) -> int:
        """The number of processes that share the work: one where recorded answers are read."""
        most = count_cores()
        if self.asks_live:
            most = min(most, _MOST_PROCESSES)
        elif self.setup.options.asks and self.setup.choice.answers:
            return 1
        return self.workers or most

    @asynccontextmanager
    async def _open_executor(self) -> AsyncIterator[Executor]:
        if self.ray:
            from extractor.run.ray import connected  # noqa: PLC0415 - of an extra

            with connected(self.ray, self.workers) as cluster:
                async with cluster:
                    yield cluster
            return
        processes = self._processes
        # a run with a model keeps one process for its replies
        workers = processes - 1 if self.asks_live else processes
        inline_first = SMALL_RUN if self.workers is None else 0
        is_alone = processes == 1
        async with (
            InlineExecutor() if is_alone else ProcessExecutor(workers, inline_first)
        ) as executor:
            yield executor
