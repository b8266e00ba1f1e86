"""Ctrl-C and SIGTERM during a run, and the log of its events."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

_NOTICE = b"\nextractor: finishing the records in flight; Ctrl-C again stops at once\n"


class Interrupts:
    """Handles Ctrl-C during a run: the first lets records in flight finish (``pressed``), the second cancels the work.

    After the second, ``KeyboardInterrupt`` is raised whatever the program waits for.
    """

    def __init__(self) -> None:
        self._count = 0
        self._task: asyncio.Task[Any] | None = None

    @property
    def pressed(self) -> bool:
        """Whether Ctrl-C was pressed, so that no other record may start."""
        return self._count > 0

    def run(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run ``work`` in an event loop. Raises ``KeyboardInterrupt`` if it was interrupted."""

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
            signal.signal(signal.SIGINT, before)
        if self.pressed:
            raise KeyboardInterrupt

    def _note(self, _signal: int, _frame: FrameType | None) -> None:
        """Handle a signal. It may come at any point, so this writes unbuffered."""
        self._count += 1
        if self._count > 2 or self._task is None:
            raise KeyboardInterrupt
        if self._count == 1:
            os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, _NOTICE)
        else:
            self._task.get_loop().call_soon_threadsafe(self._task.cancel)


@contextmanager
def observing(log_json: str | None) -> Iterator[None]:
    """Write the block's events to a file, or to standard error for ``-``."""
    from extractor.events import EventLog, listening

    with ExitStack() as closing:
        if log_json:
            file = None if log_json == "-" else closing.enter_context(Path(log_json).open("a", encoding="utf-8"))
            closing.enter_context(listening(EventLog(file or sys.stderr)))
        yield
