"""A budget's place in the way of requests: it is asked before each, and told after each what it took."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import httpx2

from extractor.llm.chain import Served, current_chain
from extractor.llm.estimates import RequestSize, measure_body
from extractor.schemas import Usage

from .usage import read_raw_usage

__all__ = ["Meter", "MeteredTransport", "Route", "send_metered"]

_OK = 200


class Meter(Protocol):
    """What says whether a request may be sent."""

    async def reserve(self, size: RequestSize) -> int:
        """Set aside what a request may take, once there is room. Raises ``BudgetReached`` if there will be none."""

    def settle(self, reservation: int, usage: Usage) -> None:
        """Give back what was set aside, and count what the request took."""


@dataclass(frozen=True, slots=True)
class Route:
    """How requests get to a model: past a meter, and through another transport than the network's, or through one
    ``around`` it.
    """

    meter: Meter | None = None
    transport: Callable[[], httpx2.AsyncBaseTransport] | None = None
    around: Callable[[httpx2.AsyncBaseTransport], httpx2.AsyncBaseTransport] | None = None

    def lead(self, network: Callable[[], httpx2.AsyncBaseTransport]) -> Callable[[], httpx2.AsyncBaseTransport]:
        """What makes the transport that requests go through to a network."""
        chosen, around = self.transport or network, self.around
        return (lambda: around(chosen())) if around else chosen


async def send_metered(
    meter: Meter | None, body: Mapping[str, Any], send: Callable[[], Awaitable[httpx2.Response]]
) -> httpx2.Response:
    """The response of ``send``, which is a whole one, if the meter lets the request go. Raises ``BudgetReached``."""
    if meter is None:
        return await send()
    try:
        reservation = await meter.reserve(measure_body(body))
    except BaseException:
        if chain := current_chain():
            chain.served = Served(Usage(), spent=False)  # nobody was asked
        raise
    usage = Usage()
    try:
        response = await send()
        usage = read_raw_usage(response.content) if response.status_code == _OK else Usage(calls=1)
    finally:
        meter.settle(reservation, usage)
    return response


class MeteredTransport(httpx2.AsyncBaseTransport):
    """Sends what a meter lets through to a transport that reads whole replies."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, meter: Meter) -> None:
        self._inner, self._meter = inner, meter

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = json.loads(await request.aread())
        return await send_metered(self._meter, body, lambda: self._inner.handle_async_request(request))

    async def aclose(self) -> None:
        await self._inner.aclose()
