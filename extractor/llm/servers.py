"""The servers of one model, and the choice of time and server for each request.

``concurrency`` and the rates per minute apply to all servers together. Each server has a window of requests in flight,
a circuit breaker, and the limits that its replies state.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx2
from aiolimiter import AsyncLimiter

from extractor.errors import ModelAway
from extractor.events import Event, Fact, tell
from extractor.llm.estimates import CHARACTERS_PER_TOKEN

from .limits import RetryPolicy, exhausted_for, retry_after
from .trace import read_usage

Exchange = Callable[[Mapping[str, Fact]], Awaitable[httpx2.Response]]

_OVERLOADED = frozenset({429, 503, 529})
_REFUSALS = frozenset({401, 404})
"""The key or the model's name is wrong, so this server refuses every request."""


class ServerCalls(NamedTuple):
    """The number of requests sent to a server, and how many ended in a fault of the server."""

    calls: int = 0
    faults: int = 0


@dataclass(slots=True, eq=False)
class Server:
    """One server, with its capacity and its availability.

    ``number`` counts from 1; a single server has None. ``window`` is the number of requests that may be in flight: an
    overload or a timeout halves it, and replies restore it one by one. The breaker opens after ``breaker_after``
    faults in a row; then one request at a time tries the server. ``refuses`` means that it refuses every request.
    """

    policy: RetryPolicy
    most: int
    url: httpx2.URL | None = None
    number: int | None = None
    window: float = field(init=False)
    in_flight: list[float] = field(default_factory=list)
    calls: int = 0
    faults: int = 0
    refuses: bool = False
    was_reached: bool = False
    _faults_in_row: int = 0
    _failing_since: float = 0.0
    _opened_at: float = 0.0
    _window_cut_at: float = float("-inf")
    _paused_until: float = 0.0
    _doubted_until: float = 0.0
    _unreached_since: float | None = None

    def __post_init__(self) -> None:
        self.window = float(self.most)

    @property
    def is_away(self) -> bool:
        """Whether the breaker is open."""
        return self._faults_in_row >= self.policy.breaker_after

    @property
    def facts(self) -> dict[str, int]:
        """The facts that the server adds to an event."""
        return {} if self.number is None else {"server": self.number}

    def is_given_up(self, now: float) -> bool:
        """Whether the server was away for longer than the policy waits."""
        since = self._unreached_since
        never_there = since is not None and now - since >= self.policy.first_absence
        return never_there or (self.is_away and now - self._failing_since >= self.policy.longest_absence)

    def has_room(self) -> bool:
        """Whether another request may be in flight."""
        return not self.refuses and len(self.in_flight) < (1 if self.is_away else int(self.window))

    def wait(self, now: float) -> float:
        """Seconds until a request may go."""
        return max(self._paused_until - now, 0.0)

    def preference(self, now: float) -> tuple[bool, bool, float, int]:
        """A sort key: first a server that is away and due for a try, then healthy servers, the least loaded first."""
        is_doubtful = self._faults_in_row > 0 and now < self._doubted_until
        return not self.is_away, is_doubtful, (len(self.in_flight) + 1) / self.window, self.calls

    def note_reply(self, response: httpx2.Response, sent: float, tokens: float) -> None:
        """Update the state after a reply to a request that was sent at time ``sent`` with ``tokens`` tokens."""
        now, status = self.policy.clock(), response.status_code
        self.was_reached, self._unreached_since = True, None
        uncounted = {"requests": len(self.in_flight) - 1.0, "tokens": sum(self.in_flight) - tokens}
        pause = exhausted_for(response.headers, {"requests": 1.0, "tokens": tokens}, uncounted)
        pause = min(pause, self.policy.longest_wait)
        if status == 429 or status >= 500:
            asked = retry_after(response.headers)
            self._note_fault(sent, asked, is_overload=status in _OVERLOADED)
            pause = self.policy.first_wait if asked is None and status == 429 else asked or 0.0
            if 0 < pause <= self.policy.longest_wait:  # a longer pause ends the request
                tell(Event.RATE_LIMITED, seconds=round(pause, 3), **self.facts)
                self._paused_until = max(self._paused_until, now + pause)
            return
        self._paused_until = max(self._paused_until, now + pause)
        if self.is_away:
            tell(Event.BREAKER_CLOSED, **self.facts)
        self._faults_in_row = 0
        self.window = min(self.most, self.window + 1 / self.window)

    def note_error(self, error: httpx2.TransportError, sent: float) -> None:
        """Update the state after a request without a reply.

        A single server that never replied and refuses connections does not count as away: its address may be wrong.
        """
        is_slow = isinstance(error, httpx2.TimeoutException)
        is_unconnected = not is_slow or isinstance(error, httpx2.ConnectTimeout)
        if is_unconnected and not self.was_reached and self._unreached_since is None:
            self._unreached_since = sent
        if self.was_reached or not is_unconnected or self.number is not None:
            self._note_fault(sent, None, is_overload=is_slow)

    def _note_fault(self, sent: float, asked: float | None, *, is_overload: bool) -> None:
        now, was_away = self.policy.clock(), self.is_away
        self.faults += 1
        if is_overload and sent >= self._window_cut_at:  # requests sent before the cut belong to the same congestion
            self.window, self._window_cut_at = max(1.0, self.window / 2), now
        if not was_away:
            self._failing_since = self._failing_since if self._faults_in_row else now
            self._opened_at = now
        if not was_away or sent >= self._opened_at:
            self._faults_in_row += 1
        self._doubted_until = now + self.policy.wait_before(self._faults_in_row, asked)
        if self.is_away:
            if not was_away:
                tell(Event.BREAKER_OPENED, faults=self._faults_in_row, **self.facts)
            tries = self._faults_in_row - self.policy.breaker_after + 1
            self._paused_until = max(self._paused_until, now + self.policy.wait_before(tries, asked))


def list_servers(addresses: Sequence[str], policy: RetryPolicy, concurrency: int) -> list[Server]:
    """The servers at several addresses, or one server without an address of its own."""
    if len(addresses) < 2:
        return [Server(policy, concurrency)]
    urls = (httpx2.URL(address.rstrip("/")) for address in addresses)
    return [Server(policy, concurrency, url, number) for number, url in enumerate(urls, 1)]


class ServerPool:
    """Sends each request to one of a model's servers, within all limits. Belongs to one event loop.

    Requests are made for the first server and redirected to the chosen one. ``name`` is the model's name in messages.
    """

    def __init__(
        self,
        servers: Sequence[Server],
        policy: RetryPolicy,
        concurrency: int,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        name: str = "",
    ) -> None:
        self.servers, self._policy, self._name = servers, policy, name
        self._slots = asyncio.Semaphore(concurrency)
        self._requests, self._tokens = _limiter(requests_per_minute), _limiter(tokens_per_minute)
        self._token_debt = 0.0
        self._changed = asyncio.Event()

    @property
    def is_away(self) -> bool:
        """Whether every server is away."""
        return all(server.is_away for server in self._live)

    @property
    def is_given_up(self) -> bool:
        """Whether every server is given up."""
        now = self._policy.clock()
        return all(server.is_given_up(now) for server in self._live)

    def server_of(self, request: httpx2.Request | None) -> Server:
        """The server that a request was sent to."""
        return self.servers[(request.extensions.get("server") or 1) - 1 if request else 0]

    async def send(self, request: httpx2.Request, exchange: Exchange) -> httpx2.Response:
        """Wait for a server, call ``exchange`` with its facts, and return the response.

        Raises ``ModelAway`` if every server is given up.
        """
        tokens = len(request.content) / CHARACTERS_PER_TOKEN
        async with self._slots:
            await self._await_rates(tokens)
            server, sent = await self._admit(tokens), self._policy.clock()
            self._redirect(request, server)
            try:
                response = await exchange(server.facts)
            except httpx2.TransportError as error:
                server.note_error(error, sent)
                raise
            else:
                server.note_reply(response, sent, tokens)
                server.refuses |= response.status_code in _REFUSALS and len(self._live) > 1
                if self._tokens:
                    usage = read_usage(response.content)
                    used = usage.prompt_tokens + usage.output_tokens
                    self._token_debt += used - tokens if used else 0
                return response
            finally:
                server.in_flight.remove(tokens)
                self._changed.set()
                self._changed = asyncio.Event()

    @property
    def _live(self) -> list[Server]:
        return [server for server in self.servers if not server.refuses]

    async def _await_rates(self, tokens: float) -> None:
        if self._requests:
            await self._requests.acquire()
        if self._tokens:
            owed, self._token_debt = tokens + self._token_debt, 0.0
            while owed > 0:  # a limiter refuses amounts above its capacity
                portion = min(owed, self._tokens.max_rate)
                await self._tokens.acquire(portion)
                owed -= portion
            self._token_debt += owed

    async def _admit(self, tokens: float) -> Server:
        while True:
            now = self._policy.clock()
            waits = {server: server.wait(now) for server in self.servers if server.has_room()}
            ready = [server for server, wait in waits.items() if wait <= 0]
            if ready:
                server = min(ready, key=lambda server: server.preference(now))
                server.in_flight.append(tokens)
                server.calls += 1
                return server
            if not self.is_given_up:
                await self._wait_for_change(min(waits.values(), default=None))
            if self.is_given_up:
                raise ModelAway(self._explain_absence())

    async def _wait_for_change(self, seconds: float | None) -> None:
        """Wait until a request ends, or at most ``seconds``."""
        either: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._changed.wait())]
        if seconds is not None:
            either.append(asyncio.ensure_future(self._policy.sleep(seconds)))
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for future in either:
                future.cancel()

    def _redirect(self, request: httpx2.Request, server: Server) -> None:
        """Replace the address of a request, made for the first server, with that of ``server``."""
        first = self.servers[0].url
        if server.url is None or first is None:
            return
        made_for = request.extensions.setdefault("made_for", request.url)
        below = made_for.raw_path[len(first.raw_path.rstrip(b"/")) :]
        request.url = server.url.copy_with(raw_path=server.url.raw_path.rstrip(b"/") + below)
        request.headers["Host"] = request.url.netloc.decode("ascii")
        request.extensions["server"] = server.number

    def _explain_absence(self) -> str:
        was_reached = any(server.was_reached for server in self.servers)
        seconds = self._policy.longest_absence if was_reached else self._policy.first_absence
        return f"{self._name}: no answer for {seconds:g} seconds; is the server running, and the address right?"


def _limiter(per_minute: float | None) -> AsyncLimiter | None:
    """A limiter that spreads a rate evenly: the burst is the amount of one second, at least 1."""
    if not per_minute:
        return None
    rate = per_minute / 60
    return AsyncLimiter(rate, 1.0) if rate >= 1 else AsyncLimiter(1, 1 / rate)
