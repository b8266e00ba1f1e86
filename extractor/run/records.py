"""The loop of a run: read records and write results and failures, with a limited number of records
in progress.

Results are written in input order if the sink requires it. A failed record does not stop the other
records.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from concurrent.futures import Future
from contextlib import aclosing
from contextvars import copy_context
from dataclasses import dataclass, field
from itertools import islice
from queue import SimpleQueue
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, TypeGuard

from extractor.errors import (
    BudgetReached,
    EngineError,
    ExtractorError,
    MissingKey,
    ModelAway,
    ModelError,
    ModelUnavailable,
    RecordError,
    RepeatedRecord,
    RequestTooLong,
    StoreError,
    UnexpectedError,
    as_extractor_error,
)
from extractor.masking import mask
from extractor.model.events import Event, Fact, tell
from extractor.run.files import Failed
from extractor.run.tally import ExtractedLine, Tally, add_counts
from extractor.schemas import Source, TrialRecord

if TYPE_CHECKING:
    from extractor.model.cost.budget import Budget

Read = Callable[..., Iterable[TrialRecord]]
"""Reads records from the beginning, and calls ``on_error`` with the error of each record that
cannot be read.
"""
_AHEAD = 4
"""Maximum number of records, as a multiple of the concurrency, that may wait for an earlier record
if results are written in input order.
"""
_ENDS_RUN = (ModelAway, MissingKey, EngineError)
"""Errors after which no record can be extracted, so that none counts as failed."""
_LOOK_S = 0.5
"""Interval, in seconds, at which a waiting read checks for a stop request and for finished
results.
"""


class Sink:
    """The destination for results. The base class discards them.

    ``in_any_order`` means that results are written as soon as they are ready.
    """

    in_any_order = False

    def is_done(self, record: TrialRecord) -> bool:  # noqa: ARG002 - the base class remembers nothing
        """Return True if an earlier run finished this record. Called once per record, in input
        order, before the other methods.
        """
        return False

    def write(self, record: TrialRecord, line: ExtractedLine) -> None:
        """Write a result."""

    def write_failure(self, failure: Failed) -> None:
        """Write a failure in the form returned by ``describe_failure``."""


def describe_failure(
    error: ExtractorError, record: TrialRecord | None = None
) -> Failed:
    """Return a failure as a line of ``failures.jsonl``: the record, its location, and the error.
    Keys are masked. Unknown values, such as the id of a record that could not be read, are None.
    """
    place: RecordError | Source | None = None
    failure: Failed = dict.fromkeys(("record_id", "path", "place"))
    if record:
        failure["record_id"] = record.record_id
        place = record.source
    # the error names the place in the file more exactly
    if isinstance(error, RecordError):
        place = error
    if place:
        failure |= {"path": place.path, "place": place.place}
    failure["error"] = getattr(error, "kind", type(error).__name__)
    failure["message"] = str(error)
    # A key may be part of the address of an input, or repeated in an error; None stays None.
    return {name: text and mask(text) for name, text in failure.items()}


_Item = TrialRecord | ExtractorError | None
"""A record, the error of one that cannot be read, or None if there is none (yet)."""


class _Closed(BaseException):
    """Ends the reading of records when a run is stopped. It is not an ``Exception``, because
    handlers in ``read`` must not catch it.
    """


async def read_in_thread(
    read: Read, limit: int | None, is_stopping: Callable[[], bool]
) -> AsyncGenerator[_Item, None]:
    """Yield up to ``limit`` records in input order, and the errors of records that cannot be read.
    While the next record is not ready, None is yielded every half second. Ends when ``is_stopping``
    returns True.

    A daemon thread reads each record on request, so that a slow pipe or drive does not delay the
    event loop or the end of the program. Raises any error that ``read`` raises.
    """
    requests: SimpleQueue[Future[_Item] | None] = SimpleQueue()

    def work() -> None:
        """Read an item for each request. Ends after the last item, or when None is requested."""
        request = requests.get()

        def give(item: _Item) -> None:
            """Answer the current request with an item, and wait for the next request."""
            nonlocal request
            assert request
            request.set_result(item)
            request = requests.get()
            if request is None:
                raise _Closed

        try:
            # a run may be stopped before it reads its first record
            if request:
                for record in islice(read(on_error=give), limit):
                    give(record)
                give(None)  # there are no more records
        except _Closed:
            return
        except BaseException as error:  # noqa: BLE001 - raised in the consumer of the records
            assert request
            request.set_exception(error)

    Thread(target=copy_context().run, args=(work,), daemon=True).start()
    try:
        while not is_stopping():
            request: Future[_Item] = Future()
            # a running future cannot be cancelled, so that the thread can always complete it
            request.set_running_or_notify_cancel()
            requests.put(request)
            reading = asyncio.wrap_future(request)
            try:
                await asyncio.wait([reading], timeout=_LOOK_S)
                while not reading.done() and not is_stopping():
                    yield None
                    await asyncio.wait([reading], timeout=_LOOK_S)
            finally:
                is_read = reading.done()
                reading.cancel()  # if the run stops, nobody waits for the item
            item = None
            if is_read:
                item = reading.result()
            if item is None:
                return
            if is_stopping():
                return
            yield item
    finally:
        requests.put(None)


@dataclass(eq=False)
class RecordLoop:
    """Extracts records, writes the results to ``sink`` and counts them in ``tally``.

    Any error in processing a record is written as a failure. Finished results are always written,
    even if an error ends the run.

    Args:
        extract: The function that extracts a record.
        sink: The destination for results and failures; it also knows which records are already
            done.
        tally: The counts of results and failures.
        concurrency: The maximum number of records in progress.
        budget: The spending limit; the run ends when it is reached.
        is_stopping: Returns True when the run is being stopped. In that case, no further records
            are read, but records in progress may finish.
    """

    extract: Callable[[TrialRecord], Awaitable[ExtractedLine]]
    sink: Sink
    tally: Tally
    concurrency: int = 8
    budget: "Budget | None" = None
    is_stopping: Callable[[], bool] = lambda: False
    _tasks: "dict[_Task, TrialRecord]" = field(default_factory=dict, init=False)
    """The records in progress, in the order in which they were started."""
    _model_was_used: bool = field(default=False, init=False)
    """Whether processing of a record has finished without a permanent model failure."""

    async def run(self, read: Read, limit: int | None = None) -> None:
        """Extract up to ``limit`` of the records that ``read`` yields.

        Raises:
            BudgetReached: The budget was reached, and the records in progress have ended.
            ModelAway: The model is unavailable.
            MissingKey: The provider rejects the key.
            ModelUnavailable: The model cannot be used, and has not worked for any record so far.
            EngineError: Worker processes cannot be started.
        """
        tasks = self._tasks
        try:
            await self._start_records(read, limit)
            await self._wait_while(lambda: bool(tasks))
        except (ModelUnavailable, EngineError, asyncio.CancelledError) as error:
            # The calls of all records fail soon. A call that is cut off instead would count at its
            # maximum cost, although a provider that rejects a key charges nothing.
            if isinstance(error, ModelUnavailable) and tasks:
                await asyncio.wait(tasks)
            for task in [task for task in tasks if task.done()]:
                self._write(task)
            raise
        finally:
            # wait for the end of each record, which reports its cost
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self.budget and self.budget.reached:
            raise BudgetReached(str(self.budget))

    async def _start_records(self, read: Read, limit: int | None) -> None:
        """Read records and start to extract them, each as soon as there is room for it. Ends after
        the last record, or when the budget is reached.
        """
        async with aclosing(read_in_thread(read, limit, self.is_stopping)) as items:
            async for item in items:
                # notice a model that fails for all records before more records start
                self._write_ready()
                if not self._needs_extraction(item):
                    continue
                if self.budget and self.budget.reached:
                    return
                self._tasks[asyncio.ensure_future(self._observe(item))] = item
                await self._wait_while(lambda: self._is_full)

    @property
    def _is_full(self) -> bool:
        """Whether another record must wait because too many records are running or are waiting for
        an earlier record.
        """
        if len(self._tasks) >= _AHEAD * self.concurrency:
            return True
        return sum(not task.done() for task in self._tasks) >= self.concurrency

    def _needs_extraction(self, item: _Item) -> TypeGuard[TrialRecord]:
        """Return True if an item is a record that must be extracted. An error is written as a
        failure, and a record that is already finished is counted as resumed. None means that no
        item is ready.
        """
        if isinstance(item, ExtractorError):
            self._note_failure(item)
        if not isinstance(item, TrialRecord):
            return False
        self.tally.read += 1
        if not self.sink.is_done(item):
            return True
        self.tally.resumed += 1
        # by an earlier invocation
        self._model_was_used = True
        return False

    async def _observe(self, record: TrialRecord) -> ExtractedLine:
        """Extract a record, and report that it has ended. Every error is raised as an
        ``ExtractorError``.
        """
        since = monotonic()
        try:
            line = await self.extract(record)
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # noqa: BLE001 - as the docstring says
            converted = as_extractor_error(error)
            # such errors concern all records, so they do not show that the model works
            concerns_all = isinstance(converted, EngineError) or _is_lasting(converted)
            self._model_was_used |= not concerns_all
            raise converted from None
        self._model_was_used = True
        seconds = round(monotonic() - since, 3)
        tell(Event.RECORD_DONE, record_id=record.record_id, seconds=seconds)
        return line

    async def _wait_while(self, is_busy: Callable[[], bool]) -> None:
        """While ``is_busy`` is true, wait for records to finish, and write them."""
        while is_busy():
            running = [task for task in self._tasks if not task.done()]
            if running:
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            self._write_ready()

    def _write_ready(self) -> None:
        """Write all finished records or, if the sink requires input order, only those that precede
        the first unfinished record.

        Raises errors that must stop the run: those in ``_ENDS_RUN``, and a permanent failure of a
        model that has never worked.
        """
        for task in list(self._tasks):
            if not task.done():
                if self.sink.in_any_order:
                    continue
                return
            error = self._write(task)
            if isinstance(error, _ENDS_RUN):
                raise error
            # if the model has worked for other records, the failure concerns this record only
            if error and not self._model_was_used and _is_lasting(error):
                raise error

    def _write(self, task: "_Task") -> ExtractorError | None:
        """Write and count the outcome of a record, and return its error, if any.

        A record that was cancelled, or that ended with an error in ``_ENDS_RUN``, is neither
        finished nor failed: the next run tries it again. Raises any error that the store reports.
        """
        record = self._tasks.pop(task)
        if task.cancelled():
            return None
        error = task.exception()
        if error is None:
            line = task.result()
            self.sink.write(record, line)
            self.tally.add(line)
            return None
        # Ctrl-C in a step of the record, which ends the run. ``_observe`` converts any other error,
        # even that of a bug.
        if not isinstance(error, ExtractorError):
            return None
        if isinstance(error, StoreError):
            raise error
        if isinstance(error, ModelError) and error.usage:
            counts = error.usage.model_dump()
            # a record without a result has no answers
            counts["open_questions"] = counts["questions"]
            if isinstance(error, ModelAway) and not error.usage.calls:
                counts["questions"] = 0  # the model was not asked
            add_counts(self.tally.counts, {"usage": counts})
        if isinstance(error, _ENDS_RUN):
            return error
        # after a server error or an unusable answer, the same command may succeed later
        will_recur = isinstance(error, RequestTooLong) or _is_lasting(error)
        if isinstance(error, ModelError) and not will_recur:
            self.tally.failed_by_model += 1
        self._note_failure(error, record)
        return error

    def _note_failure(
        self, error: ExtractorError, record: TrialRecord | None = None
    ) -> None:
        """Write, count and report a failure. ``record`` is None if it could not be read. A repeated
        record with the same text is only counted.
        """
        if isinstance(error, RepeatedRecord) and error.same_text:
            self.tally.repeated += 1
            return
        self.tally.failed += 1
        failure = describe_failure(error, record)
        facts: dict[str, Fact] = {"error": failure["error"]}
        if isinstance(error, UnexpectedError):
            facts["traceback"] = " < ".join(error.frames)
        tell(Event.RECORD_FAILED, record_id=failure["record_id"], **facts)
        self.sink.write_failure(failure)


_Task = asyncio.Task[ExtractedLine]


def _is_lasting(error: BaseException) -> bool:
    """Return True if the model would fail for all other records too, and for this one again."""
    return isinstance(error, ModelUnavailable) and error.lasting
