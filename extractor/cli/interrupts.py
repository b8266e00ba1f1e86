"""Ctrl-C: the first one ends a run in order, the second one at once."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["Interrupts", "run_interruptibly"]

_TOLD = b"\nextractor: finishing the records in flight; Ctrl-C again stops at once\n"


class Interrupts:
    """How often Ctrl-C was pressed.

    The first time it is only noted: who starts work asks for ``any``. The second time the ``running`` task is
    cancelled. From then on it is ``KeyboardInterrupt``, whatever the program waits for.
    """

    def __init__(self) -> None:
        self._count = 0
        self.running: asyncio.Task[Any] | None = None

    def any(self) -> bool:
        """Whether it was pressed."""
        return self._count > 0

    def note(self, _signal: int, _frame: FrameType | None) -> None:
        """Take a signal. It may come in the midst of anything, so that this writes past all buffers."""
        self._count += 1
        if self._count > 2 or self.running is None:
            raise KeyboardInterrupt
        if self._count == 1:
            os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, _TOLD)
        else:
            self.running.get_loop().call_soon_threadsafe(self.running.cancel)

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Inside the block signals come here."""
        before = signal.signal(signal.SIGINT, self.note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


def run_interruptibly(work: Coroutine[Any, Any, Any], interrupts: Interrupts) -> None:
    """Run ``work`` in an event loop. Raises ``KeyboardInterrupt`` if it was stopped, in order or at once."""

    async def watched() -> None:
        interrupts.running = asyncio.current_task()
        try:
            await work
        finally:
            interrupts.running = None

    with interrupts.noted():
        try:
            asyncio.run(watched())
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
    if interrupts.any():
        raise KeyboardInterrupt
