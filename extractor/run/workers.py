"""Many processes that share work that only computes, such as a run without a model: one process has one core."""

import asyncio
import os
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

from extractor.errors import EngineError, ExtractorError, RecordError, as_extractor_error
from extractor.events import Event, tell
from extractor.schemas import TrialRecord

from .observed import contain_errors
from .worker import Worker

__all__ = ["A_HANDFUL", "WorkerPool", "count_cores", "describe_breakdown", "describe_death", "share_work"]

T = TypeVar("T")

_AT_ONCE = 8
"""Records sent to a worker together."""
_AHEAD = 3
"""How many such parcels are under way for each worker."""
_GUILTY = 2
"""So often a process dies while it has a record alone until that one fails: once, something else may have killed it."""
_STARTS = 3
"""So many processes in a row may die before they are ready."""
A_HANDFUL = 32
"""So many records are dealt with here before processes are started, which takes as long as a hundred records."""


def count_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class _Waiting:
    record: TrialRecord
    content: bytes
    answer: "asyncio.Future[Any]"


class WorkerPool(Generic[T]):
    """Gives what ``work`` makes of the records it is called with, in ``workers`` processes.

    Processes are started when there is work for them, the first ``alone`` records are done here. A process that dies
    is replaced; the records that it had are tried again one by one, and the one it dies of fails with a
    ``RecordError``. All who wait get an ``EngineError`` if no process can be started, or a task that serves ends.
    """

    def __init__(self, work: Callable[[TrialRecord], T], workers: int, alone: int = A_HANDFUL) -> None:
        self._work, self._count, self._alone = work, workers, alone
        self._waiting: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._threads = ThreadPoolExecutor(workers, "worker")
        self._running: set[Worker] = set()
        self._serving: list[asyncio.Task[None]] = []
        self._open: set[asyncio.Future[Any]] = set()
        self._failure: EngineError | None = None

    @property
    def concurrency(self) -> int:
        """Records under way that keep all processes busy."""
        return self._count * _AT_ONCE * _AHEAD

    async def __call__(self, record: TrialRecord) -> T:
        if self._alone > 0:
            self._alone -= 1
            with contain_errors():
                return self._work(record)
        if self._failure:
            raise self._failure
        content = record.model_dump_json().encode()
        waiting = _Waiting(record, content, asyncio.get_running_loop().create_future())
        self._open.add(waiting.answer)
        waiting.answer.add_done_callback(self._open.discard)
        self._waiting.put_nowait(waiting)
        made: T = await waiting.answer
        return made

    async def map(self, records: Iterable[TrialRecord], on_error: Callable[[Exception], None]) -> AsyncIterator[T]:
        """What the work makes of each record, in their order. ``on_error`` is told of a record it fails with."""
        under_way: deque[asyncio.Task[T]] = deque()
        left = iter(records)
        try:
            while True:
                while len(under_way) < self.concurrency and (record := next(left, None)) is not None:
                    under_way.append(asyncio.ensure_future(self(record)))
                    await asyncio.sleep(0)  # what is done here is done now: Ctrl-C is heard between records
                if not under_way:
                    return
                try:
                    made = await under_way.popleft()
                except EngineError:
                    raise
                except ExtractorError as error:
                    on_error(error)
                else:
                    yield made
        finally:
            for task in under_way:
                task.cancel()

    async def __aenter__(self) -> Self:
        self._serving = [asyncio.ensure_future(self._serve()) for _ in range(self._count)]
        for serving in self._serving:
            serving.add_done_callback(self._break_down)
        return self

    async def __aexit__(self, *_: object) -> None:
        for serving in self._serving:
            serving.remove_done_callback(self._break_down)
            serving.cancel()
        for worker in self._running:
            worker.kill()
        await asyncio.gather(*self._serving, return_exceptions=True)
        self._threads.shutdown()
        for worker in self._running:
            worker.close()

    def _break_down(self, ended: "asyncio.Task[None]") -> None:
        """A task that serves has ended, which none should: who waits for it would wait for ever."""
        self._failure = describe_breakdown(ended)
        for answer in [*self._open]:
            answer.set_exception(self._failure)

    async def _serve(self) -> None:
        """Send parcels to one process after another, each until it dies."""
        worker: Worker | None = None
        while True:
            parcel = [await self._waiting.get()]
            while len(parcel) < _AT_ONCE and not self._waiting.empty():
                parcel.append(self._waiting.get_nowait())
            worker = await self._answer(worker, [waiting for waiting in parcel if not waiting.answer.done()])

    async def _answer(self, worker: Worker | None, parcel: list[_Waiting]) -> Worker | None:
        """Answer a parcel with that process or a new one. Return the process if it lives on."""
        worker = await self._ask(worker, parcel)
        if worker:
            return worker
        for waiting in parcel:  # one by one, to find out of which record it died
            deaths = 1 if len(parcel) == 1 else 0
            while not waiting.answer.done():
                if deaths == _GUILTY:
                    _settle(waiting, describe_death(waiting.record))
                    break
                worker = await self._ask(worker, [waiting])
                deaths += worker is None
        return worker

    async def _ask(self, worker: Worker | None, parcel: list[_Waiting]) -> Worker | None:
        """Answer a parcel. Return None if the process died of it, or else the process."""
        worker = worker or await self._start()
        try:
            contents = [waiting.content for waiting in parcel]
            answers = await asyncio.get_running_loop().run_in_executor(self._threads, worker.ask, contents)
        except (EOFError, OSError):
            self._bury(worker)
            return None
        for waiting, answer in zip(parcel, answers, strict=True):
            _settle(waiting, answer)
        return worker

    async def _start(self) -> Worker:
        """A process that is ready. Raises ``EngineError`` if none can be had."""
        for _ in range(_STARTS):
            worker = Worker(self._work)
            self._running.add(worker)
            try:
                await asyncio.get_running_loop().run_in_executor(self._threads, worker.wait_until_ready)
            except (EOFError, OSError):
                self._bury(worker)
            else:
                return worker
        problem = f"{_STARTS} processes in a row died before they were ready"
        raise EngineError(f"{problem}; look at what they said above and at the free memory, or use --workers 1")

    def _bury(self, dead: Worker) -> None:
        tell(Event.WORKER_LOST)
        self._running.discard(dead)
        dead.close()


def _settle(waiting: _Waiting, answer: Any) -> None:
    if waiting.answer.done():
        return  # it was given up
    if isinstance(answer, ExtractorError):
        waiting.answer.set_exception(answer)
    else:
        waiting.answer.set_result(answer)


def share_work(work: Callable[[TrialRecord], T], workers: int | None) -> WorkerPool[T]:
    """The pool that ``--workers`` asks for: None stands for all cores once a handful of records is done, and with 1
    this process does it all.
    """
    alone = {None: A_HANDFUL, 1: sys.maxsize}.get(workers, 0)
    return WorkerPool(work, workers or count_cores(), alone)


def describe_breakdown(ended: "asyncio.Task[None]") -> EngineError:
    """What is told to all who wait for a task that serves them, and that has ended."""
    error = asyncio.CancelledError() if ended.cancelled() else ended.exception()
    if isinstance(error, EngineError):
        return error
    reason = as_extractor_error(error) if error else "it is not known why"
    return EngineError(f"a task that serves the worker processes ended: {reason}; the same command goes on")


def describe_death(record: TrialRecord) -> RecordError:
    """What is told of a record of which processes die."""
    problem = f"the process that worked on {record.record_id} died, as for want of memory"
    return RecordError(
        record.source.path, problem, "run this record alone, with --workers 1", place=record.source.place
    )
