"""Read in a thread, so that a pipe or a drive that waits holds up neither the event loop nor the
end of a run.
"""

import asyncio
import os
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from contextvars import copy_context
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_LOOK_S = 0.5
"""Seconds after which a read that waits looks whether the run is being stopped, and whether
results are ready.
"""


class Reader(Generic[T]):
    """Takes the items of an iterator one at a time, in a thread of its own.

    Meanwhile the event loop goes on. A read can wait for ever, such as for a pipe into which nobody
    writes; its thread holds up neither the loop nor the end of the program.
    """

    def __init__(self, items: Iterable[T]) -> None:
        self._items = iter(items)
        self._thread = _DaemonThread()

    async def read(
        self,
        is_stopping: Callable[[], bool] = lambda: False,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> T | None:
        """Return the next item; None at the end, or if the run is being stopped.

        As long as the item takes, ``is_stopping`` and ``meanwhile`` are called each half a second.
        An item that is still being read at a stop is lost. Raises what the iterator raises.
        """
        take_next = partial(copy_context().run, next, self._items, None)
        reading = asyncio.get_running_loop().run_in_executor(self._thread, take_next)
        try:
            while True:
                await asyncio.wait([reading], timeout=_LOOK_S)
                if reading.done():
                    return reading.result()
                if is_stopping():
                    return None
                meanwhile()
        finally:
            # nobody waits for it any more
            if not reading.done():
                reading.add_done_callback(_ignore)

    async def read_some(self, most: int) -> list[T]:
        """Return up to ``most`` items, none at the end."""
        items: list[T] = []
        while len(items) < most:
            item = await self.read()
            if item is None:
                break
            items.append(item)
        return items

    def close(self) -> None:
        """End the thread, after the read that is under way."""
        self._thread.shutdown()


class _DaemonThread(Executor):
    """One thread that computes what is submitted. The program ends without waiting for it.

    ``ThreadPoolExecutor`` would wait: its threads are joined at the end of the loop and of the
    program.
    """

    def __init__(self) -> None:
        self._work: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = (
            SimpleQueue()
        )
        self._thread: Thread | None = None

    def submit(
        self, function: Callable[..., Any], /, *arguments: Any, **named: Any
    ) -> Future[Any]:
        """Compute ``function(*arguments)`` after what was submitted before."""
        if self._thread is None:
            self._thread = Thread(
                target=self._serve, name="extractor-reader", daemon=True
            )
            self._thread.start()
        future: Future[Any] = Future()
        self._work.put((future, partial(function, *arguments, **named)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        """End the thread when it has nothing to do. Never waits for it."""
        self._work.put(None)

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            future, compute = work
            if future.set_running_or_notify_cancel():
                _settle(future, compute)
            del future, compute, work  # what was read is not kept until the next read


def call_in_loop(loop: asyncio.AbstractEventLoop, function: Callable[[], T]) -> T:
    """Call a function in the event loop from another thread, and wait for its end. Raises what
    it raises.
    """
    done: Future[T] = Future()
    loop.call_soon_threadsafe(_settle, done, function)
    return done.result()


def _settle(future: Future[Any], compute: Callable[[], Any]) -> None:
    """Give a future its result, or the error in place of it."""
    try:
        result = compute()
    except BaseException as error:  # noqa: BLE001 - raised where the result is awaited
        future.set_exception(error)
    else:
        future.set_result(result)


def _ignore(reading: asyncio.Future[Any]) -> None:
    """Take the error of a read for which nobody waits, so that asyncio does not report it."""
    if not reading.cancelled():
        reading.exception()


def is_stream(given: str | os.PathLike[str]) -> bool:
    """Return whether an input can be read only once: standard input, a named pipe, a process
    substitution, a device.

    >>> (
    ...     is_stream("-"),
    ...     is_stream("seeds/records"),
    ...     is_stream("none.json"),
    ...     is_stream("/dev/null"),
    ... )
    (True, False, False, True)
    """
    if given == "-":
        return True
    path = Path(given)
    try:
        is_lasting = path.is_file() or path.is_dir()
        return path.exists() and not is_lasting
    except OSError:  # a text, or it cannot be looked at: reading it says why
        return False
