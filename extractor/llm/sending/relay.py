"""Requests that are let go from elsewhere: store, budget and limits are another process's, the network is used here."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import httpx2

from extractor.errors import ExtractorError
from extractor.llm.call import PromptVersion
from extractor.llm.chain import Chain, Served, Verdict, current_chain
from extractor.schemas import Usage

__all__ = ["Clearance", "KeptAnswer", "RelayTransport", "RelayedReply", "RelayedRequest", "Unanswered"]

_JSON = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class RelayedRequest:
    """A request that would be sent. ``chain`` numbers the chains of one process."""

    chain: int
    record_id: str | None
    prompt: PromptVersion
    body: bytes


@dataclass(frozen=True, slots=True)
class RelayedReply:
    """What a server replied, whole."""

    status: int
    headers: tuple[tuple[str, str], ...]
    content: bytes


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No reply came: ``kind`` is the error's name."""

    kind: str


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What the store has for a request, and what that cost when it was asked."""

    content: bytes
    served: Served


class Clearance(Protocol):
    """Whoever lets requests go."""

    async def clear(self, request: RelayedRequest) -> KeptAnswer | int:
        """The answer that is there already, or the number under which the reply is to be reported.

        Raises ``ExtractorError`` if the request may not go.
        """

    def report(self, number: int, outcome: RelayedReply | Unanswered) -> None:
        """Say what came back."""

    def end(self, chain: int, verdict: Verdict | None, why: str) -> None:
        """Say how a chain ended that asked for clearance."""


class RelayTransport(httpx2.AsyncBaseTransport):
    """Sends what is cleared, at most ``most`` requests at once, through ``network``, which reads whole replies.

    Clearance is asked for ahead, so that the way there and back costs no time. A reply is reported before it is read,
    and not waited for until it is kept.
    """

    def __init__(self, clearance: Clearance, network: httpx2.AsyncBaseTransport, most: int) -> None:
        self._clearance, self._network = clearance, network
        self._slots = asyncio.Semaphore(most)
        self._chains: dict[Chain, int] = {}
        self._begun = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        chain = current_chain()
        if chain is None:
            return await self._network.handle_async_request(request)
        wish = RelayedRequest(self._number(chain), chain.asker.record_id, chain.prompt, await request.aread())
        cleared = await _asking_nobody(chain, lambda: self._clearance.clear(wish))
        if isinstance(cleared, KeptAnswer):
            chain.served = cleared.served
            return httpx2.Response(200, headers=_JSON, content=cleared.content)
        return await self._exchange(request, cleared)

    async def aclose(self) -> None:
        await self._network.aclose()

    async def _exchange(self, request: httpx2.Request, number: int) -> httpx2.Response:
        try:
            async with self._slots:
                response = await self._network.handle_async_request(request)
                content = await response.aread()
        except BaseException as error:
            self._clearance.report(number, Unanswered(type(error).__name__))
            raise
        headers = tuple((name, value) for name, value in response.headers.items())
        self._clearance.report(number, RelayedReply(response.status_code, headers, content))
        return response

    def _number(self, chain: Chain) -> int:
        if chain not in self._chains:
            self._begun += 1
            number = self._chains[chain] = self._begun
            chain.endings.append(lambda verdict, why: self._end(chain, number, verdict, why))
        return self._chains[chain]

    def _end(self, chain: Chain, number: int, verdict: Verdict | None, why: str) -> None:
        del self._chains[chain]
        self._clearance.end(number, verdict, why)


async def _asking_nobody(chain: Chain, clear: Callable[[], Awaitable[KeptAnswer | int]]) -> KeptAnswer | int:
    try:
        return await clear()
    except (ExtractorError, asyncio.CancelledError):
        chain.served = Served(Usage(), spent=False)
        raise
