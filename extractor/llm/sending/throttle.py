"""What holds requests to one server back: limits a minute, its own wishes, its faults."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import httpx2

from extractor.events import Event, tell
from extractor.llm.estimates import CHARACTERS_PER_TOKEN

from .congestion import Breaker, Window
from .limits import Bucket, read_allowances
from .transport import RetryPolicy, retry_after
from .usage import read_raw_usage

__all__ = ["Costs", "PaceLimits", "Throttle", "estimate_costs", "open_buckets"]

Costs = Mapping[str, float]
"""What a request takes of each limit: ``requests`` and ``tokens``."""

_OVERLOADED = frozenset({429, 503, 529})


@dataclass(frozen=True, slots=True)
class PaceLimits:
    """What is never exceeded: requests under way, seconds for one of them, requests and tokens a minute.

    The seconds are those from sending a request to the last byte of its reply; waiting for a turn is none of them.
    """

    concurrency: int
    timeout: float
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None


def estimate_costs(size: int) -> Costs:
    """What a request of so many characters will take; what its answer takes is counted when it is there.

    >>> estimate_costs(2000)
    {'requests': 1.0, 'tokens': 500.0}
    """
    return {"requests": 1.0, "tokens": size / CHARACTERS_PER_TOKEN}


class Throttle:
    """Says whether and when a request may go, and learns from each reply and each fault.

    Fewer requests than the window allows are under way, the limits that were given and those that the server tells
    leave room, no Retry-After is running, and the breaker is closed or lets one try. A 429 makes all wait and halves
    the window. ``given`` are the buckets that were given, shared by all servers of a model; ``number`` is that of the
    server among several.
    """

    def __init__(
        self, limits: PaceLimits, policy: RetryPolicy, given: dict[str, Bucket], number: int | None = None
    ) -> None:
        self._policy = policy
        self._window = Window(limits.concurrency, limits.concurrency)
        self.breaker = Breaker(policy.breaker_after, policy.longest_absence)
        self._given = given
        self._told: dict[str, Bucket] = {}
        self._not_before = 0.0
        self.was_reached = False
        self._missed_since: float | None = None
        self.facts = {} if number is None else {"server": number}
        self.faults = 0
        self._doubted_until = 0.0

    @property
    def bears(self) -> float:
        """How many requests at once the server is thought to bear."""
        return self._window.limit

    def is_doubtful(self, now: float) -> bool:
        """Whether it had faults, and none but faults, just now: for longer the more there were."""
        return self.breaker.faults > 0 and now < self._doubted_until

    def is_given_up(self, now: float) -> bool:
        """Whether it stayed away for longer than one waits: a short while if it never replied at all."""
        missed_since = self._missed_since
        never_there = missed_since is not None and now - missed_since >= self._policy.first_absence
        return never_there or self.breaker.is_given_up(now)

    def has_room(self, under_way: int) -> bool:
        """Whether a request may go beside so many others, as soon as there is no ``wait``."""
        return under_way < (1 if self.breaker.is_open else int(self._window.limit))

    def wait(self, costs: Costs, now: float) -> float:
        """Seconds until a request that costs so much may go."""
        waits = (bucket.wait(costs[unit], now) for unit, bucket in (*self._given.items(), *self._told.items()))
        return max(self._not_before - now, *waits, 0.0)

    def charge(self, costs: Costs, now: float) -> None:
        """Take what a request costs; a negative cost gives back."""
        for buckets in (self._given, self._told):
            for unit, bucket in buckets.items():
                buckets[unit] = bucket.take(costs[unit], now)

    def note_reply(self, response: httpx2.Response, sent: float, costs: Costs, others: Iterable[Costs]) -> None:
        """Learn from the reply to a request that was sent at ``sent``, with ``others`` still under way."""
        now, status = self._policy.clock(), response.status_code
        self.was_reached, self._missed_since = True, None
        self._learn(response, costs, others, now)
        if status == 429 or status >= 500:
            asked = retry_after(response.headers, self._policy.now())
            self._note_fault(sent, asked, is_load=status in _OVERLOADED)
            pause = self._policy.first_wait if asked is None and status == 429 else asked or 0.0
            if 0 < pause <= self._policy.longest_wait:  # a longer one is not waited out: it ends the request
                tell(Event.RATE_LIMITED, seconds=round(pause, 3), **self.facts)
                self._pause(pause, now)
            return
        if self.breaker.is_open:
            tell(Event.BREAKER_CLOSED, **self.facts)
        self.breaker, self._window = self.breaker.served(), self._window.served()

    def note_silence(self, sent: float, error: httpx2.TransportError) -> None:
        """Learn from a request to which no reply came, in time or at all.

        A server that never gave one, and cannot be connected to, is not away: more likely its address is wrong. One of
        several is left to itself then, too.
        """
        is_slow = isinstance(error, httpx2.TimeoutException)
        unconnected = not is_slow or isinstance(error, httpx2.ConnectTimeout)
        if unconnected and not self.was_reached and self._missed_since is None:
            self._missed_since = sent
        if self.was_reached or not unconnected or self.facts:
            self._note_fault(sent, None, is_load=is_slow)

    def _note_fault(self, sent: float, asked: float | None, *, is_load: bool) -> None:
        now = self._policy.clock()
        self.faults += 1
        if is_load:
            self._window = self._window.refused(sent, now)
        was_open, self.breaker = self.breaker.is_open, self.breaker.failed(sent, now)
        self._doubted_until = now + self._policy.wait_before(self.breaker.faults, asked)
        if self.breaker.is_open:
            if not was_open:
                tell(Event.BREAKER_OPENED, faults=self.breaker.faults, **self.facts)
            self._pause(self._policy.wait_before(self.breaker.tries, asked), now)

    def _learn(self, response: httpx2.Response, costs: Costs, others: Iterable[Costs], now: float) -> None:
        """Correct the estimate by what the reply says it took, and take over what the server says is left."""
        if "tokens" in self._given:
            usage = read_raw_usage(response.content)
            if took := usage.prompt_tokens + usage.output_tokens:
                self._given["tokens"] = self._given["tokens"].take(took - costs["tokens"], now)
        for unit, allowance in read_allowances(response.headers).items():
            self._told[unit] = allowance.as_bucket(sum(other[unit] for other in others), now)

    def _pause(self, seconds: float, now: float) -> None:
        """Nobody sends for so long."""
        self._not_before = max(self._not_before, now + seconds)


def open_buckets(limits: PaceLimits, now: float) -> dict[str, Bucket]:
    """The limits of a minute that were given, by what they count."""
    given = {"requests": limits.requests_per_minute, "tokens": limits.tokens_per_minute}
    return {unit: Bucket.per_minute(allowed, now) for unit, allowed in given.items() if allowed}
