"""Transports between the SDK and the network that keep every reply, and ask nothing twice."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import httpx2

from extractor.errors import AnswerPending, CassetteMiss, ExtractorError, ModelUnavailable
from extractor.llm.chain import Chain, Served, Verdict, current_chain
from extractor.llm.estimates import estimate_tokens
from extractor.llm.sending.failures import ModeRefused, RequestTooLong
from extractor.llm.sending.metered import Meter, send_metered
from extractor.llm.sending.pace import PacedTransport, in_turn
from extractor.schemas import Usage

from .misses import describe_miss, identity_of
from .recording import ClientTransport
from .replies import Asked, KeptReply, ReplyStore

__all__ = ["OpenReplies", "RecallTally", "RecallTransport", "StoredTransport"]

OpenReplies = Callable[[], ReplyStore]
"""Gives the store when it is first needed: a run begins only once its model is open."""

_OF_THE_BODY = frozenset({"content-encoding", "content-length", "transfer-encoding"})
_NOT_TAKEN: Mapping[Verdict | None, type[ModelUnavailable]] = {
    Verdict.TOO_LONG: RequestTooLong,
    Verdict.MODE_REFUSED: ModeRefused,
}


class StoredTransport(httpx2.AsyncBaseTransport):
    """Serves what a store has an answer to, lets the rest through, and keeps what comes back before it is read.

    Equal requests at one time share one reply. An answer counts once the chain that it belongs to has ended well; one
    whose chain was killed is judged by the chain that it is served to; one that was judged bad is asked for anew.
    ``meter`` is asked before anything is sent.
    """

    def __init__(
        self, replies: OpenReplies, inner: httpx2.AsyncBaseTransport | None = None, meter: Meter | None = None
    ) -> None:
        self._open_replies = replies
        self._inner = inner or PacedTransport(ClientTransport())
        self._meter = meter
        self._chains: dict[Chain, int] = {}
        self._asking: dict[str, asyncio.Event] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        content = await request.aread()
        chain = current_chain()
        if chain is None:
            return await self._inner.handle_async_request(request)
        asked = Asked(json.loads(content))
        while (kept := self._replies.find(asked, self._chains.get(chain))) is None:
            if asked.key not in self._asking:
                return await self._ask(request, asked, chain)
            await self._wait(asked.key, chain)
        return self._serve(kept, asked, chain)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def _wait(self, key: str, chain: Chain) -> None:
        """Until the request of that key, which another chain sends, has ended."""
        try:
            await self._asking[key].wait()
        except asyncio.CancelledError:
            chain.served = Served(Usage(), spent=False)  # whoever is given up here has asked nobody
            raise

    @cached_property
    def _replies(self) -> ReplyStore:
        return self._open_replies()

    def _serve(self, kept: KeptReply, asked: Asked, chain: Chain) -> httpx2.Response:
        self._replies.note_use(chain.asker.record_id, asked, kept.call)
        if kept.verdict is None:
            chain.endings.append(lambda verdict, why: self._judge(kept.chain, verdict, why))
        return _serve(kept, chain, spent=False)

    async def _ask(self, request: httpx2.Request, asked: Asked, chain: Chain) -> httpx2.Response:
        """Send the request; others who would ask the same wait."""
        ended = self._asking[asked.key] = asyncio.Event()
        try:
            send = partial(self._send, request, asked, chain)
            if isinstance(self._inner, PacedTransport):
                send = partial(in_turn, request, send)  # what waits for its turn is not noted as sent
            return await send_metered(self._meter, asked.body, send)
        finally:
            del self._asking[asked.key]
            ended.set()

    async def _send(self, request: httpx2.Request, asked: Asked, chain: Chain) -> httpx2.Response:
        with self._replies.transaction():
            call = self._replies.begin_call(self._number(chain), asked)
            self._replies.note_use(chain.asker.record_id, asked, call)
        try:
            response = await self._inner.handle_async_request(request)
            content = await response.aread()
            await response.aclose()
        except ExtractorError:
            if chain.served is None:
                self._replies.withdraw_call(call)  # nobody was asked
            raise
        known = chain.served.spent_now if chain.served else None
        self._replies.end_call(call, response.status_code, content, known)
        headers = [(name, value) for name, value in response.headers.items() if name.lower() not in _OF_THE_BODY]
        return httpx2.Response(response.status_code, headers=headers, content=content)

    def _number(self, chain: Chain) -> int:
        """The chain's number in the store, where it is noted with its first request."""
        if chain not in self._chains:
            number = self._chains[chain] = self._replies.begin_chain(chain)
            chain.endings.append(lambda verdict, why: self._end(chain, number, verdict, why))
        return self._chains[chain]

    def _end(self, chain: Chain, number: int, verdict: Verdict | None, why: str) -> None:
        del self._chains[chain]
        self._judge(number, verdict, why)

    def _judge(self, number: int, verdict: Verdict | None, why: str) -> None:
        if verdict:
            self._replies.end_chain(number, verdict, why)


@dataclass(slots=True)
class RecallTally:
    """Requests to a store that may lack their answer: those it had one to, the others, and what these would take."""

    answered: int = 0
    missing: int = 0
    missing_tokens: int = 0

    def miss(self, body: Mapping[str, Any]) -> None:
        """Count a request that the store has no answer to; tokens are estimated."""
        self.missing += 1
        self.missing_tokens += estimate_tokens(json.dumps(identity_of(body), ensure_ascii=False))


class RecallTransport(httpx2.AsyncBaseTransport):
    """Answers from a run's store alone, each record with the replies that it got, valid or not.

    Questions are told apart by what they ask, whichever the model and its parameters; what failed in that run fails
    again. A question that the store does not know raises ``CassetteMiss``; with a ``tally`` it is counted and stays
    open (``AnswerPending``), and what is served counts as spent before.
    """

    def __init__(self, replies: ReplyStore, tally: RecallTally | None = None) -> None:
        self._replies, self._tally = replies, tally

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = json.loads(await request.aread())
        chain = current_chain()
        record_id = chain.asker.record_id if chain else None
        kept = self._replies.recall(record_id, Asked(body))
        if self._tally:
            return self._serve_counting(kept, body, chain)
        if kept is None:
            raise CassetteMiss(describe_miss(body, self._replies.requests_of(record_id), "the run's store"))
        if kept.content is not None:
            return _serve(kept, chain, spent=True)
        if chain:
            chain.served = Served(kept.cost, spent=True)
        raise _NOT_TAKEN.get(kept.verdict, ModelUnavailable)("no reply came when this was asked", lasting=False)

    def _serve_counting(self, kept: KeptReply | None, body: dict[str, Any], chain: Chain | None) -> httpx2.Response:
        assert self._tally
        if kept is None or kept.content is None:
            self._tally.miss(body)
            raise AnswerPending("its answer is not in the run's store")
        self._tally.answered += 1
        return _serve(kept, chain, spent=False)


def _serve(kept: KeptReply, chain: Chain | None, *, spent: bool) -> httpx2.Response:
    if chain:
        chain.served = Served(kept.cost, spent)
    return httpx2.Response(200, headers={"content-type": "application/json"}, content=kept.content)
