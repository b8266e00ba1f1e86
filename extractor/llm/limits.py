"""Waiting times: retries after faults, and the rate limits in a server's replies.

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
"""Headers for limit, remaining and reset, as used by OpenAI and Azure, Anthropic, and others."""
_PARTS = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_MINUTE = 60.0
_EPOCH_SECONDS, _EPOCH_MILLISECONDS = 1e9, 1e12
_TEMPORARY = frozenset({408, 409, 429})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The number of attempts at a request, and the waits for a server that is busy or away.

    The wait starts at ``first_wait`` seconds and doubles with each attempt up to ``longest_wait``, plus up to a second
    of jitter. A server's Retry-After replaces the wait; one longer than ``longest_wait`` ends the attempts at once.
    After ``breaker_after`` faults in a row the server counts as away, and one request at a time tries it. The server is
    given up after ``longest_absence`` seconds, or after ``first_absence`` seconds if it never replied. Tests replace
    ``sleep``, ``clock`` and ``jitter``.
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
        """Seconds to wait after ``attempt`` failed attempts. ``asked`` is the server's Retry-After in seconds.

        >>> calm = RetryPolicy(jitter=lambda: 0.0)
        >>> calm.wait_before(3, None), calm.wait_before(30, None), calm.wait_before(1, 7.5)
        (4.0, 60.0, 7.5)
        """
        # min() first: 2.0 to the power of a large number of attempts overflows.
        wait = asked if asked is not None else self.first_wait * 2.0 ** min(attempt - 1, 30)
        return min(wait, self.longest_wait) + self.jitter()


def exhausted_for(headers: Mapping[str, str], costs: Mapping[str, float], uncounted: Mapping[str, float]) -> float:
    """Seconds until the limits stated in a reply leave room for another request.

    ``costs`` maps the units ``requests`` and ``tokens`` to the needs of that request, ``uncounted`` to those of
    requests in flight that the server has not counted yet. Missing and broken values are ignored. The default for an
    unstated limit is the remaining amount, for an unstated reset a minute.

    >>> stated = {"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "0"}
    >>> exhausted_for(stated | {"x-ratelimit-reset-requests": "1m60s"}, {"requests": 1}, {"requests": 0})
    2.0
    """
    waits = [0.0]
    for unit, names in _HEADERS.items():
        for name in names:
            remaining = _number(headers.get(name.format("remaining")))
            if remaining is not None:
                limit = max(_number(headers.get(name.format("limit"))) or 0.0, remaining, 1.0)
                reset = _seconds(headers.get(name.format("reset")), headers)
                rate = max(limit - remaining, 1.0) / (_MINUTE if reset is None else max(reset, 0.001))
                waits.append((min(costs.get(unit, 0.0), limit) - remaining + uncounted.get(unit, 0.0)) / rate)
                break
    return max(waits)


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


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def _seconds(text: str | None, headers: Mapping[str, str]) -> float | None:
    """Seconds from ``6m0s``, ``120ms``, plain seconds, seconds or milliseconds since 1970, or a date."""
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
