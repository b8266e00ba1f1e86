"""Many records: bounded concurrency, results in input order, one bad record never stops the others."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

from extractor.errors import BudgetReached, ExtractorError, ModelError, ModelUnavailable, RecordError, StoreError
from extractor.schemas import TrialExtraction, TrialRecord

from .tally import Tally

__all__ = ["BatchLimits", "Sink", "describe_failure", "run_batch"]

_Task = asyncio.Task[TrialExtraction]


class Sink(Protocol):
    """Where results go: a run's folder, or standard output.

    ``is_done`` is asked once for each record, in input order, before anything else is said of it; it raises
    ``RecordError`` for one that cannot be taken. ``in_any_order``: results may come as they are ready.
    """

    @property
    def in_any_order(self) -> bool: ...

    def is_done(self, record: TrialRecord) -> bool: ...

    def write(self, extraction: TrialExtraction) -> None: ...

    def write_failure(self, failure: dict[str, Any]) -> None: ...


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How much may be done at once, and in all. ``tokens`` counts prompt and output of this run."""

    concurrency: int = 8
    records: int | None = None
    tokens: int | None = None


async def run_batch(
    records: Iterable[TrialRecord],
    extract: Callable[[TrialRecord], Awaitable[TrialExtraction]],
    sink: Sink,
    tally: Tally,
    limits: BatchLimits,
) -> None:
    """Extract every record and hand the results to ``sink``, in input order unless it takes any, counting in ``tally``.

    A record that fails is written as a failure. Raises ``BudgetReached`` when ``limits.tokens`` is spent,
    after the records in flight; and ``ModelUnavailable`` when the model cannot be reached or used for the
    first record of all, since no other would fare better. What is finished when a run ends is kept.
    """
    flight = _Flight(sink, tally)
    try:
        for record in islice(records, limits.records):
            if _needs_nothing(record, sink, tally):
                continue
            if limits.tokens is not None and tally.tokens >= limits.tokens:
                await flight.land_all()
                raise BudgetReached(f"{tally.tokens} tokens are spent, the limit is {limits.tokens}")
            flight.start(record, extract(record))
            if len(flight.tasks) >= limits.concurrency:
                await flight.land_next()
        await flight.land_all()
    except (ModelUnavailable, asyncio.CancelledError):
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
        tally.failed += 1
        sink.write_failure(describe_failure(error, record))
    else:
        tally.resumed += 1
    return True


class _Flight:
    """The records under way, in the order of their start."""

    def __init__(self, sink: Sink, tally: Tally) -> None:
        self._sink, self._tally = sink, tally
        self.tasks: deque[tuple[TrialRecord, _Task]] = deque()
        self._failed = 0

    def start(self, record: TrialRecord, extraction: Awaitable[TrialExtraction]) -> None:
        self.tasks.append((record, asyncio.ensure_future(extraction)))

    async def land_all(self) -> None:
        while self.tasks:
            await self.land_next()

    async def land_next(self) -> None:
        """Wait for the first record, or for any where the sink takes them so."""
        waited = len(self.tasks) if self._sink.in_any_order else 1
        await asyncio.wait([task for _, task in islice(self.tasks, waited)], return_when=asyncio.FIRST_COMPLETED)
        ready = [pair for pair in islice(self.tasks, waited) if pair[1].done()]
        self._take_down({task for _, task in ready})
        errors = [self._land(record, task) for record, task in ready]
        for error in errors:
            if isinstance(error, ModelUnavailable) and error.lasting and not self._was_reached():
                raise error

    def land_finished(self) -> None:
        """Keep what is ready; the rest stays in flight."""
        ready = [(record, task) for record, task in self.tasks if task.done() and not task.cancelled()]
        self._take_down({task for _, task in ready})
        for record, task in ready:
            self._land(record, task)

    def _take_down(self, tasks: set[_Task]) -> None:
        self.tasks = deque(pair for pair in self.tasks if pair[1] not in tasks)

    async def give_up(self) -> None:
        """End what is under way, and wait until it has ended: only then its cost is known."""
        for _, task in self.tasks:
            task.cancel()
        await asyncio.gather(*(task for _, task in self.tasks), return_exceptions=True)

    def _was_reached(self) -> bool:
        """Whether any record, of this run or an earlier one, shows that the model can be used."""
        ready = (task for _, task in self.tasks if task.done() and not task.cancelled())
        tally = self._tally
        return bool(tally.extracted or tally.resumed) or self._failed > 1 or any(not task.exception() for task in ready)

    def _land(self, record: TrialRecord, task: _Task) -> BaseException | None:
        """Write down how a task ended. Whatever befell one record, the others go on."""
        error = task.exception()
        if error is None:
            self._sink.write(task.result())
            self._tally.add(task.result())
        elif isinstance(error, Exception) and not isinstance(error, StoreError):
            self._failed += 1
            self._tally.failed += 1
            if isinstance(error, ModelError) and error.usage:
                self._tally.counted += error.usage
            self._sink.write_failure(describe_failure(error, record))
        else:
            raise error
        return error


def describe_failure(error: Exception, record: TrialRecord | None = None) -> dict[str, Any]:
    """A failure as one line of ``failures.jsonl``: which record, where it stands, what went wrong."""
    expected = isinstance(error, ExtractorError)
    failure = {
        "record_id": record.record_id if record else None,
        "path": record.source.path if record else None,
        "place": record.source.place if record else None,
        "error": type(error).__name__,
        "message": str(error) if expected else f"unexpected: {error!r}; please report this with the record",
    }
    if isinstance(error, RecordError):
        failure |= {"path": error.path, "place": error.place}
    return failure
