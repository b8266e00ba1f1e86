"""The loop of a run: records in, results and failures out, with a bounded number in progress.

Results keep input order if their sink does; a failed record never stops the others.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from concurrent.futures import Future
from contextvars import copy_context
from dataclasses import dataclass, field
from itertools import islice
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from extractor.errors import (
    BudgetReached,
    EngineError,
    ExtractorError,
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
from extractor.run.tally import ExtractedLine, Tally, add_counts
from extractor.schemas import Source, TrialRecord

if TYPE_CHECKING:
    from extractor.model.cost.budget import Budget

T = TypeVar("T")
Extract = Callable[[TrialRecord], Awaitable[ExtractedLine]]

_AHEAD = 4
"""How many records, as a multiple of the concurrency, may wait for an earlier one if results
keep input order.
"""
_LOOK_S = 0.5
"""Seconds after which a read that waits looks for a stop, and for results that are ready."""


class Sink:
    """The destination of results. The base class drops them.

    ``in_any_order`` means that results are written as soon as they are ready.
    """

    in_any_order = False

    def is_done(self, record: TrialRecord) -> bool:  # noqa: ARG002 - the base class remembers nothing
        """Return whether an earlier run finished this record. Called first, once per record, in
        input order. Raises ``RecordError`` for a record that the sink refuses.
        """
        return False

    def write(
        self, record: TrialRecord, line: ExtractedLine, *, lacking: bool = False
    ) -> None:
        """Write a result. ``lacking`` means that an answer of the model is missing in it."""

    def write_failure(self, failure: dict[str, Any]) -> None:
        """Write a failure, as ``describe_failure`` returns it."""

    def write_repeated(self, error: RepeatedRecord) -> None:
        """Write the place of a repeated record."""


class StreamSink(Sink):
    """Writes extractions as JSON lines to one stream, if any, and failures to another.

    Writes ASCII to a terminal, which interprets some other characters. Repeated records with the
    same text are ignored.
    """

    def __init__(self, results: TextIO | None, failures: TextIO) -> None:
        self._results = results
        self._failures = failures

    def write(
        self,
        record: TrialRecord,  # noqa: ARG002 - only folders keep more than its line
        line: ExtractedLine,
        *,
        lacking: bool = False,  # noqa: ARG002 - as above
    ) -> None:
        if self._results:
            text = line.line.decode()
            if self._results.isatty():
                text = json.dumps(json.loads(text), separators=(",", ":"))
            self._results.write(text + "\n")

    def write_failure(self, failure: dict[str, Any]) -> None:
        line = json.dumps(failure, ensure_ascii=self._failures.isatty())
        self._failures.write(line + "\n")

    def write_repeated(self, error: RepeatedRecord) -> None:
        if not error.same_text:
            self.write_failure(describe_failure(error))


@dataclass(frozen=True, slots=True)
class RunLimits:
    """Limits of a run: records in progress at once, records to read, and the cost."""

    concurrency: int = 8
    records: int | None = None
    budget: "Budget | None" = None


async def extract_records(
    records: Iterable[TrialRecord],
    extract: Extract,
    sink: Sink,
    tally: Tally,
    limits: RunLimits,
    is_stopping: Callable[[], bool] = lambda: False,
) -> None:
    """Extract every record, write the results to ``sink`` and count them in ``tally``.

    Any error of a record is written as a failure. Finished results are always written, also if an
    error ends the run.

    Args:
        records: The records, which are read in a thread.
        extract: Extracts a record.
        sink: Where results and failures go. It also says which records are done already.
        tally: What counts them.
        limits: How many records are in progress at once and are read at all, and the budget.
        is_stopping: Whether the run is being stopped: then no other record is waited for, and those
            in progress may end.

    Raises:
        BudgetReached: The budget was reached, and the records in progress have ended.
        ModelAway: The model is away, and the records in progress have ended.
        ModelUnavailable: The model cannot be used, and no record has used it before.
        EngineError: No process can extract records.
    """
    progress = _InProgress(extract, sink, tally, limits.concurrency)
    tasks = progress.tasks
    budget = limits.budget
    chosen = islice(records, limits.records)
    try:
        async for record in read_in_thread(chosen, is_stopping, progress.write_ready):
            # a model that fails for all is noticed before more records begin
            progress.write_ready()
            if progress.is_done(record):
                continue
            if budget and budget.reached:
                break
            tasks[asyncio.ensure_future(progress.observe(record))] = record
            while progress.is_full:
                await progress.write_some()
        while tasks:
            await progress.write_some()
        if budget and budget.reached:
            raise BudgetReached(str(budget))
    except (ModelUnavailable, EngineError, asyncio.CancelledError) as error:
        if isinstance(error, ModelAway) and tasks:
            await asyncio.wait(tasks)
        for task in [task for task in tasks if task.done()]:
            progress.write(task)
        raise
    finally:
        # only the end of a record says what it cost
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def read_in_thread(
    items: Iterable[T],
    is_stopping: Callable[[], bool] = lambda: False,
    meanwhile: Callable[[], object] = lambda: None,
) -> AsyncIterator[T]:
    """Yield the items of an iterator, each taken in a daemon thread: a pipe or a drive that waits
    holds up neither the event loop nor the end of the program.

    While an item is waited for, ``meanwhile`` is called each half a second; the iteration ends if
    ``is_stopping`` is true then. Raises what the iterator raises.
    """
    iterator = iter(items)
    while True:
        taken: Future[T | None] = Future()
        taken.set_running_or_notify_cancel()
        run = (_take_next, iterator, taken)
        Thread(target=copy_context().run, args=run, daemon=True).start()
        reading = asyncio.wrap_future(taken)
        try:
            await asyncio.wait([reading], timeout=_LOOK_S)
            while not reading.done():
                if is_stopping():
                    return
                meanwhile()
                await asyncio.wait([reading], timeout=_LOOK_S)
        finally:
            # nobody waits for it any more
            reading.cancel()
        item = reading.result()
        if item is None:
            return
        yield item


def _take_next(items: Iterator[T], taken: "Future[T | None]") -> None:
    try:
        taken.set_result(next(items, None))
    except BaseException as error:  # noqa: BLE001 - raised where the item is awaited
        taken.set_exception(error)


def note_unread(
    error: ExtractorError, sink: Sink, tally: Tally, record: TrialRecord | None = None
) -> None:
    """Write, count and report what has no result: a repeated record as such, all else as a failure.
    ``record`` is None if it could not be read.
    """
    if isinstance(error, RepeatedRecord):
        tally.repeated += 1
        tally.differing += not error.same_text
        sink.write_repeated(error)
        return
    tally.failed += 1
    failure = describe_failure(error, record)
    facts: dict[str, Fact] = {"error": failure["error"]}
    if isinstance(error, UnexpectedError):
        facts["traceback"] = " < ".join(error.frames)
    tell(Event.RECORD_FAILED, record_id=failure["record_id"], **facts)
    sink.write_failure(failure)


def describe_failure(
    error: ExtractorError, record: TrialRecord | None = None
) -> dict[str, Any]:
    """Describe a failure as in ``failures.jsonl``: the record, its place, and the error. Keys are
    masked. What is unknown is None, such as the id of a record that could not be read.
    """
    place: RecordError | Source | None = record.source if record else None
    if isinstance(error, RecordError):
        place = error
    failure = {
        "record_id": record.record_id if record else None,
        "path": place.path if place else None,
        "place": place.place if place else None,
        "error": getattr(error, "kind", type(error).__name__),
        "message": str(error),
    }
    # A key may stand in the address of an input, or come back in an error.
    return {name: text and mask(text) for name, text in failure.items()}


_Task = asyncio.Task[tuple[ExtractedLine, bool]]


@dataclass(eq=False)
class _InProgress:
    """The records in progress, in the order of their start.

    ``model_was_used`` means that a record has ended without a lasting failure of the model.
    """

    extract: Extract
    sink: Sink
    tally: Tally
    concurrency: int
    tasks: dict[_Task, TrialRecord] = field(default_factory=dict)
    model_was_used: bool = False

    @property
    def is_full(self) -> bool:
        """Whether no other record may start now: too many run, or wait behind an earlier one."""
        running = sum(not task.done() for task in self.tasks)
        is_ahead = len(self.tasks) >= _AHEAD * self.concurrency
        return running >= self.concurrency or is_ahead

    def is_done(self, record: TrialRecord) -> bool:
        """Return whether an earlier run finished the record, or the sink refuses it. It is counted
        as resumed, or written as a failure.
        """
        try:
            done = self.sink.is_done(record)
        except RecordError as error:
            note_unread(error, self.sink, self.tally, record)
            return True
        self.tally.resumed += done
        self.model_was_used |= done
        return done

    async def observe(self, record: TrialRecord) -> tuple[ExtractedLine, bool]:
        """Extract a record, and report its end. Returns its line, and whether an answer of the
        model is missing in it. Raises every error but a cancellation as ``ExtractorError``.
        """
        from extractor.model.asking.questions import session  # noqa: PLC0415 - slow, and readers need none

        since = monotonic()
        try:
            with session() as answered:
                line = await self.extract(record)
        except (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt):
            raise
        except BaseException as error:  # noqa: BLE001 - as the docstring says
            known = as_extractor_error(error)
            # errors of processes, and those of all records, say nothing of the model
            says_nothing = isinstance(known, EngineError) or _is_lasting(known)
            self.model_was_used |= not says_nothing
            raise known from None
        self.model_was_used = True
        seconds = round(monotonic() - since, 3)
        tell(Event.RECORD_DONE, record_id=record.record_id, seconds=seconds)
        return line, bool(answered.lacking)

    async def write_some(self) -> None:
        """Wait until a record ends, and write what is ready."""
        running = [task for task in self.tasks if not task.done()]
        if running:
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        self.write_ready()

    def write_ready(self) -> None:
        """Write what is ready: each record that has ended, or, if the sink keeps the order, those
        up to the first that has not.

        Raises errors that must stop the run: the model is away, no process can extract, or the
        model fails for good and has never worked.
        """
        for task in list(self.tasks):
            if task.done():
                error = self.write(task)
                if isinstance(error, (ModelAway, EngineError)):
                    raise error
                # A model that has worked for other records fails for this one alone.
                if error and _is_lasting(error) and not self.model_was_used:
                    raise error
            elif not self.sink.in_any_order:
                return

    def write(self, task: _Task) -> BaseException | None:
        """Write the outcome of a record, and return its error, if any.

        A result is written and counted, and so is a failure of the record. An interrupted record,
        and one that the model or the processes failed, is neither: it is tried again in the next
        run. Raises an error of the store, and any other that is not of the record.
        """
        record = self.tasks.pop(task)
        # A run cancels no single task, so a cancelled task is a failure of its record.
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is None:
            line, lacking = task.result()
            self.sink.write(record, line, lacking=lacking)
            self.tally.add(line)
            return None
        # it was broken off, and is neither done nor failed
        if isinstance(error, KeyboardInterrupt):
            return error
        is_of_record = isinstance(error, (Exception, asyncio.CancelledError))
        if isinstance(error, StoreError) or not is_of_record:
            raise error
        if isinstance(error, ModelError) and error.usage:
            counts = error.usage.model_dump()
            counts["open_questions"] = counts["questions"]
            if isinstance(error, ModelAway) and not error.usage.calls:
                counts["questions"] = 0  # nothing was asked
            add_counts(self.tally.counts, {"usage": counts})
        # the record is not at fault, and is tried again
        if isinstance(error, (ModelAway, EngineError)):
            return error
        # a server that had a fault, or an unusable answer, may do better the next time
        is_final = isinstance(error, RequestTooLong) or _is_lasting(error)
        self.tally.failed_by_model += isinstance(error, ModelError) and not is_final
        note_unread(as_extractor_error(error), self.sink, self.tally, record)
        return error


def _is_lasting(error: BaseException) -> bool:
    """Return whether the model would fail for all other records too."""
    return isinstance(error, ModelUnavailable) and error.lasting
