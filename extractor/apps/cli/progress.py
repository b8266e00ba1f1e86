"""Handle Ctrl-C during a run, and log its events."""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Timer, main_thread
from types import FrameType
from typing import TYPE_CHECKING, Any

from extractor.apps.cli.console import say
from extractor.plurals import counted

if TYPE_CHECKING:
    from extractor.run.run import Run

_LONGEST_S = 25.0
"""So that a run has ended within 30 seconds of a signal."""
_TO_CANCEL_S = 2.0
"""Seconds for cancelled work to end."""


class Interrupts:
    """Handles Ctrl-C during a run. After the first, no record and no request to a model begins;
    those under way may end. The second cancels them, and the third breaks off what still runs, such
    as a slow record.

    A signal that nobody sends comes by itself: the second after the time that the model's patience
    allows, at most 25 seconds, and the third after two more.
    """

    def __init__(self, run: "Run") -> None:
        patience = run.setup.asking.patience
        self._seconds = min(patience.seconds, _LONGEST_S) if patience else _LONGEST_S
        self._run = run
        self._count = 0
        self._task: asyncio.Task[Any] | None = None
        self._timers: list[Timer] = []

    def run(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run ``work`` in an event loop to its end. Raises ``KeyboardInterrupt`` at the end if
        there was a Ctrl-C, and the errors of ``work``.
        """
        before = signal.signal(signal.SIGINT, self._note)
        try:
            with asyncio.Runner() as runner:
                loop = runner.get_loop()
                self._task = loop.create_task(work)
                loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        finally:
            for timer in self._timers:
                timer.cancel()
            signal.signal(signal.SIGINT, before)
        if self._count:
            raise KeyboardInterrupt

    def _note(self, _signal: int, _frame: FrameType | None) -> None:
        self._count += 1
        if self._task is None or self._task.done() or self._count > 2:
            raise KeyboardInterrupt
        self._run.is_stopping = True
        act: Callable[[], object] = self._stop
        seconds = self._seconds
        if self._count == 2:
            act = self._task.cancel
            seconds = _TO_CANCEL_S
        self._task.get_loop().call_soon_threadsafe(act)
        # the next signal goes to the main thread, which also ends a system call there
        target = (main_thread().ident, signal.SIGINT)
        timer = Timer(seconds, signal.pthread_kill, target)
        timer.daemon = True
        timer.start()
        self._timers.append(timer)

    def _stop(self) -> None:
        """Begin nothing more, and print for how long the run waits."""
        watch = self._run.tally.watch
        calls = watch.under_way if watch else 0
        waited_for = (
            f"{counted(calls, 'call')} to the model" if calls else "the records"
        )
        self._run.stop("interrupted")
        say(
            f"waiting at most {self._seconds:g} s for {waited_for} under way; "
            "Ctrl-C again stops at once"
        )


@contextmanager
def observing(log_json: str | None) -> Iterator[None]:
    """Write the block's events to a file, or to standard error for ``-``. Only this user can read a
    new file.
    """
    from extractor.model.events import EventLog, listening

    with ExitStack() as closing:
        if log_json == "-":
            closing.enter_context(listening(EventLog(sys.stderr)))
        elif log_json:
            path = Path(log_json)
            path.touch(0o600)
            file = closing.enter_context(path.open("a", encoding="utf-8"))
            closing.enter_context(listening(EventLog(file)))
        yield
