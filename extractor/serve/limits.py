"""How often, and how much at once, a caller may call."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from .callers import Caller
from .problems import TOO_MANY, TOO_OFTEN, refuse_later

__all__ = ["CallerGate", "TokenBucket"]

_SOON_S = 1.0


@dataclass(slots=True)
class TokenBucket:
    """So many requests a minute, of which those of some seconds may come together.

    >>> seconds = iter([0.0, 0.0, 0.0, 0.5])
    >>> bucket = TokenBucket(60, clock=lambda: next(seconds), burst=2)
    >>> bucket.take(), bucket.take(), bucket.take()
    (0.0, 0.0, 0.5)
    """

    per_minute: float
    burst: float
    clock: Callable[[], float]
    _left: float
    _then: float

    def __init__(self, per_minute: float, burst: float | None = None, clock: Callable[[], float] = monotonic) -> None:
        self.per_minute, self.clock = per_minute, clock
        self.burst = self._left = max(1.0, per_minute / 6 if burst is None else burst)
        self._then = clock()

    def take(self) -> float:
        """Count a request: 0 if it may go, else the seconds until one may."""
        now = self.clock()
        self._left = min(self.burst, self._left + (now - self._then) * self.per_minute / 60)
        self._then = now
        if self._left < 1:
            return (1 - self._left) * 60 / self.per_minute
        self._left -= 1
        return 0.0


class CallerGate:
    """What callers have under way, and how often each came."""

    def __init__(self) -> None:
        self._buckets: dict[str, TokenBucket] = {}
        self._under_way: Counter[tuple[str, str]] = Counter()

    def count_request(self, caller: Caller) -> None:
        """Raise ``Refusal`` if the caller's requests are too many."""
        limit = caller.limits.requests_per_minute
        if limit is None:
            return
        bucket = self._buckets.get(caller.name)
        if bucket is None or bucket.per_minute != limit:
            bucket = self._buckets[caller.name] = TokenBucket(limit)
        if wait := bucket.take():
            raise refuse_later(TOO_OFTEN, f"{limit} requests in a minute are allowed", wait)

    @contextmanager
    def admit(self, caller: Caller, what: str) -> Iterator[None]:
        """Count one thing more under way inside the block. Raises ``Refusal`` if the caller has enough of them."""
        most, key = caller.limits.max_concurrent, (caller.name, what)
        if most is not None and self._under_way[key] >= most:
            raise refuse_later(TOO_MANY, f"{most} {what} at once are allowed", _SOON_S)
        self._under_way[key] += 1
        try:
            yield
        finally:
            self._under_way[key] -= 1
