"""The servers of one model: what each bears, and which of them a request goes to."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import httpx2

from extractor.llm.chain import Asker

from .throttle import Costs, PaceLimits, Throttle, open_buckets
from .transport import RetryPolicy

__all__ = ["Server", "Ticket", "choose_server", "find_server", "is_refusal", "open_servers"]

_NUMBER = "server"
_REFUSALS = frozenset({401, 404})
"""The key or the model's name is wrong: no other request would fare better there."""


@dataclass(slots=True, eq=False)
class Ticket:
    """A request that waits for its turn, what it is about to cost, and when it was sent to which server."""

    asker: Asker
    number: int
    costs: Costs
    admitted: "asyncio.Future[Server]"
    sent: float = 0.0


@dataclass(slots=True, eq=False)
class Server:
    """One server: its address, None where the request has it already, what holds requests back, and those under way.

    ``calls`` were sent there, and ``faults`` of them got no reply, or one that tells of a fault of the server.
    ``is_out``: it refuses whatever is asked.
    """

    number: int
    address: httpx2.URL | None
    throttle: Throttle
    under_way: set[Ticket] = field(default_factory=set)
    calls: int = 0
    is_out: bool = False

    @property
    def faults(self) -> int:
        return self.throttle.faults

    @property
    def has_room(self) -> bool:
        """Whether a request may go beside those under way, as soon as it need not wait."""
        return not self.is_out and self.throttle.has_room(len(self.under_way))

    def burden(self, now: float) -> tuple[bool, bool, float, int]:
        """By which the server is found that is to be asked next, of those that may be asked.

        One that was away is tried, since it would never be found to be there otherwise. Then goes one that had no fault
        just now, and has less under way than others, measured by what it bears.
        """
        throttle = self.throttle
        is_tried = throttle.breaker.is_open
        load = (len(self.under_way) + 1) / throttle.bears
        return not is_tried, throttle.is_doubtful(now), load, self.calls

    def take(self, ticket: Ticket, now: float) -> None:
        """A request is sent there."""
        self.under_way.add(ticket)
        self.calls += 1
        ticket.sent = now
        self.throttle.charge(ticket.costs, now)

    def lead(self, request: httpx2.Request, first: "Server") -> None:
        """Give a request, made for the ``first`` server, this one's address."""
        if self.address is None or first.address is None:
            return
        below = request.url.raw_path[len(first.address.raw_path.rstrip(b"/")) :]
        request.url = self.address.copy_with(raw_path=self.address.raw_path.rstrip(b"/") + below)
        request.headers["Host"] = request.url.netloc.decode("ascii")
        request.extensions[_NUMBER] = self.number

    def note_reply(self, response: httpx2.Response, ticket: Ticket) -> None:
        """Learn from a reply."""
        others: Iterator[Costs] = (other.costs for other in self.under_way if other is not ticket)
        self.throttle.note_reply(response, ticket.sent, ticket.costs, others)


def open_servers(limits: PaceLimits, policy: RetryPolicy, addresses: Sequence[str] = ()) -> list[Server]:
    """The servers of these addresses; one without an address where there are not several. What the user allows in a
    minute, all share; what a server bears and allows is its own.
    """
    given = open_buckets(limits, policy.clock())
    if len(addresses) < 2:
        return [Server(0, None, Throttle(limits, policy, given))]
    return [
        Server(number, httpx2.URL(address.rstrip("/")), Throttle(limits, policy, given, number + 1))
        for number, address in enumerate(addresses)
    ]


def choose_server(servers: Sequence[Server], costs: Costs, now: float) -> tuple[Server | None, float]:
    """The server that a request of such costs goes to, or None, and the seconds until one can be looked for again.

    These are infinite where something under way must end first.
    """
    shortest, ready = float("inf"), []
    for server in servers:
        if server.has_room:
            wait = server.throttle.wait(costs, now)
            shortest = min(shortest, wait)
            if wait <= 0:
                ready.append(server)
    if not ready:
        return None, shortest
    return min(ready, key=lambda server: server.burden(now)), 0.0


def find_server(servers: Sequence[Server], request: httpx2.Request | None) -> Server | None:
    """The server that a request was sent to, None where there are not several."""
    number = request.extensions.get(_NUMBER) if request else None
    return None if number is None else servers[number]


def is_refusal(response: httpx2.Response) -> bool:
    """Whether a server will refuse all other requests, too."""
    return response.status_code in _REFUSALS
