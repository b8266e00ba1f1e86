"""Handle Ctrl-C during a run, and log its events."""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer, main_thread
from types import FrameType
from typing import TYPE_CHECKING, Any

from extractor.apps.cli.console import say
from extractor.model.events import EventLog, listening
from extractor.plurals import counted

if TYPE_CHECKING:
    from extractor.run.run import Run

_TO_END_S = 25.0
"""Maximum number of seconds to wait for running work to finish. A run must end within 30 seconds of
a signal.
"""
_TO_CANCEL_S = 2.0
"""Maximum number of seconds to wait for cancelled work to end."""


class Interrupts:
    """Handles Ctrl-C during a run. After the first Ctrl-C, no new record or model request starts,
    but work in progress may finish. A second Ctrl-C cancels this work, and a third one aborts
    anything that is still running, such as a slow record. If the user does not press Ctrl-C again
    in time, the next signal is sent automatically.
    """

    def __init__(self, run: "Run") -> None:
        self._run = run
        self._count = 0
        self._timers: list[Timer] = []

    def run(self, work: Coroutine[object, Any, object]) -> None:
        """Run ``work`` in an event loop until it ends. Raises ``KeyboardInterrupt`` at the end if
        Ctrl-C was pressed, and any error that ``work`` raised.
        """
        previous = signal.getsignal(signal.SIGINT)
        try:
            with asyncio.Runner() as runner:
                loop = runner.get_loop()
                self._task = loop.create_task(work)
                signal.signal(signal.SIGINT, self._handle_signal)
                loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        finally:
            for timer in self._timers:
                timer.cancel()
            signal.signal(signal.SIGINT, previous)
        if self._count:
            raise KeyboardInterrupt

    def _handle_signal(self, _signal: int, _frame: FrameType | None) -> None:
        self._count += 1
        # after the third signal, or if no work is left to wait for
        if self._count > 2 or self._task.done():
            raise KeyboardInterrupt
        self._run.is_stopping = True
        if self._count == 1:
            self._schedule(self._stop, _TO_END_S)
        else:
            self._schedule(self._task.cancel, _TO_CANCEL_S)

    def _schedule(self, action: Callable[[], object], seconds: float) -> None:
        """Call ``action`` in the event loop, and send the next signal after ``seconds``."""
        self._task.get_loop().call_soon_threadsafe(action)
        # sent to the main thread, where it also interrupts a system call
        target = (main_thread().ident, signal.SIGINT)
        timer = Timer(seconds, signal.pthread_kill, target)
        timer.daemon = True
        timer.start()
        self._timers.append(timer)

    def _stop(self) -> None:
        work = "the records"
        watch = self._run.tally.watch
        if watch and watch.under_way:
            work = f"{counted(watch.under_way, 'call')} to the model"
        self._run.stop("interrupted")
        say(
            f"waiting up to {_TO_END_S:g} s for {work} in progress; press Ctrl-C again to stop at "
            "once"
        )


@contextmanager
def observing(log_json: str | None) -> Iterator[None]:
    """Append the events that occur in the block to the file ``log_json``, or write them to
    standard error if ``log_json`` is ``-``. A new file is readable only by its owner. Raises
    ``ValueError`` if the file cannot be written.
    """
    if not log_json:
        yield
    elif log_json == "-":
        with listening(EventLog(sys.stderr)):
            yield
    else:
        path = Path(log_json)
        try:
            path.touch(0o600)
            file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise ValueError(
                f"--log-json {path}: {error.strerror}; specify a file that you can write, or - for "
                "standard error"
            ) from error
        with file, listening(EventLog(file)):
            yield
