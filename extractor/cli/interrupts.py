"""What surrounds a run: Ctrl-C, and the listeners to its events."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Any

from .environment import has_telemetry_endpoint

_NOTICE = b"\nextractor: finishing the records in flight; Ctrl-C again stops at once\n"


class Interrupts:
    """How often Ctrl-C was pressed.

    The first time it is only noted, and no other record is begun (``any``). The second time the ``running`` task is
    cancelled. From then on it raises ``KeyboardInterrupt``, whatever the program waits for.
    """

    def __init__(self) -> None:
        self._count = 0
        self.running: asyncio.Task[Any] | None = None

    def any(self) -> bool:
        """Whether it was pressed."""
        return self._count > 0

    def note(self, _signal: int, _frame: FrameType | None) -> None:
        """Handle a signal. It may come in the middle of anything, so that this writes past all buffers."""
        self._count += 1
        if self._count > 2 or self.running is None:
            raise KeyboardInterrupt
        if self._count == 1:
            os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, _NOTICE)
        else:
            self.running.get_loop().call_soon_threadsafe(self.running.cancel)

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Handle the signals inside the block."""
        before = signal.signal(signal.SIGINT, self.note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


def run_interruptibly(work: Coroutine[Any, Any, Any], interrupts: Interrupts) -> None:
    """Run ``work`` in an event loop. Raises ``KeyboardInterrupt`` if it was interrupted."""

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


@contextmanager
def observing(log_json: str | None) -> Iterator[None]:
    """Write the events inside the block to a file, or to standard error for ``-``, and to OpenTelemetry where the
    environment names an endpoint and the extra is installed.
    """
    from extractor.events import EventLog, listening

    with ExitStack() as closing:
        if log_json:
            file = None if log_json == "-" else closing.enter_context(Path(log_json).open("a", encoding="utf-8"))
            closing.enter_context(listening(EventLog(file or sys.stderr)))
        if has_telemetry_endpoint() and find_spec("opentelemetry"):
            from extractor.run.telemetry import SpanWriter

            closing.enter_context(listening(SpanWriter()))
        yield
