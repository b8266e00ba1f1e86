"""Compute the steps of extractions in this process or in worker processes.

Only this process uses the model, the store and the budget. Steps are pure functions, so any process
can compute or repeat them.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from math import inf
from multiprocessing import get_context
from time import monotonic
from typing import Protocol, Self, TypeVar

from extractor.errors import EngineError, RecordError
from extractor.model.events import Event, tell
from extractor.run.worker import (
    KILL_S,
    call_picklable,
    call_within,
    load_rules,
    start_worker,
)
from extractor.schemas import Source, TrialRecord
from extractor.schemas.record_limits import tell_too_slow

T = TypeVar("T")

SMALL_RUN = 32
"""Number of records that this process handles first, because starting worker processes takes as
long as processing a hundred records.
"""
_QUEUED = 8
"""Number of records in progress per worker process, chosen so that a worker never has to wait for
its next record.
"""


class FromSource(Protocol):
    """A record, or the parse of a record."""

    @property
    def source(self) -> Source:
        """The location to name in error messages."""


class Executor:
    """Computes functions of records. It is an asynchronous context manager that stops its
    processes at the end. The base class handles one record at a time in this process, so a harmful
    record can kill the process.

    Attributes:
        capacity: The number of records that must be in progress to keep the executor busy; 0 if it
            handles one record at a time.
    """

    capacity: int = 0

    async def compute(
        self, function: Callable[..., T], record: FromSource, *arguments: object
    ) -> T:
        """Return ``function(record, *arguments)``. The function must be importable in other
        processes.

        Raises any error from the function as an ``ExtractorError``; also raises a ``RecordError``
        for a record that kills its process, and an ``EngineError`` if a process cannot be started.
        """
        return call_picklable(function, record, *arguments)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop all processes."""


@dataclass(eq=False)
class ProcessExecutor(Executor):
    """Computes the first ``inline_first`` calls in this process, and the other calls in ``workers``
    processes.

    A process that dies is replaced, and its records are processed again, one at a time, in a
    separate process. A record that also kills the second process fails with a ``RecordError``.

    A record fails if its steps in one call take longer than ``call_limit`` seconds of processor
    time, and a process is killed if a call takes longer than ``timeout`` seconds. Before its first
    call, a process extracts the record ``example``, if there is one, to load the rules; the time
    limits do not apply to this extraction. At the end, the processes are killed without waiting
    for unfinished work.
    """

    workers: int
    inline_first: int = SMALL_RUN
    timeout: float = KILL_S
    example: TrialRecord | None = None
    call_limit: float = inf

    def __post_init__(self) -> None:
        self.capacity = self.workers * _QUEUED
        processes = [
            _Worker(self.timeout, self.call_limit, self.example)
            for _ in range(self.workers + 1)
        ]
        # it repeats the calls of processes that died
        self._suspects = processes.pop()
        self._workers = processes
        self._one_at_a_time = asyncio.Lock()

    async def compute(
        self, function: Callable[..., T], record: FromSource, *arguments: object
    ) -> T:
        """Compute in the worker process with the fewest pending calls, or in this process for the
        first calls.

        If the process dies, the call is repeated once in a separate process, because another record
        may have killed the first process.
        """
        if self.inline_first > 0:
            self.inline_first -= 1
            return call_picklable(function, record, *arguments)
        worker = min(self._workers, key=lambda worker: worker.pending)
        try:
            return await worker.call(function, record, *arguments)
        except BrokenExecutor:
            pass
        async with self._one_at_a_time:
            since = monotonic()
            try:
                return await self._suspects.call(function, record, *arguments)
            except BrokenExecutor:
                source = record.source
                if monotonic() - since >= self.timeout:
                    raise tell_too_slow(source, f"{self.timeout:g} seconds") from None
                raise RecordError(
                    source.path,
                    "the process for the record died, perhaps because it ran out of memory",
                    "run this record alone, with --workers 1",
                    place=source.place,
                ) from None

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(
            *(worker.close() for worker in (*self._workers, self._suspects))
        )


@dataclass(eq=False)
class _Worker:
    """One worker process, which is started when it is first used and replaced if it dies. Each
    worker is a pool with a single process, so that the death of a process affects only its own
    records.
    """

    timeout: float
    call_limit: float
    example: TrialRecord | None
    pending: int = 0
    _starting: asyncio.Task[ProcessPoolExecutor] | None = None

    async def call(self, function: Callable[..., T], *arguments: object) -> T:
        """Compute ``function`` in the process, which is started if necessary.

        Raises ``BrokenExecutor`` if the process dies during the call, ``EngineError`` if it cannot
        be started, and the errors of the function.
        """
        self.pending += 1
        try:
            while True:
                if self._starting is None:
                    self._starting = asyncio.create_task(self._start())
                starting = self._starting
                # Another call may be waiting for the same start, so a cancelled call must not
                # cancel the start.
                pool = await asyncio.shield(starting)
                work: Future[T] | None = None
                try:
                    within = partial(call_within, self.timeout, self.call_limit)
                    work = pool.submit(within, function, *arguments)
                    return await asyncio.wrap_future(work)
                except BrokenExecutor:
                    if self._starting is starting:
                        self._starting = None
                        tell(Event.WORKER_LOST)
                    # if the process was dead before the call was submitted, start another process
                    if work:
                        raise
        finally:
            self.pending -= 1

    async def close(self) -> None:
        """End the process."""
        if self._starting is None:
            return
        self._starting.cancel()
        (pool,) = await asyncio.gather(self._starting, return_exceptions=True)
        if isinstance(pool, ProcessPoolExecutor):
            _kill(pool)

    async def _start(self) -> ProcessPoolExecutor:
        """Start a pool with one process, and wait until the process has completed a first call,
        which may load the rules. Raises ``EngineError`` if the process dies or cannot be started.
        """
        first: Callable[[], object] = os.getpid
        if self.example:
            first = partial(load_rules, self.example)
        pool = ProcessPoolExecutor(1, get_context("spawn"), initializer=start_worker)
        is_ready = False
        remedy = "check its output above and the free memory, or use --workers 1"
        try:
            await asyncio.wrap_future(_submit_first(pool, first))
        except BrokenExecutor:
            problem = "died before it was ready"
        # the system cannot start a process: there are too many, or memory is exhausted
        except OSError as error:
            problem = f"could not be started ({error.strerror or error})"
        # a worker imports the script that started it, and must not run its commands again
        except RuntimeError as error:
            if "bootstrapping phase" not in str(error):
                raise
            problem = "cannot be started while the script is imported"
            remedy = 'put the script\'s commands under if __name__ == "__main__":'
        else:
            is_ready = True
            return pool
        finally:
            if not is_ready:
                _kill(pool)
        raise EngineError(f"a worker process {problem}; {remedy}")


def _submit_first(pool: ProcessPoolExecutor, first: Callable[[], T]) -> Future[T]:
    """Submit the first call, which starts the process. SIGINT is blocked in the meantime, and the
    process inherits this mask, so that Ctrl-C cannot kill the process before it starts ignoring the
    signal.
    """
    results = pool._result_queue
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        submitted = pool.submit(first)
    else:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            submitted = pool.submit(first)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    # From now on, only the process can write results. If it dies in the middle of one, the thread
    # of the pool reaches the end of the pipe; otherwise, it would wait for the rest forever.
    results._writer.close()  # type: ignore[attr-defined]  # an attribute that typeshed leaves out
    return submitted


def _kill(pool: ProcessPoolExecutor) -> None:
    """Kill the process of a pool, and end the pool."""
    # Python 3.14: kill_workers
    for process in list((pool._processes or {}).values()):
        process.kill()
    pool.shutdown(cancel_futures=True)


def open_executor(workers: int | None, processes: int, spare: int = 0) -> Executor:
    """Return an executor for the given number of processes, ``spare`` of which are reserved for
    other work. If the number is 1, all work is done in this process. Unless the user chose a
    number of ``workers``, this process handles the first records.

    >>> type(open_executor(1, 1)).__name__, open_executor(3, 3).capacity
    ('Executor', 24)
    """
    if processes == 1:
        return Executor()
    inline_first = 0
    # a user who sets the number of workers gets them from the first record on
    if workers is None:
        inline_first = SMALL_RUN
    return ProcessExecutor(processes - spare, inline_first=inline_first)


def count_cores() -> int:
    """Return the number of cores that this process can use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
