"""Perform a run: records go in; extractions, failures and counts come out, and the reason why it
stopped.

The command line, Python, the service and batches perform their runs here. They choose where the
records come from and who computes, and say in their own words why a run stopped.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from time import monotonic

from extractor.errors import (
    BatchUnfinished,
    BudgetReached,
    ExtractorError,
    ModelAway,
    ModelUnavailable,
)
from extractor.model.client import Route
from extractor.model.cost.budget import Budget, Meter, Pricing
from extractor.model.events import Event, tell
from extractor.run.executor import Executor, extract_with
from extractor.run.folder import RunFolder
from extractor.run.manifest import Stop
from extractor.run.records import RunLimits, Sink, extract_records, note_unread
from extractor.run.setup import Setup
from extractor.run.tally import Tally
from extractor.run.worker import relax_garbage_collector
from extractor.schemas import TrialRecord

_STATUS = {None: "done", Stop.INTERRUPTED: "interrupted", Stop.BUDGET: "budget"}
"""How the event at the end of a run names the reason; other reasons are ``failed``."""
_STOPS: dict[type[BaseException], Stop] = {
    KeyboardInterrupt: Stop.INTERRUPTED,
    asyncio.CancelledError: Stop.INTERRUPTED,
    BudgetReached: Stop.BUDGET,
    ModelAway: Stop.MODEL_AWAY,
    BatchUnfinished: Stop.BATCHES,
    BaseException: Stop.ERROR,
}


class _Enough(BaseException):
    """Ends the reading of a run that is being stopped. No handler of ``Exception`` holds it up."""


@dataclass(kw_only=True, eq=False)
class Run:
    """One invocation of a run.

    Args:
        setup: The options and the model.
        read: Reads the records from the first one; its ``on_error`` gets the error of each one that
            cannot be read.
        limits: The requests at once (for each worker of a cluster), and the records to read.
        pricing: The price of tokens, and the run's limit of money.
        meter: The budget that calls must fit, in place of the run's own; then ``limits.budget``
            ends the run.
        workers: The number of processes, for the log.

    ``tally`` has the counts. While ``is_stopping`` is set, no further record begins.
    """

    setup: Setup
    read: Callable[..., Iterable[TrialRecord]]
    limits: RunLimits = field(default_factory=RunLimits)
    pricing: Pricing = field(default_factory=Pricing)
    meter: Meter | None = None
    workers: int = 1
    tally: Tally = field(default_factory=Tally, init=False)
    is_stopping: bool = field(default=False, init=False)
    _since: float = field(default_factory=monotonic, init=False)

    def stop(self, why: str) -> None:
        """Begin no further record, and no request to the model. What is under way may end."""
        self.is_stopping = True
        if self.tally.watch:
            self.tally.watch.stop(why)

    def start(self) -> None:
        """Report the start of the run. ``finish`` reports its end."""
        self._since = monotonic()
        options = self.setup.options
        spec = self.setup.choice.spec
        model = spec.name if spec and options.asks else None
        tell(
            Event.RUN_STARTED, effort=options.effort, model=model, workers=self.workers
        )

    async def perform(self, sink: Sink, executor: Executor) -> None:
        """Extract all records. Raises what ``extract_records`` raises; ``finish`` must follow."""
        self.start()
        budget = self.limits.budget if self.meter else self.open_budget(sink)
        route = Route(self.meter or budget)
        async with self.open(sink, executor, route, budget) as extract_all:
            await extract_all()

    def open_budget(self, sink: Sink) -> Budget:
        """Open the budget of the run, from which its earlier invocations have spent."""
        earlier_calls = sink.earlier_calls if isinstance(sink, RunFolder) else None
        return self.pricing.open_budget(earlier_calls)

    @asynccontextmanager
    async def open(
        self, sink: Sink, executor: Executor, route: Route, budget: Budget | None
    ) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Open the model, and begin the folder. Yields a function that reads all records and
        extracts them; batches call it once for each round.

        Args:
            sink: Where the results go. In a folder, the calls to the model are stored, too.
            executor: What computes.
            route: What answers calls, and the budget that they must fit.
            budget: The limit of money that ends the run when it is reached.
        """
        relax_garbage_collector()
        folder = sink if isinstance(sink, RunFolder) else None
        calls = folder.calls if folder else None
        requests = self.limits.concurrency * executor.cluster_workers
        tally = self.tally
        async with self.setup.open(requests, calls, route) as opened:
            if folder:
                folder.begin()
            tally.meter = lambda: opened.usage
            tally.price = self.pricing.cost
            tally.watch = opened.watch
            records = max(requests, executor.capacity)
            if opened.model:
                # While as many records wait for the model, others are computed.
                records = requests + min(requests, executor.capacity)
            limits = replace(self.limits, concurrency=records, budget=budget)
            extract = partial(extract_with, executor, opened)

            async def extract_all() -> None:
                tally.begin_again()
                read = self._read_until_stopped(sink, asyncio.get_running_loop())
                await extract_records(
                    read, extract, sink, tally, limits, lambda: self.is_stopping
                )

            yield extract_all

    def _read_until_stopped(
        self, sink: Sink, loop: asyncio.AbstractEventLoop
    ) -> Iterator[TrialRecord]:
        """Read the records in another thread than that of the ``loop``, which alone writes: what
        cannot be read is handed to it. The reading ends as soon as the run is being stopped.
        """

        async def note(error: ExtractorError) -> None:
            note_unread(error, sink, self.tally)

        def report(error: ExtractorError) -> None:
            if self.is_stopping:
                raise _Enough
            asyncio.run_coroutine_threadsafe(note(error), loop).result()

        with suppress(_Enough):
            for record in self.read(on_error=report):
                if self.is_stopping:
                    return
                yield record

    def finish(self, sink: Sink, error: BaseException | None = None) -> Stop | None:
        """Sort and count the results, and report the end. Returns why the run stopped early, if it
        did. ``error`` is what ended it. Sorting a large run takes seconds.
        """
        stop = self._find_reason(error)
        try:
            if isinstance(sink, RunFolder):
                sink.finish(self.tally, stop, whole=self.limits.records is None)
        finally:
            if stop is Stop.BUDGET:
                tell(Event.BUDGET_REACHED)
            status = _STATUS.get(stop, "failed")
            seconds = round(monotonic() - self._since, 3)
            tell(Event.RUN_ENDED, status=status, seconds=seconds, **self.tally.facts)
        return stop

    def _find_reason(self, error: BaseException | None) -> Stop | None:
        """Return why the run stopped early by what ended it, None if it did not."""
        # A model that is stopped with the run looks as if it were away.
        if self.is_stopping and (error is None or isinstance(error, ModelUnavailable)):
            return Stop.INTERRUPTED
        if error is None:
            return None
        return next(stop for kind, stop in _STOPS.items() if isinstance(error, kind))
