"""Many records: bounded concurrency, results in input order, one bad record never stops the others."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Any, Protocol

from extractor.errors import (
    BudgetReached,
    EngineError,
    ExtractorError,
    ModelAway,
    ModelError,
    ModelUnavailable,
    RecordError,
    RepeatedRecord,
    StoreError,
    UnexpectedError,
    as_extractor_error,
)
from extractor.events import Event, tell
from extractor.schemas import TrialRecord

from .budget import Budget
from .extracted import Extracted
from .garbage import spare_what_stays
from .observed import contain_errors
from .tally import Tally

__all__ = ["BatchLimits", "Sink", "describe_failure", "note_unread", "run_batch"]

_Task = asyncio.Task[Extracted]

_WARM = 16
"""Records after which all that stays is loaded."""
_AHEAD = 4
"""Where results go in input order, so many times the concurrency may be finished and wait for an earlier one."""


class Sink(Protocol):
    """Where results go: a run's folder, or standard output.

    ``is_done`` is asked once for each record, in input order, before anything else is said of it; it raises
    ``RecordError`` for one that cannot be taken. ``in_any_order``: results may come as they are ready. ``strict``: a
    record that occurs twice with different texts is a failure.
    """

    @property
    def in_any_order(self) -> bool: ...

    @property
    def strict(self) -> bool: ...

    def is_done(self, record: TrialRecord) -> bool: ...

    def write(self, extraction: Extracted) -> None: ...

    def write_failure(self, failure: dict[str, Any]) -> None: ...

    def write_repeated(self, error: RepeatedRecord) -> None: ...


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How much may be done at once, and in all."""

    concurrency: int = 8
    records: int | None = None
    budget: Budget | None = None


async def run_batch(
    records: Iterable[TrialRecord],
    extract: Callable[[TrialRecord], Awaitable[Extracted]],
    sink: Sink,
    tally: Tally,
    limits: BatchLimits,
) -> None:
    """Extract every record and hand the results to ``sink``, in input order unless it takes any, counting in ``tally``.

    A record that fails is written as a failure, whatever it raises. Raises ``BudgetReached`` when the budget is and
    ``ModelAway`` when the model is away, both after the records in flight; ``ModelUnavailable`` when the model cannot
    be reached or used for the first record of all, since no other would fare better; and ``EngineError`` when what
    extracts records has broken down, or lost one. What is finished when a run ends is kept.
    """
    flight = _Flight(sink, tally, limits.concurrency)
    try:
        for number, record in enumerate(islice(records, limits.records)):
            if number == _WARM:
                spare_what_stays()
            tally.note_read(record.record_id)
            if _needs_nothing(record, sink, tally):
                continue
            if limits.budget and limits.budget.reached:
                tally.note_ended(record.record_id)  # it is not begun
                break
            flight.start(record, extract)
            await flight.make_room()
        await flight.land_all()
        tally.check_complete()
        if limits.budget and limits.budget.reached:
            raise BudgetReached(str(limits.budget))
    except ModelAway:
        await flight.land_all(even_if_away=True)
        raise
    except (ModelUnavailable, EngineError, asyncio.CancelledError):
        flight.land_finished()
        raise
    finally:
        await flight.give_up()


def _needs_nothing(record: TrialRecord, sink: Sink, tally: Tally) -> bool:
    """Whether the record is done already, or cannot be taken, which is written down."""
    try:
        if not sink.is_done(record):
            return False
    except RecordError as error:
        note_unread(error, sink, tally, record)
    else:
        tally.resumed += 1
    tally.note_ended(record.record_id)
    return True


def note_unread(error: ExtractorError, sink: Sink, tally: Tally, record: TrialRecord | None = None) -> None:
    """Write down a record that could not be read or taken: as a failure, or as a note if it was read before."""
    if isinstance(error, RepeatedRecord) and (error.same_text or not sink.strict):
        tally.repeated += 1
        tally.differing += not error.same_text
        tell(Event.RECORD_REPEATED, record_id=error.record_id, same_text=error.same_text)
        sink.write_repeated(error)
        return
    tally.failed += 1
    tell(Event.RECORD_FAILED, record_id=record.record_id if record else None, error=type(error).__name__)
    sink.write_failure(describe_failure(error, record))


class _Flight:
    """The records under way, in the order of their start."""

    def __init__(self, sink: Sink, tally: Tally, concurrency: int) -> None:
        self._sink, self._tally, self._concurrency = sink, tally, concurrency
        self._tasks: dict[_Task, TrialRecord] = {}
        self._finished: dict[_Task, None] = {}
        self._change = asyncio.Event()
        self._was_answered = False

    def start(self, record: TrialRecord, extract: Callable[[TrialRecord], Awaitable[Extracted]]) -> None:
        task = asyncio.ensure_future(_extract_contained(record, extract))
        self._tasks[task] = record
        task.add_done_callback(self._finish)

    async def make_room(self) -> None:
        """Wait, and land what is ready, until another record may start."""
        while not self._has_room():
            await self._land_some()

    async def land_all(self, *, even_if_away: bool = False) -> None:
        """Land all records. Raises like ``make_room``, unless it is known that the model is away."""
        while self._tasks:
            with suppress(ModelAway) if even_if_away else nullcontext():
                await self._land_some()

    def land_finished(self) -> list[BaseException]:
        """Keep all that is finished. The errors of those that failed."""
        return self._land_these([task for task in self._tasks if task.done()])

    def _land_ready(self) -> list[BaseException]:
        """Keep what the sink takes now: all that is finished, or what no earlier record is before."""
        return self._land_these(
            list(self._finished)
            if self._sink.in_any_order
            else list(takewhile(lambda task: task in self._finished, self._tasks))
        )

    def _land_these(self, tasks: list[_Task]) -> list[BaseException]:
        pairs = [(self._tasks.pop(task), task) for task in tasks]
        for task in tasks:
            self._finished.pop(task, None)
        errors = [self._land(record, task) for record, task in pairs]
        return [error for error in errors if error]

    async def give_up(self) -> None:
        """End what is under way, and wait until it has ended: only then its cost is known."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _finish(self, task: _Task) -> None:
        if not task.cancelled():
            task.exception()  # taken note of, also where another one stops the run before: else asyncio complains
        self._finished[task] = None
        self._change.set()

    def _has_room(self) -> bool:
        under_way = len(self._tasks) - len(self._finished)
        return under_way < self._concurrency and len(self._tasks) < _AHEAD * self._concurrency

    async def _land_some(self) -> None:
        """Wait until a record has ended, and land what is ready. Raises what must stop the run."""
        await self._change.wait()
        self._change.clear()
        errors = self._land_ready()
        for error in errors:
            if isinstance(error, (ModelAway, EngineError)):
                raise error
            if isinstance(error, ModelUnavailable) and error.lasting and not self._was_reached():
                raise error

    def _was_reached(self) -> bool:
        """Whether any record, of this run or an earlier one, shows that the model can be used."""
        done, tally = (task for task in self._finished if not task.cancelled()), self._tally
        return bool(tally.extracted or tally.resumed) or self._was_answered or any(not t.exception() for t in done)

    def _land(self, record: TrialRecord, task: _Task) -> BaseException | None:
        """Write down how a task ended. Whatever befell one record, the others go on."""
        # Nobody cancels a single task of a run that goes on: one that ended so has lost its record.
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is None:
            self._sink.write(task.result())
            self._tally.add(task.result())
        elif isinstance(error, StoreError) or not isinstance(error, (Exception, asyncio.CancelledError)):
            raise error
        else:
            if isinstance(error, ModelError) and error.usage:
                self._tally.counted += error.usage
            if isinstance(error, (ModelAway, EngineError)):
                return error  # no failure of the record, which is taken up again when the run goes on
            self._was_answered |= not (isinstance(error, ModelUnavailable) and error.lasting)
            self._tally.failed += 1
            self._sink.write_failure(describe_failure(error, record))
        self._tally.note_ended(record.record_id)
        return error


async def _extract_contained(record: TrialRecord, extract: Callable[[TrialRecord], Awaitable[Extracted]]) -> Extracted:
    with contain_errors():
        return await extract(record)


def describe_failure(error: BaseException, record: TrialRecord | None = None) -> dict[str, Any]:
    """A failure as one line of ``failures.jsonl``: which record, where it stands, what went wrong."""
    error = as_extractor_error(error)
    failure = {
        "record_id": record.record_id if record else None,
        "path": record.source.path if record else None,
        "place": record.source.place if record else None,
        "error": error.kind if isinstance(error, UnexpectedError) else type(error).__name__,
        "message": str(error),
    }
    if isinstance(error, RecordError):
        failure |= {"path": error.path, "place": error.place}
    return failure
