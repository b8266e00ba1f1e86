"""How long to wait for a server: retries after faults, and the limits that its replies state.

Times are seconds of a monotonic clock.
"""

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_HEADERS: Mapping[str, tuple[str, ...]] = {
    "requests": ("x-ratelimit-{}-requests", "anthropic-ratelimit-requests-{}", "x-ratelimit-{}", "ratelimit-{}"),
    "tokens": ("x-ratelimit-{}-tokens", "anthropic-ratelimit-tokens-{}", "anthropic-ratelimit-input-tokens-{}"),
}
"""Headers for limit, remaining and reset: those of OpenAI and Azure, of Anthropic, of others."""
_PARTS = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_MINUTE, _NEARLY = 60.0, 1e-6
_EPOCH_SECONDS, _EPOCH_MILLISECONDS = 1e9, 1e12
_TEMPORARY = frozenset({408, 409, 429})


class SkippedTime:
    """A clock for replays and tests: sleeping advances it and returns at once."""

    def __init__(self) -> None:
        self._now = 0.0

    def clock(self) -> float:
        """Seconds slept so far."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Advance the clock."""
        self._now += seconds


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a request is sent, and how long the client waits for a server that is busy or away.

    ``first_wait`` seconds double with each attempt up to ``longest_wait``, plus up to a second of jitter. A server's
    Retry-After replaces the wait; one longer than ``longest_wait`` ends the attempts at once. After ``breaker_after``
    faults in a row the server counts as away: one request at a time tries it. After ``longest_absence`` seconds the
    server is given up; one that never replied, after ``first_absence`` seconds. ``sleep``, ``clock`` and ``jitter`` are
    replaced in tests.
    """

    attempts: int = 6
    first_wait: float = 1.0
    longest_wait: float = 60.0
    breaker_after: int = 8
    longest_absence: float = 300.0
    first_absence: float = 3.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random

    def wait_before(self, attempt: int, asked: float | None) -> float:
        """Seconds to wait after ``attempt`` failed attempts, if the server asked for ``asked`` seconds or for none.

        >>> calm = RetryPolicy(jitter=lambda: 0.0)
        >>> calm.wait_before(3, None), calm.wait_before(30, None), calm.wait_before(1, 7.5)
        (4.0, 60.0, 7.5)
        """
        # min() first: 2.0 to the power of a large number of attempts overflows.
        wait = asked if asked is not None else self.first_wait * 2.0 ** min(attempt - 1, 30)
        return min(wait, self.longest_wait) + self.jitter()


@dataclass(slots=True)
class Quota:
    """A server's limit: ``remaining`` of ``limit`` units are left at ``at``, and ``rate`` return each second."""

    limit: float
    remaining: float
    rate: float
    at: float = 0.0

    def wait(self, cost: float, now: float) -> float:
        """Seconds until ``cost`` units are left. A cost above the limit waits for the limit.

        >>> Quota(limit=500, remaining=0, rate=10).wait(20, now=1.0)
        1.0
        """
        missing = min(cost, self.limit) - self._remaining_at(now)
        return missing / self.rate if missing > _NEARLY else 0.0

    def take(self, cost: float, now: float) -> None:
        """Use ``cost`` units."""
        self.remaining, self.at = self._remaining_at(now) - cost, now

    def _remaining_at(self, now: float) -> float:
        return min(self.limit, self.remaining + (now - self.at) * self.rate)


def read_quotas(headers: Mapping[str, str], now: float = 0.0) -> dict[str, Quota]:
    """The limits for ``requests`` and ``tokens`` in a reply's headers. Missing and broken values are left out.

    A limit that is not stated is taken to be what remains; a reset that is not stated, a minute.

    >>> stated = {"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "0"}
    >>> read_quotas(stated | {"x-ratelimit-reset-requests": "1m60s"})
    {'requests': Quota(limit=60.0, remaining=0.0, rate=0.5, at=0.0)}
    """
    found: dict[str, Quota] = {}
    for unit, names in _HEADERS.items():
        for name in names:
            remaining = _number(headers.get(name.format("remaining")))
            if remaining is not None and unit not in found:
                limit = max(_number(headers.get(name.format("limit"))) or 0.0, remaining, 1.0)
                reset = _seconds(headers.get(name.format("reset")), headers)
                seconds = _MINUTE if reset is None else max(reset, 0.001)
                found[unit] = Quota(limit, remaining, max(limit - remaining, 1.0) / seconds, now)
    return found


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that a server asks to wait, from milliseconds, seconds or an HTTP date; None if it does not ask.

    A date is compared with the server's own ``Date`` if there is one, since clocks differ.

    >>> retry_after({"retry-after": "Thu, 01 Jan 2026 12:00:30 GMT", "date": "Thu, 01 Jan 2026 12:00:10 GMT"})
    20.0
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    return _seconds(headers.get("retry-after"), headers) if milliseconds is None else milliseconds / 1000


def is_temporary(status: int) -> bool:
    """Whether a request that failed with this HTTP status may succeed later."""
    return status in _TEMPORARY or status >= 500


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def _seconds(text: str | None, headers: Mapping[str, str]) -> float | None:
    """``6m0s``, ``120ms``, seconds, seconds or milliseconds since 1970, or a date."""
    if parts := _PARTS.findall(text or ""):
        return sum(float(number) * _SECONDS[unit] for number, unit in parts)
    number = _number(text)
    if number is not None and number < _EPOCH_SECONDS:
        return number
    try:
        since_1970 = number and (number / 1000 if number > _EPOCH_MILLISECONDS else number)
        date = datetime.fromtimestamp(since_1970, UTC) if since_1970 else _date(text)
    except (OverflowError, ValueError, OSError):
        return None
    now = _date(headers.get("date")) or datetime.now(UTC)
    return max(0.0, (date - now).total_seconds()) if date else None


def _date(text: str | None) -> datetime | None:
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            date = read(text or "")
        except ValueError:
            continue
        return date if date.tzinfo else date.replace(tzinfo=UTC)
    return None
