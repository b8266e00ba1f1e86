"""Whether anybody is there: a server that takes connections and never answers is found out long before the time-out."""

import asyncio
from typing import Any

import httpx2

__all__ = ["FirstContactTransport"]

_SILENCE_S = 10.0
"""A first answer that takes longer is a reason to look whether the server answers at all."""
_PROBE_S = 10.0


class FirstContactTransport(httpx2.AsyncBaseTransport):
    """Sends requests through ``inner``. Until a server has answered once, one that is silent for a while is probed with
    a plain GET of its root, which needs no key and no model; whatever it answers, it is there, and the request may take
    its time.

    Raises ``httpx2.ConnectTimeout`` if the probe gets no answer either.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner
        self._answered: set[bytes] = set()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        server = request.url.netloc
        if server in self._answered:
            return await self._inner.handle_async_request(request)
        exchange = asyncio.ensure_future(self._inner.handle_async_request(request))
        try:
            await asyncio.wait({exchange}, timeout=_SILENCE_S)
            if not exchange.done() and server not in self._answered and not await self._answers(request.url, exchange):
                told = "the server takes connections, and answers nothing"
                raise httpx2.ConnectTimeout(told, request=request)
            response = await exchange
        finally:
            exchange.cancel()
        self._answered.add(server)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def _answers(self, url: httpx2.URL, exchange: "asyncio.Future[httpx2.Response]") -> bool:
        """Whether the server answers a probe, or the request meanwhile."""
        probe = asyncio.ensure_future(self._probe(url))
        either: set[asyncio.Future[Any]] = {probe, exchange}
        try:
            await asyncio.wait(either, timeout=_PROBE_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            probe.cancel()
        return probe.done() or exchange.done() or url.netloc in self._answered

    async def _probe(self, url: httpx2.URL) -> None:
        try:
            response = await self._inner.handle_async_request(httpx2.Request("GET", url.copy_with(raw_path=b"/")))
            await response.aclose()
        except httpx2.TransportError:
            pass  # it refuses a second connection: it is busy with the first one
        else:
            self._answered.add(url.netloc)
