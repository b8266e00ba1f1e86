"""How long to wait for a server: retries after faults, and the limits that its replies state.

All values are pure: the caller passes the time, in seconds of a monotonic clock.
"""

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_MINUTE = 60.0
_NEARLY = 1e-6
_HEADERS: Mapping[str, tuple[str, ...]] = {
    "requests": ("x-ratelimit-{}-requests", "anthropic-ratelimit-requests-{}", "x-ratelimit-{}", "ratelimit-{}"),
    "tokens": ("x-ratelimit-{}-tokens", "anthropic-ratelimit-tokens-{}", "anthropic-ratelimit-input-tokens-{}"),
}
"""Headers for limit, remaining and reset: those of OpenAI and Azure, of Anthropic, of others."""
_PARTS = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_EPOCH_SECONDS, _EPOCH_MILLISECONDS = 1e9, 1e12


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
    faults in a row the server counts as away: one request at a time tries it, and these tries are not counted as
    attempts. After ``longest_absence`` seconds the server is given up; one that never replied, after
    ``first_absence`` seconds. ``sleep``, ``clock`` and ``jitter`` are replaced in tests.
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
    """A server's limit: ``rate`` units return each second, up to ``capacity``; ``level`` were left at ``at``."""

    rate: float
    capacity: float
    level: float
    at: float

    def wait(self, cost: float, now: float) -> float:
        """Seconds until ``cost`` units are left. A cost above the capacity waits for the capacity."""
        missing = min(cost, self.capacity) - self._level_at(now)
        return missing / self.rate if missing > _NEARLY else 0.0

    def take(self, cost: float, now: float) -> None:
        """Use ``cost`` units."""
        self.level, self.at = self._level_at(now) - cost, now

    def _level_at(self, now: float) -> float:
        return min(self.capacity, self.level + (now - self.at) * self.rate)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a reply states of one limit: ``remaining`` of ``limit`` are left, and all return in ``reset`` seconds."""

    limit: float
    remaining: float
    reset: float

    def as_quota(self, in_flight: float, now: float) -> Quota:
        """The quota without the units ``in_flight``, which the server has not counted yet.

        >>> Allowance(limit=500, remaining=0, reset=60).as_quota(0, now=0.0).wait(1, now=0.0)
        0.12
        """
        rate = max(self.limit - self.remaining, 1.0) / max(self.reset, 0.001)
        return Quota(rate, max(self.limit, 1.0), self.remaining - in_flight, now)


def read_allowances(headers: Mapping[str, str]) -> dict[str, Allowance]:
    """The limits for ``requests`` and ``tokens`` in a reply's headers. Missing and broken values are left out.

    A limit that is not stated is taken to be what remains; a reset that is not stated, a minute.

    >>> stated = {"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "59"}
    >>> read_allowances(stated | {"x-ratelimit-reset-requests": "1m1.5s"})
    {'requests': Allowance(limit=60.0, remaining=59.0, reset=61.5)}
    """
    found = {}
    for unit, names in _HEADERS.items():
        if allowance := next(filter(None, (_read(headers, name) for name in names)), None):
            found[unit] = allowance
    return found


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that a server asks to wait, from milliseconds, seconds or an HTTP date; None if it does not ask.

    A date is compared with the server's own ``Date`` if there is one, since clocks differ.

    >>> retry_after({"retry-after": "Thu, 01 Jan 2026 12:00:30 GMT", "date": "Thu, 01 Jan 2026 12:00:10 GMT"})
    20.0
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    asked = headers.get("retry-after")
    if asked is None:
        return None
    try:
        return max(0.0, float(asked))
    except ValueError:
        return _seconds_until(_date(asked), headers)


def _read(headers: Mapping[str, str], name: str) -> Allowance | None:
    remaining = _number(headers.get(name.format("remaining")))
    if remaining is None:
        return None
    limit = _number(headers.get(name.format("limit"))) or 0.0
    reset = _seconds(headers.get(name.format("reset")), headers)
    return Allowance(max(remaining, limit), remaining, _MINUTE if reset is None else reset)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def _seconds(text: str | None, headers: Mapping[str, str]) -> float | None:
    """``6m0s``, ``120ms``, seconds, seconds or milliseconds since 1970, or a date."""
    if text is None:
        return None
    if parts := _PARTS.findall(text):
        return sum(float(number) * _SECONDS[unit] for number, unit in parts)
    number = _number(text)
    if number is None:
        return _seconds_until(_date(text), headers)
    if number < _EPOCH_SECONDS:
        return number
    try:
        return _seconds_until(
            datetime.fromtimestamp(number / 1000 if number > _EPOCH_MILLISECONDS else number, UTC), headers
        )
    except (OverflowError, ValueError, OSError):
        return None


def _seconds_until(date: datetime | None, headers: Mapping[str, str]) -> float | None:
    if date is None:
        return None
    now = _date(headers.get("date", "")) or datetime.now(UTC)
    return max(0.0, (date - now).total_seconds())


def _date(text: str) -> datetime | None:
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            date = read(text)
        except ValueError:
            continue
        return date if date.tzinfo else date.replace(tzinfo=UTC)
    return None
