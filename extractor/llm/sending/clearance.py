"""The other end of ``.relay``: requests of many processes go as those of one would, past one store, budget and pace."""

from collections.abc import Awaitable, Callable, Hashable

import httpx2

from extractor.errors import ModelAway
from extractor.llm.chain import Asker, Chain, Verdict, resumed
from extractor.llm.keeping.stored import OpenReplies, StoredTransport
from extractor.schemas import Usage

from .metered import Meter
from .pace import Pace, PacedTransport
from .relay import KeptAnswer, RelayedReply, RelayedRequest, Unanswered
from .throttle import PaceLimits
from .transport import RetryPolicy
from .usage import UsageTally, read_raw_usage

__all__ = ["ClearanceDesk"]

Exchange = Callable[[], Awaitable[RelayedReply | Unanswered]]

_NOWHERE = "http://relay.invalid/v1/chat/completions"


class ClearanceDesk:
    """Serves what the store has an answer to, and lets the rest go: equal requests share one exchange, each waits for
    the budget of ``meter`` and for its turn under ``limits``, and every reply is kept before it is believed.

    Requests come from ``origins``, each of which numbers its own chains. ``name`` is the model's, for messages.
    Belongs to one event loop.
    """

    def __init__(self, replies: OpenReplies, meter: Meter | None, limits: PaceLimits, name: str) -> None:
        self._pace = Pace(limits, RetryPolicy(), name)
        self._stored = StoredTransport(replies, PacedTransport(_Handed()), meter)
        self._chains: dict[tuple[Hashable, int], Chain] = {}
        self._tally = UsageTally()

    @property
    def usage(self) -> Usage:
        """What was asked of the model, of whichever process."""
        return self._tally.usage

    async def serve(self, origin: Hashable, request: RelayedRequest, exchange: Exchange) -> KeptAnswer | None:
        """The kept answer to a request, or None once ``exchange`` has sent it and told what came back.

        Raises ``ExtractorError`` if it may not be sent: ``BudgetReached``, ``ModelAway``, ``StoreError``.
        """
        chain = self._chains.setdefault((origin, request.chain), Chain(request.prompt, Asker(request.record_id)))
        sent = httpx2.Request("POST", _NOWHERE, content=request.body)
        sent.extensions["exchange"] = lambda: self._count(exchange)
        with self._pace.at_hand(), resumed(chain):
            try:
                response = await self._stored.handle_async_request(sent)
            except httpx2.TransportError:
                return None  # whoever sent it knows
            finally:
                served = chain.take_served()
        return KeptAnswer(response.content, served) if served else None

    def end(self, origin: Hashable, number: int, verdict: Verdict | None, why: str) -> None:
        """Note how a chain of an origin ended."""
        chain = self._chains.pop((origin, number), None)
        for ending in chain.endings if chain else ():
            ending(verdict, why)

    def forget(self, origin: Hashable) -> None:
        """An origin is gone, and its chains with it."""
        for name, number in [known for known in self._chains if known[0] == origin]:
            self.end(name, number, None, "")

    def close(self) -> None:
        """Wait for nothing more."""
        self._pace.close()

    async def _count(self, exchange: Exchange) -> RelayedReply | Unanswered:
        usage = Usage(calls=1)
        try:
            outcome = await exchange()
            if isinstance(outcome, Unanswered) and outcome.kind == ModelAway.__name__:
                usage = Usage()
            elif isinstance(outcome, RelayedReply) and outcome.status == httpx2.codes.OK:
                usage = read_raw_usage(outcome.content)
        finally:
            self._tally.add(usage)
        return outcome


class _Handed(httpx2.AsyncBaseTransport):
    """Has each request sent in the way that comes with it."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        exchange: Exchange = request.extensions["exchange"]
        outcome = await exchange()
        if isinstance(outcome, Unanswered):
            raise _as_error(outcome.kind, request)
        return httpx2.Response(outcome.status, headers=list(outcome.headers), content=outcome.content)


def _as_error(kind: str, request: httpx2.Request) -> Exception:
    if kind == ModelAway.__name__:
        return ModelAway("the server was given up")
    known = getattr(httpx2, kind, None)
    if isinstance(known, type) and issubclass(known, httpx2.TransportError):
        return known(kind, request=request)
    return httpx2.TransportError(kind, request=request)
