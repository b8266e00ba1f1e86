"""When a request may go: limits, the server's own wishes, and turns that are fair to all records."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from itertools import count

import httpx2

from extractor.errors import ModelAway
from extractor.schemas import Usage

from .chain import Asker, Served, current_asker, current_chain
from .throttle import Costs, PaceLimits, Throttle, estimate_costs
from .told import tell_exchange
from .transport import RetryPolicy

__all__ = ["Pace", "PacedTransport", "in_turn"]

Exchange = Callable[[], Awaitable[httpx2.Response]]

_OF_THE_BODY = frozenset({"content-encoding", "content-length", "transfer-encoding"})


@dataclass(slots=True, eq=False)
class _Ticket:
    """A request that waits for its turn, what it is about to cost, and when it was sent."""

    asker: Asker
    number: int
    costs: Costs
    admitted: asyncio.Future[None]
    sent: float = field(default=0.0)


class Pace:
    """Lets requests to one server go when they may. Belongs to the event loop in which it is used.

    A request goes when the ``Throttle`` lets it. Of those that wait, the first of the record with the fewest under way
    goes first: a record with many questions holds up no other.
    """

    def __init__(self, limits: PaceLimits, policy: RetryPolicy, name: str) -> None:
        self._limits, self._policy, self._name = limits, policy, name
        self._throttle = Throttle(limits, policy)
        self._waiting: list[_Ticket] = []
        self._under_way: Counter[Asker] = Counter()
        self._sent: set[_Ticket] = set()
        self._numbers = count()
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_at = 0.0

    @property
    def is_server_away(self) -> bool:
        """Whether the breaker is open: then it is not the single request that fails."""
        return self._throttle.breaker.is_open

    @property
    def is_server_given_up(self) -> bool:
        """Whether the server was away for longer than one waits."""
        return self._throttle.breaker.is_given_up(self._policy.clock())

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
        try:
            async with asyncio.timeout(self._limits.timeout):
                response = await tell_exchange(request, exchange)
        except TimeoutError:
            self._throttle.note_silence(ticket.sent, is_slow=True)
            told = f"no whole reply within {self._limits.timeout:g} seconds"
            raise httpx2.ReadTimeout(told, request=request) from None
        except httpx2.TransportError as error:
            self._throttle.note_silence(ticket.sent, is_slow=isinstance(error, httpx2.TimeoutException))
            raise
        else:
            others = [other.costs for other in self._sent if other is not ticket]
            self._throttle.note_reply(response, ticket.sent, ticket.costs, others)
            return response
        finally:
            self._leave(ticket)

    async def _wait_for_turn(self, size: int) -> _Ticket:
        costs = estimate_costs(size)
        future = asyncio.get_running_loop().create_future()
        ticket = _Ticket(current_asker(), next(self._numbers), costs, future)
        self._waiting.append(ticket)
        self._admit()
        try:
            await ticket.admitted
        except BaseException:
            if chain := current_chain():
                chain.served = Served(Usage(), spent=False)  # nobody was asked
            if ticket in self._sent:  # given up in the moment of its turn
                self._leave(ticket)
            elif ticket in self._waiting:
                self._waiting.remove(ticket)
            raise
        return ticket

    def _admit(self) -> None:
        """Let go who may go; if that is a matter of time, look again then."""
        while self._waiting and self._throttle.has_room(len(self._sent)):
            now = self._policy.clock()
            ticket = min(self._waiting, key=lambda one: (self._under_way[one.asker], one.number))
            if (wait := self._throttle.wait(ticket.costs, now)) > 0:
                self._look_again_in(wait, now)
                return
            self._waiting.remove(ticket)
            self._sent.add(ticket)
            self._under_way[ticket.asker] += 1
            self._throttle.charge(ticket.costs, now)
            ticket.sent = now
            if not ticket.admitted.done():
                ticket.admitted.set_result(None)

    def _look_again_in(self, seconds: float, now: float) -> None:
        if self._alarm and self._alarm_at <= now + seconds:
            return
        self.close()
        self._alarm_at = now + seconds
        self._alarm = asyncio.ensure_future(self._ring(seconds))

    async def _ring(self, seconds: float) -> None:
        await self._policy.sleep(seconds)
        self._alarm = None
        self._admit()

    def _leave(self, ticket: _Ticket) -> None:
        self._sent.discard(ticket)
        self._under_way[ticket.asker] -= 1
        if not self._under_way[ticket.asker]:
            del self._under_way[ticket.asker]
        if self.is_server_given_up:
            self._turn_away()
        self._admit()

    def _turn_away(self) -> None:
        waiting, self._waiting = self._waiting, []
        seconds = self._policy.longest_absence
        told = f"{self._name}: the server has not answered for {seconds:g} seconds; go on when it does"
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
