"""A process of the service, and the line to it."""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.connection import Connection
from threading import Lock, Thread
from typing import Any

from extractor.errors import ExtractorError

__all__ = ["ChildLine", "ChildProcess", "Life"]

_logger = logging.getLogger(__name__)
_LIVES = ["extractor.serve.asking", "extractor.serve.job_process", "extractor.serve.warm"]


def _choose_context() -> Any:
    """Processes are forked off one that has nothing but the program loaded: they are there at once, and share what is
    loaded. Where that cannot be had, each loads it by itself.
    """
    if "forkserver" not in get_all_start_methods():
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload(_LIVES)
    return context


_context = _choose_context()


class ChildLine:
    """The process's end of the line. Where the other end is gone, the process ends at once, whatever it does."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._lock = connection, Lock()

    def send(self, message: object) -> None:
        try:
            with self._lock:
                self._connection.send(message)
        except OSError:
            os._exit(1)

    def listen(self, hear: Callable[[Any], object]) -> None:
        """From now on ``hear`` is told each message, in a thread of its own."""
        Thread(target=self._hear_all, args=(hear,), daemon=True).start()

    def _hear_all(self, hear: Callable[[Any], object]) -> None:
        while True:
            try:
                message = self._connection.recv()
            except (EOFError, OSError):
                os._exit(1)
            hear(message)


Life = Callable[[ChildLine, Any], None]
"""What a process does from its start to its end, with the line and a plan, which can be pickled."""


class ChildProcess:
    """A process that lives a ``life``, seen from the event loop that starts it.

    ``hear`` is told each of its messages, ``end`` once that it has ended. It ends when the service does, however that
    ends. Signals that stop the service are not for it: the service tells it to stop.
    """

    def __init__(self, life: Life, plan: Any, hear: Callable[[Any], None], end: Callable[[], None]) -> None:
        self._hear, self._end = hear, end
        self._loop = asyncio.get_running_loop()
        self._line, theirs = _context.Pipe()
        self._process = _context.Process(target=_live, args=(life, theirs, plan))
        with _signals_blocked():
            self._process.start()
        theirs.close()
        self._sending = ThreadPoolExecutor(1, "sending")
        Thread(target=self._listen, daemon=True).start()

    def send(self, message: object) -> None:
        """Send a message, after those before it. One that a dead process does not get is lost."""
        self._sending.submit(self._send, message)

    def kill(self) -> None:
        """End it at once. ``end`` is told when it has."""
        self._process.kill()

    def _send(self, message: object) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._line.send(message)

    def _listen(self) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                self._tell(self._hear, self._line.recv())
        self._process.join()
        self._sending.shutdown(wait=False, cancel_futures=True)
        self._line.close()
        self._tell(self._end)

    def _tell(self, whom: Callable[..., None], *what: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is there to be told
            self._loop.call_soon_threadsafe(whom, *what)


@contextlib.contextmanager
def _signals_blocked() -> Iterator[None]:
    """What is started meanwhile never sees these signals; those that come meanwhile are kept for later."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _live(life: Life, connection: Connection, plan: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        life(ChildLine(connection), plan)
    except ExtractorError as error:
        _logger.error("a process of the service ended: %s", error)  # noqa: TRY400 - one line says it
    except Exception as error:  # noqa: BLE001 - its text may be that of a record
        _logger.error("a process of the service ended with an unexpected %s", type(error).__name__)  # noqa: TRY400
