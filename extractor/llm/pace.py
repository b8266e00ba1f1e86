"""When a request is sent again: waits after faults, and how long a server asks to wait, in seconds."""

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_PARTS = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_TEMPORARY = frozenset({408, 409, 429})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The number of attempts at a request, and the waits between them.

    The wait starts at ``first_wait`` seconds and doubles with each attempt up to ``longest_wait``, plus up to a second
    of jitter. A wait that the server asks for replaces it; one longer than ``longest_wait`` ends the attempts at once.
    A server that has not replied yet gets ``first_attempts`` only. Tests replace ``sleep``, ``clock`` and ``jitter``.
    """

    attempts: int = 6
    first_attempts: int = 3
    first_wait: float = 1.0
    longest_wait: float = 60.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random

    def wait_before(self, attempt: int, asked: float | None) -> float:
        """Return the seconds to wait after ``attempt`` failed attempts. The server asks for ``asked`` seconds.

        >>> calm = RetryPolicy(jitter=lambda: 0.0)
        >>> calm.wait_before(3, None), calm.wait_before(30, None), calm.wait_before(1, 7.5)
        (4.0, 60.0, 7.5)
        """
        # min() first: 2.0 to the power of a large number of attempts overflows.
        wait = asked if asked is not None else self.first_wait * 2.0 ** min(attempt - 1, 30)
        return min(wait, self.longest_wait) + self.jitter()


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read how many seconds a server asks to wait: milliseconds, seconds or an HTTP date. Return None without them.

    A date is compared with the server's own ``Date`` header if there is one, because clocks differ.

    >>> retry_after({"retry-after": "Thu, 01 Jan 2026 12:00:30 GMT", "date": "Thu, 01 Jan 2026 12:00:10 GMT"})
    20.0
    """
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    text = headers.get("retry-after")
    if parts := _PARTS.findall(text or ""):  # as in 6m0s or 120ms
        return sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if (number := _number(text)) is not None:
        return number
    try:
        date, now = _date(text), _date(headers.get("date")) or datetime.now(UTC)
    except OverflowError:
        return None
    return max(0.0, (date - now).total_seconds()) if date else None


def is_temporary(status: int) -> bool:
    """Return whether a request that failed with this HTTP status may succeed later."""
    return status in _TEMPORARY or status >= 500


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def _date(text: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
