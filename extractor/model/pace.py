"""When a request is sent again: waits after faults, and how long a server asks to wait, in
seconds.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_TEMPORARY = frozenset({408, 409, 425, 429})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The number of attempts at a request, and the waits between them.

    The wait starts at ``first_wait`` seconds and doubles with each attempt up to ``longest_wait``,
    plus up to a second of jitter. A server may ask for a longer wait, never for a shorter one: one
    that is overloaded and says "now" is asked as rarely as a silent one. A wait longer than
    ``longest_wait`` ends the attempts at once. A server that has not replied yet gets
    ``first_attempts`` only. Tests replace ``sleep``, ``clock`` and ``jitter``.
    """

    attempts: int = 6
    first_attempts: int = 3
    first_wait: float = 1.0
    longest_wait: float = 60.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random

    def wait_before(self, attempt: int, asked: float | None) -> float:
        """Return the seconds to wait after ``attempt`` failed attempts. The server asks for
        ``asked`` seconds.

        >>> calm = RetryPolicy(jitter=lambda: 0.0)
        >>> (
        ...     calm.wait_before(3, None),
        ...     calm.wait_before(30, None),
        ...     calm.wait_before(1, 7.5),
        ...     calm.wait_before(3, 0.0),
        ... )
        (4.0, 60.0, 7.5, 4.0)
        """
        # min() first: 2.0 to the power of a large number of attempts overflows.
        growing = self.first_wait * 2.0 ** min(attempt - 1, 30)
        wait = growing if asked is None else max(growing, asked)
        return min(wait, self.longest_wait) + self.jitter()


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read how many seconds a server asks to wait: milliseconds, seconds or an HTTP date. Return
    None without them.

    A date is compared with the server's own ``Date`` header if there is one, because clocks differ.

    >>> retry_after(
    ...     {
    ...         "retry-after": "Thu, 01 Jan 2026 12:00:30 GMT",
    ...         "date": "Thu, 01 Jan 2026 12:00:10 GMT",
    ...     }
    ... )
    20.0
    """
    for name, unit in (("retry-after-ms", 1000), ("retry-after", 1)):
        with suppress(ValueError):
            if 0 <= (number := float(headers.get(name, ""))) < float("inf"):
                return number / unit
    with suppress(OverflowError):
        date = _date(headers.get("retry-after"))
        now = _date(headers.get("date")) or datetime.now(UTC)
        return max(0.0, (date - now).total_seconds()) if date else None
    return None


def is_temporary(status: int) -> bool:
    """Return whether a request that failed with this HTTP status may succeed later."""
    return status in _TEMPORARY or (status >= 500 and status != 501)


def _date(text: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
