"""When requests go: retries after faults, the user's limits, and the pauses that a server asks for.

Times are seconds of a monotonic clock.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2
from aiolimiter import AsyncLimiter

from extractor.events import Event, tell

UNCONNECTED = (httpx2.ConnectError, httpx2.ConnectTimeout)
"""Errors of a request that reached no server."""
_TEMPORARY = frozenset({408, 409, 429})
_OVERLOADED = frozenset({429, 503, 529})  # 529 is Anthropic's


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The number of attempts at a request, and the waits between them.

    The wait starts at ``first_wait`` seconds and doubles with each attempt up to ``longest_wait``, plus up to a second
    of jitter. A server's Retry-After replaces the wait; one longer than ``longest_wait`` ends the attempts at once. A
    server that has not replied yet gets ``first_attempts`` only. Tests replace ``sleep``, ``clock`` and
    ``jitter``.
    """

    attempts: int = 6
    first_attempts: int = 3
    first_wait: float = 1.0
    longest_wait: float = 60.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random

    def wait_before(self, attempt: int, asked: float | None) -> float:
        """Seconds to wait after ``attempt`` failed attempts. ``asked`` is the server's Retry-After in seconds.

        >>> calm = RetryPolicy(jitter=lambda: 0.0)
        >>> calm.wait_before(3, None), calm.wait_before(30, None), calm.wait_before(1, 7.5)
        (4.0, 60.0, 7.5)
        """
        # min() first: 2.0 to the power of a large number of attempts overflows.
        wait = asked if asked is not None else self.first_wait * 2.0 ** min(attempt - 1, 30)
        return min(wait, self.longest_wait) + self.jitter()


class RequestLimits:
    """Lets requests to a model go within all limits. Belongs to one event loop.

    At most ``concurrency`` are in flight. The rates per minute are spread evenly; tokens are those of prompt and
    output. After a Retry-After, all wait. ``was_reached`` says whether the server ever replied.
    """

    def __init__(
        self,
        policy: RetryPolicy,
        concurrency: int,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
    ) -> None:
        self._policy = policy
        self._slots = asyncio.Semaphore(concurrency)
        self._requests, self._tokens = _limiter(requests_per_minute), _limiter(tokens_per_minute)
        self._token_debt = 0.0
        self._paused_until = 0.0
        self.was_reached = False

    async def send(self, tokens: float, exchange: Callable[[], Awaitable[httpx2.Response]]) -> httpx2.Response:
        """Wait until a request of ``tokens`` may go, and return the response of ``exchange``."""
        async with self._slots:
            await self._await_rates(tokens)
            while (wait := self._paused_until - self._policy.clock()) > 0:
                await self._policy.sleep(wait)
            response = await exchange()
            self.was_reached = True
            self._note_pause(response)
            return response

    def add_tokens(self, more: float) -> None:
        """Count the tokens that a request used beyond those of ``send``, or fewer if negative."""
        self._token_debt += more

    def _note_pause(self, response: httpx2.Response) -> None:
        asked = retry_after(response.headers) if is_overload(response.status_code) else None
        if asked and asked <= self._policy.longest_wait:  # a longer one ends the request
            tell(Event.RATE_LIMITED, seconds=round(asked, 3))
            self._paused_until = max(self._paused_until, self._policy.clock() + asked)

    async def _await_rates(self, tokens: float) -> None:
        if self._requests:
            await self._requests.acquire()
        if self._tokens:
            owed, self._token_debt = tokens + self._token_debt, 0.0
            while owed > 0:  # a limiter refuses amounts above its capacity
                portion = min(owed, self._tokens.max_rate)
                await self._tokens.acquire(portion)
                owed -= portion
            self._token_debt += owed


def _limiter(per_minute: float | None) -> AsyncLimiter | None:
    """A limiter that spreads a rate evenly: the burst is the amount of one second, at least 1."""
    if not per_minute:
        return None
    rate = per_minute / 60
    return AsyncLimiter(rate, 1.0) if rate >= 1 else AsyncLimiter(1, 1 / rate)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds to wait that a server asks for, as milliseconds, seconds or an HTTP date; None if it asks for none.

    A date is compared with the server's own ``Date`` header if there is one, because clocks differ.

    >>> retry_after({"retry-after": "Thu, 01 Jan 2026 12:00:30 GMT", "date": "Thu, 01 Jan 2026 12:00:10 GMT"})
    20.0
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    return _seconds(headers.get("retry-after"), headers) if milliseconds is None else milliseconds / 1000


def is_temporary(status: int) -> bool:
    """Whether a request that failed with this HTTP status may succeed later."""
    return status in _TEMPORARY or status >= 500


def is_overload(status: int) -> bool:
    """Whether the server has no room now: any request would have failed."""
    return status in _OVERLOADED


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def _seconds(text: str | None, headers: Mapping[str, str]) -> float | None:
    """Seconds from a number or a date."""
    number, date = _number(text), _date(text)
    if number is not None or date is None:
        return number
    return max(0.0, (date - (_date(headers.get("date")) or datetime.now(UTC))).total_seconds())


def _date(text: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(text or "")
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
