"""Handle Ctrl-C during a run, and log its events."""

import asyncio
import os
import signal
import sys
from _thread import interrupt_main
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Timer, main_thread
from types import FrameType
from typing import TYPE_CHECKING, Any

from extractor.plurals import counted

if TYPE_CHECKING:
    from extractor.run.run import Run

_LONGEST_S = 25.0
"""So that a run has ended within 30 seconds of a signal."""
_TO_CANCEL_S = 2.0
"""Seconds for cancelled work to end. What holds up the event loop longer, such as a slow record,
is broken off.
"""


class Interrupts:
    """Handles Ctrl-C during a run: after the first, no record and no request to a model begins.

    Those under way may end, for as long as the model's patience allows and at most 25 seconds;
    then, or at the second Ctrl-C, the work is cancelled. Two seconds later it is broken off, if it
    still holds up the event loop. In the end ``KeyboardInterrupt`` is raised, whatever the program
    waits for.
    """

    def __init__(self, run: "Run") -> None:
        patience = run.setup.asking.patience
        self._seconds = min(patience.seconds, _LONGEST_S) if patience else _LONGEST_S
        self._run = run
        self._count = 0
        self._task: asyncio.Task[Any] | None = None
        self._timers: list[Timer] = []
        self._is_late = False

    def run(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run ``work`` in an event loop to its end. Meanwhile Ctrl-C calls ``_note`` instead of
        raising. Raises ``KeyboardInterrupt`` at the end if there was one, and the errors of
        ``work``.
        """

        async def watched() -> None:
            self._task = asyncio.current_task()
            try:
                await work
            finally:
                self._task = None

        before = signal.signal(signal.SIGINT, self._note)
        try:
            asyncio.run(watched())
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        finally:
            for timer in self._timers:
                timer.cancel()
            signal.signal(signal.SIGINT, before)
        if self._count:
            raise KeyboardInterrupt

    def _note(self, _signal: int, _frame: FrameType | None) -> None:
        """Handle a signal. It may come at any point, so this writes unbuffered."""
        self._count += 1
        if self._is_late or self._task is None:
            raise KeyboardInterrupt
        if self._count == 1:
            self._run.is_stopping = True
            self._announce_end()
            self._task.get_loop().call_soon_threadsafe(self._begin_end)
            self._break_off_after(self._seconds + _TO_CANCEL_S)
        elif self._count == 2:
            self._task.get_loop().call_soon_threadsafe(self._task.cancel)
            self._break_off_after(_TO_CANCEL_S)
        else:
            raise KeyboardInterrupt

    def _announce_end(self) -> None:
        """Say for how long the run waits for what is under way."""
        watch = self._run.tally.watch
        calls = watch.under_way if watch else 0
        waited_for = "the records"
        if calls:
            waited_for = f"{counted(calls, 'call')} to the model"
        notice = (
            f"\nextractor: waiting at most {self._seconds:g} s for {waited_for} under way; "
            "Ctrl-C again stops at once\n"
        )
        standard_error = sys.__stderr__.fileno() if sys.__stderr__ else 2
        os.write(standard_error, notice.encode())

    def _break_off_after(self, seconds: float) -> None:
        """Send one more signal after these seconds, unless the work has ended."""
        timer = Timer(seconds, self._break_off)
        timer.daemon = True
        timer.start()
        self._timers.append(timer)

    def _break_off(self) -> None:
        self._is_late = True
        if hasattr(
            signal, "pthread_kill"
        ):  # not on Windows; it also ends a system call
            signal.pthread_kill(main_thread().ident or 0, signal.SIGINT)
        else:
            interrupt_main()

    def _begin_end(self) -> None:
        self._run.stop("interrupted")
        if self._task:
            self._task.get_loop().call_later(self._seconds, self._task.cancel)


@contextmanager
def observing(log_json: str | None, *, is_private: bool = False) -> Iterator[None]:
    """Write the block's events to a file, or to standard error for ``-``. Of a file that is made
    now, ``is_private`` lets only this user read it.
    """
    from extractor.model.events import EventLog, listening

    with ExitStack() as closing:
        if log_json:
            if log_json == "-":
                file = None
            else:
                path = Path(log_json)
                if is_private:
                    path.touch(0o600)
                file = closing.enter_context(path.open("a", encoding="utf-8"))
            closing.enter_context(listening(EventLog(file or sys.stderr)))
        yield
