"""When a request may go: limits, the server's own wishes, and turns that are fair to all records."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from itertools import count

import httpx2

from extractor.errors import ModelAway
from extractor.llm.chain import Asker, Served, current_asker, current_chain
from extractor.schemas import Usage

from .servers import Server, Ticket, choose_server, find_server, is_refusal, open_servers
from .throttle import PaceLimits, estimate_costs
from .told import tell_exchange
from .transport import RetryPolicy

__all__ = ["Pace", "PacedTransport", "in_turn"]

Exchange = Callable[[], Awaitable[httpx2.Response]]

_OF_THE_BODY = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class Pace:
    """Lets requests to a model's servers go when they may. Belongs to the event loop in which it is used.

    A request goes when a ``Throttle`` lets it, to the server that is burdened least. Of those that wait, the first of
    the record with the fewest under way goes first: a record with many questions holds up no other. ``addresses`` are
    needed where there are several servers: requests are made for the first of them.
    """

    def __init__(self, limits: PaceLimits, policy: RetryPolicy, name: str, addresses: Sequence[str] = ()) -> None:
        self._limits, self._policy, self._name = limits, policy, name
        self.servers = open_servers(limits, policy, addresses)
        self._waiting: list[Ticket] = []
        self._under_way: Counter[Asker] = Counter()
        self._numbers = count()
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_at = 0.0

    @property
    def is_server_away(self) -> bool:
        """Whether the breaker of each server is open: then it is not the single request that fails."""
        return all(server.throttle.breaker.is_open for server in self._live)

    @property
    def is_server_given_up(self) -> bool:
        """Whether all servers were away for longer than one waits."""
        now = self._policy.clock()
        return all(server.throttle.is_given_up(now) for server in self._live)

    @property
    def _live(self) -> list[Server]:
        return [server for server in self.servers if not server.is_out]

    def fares_better_elsewhere(self, request: httpx2.Request) -> bool:
        """Whether the server that it was sent to refuses everything, and another does not."""
        server = find_server(self.servers, request)
        return server is not None and server.is_out

    @contextmanager
    def at_hand(self) -> Iterator[None]:
        """Inside the block ``in_turn`` waits for this pace."""
        token = _pace.set(self)
        try:
            yield
        finally:
            _pace.reset(token)

    def close(self) -> None:
        """Wait for nothing more."""
        if self._alarm:
            self._alarm.cancel()
            self._alarm = None

    async def send(self, request: httpx2.Request, exchange: Exchange) -> httpx2.Response:
        """The response of ``exchange``, which sends the request and reads the whole reply, in its turn.

        Raises ``ModelAway`` if the server was given up, and ``httpx2.ReadTimeout`` if the reply takes too long.
        """
        ticket = await self._wait_for_turn(len(request.content))
        server = ticket.admitted.result()
        throttle = server.throttle
        server.lead(request, self.servers[0])
        try:
            async with asyncio.timeout(self._limits.timeout):
                response = await tell_exchange(request, exchange, throttle.facts)
        except TimeoutError:
            told = f"no whole reply within {self._limits.timeout:g} seconds"
            slow = httpx2.ReadTimeout(told, request=request)
            throttle.note_silence(ticket.sent, slow)
            raise slow from None
        except httpx2.TransportError as error:
            throttle.note_silence(ticket.sent, error)
            raise
        else:
            server.note_reply(response, ticket)
            server.is_out |= is_refusal(response) and len(self._live) > 1
            return response
        finally:
            self._leave(ticket, server)

    async def _wait_for_turn(self, size: int) -> Ticket:
        costs = estimate_costs(size)
        future = asyncio.get_running_loop().create_future()
        ticket = Ticket(current_asker(), next(self._numbers), costs, future)
        self._waiting.append(ticket)
        self._admit()
        try:
            await ticket.admitted
        except BaseException:
            if chain := current_chain():
                chain.served = Served(Usage(), spent=False)  # nobody was asked
            if ticket in self._waiting:
                self._waiting.remove(ticket)
            for server in self.servers:
                if ticket in server.under_way:  # given up in the moment of its turn
                    self._leave(ticket, server)
            raise
        return ticket

    def _admit(self) -> None:
        """Let go who may go; if that is a matter of time, look again then."""
        while self._waiting and sum(len(server.under_way) for server in self.servers) < self._limits.concurrency:
            now = self._policy.clock()
            ticket = min(self._waiting, key=lambda one: (self._under_way[one.asker], one.number))
            server, wait = choose_server(self.servers, ticket.costs, now)
            if server is None:
                self._look_again_in(wait, now)
                return
            self._waiting.remove(ticket)
            self._under_way[ticket.asker] += 1
            server.take(ticket, now)
            if not ticket.admitted.done():
                ticket.admitted.set_result(server)

    def _look_again_in(self, seconds: float, now: float) -> None:
        if seconds == float("inf") or (self._alarm and self._alarm_at <= now + seconds):
            return
        self.close()
        self._alarm_at = now + seconds
        self._alarm = asyncio.ensure_future(self._ring(seconds))

    async def _ring(self, seconds: float) -> None:
        await self._policy.sleep(seconds)
        self._alarm = None
        self._admit()

    def _leave(self, ticket: Ticket, server: Server) -> None:
        server.under_way.discard(ticket)
        self._under_way[ticket.asker] -= 1
        if not self._under_way[ticket.asker]:
            del self._under_way[ticket.asker]
        if self.is_server_given_up:
            self._turn_away()
        self._admit()

    def _turn_away(self) -> None:
        waiting, self._waiting = self._waiting, []
        policy, reached = self._policy, any(server.throttle.was_reached for server in self.servers)
        seconds = policy.longest_absence if reached else policy.first_absence
        told = f"{self._name}: no answer for {seconds:g} seconds; is the server running, and the address right?"
        for ticket in waiting:
            if not ticket.admitted.done():
                ticket.admitted.set_exception(ModelAway(told))


_pace: ContextVar[Pace | None] = ContextVar("pace", default=None)


async def in_turn(request: httpx2.Request, exchange: Exchange) -> httpx2.Response:
    """The response of ``exchange`` when the request's turn has come, at once where nobody sets a pace.

    What ``exchange`` sends through another transport has had its turn.
    """
    pace = _pace.get()
    if pace is None:
        return await exchange()
    token = _pace.set(None)
    try:
        return await pace.send(request, exchange)
    finally:
        _pace.reset(token)


class PacedTransport(httpx2.AsyncBaseTransport):
    """Sends each request in its turn, and reads its whole reply."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        return await in_turn(request, partial(self._exchange, request))

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def _exchange(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._inner.handle_async_request(request)
        content = await response.aread()
        await response.aclose()
        headers = [(name, value) for name, value in response.headers.items() if name.lower() not in _OF_THE_BODY]
        return httpx2.Response(response.status_code, headers=headers, content=content)
