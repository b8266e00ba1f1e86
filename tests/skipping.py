"""An event loop without waiting: when nothing is left to do now, its clock skips to what is due
next.

The result does not depend on how busy the machine is, and an hour takes no time.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any
from unittest.mock import patch

__all__ = ["loop_time", "skipping_time"]

_wrap_future = asyncio.wrap_future


class _SkippingSelector(selectors.DefaultSelector):
    """Check once what can be read, instead of waiting. If there is nothing, advance the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.threads = 0  # that work for the loop

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(
            None if timeout is None or (timeout and self.threads) else 0
        )
        if not ready and timeout:
            self.now += timeout
        return ready


class _SkippingLoop(asyncio.SelectorEventLoop):
    """Between sockets of one machine that are no network's, what is sent is there at once: then
    nothing is missed.
    """

    def __init__(self) -> None:
        self._skipping = _SkippingSelector()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.now

    def run_in_executor(self, *arguments: Any) -> asyncio.Future[Any]:
        """Time stands still while a thread works, which takes no time of a test, but some of the
        machine's.
        """
        return self._await_work(super().run_in_executor(*arguments))

    def wrap_future(self, *arguments: Any) -> asyncio.Future[Any]:
        """As ``asyncio.wrap_future``, for the work of a thread that the loop did not start."""
        return self._await_work(_wrap_future(*arguments, loop=self))

    def _await_work(self, work: asyncio.Future[Any]) -> asyncio.Future[Any]:
        self._skipping.threads += 1
        work.add_done_callback(self._end_work)
        return work

    def _end_work(self, _: object) -> None:
        self._skipping.threads -= 1


def skipping_time(
    test: Callable[..., Coroutine[Any, Any, None]],
) -> Callable[..., None]:
    """Run a test in an event loop that skips waiting."""

    @wraps(test)
    def skipping(*arguments: Any, **named: Any) -> None:
        with (
            asyncio.Runner(loop_factory=_SkippingLoop) as runner,
            patch("asyncio.wrap_future", runner.get_loop().wrap_future),
        ):
            runner.run(test(*arguments, **named))

    return skipping


def loop_time() -> float:
    """Return the seconds on the clock of the running loop."""
    return asyncio.get_running_loop().time()
