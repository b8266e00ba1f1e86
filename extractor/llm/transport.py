"""The way of a request between the SDK and a server.

Each request passes, in this order: retries, the store of replies, the budget, its turn at a server, the network.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from secrets import token_hex
from time import monotonic
from typing import Protocol

import httpx2
from tenacity import AsyncRetrying, RetryCallState

from extractor.errors import ExtractorError, ModelError
from extractor.events import Event, Fact, tell
from extractor.llm.estimates import RequestSize, measure_body
from extractor.schemas import Usage

from .cache import Asked, OpenReplies, ReplyCache
from .failures import GarbledReply
from .limits import RetryPolicy, retry_after
from .servers import ServerPool
from .trace import CallTrace, Served, current_trace, load_object, read_completion, read_usage

_OK = 200
_TEMPORARY = frozenset({408, 409, 429})
_OUT_OF_CREDIT = "insufficient_quota"
_SILENCE_S = 10.0
"""A first answer that takes longer is a reason to check whether the server answers at all."""
_CONNECTIONS = 16
"""Requests in flight for each pool of connections."""
_PROBE_MESSAGE, _PROBE_TOKENS = "Are you there? Answer yes. ({})", 16
_BODY_HEADERS = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class Meter(Protocol):
    """A budget: it decides whether a request may be sent."""

    async def reserve(self, size: RequestSize) -> int:
        """Reserve what a request may use, once there is room. Raises ``BudgetReached`` if there will be none."""

    def charge(self, reservation: int, usage: Usage) -> None:
        """Release a reservation, and count what the request used."""


@dataclass(frozen=True, slots=True)
class Route:
    """How requests reach a model: through a budget, and through another transport than the network's."""

    meter: Meter | None = None
    transport: Callable[[], httpx2.AsyncBaseTransport] | None = None


class NetworkTransport(httpx2.AsyncBaseTransport):
    """The network. A server that has not answered yet and is silent for a while is checked by a plain GET of its root.

    ``direct`` ignores proxy settings, as for a server on this machine. Raises ``httpx2.ConnectTimeout`` for a server
    that accepts connections and answers neither request.
    """

    def __init__(self, *, direct: bool = False, inner: httpx2.AsyncBaseTransport | None = None) -> None:
        self._direct, self._inner = direct, inner
        self._certificates = httpx2.create_ssl_context(trust_env=not direct)  # takes long, so once for all clients
        self._in_flight: dict[httpx2.AsyncClient, int] = {}
        self._answered: set[bytes] = set()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.netloc in self._answered:
            return await self._send(request)
        exchange = asyncio.ensure_future(self._send(request))
        try:
            await asyncio.wait({exchange}, timeout=_SILENCE_S)
            if not exchange.done() and not await self._answers_get(request.url, exchange):
                raise httpx2.ConnectTimeout("the server takes connections, and answers nothing", request=request)
            response = await exchange
        finally:
            exchange.cancel()
        self._answered.add(request.url.netloc)
        return response

    async def aclose(self) -> None:
        for client in self._in_flight:
            await client.aclose()

    async def _send(self, request: httpx2.Request) -> httpx2.Response:
        """The whole response, through the first client with few requests in flight.

        A client's pool looks at all its connections at the begin and end of each request, so many small pools take
        less processor time than a large one.
        """
        client = next((each for each, busy in self._in_flight.items() if busy < _CONNECTIONS), None)
        client = client or self._add_client()
        self._in_flight[client] += 1
        try:
            return await client.send(request)
        finally:
            self._in_flight[client] -= 1

    def _add_client(self) -> httpx2.AsyncClient:
        # A transport of its own would ignore proxy settings, a client honours them.
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
        client = httpx2.AsyncClient(
            timeout=None, limits=limits, verify=self._certificates, trust_env=not self._direct, transport=self._inner
        )
        self._in_flight[client] = 0
        return client

    async def _answers_get(self, url: httpx2.URL, exchange: "asyncio.Future[httpx2.Response]") -> bool:
        """Whether the server answers a GET, or meanwhile a request."""
        probe = httpx2.Request("GET", url.copy_with(raw_path=b"/"))
        get = asyncio.ensure_future(self._send(probe))
        try:
            await asyncio.wait({get, exchange}, timeout=_SILENCE_S, return_when=asyncio.FIRST_COMPLETED)
            # A refused second connection means that the server is busy with the first one.
            return get.done() or exchange.done() or url.netloc in self._answered
        finally:
            get.cancel()
            await asyncio.gather(get, return_exceptions=True)


class CallTransport(httpx2.AsyncBaseTransport):
    """Sends requests to a model's servers.

    Retries faults as ``policy`` says; serves replies that are stored; asks ``meter`` before a request is sent; waits
    for its turn in ``pool``; adds the usage of every exchange to the call's trace. ``timeout`` is in seconds, from
    sending a request to the last byte of its reply.
    """

    def __init__(
        self,
        network: httpx2.AsyncBaseTransport,
        pool: ServerPool,
        policy: RetryPolicy,
        timeout: float,
        replies: OpenReplies | None = None,
        meter: Meter | None = None,
    ) -> None:
        self._network, self._pool, self._policy, self._timeout = network, pool, policy, timeout
        self._cache = ReplyCache(replies) if replies else None
        self._meter = meter

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The reply, or the last failure. Raises ``ExtractorError`` and ``httpx2.TransportError``."""
        trace = current_trace()
        assert trace, "a request belongs to a call"
        await request.aread()
        patience = _Patience(self._policy, self._pool, request, lambda: self._probe(request, trace))
        retrying = AsyncRetrying(
            retry=patience.is_worth_retry, wait=lambda _: patience.wait, sleep=self._policy.sleep, reraise=True
        )

        async def attempt() -> httpx2.Response:
            trace.attempts = patience.attempt = patience.attempt + 1
            return await self._fetch(request, trace)

        return await retrying(attempt)

    async def aclose(self) -> None:
        await self._network.aclose()

    async def _fetch(self, request: httpx2.Request, trace: CallTrace) -> httpx2.Response:
        """One attempt: a stored reply, or one from a server."""
        asked = Asked(json.loads(request.content))
        if self._cache is None:
            response = await self._send(request, asked, trace)
        else:
            response = await self._cache.fetch(asked, trace, lambda: self._send(request, asked, trace))
        if response.status_code == _OK:
            _check_completion(response, request)
        return response

    async def _send(self, request: httpx2.Request, asked: Asked, trace: CallTrace) -> httpx2.Response:
        reservation = await self._meter.reserve(measure_body(asked.body)) if self._meter else 0
        served = Served(Usage())

        async def exchange(facts: Mapping[str, Fact]) -> httpx2.Response:
            nonlocal served
            call = self._cache.begin(asked, trace) if self._cache else 0
            served = Served(Usage(calls=1), spent=True)
            try:
                response = await self._exchange(request, trace, {"model": asked.body.get("model"), **facts})
            except ExtractorError as error:  # no server was asked
                cost = error.usage if isinstance(error, ModelError) else None
                served = Served(cost or Usage(), spent=True)
                if self._cache and cost is None:
                    self._cache.replies.withdraw_call(call)
                raise
            if response.status_code == _OK:
                served = Served(read_usage(response.content), spent=True)
            served = response.extensions.get("served", served)
            if self._cache:
                self._cache.replies.end_call(call, response.status_code, response.content, served.spent_now)
            return response

        try:
            return await self._pool.send(request, exchange)
        finally:
            trace.tally.add(served.cost, spent=served.spent)
            if self._meter:
                self._meter.charge(reservation, served.spent_now)

    async def _exchange(self, request: httpx2.Request, trace: CallTrace, facts: Mapping[str, Fact]) -> httpx2.Response:
        """The whole reply, reported as an event."""
        trace.exchanges += 1
        since = monotonic()
        known = {"record_id": trace.session.record_id, "attempt": trace.exchanges, **facts}
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._network.handle_async_request(request)
                content = await response.aread()
                await response.aclose()
        except ExtractorError:
            raise
        except BaseException as error:
            name = "Timeout" if isinstance(error, TimeoutError) else type(error).__name__
            tell(Event.CALL_ENDED, **known, seconds=round(monotonic() - since, 3), status=None, error=name)
            if isinstance(error, TimeoutError):
                message = f"no whole reply within {self._timeout:g} seconds"
                raise httpx2.ReadTimeout(message, request=request) from None
            raise
        headers = [(name, value) for name, value in response.headers.items() if name.lower() not in _BODY_HEADERS]
        whole = httpx2.Response(response.status_code, headers=headers, content=content, request=request)
        whole.extensions |= {name: value for name, value in response.extensions.items() if name == "served"}
        if "served" not in whole.extensions:
            tell(Event.CALL_ENDED, **known, seconds=round(monotonic() - since, 3), **_describe(whole))
        return whole

    async def _probe(self, request: httpx2.Request, trace: CallTrace) -> bool:
        """Whether the server answers another request than one that fails, if only to say what is wrong with it.

        The probe differs each time, so that no store answers it.
        """
        message = {"role": "user", "content": _PROBE_MESSAGE.format(token_hex(4))}
        asked = json.loads(request.content)
        sampling = {name: _PROBE_TOKENS for name in ("max_tokens", "max_completion_tokens") if name in asked}
        sampling |= {"temperature": asked["temperature"]} if "temperature" in asked else {}
        body = {"messages": [message], "model": asked.get("model"), **sampling}
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _BODY_HEADERS}
        url = request.extensions.get("made_for") or request.url
        try:
            response = await self._fetch(httpx2.Request("POST", url, headers=headers, json=body), trace)
        except httpx2.TransportError:
            return False
        return response.status_code < 500 and response.status_code != 429


class _Patience:
    """Decides, for one request, whether it is sent again and after how many seconds (``wait``).

    Attempts are not counted while the server is away: the pool then waits for it. But the server may fail at this very
    request, with no other to show it. So ``probe`` sends another one in its place; if that is answered, the attempts
    that failed meanwhile count, but for two.
    """

    def __init__(
        self, policy: RetryPolicy, pool: ServerPool, request: httpx2.Request, probe: Callable[[], Awaitable[bool]]
    ) -> None:
        self._policy, self._pool, self._request, self._probe = policy, pool, request, probe
        self.attempt, self.wait = 0, 0.0
        self._counted = self._failed = self._failed_away = 0

    async def is_worth_retry(self, state: RetryCallState) -> bool:
        """Whether to send the request again. tenacity calls this after each attempt."""
        assert state.outcome
        error, self.wait = state.outcome.exception(), 0.0
        response = None if error else state.outcome.result()
        if self._pool.server_of(self._request).refuses and isinstance(response, httpx2.Response):
            return response.status_code != _OK
        temporary = _is_temporary(response, self._policy) if response else isinstance(error, httpx2.TransportError)
        if not temporary or self._pool.is_given_up:
            return False
        self._failed += 1
        if self._pool.is_away:
            self._failed_away += 1  # the first was sent before the server was known to be away
            if self._failed_away > 1 and await self._probe():
                self._counted = max(self._counted, min(self._failed, self._policy.attempts) - 2)
            return True
        self._counted += 1
        asked = retry_after(response.headers) if response else None
        self.wait = self._policy.wait_before(self._counted, asked)
        return self._counted < self._policy.attempts


def asks_too_long(headers: Mapping[str, str], policy: RetryPolicy) -> bool:
    """Whether a server asks for a longer wait than the policy allows: a limit of the day, perhaps."""
    asked = retry_after(headers)
    return asked is not None and asked > policy.longest_wait


def _is_temporary(response: httpx2.Response, policy: RetryPolicy) -> bool:
    if response.status_code not in _TEMPORARY and response.status_code < 500:
        return False
    error = load_object(response.content).get("error")
    out_of_credit = isinstance(error, dict) and error.get("code") == _OUT_OF_CREDIT
    refused = response.headers.get("x-should-retry") == "false"
    return not (out_of_credit or refused or asks_too_long(response.headers, policy))


def _check_completion(response: httpx2.Response, request: httpx2.Request) -> None:
    """Raises ``GarbledReply`` for what is no chat completion with a message."""
    if read_completion(response.content) is None:
        raise GarbledReply(_describe_garbled(response), request=request)
    response.headers["content-type"] = "application/json"


def _describe_garbled(response: httpx2.Response) -> str:
    try:
        reply = response.json()
    except ValueError:
        beginning = response.text[:80]
        return "broken JSON" if beginning.lstrip()[:1] in ("{", "[") else f"not JSON: {beginning!r}"
    error = reply.get("error") if isinstance(reply, dict) else None
    return f"no message in it; {str(error)[:200]}" if error else "no message in it"


def _describe(response: httpx2.Response) -> dict[str, Fact]:
    """What events say of a response: figures and names, never what was asked or answered."""
    status = response.status_code
    if status != _OK:
        return {"status": status, "error": str(status)}
    usage, reply = read_usage(response.content), load_object(response.content)
    choice = reply["choices"][0] if read_completion(response.content) else {}
    return {
        "status": status,
        "error": None,
        "response_model": _word(reply.get("model")),
        "finish_reason": _word(choice.get("finish_reason")),
        "prompt_tokens": usage.prompt_tokens,
        "cached_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
    }


def _word(value: object) -> str | None:
    """A server's name for something; a sentence may quote what was asked."""
    return value if isinstance(value, str) and len(value) <= 80 and not any(map(str.isspace, value)) else None
