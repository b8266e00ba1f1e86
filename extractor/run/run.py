"""Set up a run, perform it, and determine why it ended. Used by Python, the command line
and the service.

::

    options, model --> Setup --> Run(setup, read, ...) --> open_folder --> perform or extract

The caller decides where records come from (``read``) and what is printed.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from extractor.errors import (
    BatchUnfinished,
    BudgetReached,
    MissingKey,
    ModelAway,
    ModelUnavailable,
)
from extractor.model.client import Route
from extractor.model.events import Event, tell
from extractor.run.executor import Executor, count_cores, open_executor
from extractor.run.files import is_stream
from extractor.run.folder import RunFolder
from extractor.run.manifest import Stop, describe_settings
from extractor.run.records import Read, RecordLoop, Sink
from extractor.run.steps import extract_with
from extractor.run.tally import Tally
from extractor.run.worker import relax_garbage_collector
from extractor.setup import Setup

if TYPE_CHECKING:
    from extractor.model.cost.budget import Budget, Meter, Pricing

_MOST_PROCESSES = 5
"""Maximum number of processes when a model is used: the main process, and the workers that it can
keep busy.
"""
_STATUS = {None: "done", Stop.INTERRUPTED: "interrupted", Stop.BUDGET: "budget"}
"""The name used for each reason in the event at the end of a run; any other reason is reported as
``failed``.
"""
_STOPS: dict[type[BaseException], Stop] = {
    KeyboardInterrupt: Stop.INTERRUPTED,
    asyncio.CancelledError: Stop.INTERRUPTED,
    BudgetReached: Stop.BUDGET,
    ModelAway: Stop.MODEL_AWAY,
    BatchUnfinished: Stop.BATCHES,
    BaseException: Stop.ERROR,
}
"""The reason for each error that ends a run. The first class that matches counts."""


@dataclass(kw_only=True, eq=False)
class Run:
    """One invocation of a run.

    Args:
        setup: The options and the model.
        read: The function that reads the records from the beginning, and calls ``on_error`` with
            the error of each record that cannot be read.
        inputs: The names of the inputs.
        columns: The user's names of columns, as for ``read_records``.
        out: The folder for the results.
        fresh: Whether to start again instead of continuing an earlier run.
        concurrency: The maximum number of concurrent requests.
        limit: The maximum number of records to read.
        pricing: The price of tokens and the spending limit; by default, those of ``setup``.
        meter: The budget that calls must fit into, instead of the run's own budget; in this case,
            ``budget`` is the limit that ends the run.
        workers: The number of processes; if None, it depends on the number of cores.
        batches: The function that extracts records through a provider's batches, if any.

    ``tally`` contains the counts, and ``error`` is the error that ended the run. When
    ``is_stopping`` is set, no further records are started.
    """

    setup: Setup
    read: Read
    inputs: tuple[str, ...] = ()
    columns: Mapping[str, str] | None = None
    out: Path | None = None
    fresh: bool = False
    concurrency: int = 8
    limit: int | None = None
    pricing: "Pricing" = None  # type: ignore[assignment] # set below
    meter: "Meter | None" = None
    budget: "Budget | None" = None
    workers: int | None = None
    batches: Callable[["Run", RunFolder, Executor], Awaitable[None]] | None = None
    tally: Tally = field(default_factory=Tally, init=False)
    error: BaseException | None = field(default=None, init=False)
    is_stopping: bool = field(default=False, init=False)
    _since: float = field(default_factory=monotonic, init=False)

    def __post_init__(self) -> None:
        self.pricing = self.pricing or self.setup.pricing

    @property
    def reads_stream(self) -> bool:
        """Whether an input can be read only once."""
        return any(map(is_stream, self.inputs))

    def count(self) -> None:
        """Count the records in the inputs, up to the limit, unless an input can be read
        only once.
        """
        if not self.reads_stream:
            records = self.read(on_error=lambda _: None)
            self.tally.total = sum(1 for _ in islice(records, self.limit))

    @property
    def asks_live(self) -> bool:
        """Whether questions go to a live model rather than being answered from an earlier run,
        files or a batch.
        """
        choice = self.setup.choice
        is_recorded = choice.replay or choice.exchange or self.batches
        if choice.spec is None:
            return False
        if not self.setup.options.asks:
            return False
        return not is_recorded

    @property
    def processes(self) -> int:
        """The number of processes that share the work. It is one if recorded answers are read."""
        if self.workers:
            return self.workers
        if self.asks_live:
            return min(count_cores(), _MOST_PROCESSES)
        is_recorded = self.setup.options.asks and self.setup.choice.answers
        if is_recorded:
            return 1
        return count_cores()

    def open_folder(self) -> RunFolder:
        """Open the folder of the run, and continue the earlier run in it, if there is one.

        Raises ``StoreError`` if the folder cannot be used, and ``SettingsDiffer`` if it contains a
        run with different settings.
        """
        assert self.out, "the run has no folder"
        settings = describe_settings(self.setup)
        settings["columns"] = self.columns
        return RunFolder(
            self.out,
            settings,
            inputs=self.inputs,
            fresh=self.fresh,
            price=self.pricing.price,
            reads_again=self.setup.choice.exchange is not None,
        )

    def stop(self, why: str) -> None:
        """Do not start any more records or requests. Work in progress may finish."""
        self.is_stopping = True
        if self.tally.watch:
            self.tally.watch.stop(why)

    def perform(
        self,
        sink: Sink,
        loop: Callable[[Coroutine[object, object, None]], object] = asyncio.run,
    ) -> Stop | None:
        """Extract all records into ``sink`` in an event loop, and finish the run even if there is
        an error. Returns the reason if the run ended early. Raises any unexpected error.
        """
        error = None
        try:
            loop(self.extract(sink))
        except BaseException as raised:  # noqa: BLE001 - raised after the run is finished
            error = raised
        stop = self.finish(sink, error)
        if error and stop is Stop.ERROR:
            raise error
        return stop

    async def extract(self, sink: Sink, executor: Executor | None = None) -> None:
        """Extract all records into ``sink``. ``executor`` replaces the processes of the run. The
        caller must call ``finish`` afterwards. Raises the errors of ``RecordLoop.run``.
        """
        opened: AbstractAsyncContextManager[Executor]
        if executor:
            opened = nullcontext(executor)
        else:
            # a run with a live model reserves one process for its replies
            opened = open_executor(
                self.workers, self.processes, spare=int(self.asks_live)
            )
        async with opened as computing:
            if self.batches and isinstance(sink, RunFolder):
                await self.batches(self, sink, computing)
                return
            self.start()
            budget = self.budget if self.meter else self.open_budget(sink)
            route = Route(self.meter or budget)
            async with self.open(sink, computing, route, budget) as extract_all:
                await extract_all()

    def start(self) -> None:
        """Report the start of the run. ``finish`` reports its end."""
        self._since = monotonic()
        options = self.setup.options
        spec = self.setup.choice.spec
        tell(
            Event.RUN_STARTED,
            effort=options.effort,
            model=spec.name if spec and options.asks else None,
            workers=self.processes,
        )

    def open_budget(self, sink: Sink) -> "Budget":
        """Open the budget of the run, including the spending of earlier invocations."""
        earlier_calls = None
        if isinstance(sink, RunFolder):
            earlier_calls = sink.earlier_calls
        return self.pricing.open_budget(earlier_calls)

    @asynccontextmanager
    async def open(
        self, sink: Sink, executor: Executor, route: Route, budget: "Budget | None"
    ) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Open the model, and begin the run in the folder. Yields a function that reads and
        extracts all records; batches call it once for each round.

        Args:
            sink: The destination for results. If it is a folder, the calls to the model are stored
                there too.
            executor: The executor for the steps of extractions.
            route: The function that answers calls, if there is one, and the budget that calls must
                fit into.
            budget: The spending limit; the run ends when it is reached.
        """
        relax_garbage_collector()
        folder = None
        if isinstance(sink, RunFolder):
            folder = sink
        calls = None
        if folder:
            calls = folder.calls
        requests = self.concurrency
        tally = self.tally
        async with self.setup.open(requests, calls, route) as opened:
            if folder:
                folder.begin()
            tally.meter = lambda: opened.usage
            tally.price = self.pricing.cost
            tally.watch = opened.watch
            in_progress = max(requests, executor.capacity)
            if opened.model:
                # While some records wait for the model, others are computed.
                in_progress = requests + min(requests, executor.capacity)
            extract = partial(extract_with, executor, opened)

            async def extract_all() -> None:
                tally.begin_again()
                loop = RecordLoop(
                    extract, sink, tally, in_progress, budget, lambda: self.is_stopping
                )
                await loop.run(self.read, self.limit)

            yield extract_all

    def finish(self, sink: Sink, error: BaseException | None = None) -> Stop | None:
        """Sort and count the results, which takes several seconds for a large run, and report the
        end. ``error`` is the error that ended the run. Returns the reason if the run ended early.
        """
        self.error = error
        stop = None
        if error:
            stop = next(
                stop for kind, stop in _STOPS.items() if isinstance(error, kind)
            )
        # after a stop, calls to the model fail as if the model were away
        if self.is_stopping and isinstance(error, ModelUnavailable | None):
            stop = Stop.INTERRUPTED
        try:
            if isinstance(sink, RunFolder):
                sink.finish(self.tally, stop)
        finally:
            if stop is Stop.BUDGET:
                tell(Event.BUDGET_REACHED)
            status = _STATUS.get(stop, "failed")
            tell(
                Event.RUN_ENDED,
                status=status,
                seconds=round(monotonic() - self._since, 3),
                **self.tally.facts,
            )
        return stop

    def explain(self, stop: Stop | None) -> str | None:
        """Return the reason why a run in Python is incomplete: its spending limit, or a model that
        became unavailable or whose key was rejected after some records were extracted. Raises any
        other error that ended the run.
        """
        if stop is Stop.INTERRUPTED:
            raise KeyboardInterrupt
        if self.error is None:
            return None
        is_away = isinstance(self.error, ModelAway | MissingKey)
        is_partial = is_away and self.tally.extracted > 0
        if is_partial or stop is Stop.BUDGET:
            return str(self.error)
        raise self.error
