"""How much a server can take just now: the window of requests under way, and the breaker.

Pure values: whoever sends brings the time, in seconds of a clock that never jumps.
"""

from dataclasses import dataclass, replace

__all__ = ["Breaker", "Window"]

_NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class Window:
    """How many requests may be under way: halved when the server asks for less, regained one by one.

    All that was sent before a cut and is refused after it belongs to the same congestion and cuts no more.

    >>> Window(8.0, most=8).refused(sent=1.0, now=2.0).refused(sent=1.5, now=2.1).limit
    4.0
    """

    limit: float
    most: int
    cut: float = _NEVER

    def refused(self, sent: float, now: float) -> "Window":
        """After a refusal of what was sent at ``sent``."""
        return self if sent < self.cut else replace(self, limit=max(1.0, self.limit / 2), cut=now)

    def served(self) -> "Window":
        """After a reply: about one more for each round of all."""
        return self if self.limit >= self.most else replace(self, limit=min(self.most, self.limit + 1 / self.limit))


@dataclass(frozen=True, slots=True)
class Breaker:
    """Opens after so many faults in a row: then one request at a time tries whether the server is back.

    ``since`` is the time of the first of the faults, ``opened`` that of the last one it took. Of what was sent before
    it opened, faults count no more. A server that was not there for ``patience`` seconds is given up.

    >>> breaker = Breaker(opens_after=2, patience=300.0).failed(sent=0.0, now=1.0).failed(sent=0.0, now=2.0)
    >>> breaker.is_open, breaker.failed(sent=1.5, now=3.0).tries, breaker.failed(sent=4.0, now=301.0).is_given_up(301.0)
    (True, 1, True)
    """

    opens_after: int
    patience: float
    faults: int = 0
    since: float = 0.0
    opened: float = 0.0

    @property
    def is_open(self) -> bool:
        return self.faults >= self.opens_after

    @property
    def tries(self) -> int:
        """How many faults there were since it opened, the one that opened it included."""
        return self.faults - self.opens_after + 1

    def failed(self, sent: float, now: float) -> "Breaker":
        """After a fault of what was sent at ``sent``."""
        if self.is_open:
            return self if sent < self.opened else replace(self, faults=self.faults + 1)
        since = self.since if self.faults else now
        return replace(self, faults=self.faults + 1, since=since, opened=now)

    def served(self) -> "Breaker":
        """After a reply: the server is there."""
        return replace(self, faults=0) if self.faults else self

    def is_given_up(self, now: float) -> bool:
        """Whether the server stayed away for longer than one waits."""
        return self.is_open and now - self.since >= self.patience
