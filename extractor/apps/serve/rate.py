"""Limit how many requests each caller sends per minute."""

from collections import defaultdict, deque
from math import ceil
from time import monotonic

from extractor.apps.serve.problems import ProblemError

_WINDOW_S = 60.0


class RequestLimit:
    """Accepts at most ``per_minute`` requests from each caller within any 60 seconds; None means no
    limit. Rejected requests are not counted.
    """

    def __init__(self, per_minute: int | None) -> None:
        self._per_minute = per_minute
        self._accepted: dict[str, deque[float]] = defaultdict(deque)
        """The times of each caller's latest accepted requests."""

    def check(self, caller: str) -> None:
        """Count a request of a caller. Raises ``ProblemError`` if the caller has reached the
        limit.
        """
        if self._per_minute is None:
            return
        now = monotonic()
        accepted = self._accepted[caller]
        while accepted and accepted[0] <= now - _WINDOW_S:
            accepted.popleft()
        if len(accepted) >= self._per_minute:
            raise ProblemError(
                "too-many-requests",
                f"the limit of each key is {self._per_minute} per minute",
                retry_s=ceil(accepted[0] + _WINDOW_S - now),
            )
        accepted.append(now)
