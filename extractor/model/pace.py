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
from math import inf

_TEMPORARY = frozenset({408, 409, 425, 429})
"""A timeout, a conflict, a request that came too early, too many requests."""


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
        """Return the seconds to wait after ``attempt`` failed attempts, the longest wait at most.
        The server asks for ``asked`` seconds, None if it does not say.

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
        wait = self.first_wait * 2.0 ** min(attempt - 1, 30)
        if asked is not None:
            wait = max(wait, asked)
        return min(wait, self.longest_wait) + self.jitter()


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read how many seconds a server asks to wait: milliseconds (``retry-after-ms``), seconds or an
    HTTP date (``retry-after``), in this order. Return None without them, or if they cannot be read.

    A date is compared with the server's own ``Date`` header if there is one, because clocks differ.
    A date in the past is 0 seconds.

    >>> retry_after(
    ...     {
    ...         "retry-after": "Thu, 01 Jan 2026 12:00:30 GMT",
    ...         "date": "Thu, 01 Jan 2026 12:00:10 GMT",
    ...     }
    ... )
    20.0
    """
    for name, per_second in (("retry-after-ms", 1000), ("retry-after", 1)):
        with suppress(ValueError):
            number = float(headers.get(name, ""))
            if 0 <= number < inf:
                return number / per_second
    # a date's zone may be further away than any
    with suppress(OverflowError):
        date = _parse_date(headers.get("retry-after"))
        if date is None:
            return None
        now = _parse_date(headers.get("date")) or datetime.now(UTC)
        return max(0.0, (date - now).total_seconds())
    return None


def is_temporary(status: int) -> bool:
    """Return whether a request that failed with this HTTP status may succeed later: also after any
    fault of the server, except that it cannot do such a thing at all (501).
    """
    if status == 501:
        return False
    return status in _TEMPORARY or status >= 500


def _parse_date(text: str | None) -> datetime | None:
    """Parse the date of a header, in UTC if it names no zone. Return None if it is no date."""
    try:
        date = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
