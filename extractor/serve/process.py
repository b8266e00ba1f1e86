"""A process of the service, and the line to it."""

import asyncio
import contextlib
import logging
import os
import pickle
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.connection import Connection
from threading import Lock, Thread
from typing import Any

from extractor.children import importing_the_same
from extractor.errors import ExtractorError

from .messages import Crash, describe_unexpected

__all__ = ["ChildLine", "ChildProcess", "Life"]

_logger = logging.getLogger(__name__)


def _choose_context() -> Any:
    """Processes are forked off one that has nothing but the program loaded: they are there at once, and share what is
    loaded. Where that cannot be had, each loads it by itself.
    """
    if "forkserver" not in get_all_start_methods():
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload(["extractor.serve.warm"])
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

    ``hear`` is told each of its messages, ``end`` once that it has ended, and why. Whatever is wrong, also with its
    start, is such an end. It ends when the service does, however that ends. Signals that stop the service are not for
    it: the service tells it to stop.
    """

    def __init__(self, life: Life, plan: Any, hear: Callable[[Any], None], end: Callable[[str], None]) -> None:
        self._hear, self._end = hear, end
        self._cause: str | None = None
        self._loop = asyncio.get_running_loop()
        self._line, theirs = _context.Pipe()
        # The life is loaded there by our own code, which tells what is wrong with that.
        self._process = _context.Process(target=_live, args=(theirs, pickle.dumps((life, plan))))
        with theirs, _signals_blocked(), importing_the_same():
            try:
                self._process.start()
            except Exception as error:  # noqa: BLE001 - no memory, no more processes, a fork server that died
                self._cause = f"it could not be started: {describe_unexpected(error)}"
        self._sending = ThreadPoolExecutor(1, "sending")
        Thread(target=self._listen, daemon=True).start()

    def send(self, message: object) -> None:
        """Send a message, after those before it. One that a dead process does not get is lost."""
        self._sending.submit(self._send, message)

    def kill(self) -> None:
        """End it at once. ``end`` is told when it has."""
        if self._process.pid is not None:
            self._process.kill()

    def _send(self, message: object) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._line.send(message)

    def _listen(self) -> None:
        try:
            while True:
                message = self._line.recv()
                if isinstance(message, Crash):
                    self._cause = message.cause
                else:
                    self._tell(self._hear, message)
        except (EOFError, OSError):
            pass
        except Exception as error:  # noqa: BLE001 - a message that cannot be read: the conversation has ended
            self._cause = f"its message could not be read: {describe_unexpected(error)}"
            self.kill()
        if self._process.pid is not None:
            self._process.join()
        self._sending.shutdown(wait=False, cancel_futures=True)
        self._line.close()
        self._tell(self._end, self._cause or _describe_exit(self._process.exitcode))

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


def _describe_exit(code: int | None) -> str:
    if code is not None and code < 0:
        return f"{signal.Signals(-code).name}" + ", as for want of memory" * (-code == signal.SIGKILL)
    return f"exit code {code}"


def _live(connection: Connection, life_and_plan: bytes) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    line = ChildLine(connection)
    try:
        life, plan = pickle.loads(life_and_plan)  # noqa: S301 - from our own parent
        life(line, plan)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is told; its text may be that of a record
        cause = describe_unexpected(error)
        more = f": {error}" if isinstance(error, ExtractorError) else ""
        _logger.error("a process of the service ended by %s%s", cause, more)  # noqa: TRY400 - one line says it
        line.send(Crash(cause))
