"""Transports between the SDK and a server.

Each request passes through the retries, the store of replies, the budget, the pool of servers and the network.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from secrets import token_hex
from time import monotonic
from typing import Any, Protocol

import httpx2
from tenacity import AsyncRetrying, RetryCallState, stop_after_attempt

from extractor.errors import ExtractorError, ModelError
from extractor.events import Event, Fact, is_heard, tell
from extractor.llm.estimates import RequestSize, measure_body
from extractor.schemas import Usage

from .cache import OpenReplies, ReplyCache
from .limits import RetryPolicy, is_temporary, retry_after
from .patience import Came, Watch
from .servers import ServerPool
from .spec import SHORTEST_KEY
from .trace import CallTrace, Served, current_trace, load_object, read_completion, read_finish_reason, read_usage

_OK = 200
_OUT_OF_CREDIT = "insufficient_quota"
_SHOWN = 80
"""Characters of a reply that messages show."""
_LONGEST_REPLY = 16 * 1024**2
"""Bytes of a reply; no answer has more."""
_CONNECTIONS = 16
"""Requests in flight per pool of connections."""
_PROBE_MESSAGE, _PROBE_TOKENS = "Are you there? Answer yes. ({})", 16
_BODY_HEADERS = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class GarbledReply(httpx2.RemoteProtocolError):
    """A reply with status 200 that is not a chat completion, such as a proxy's page, a truncated body or an error."""


class Meter(Protocol):
    """A budget, which decides whether a request may be sent."""

    async def reserve(self, size: RequestSize) -> int:
        """Wait for room, and reserve what a request may use. Raises ``BudgetReached`` if there will be no room."""

    def charge(self, reservation: int, usage: Usage) -> None:
        """Release a reservation, and count the actual usage."""


@dataclass(frozen=True, slots=True)
class Route:
    """The budget that requests must fit, and the transport that replaces the network."""

    meter: Meter | None = None
    transport: Callable[[], httpx2.AsyncBaseTransport] | None = None


class NetworkTransport(httpx2.AsyncBaseTransport):
    """The network. ``direct`` ignores proxy settings, as for a server on this machine."""

    def __init__(self, *, direct: bool = False, inner: httpx2.AsyncBaseTransport | None = None) -> None:
        self._direct, self._inner = direct, inner
        self._certificates = httpx2.create_ssl_context(trust_env=not direct)  # slow, so shared by all clients
        self._in_flight: dict[httpx2.AsyncClient, int] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send through the first client with few requests in flight, and return the whole response.

        A client's pool checks all its connections at each request, so many small pools use less processor time than a
        large one.
        """
        client = next((each for each, busy in self._in_flight.items() if busy < _CONNECTIONS), None)
        if client is None:  # a client, because a transport would ignore proxy settings
            limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
            verify, inner = self._certificates, self._inner
            client = httpx2.AsyncClient(
                timeout=None, limits=limits, verify=verify, trust_env=not self._direct, transport=inner
            )
        self._in_flight[client] = self._in_flight.get(client, 0) + 1
        try:
            return await _read_whole(await client.send(request, stream=True), request)
        finally:
            self._in_flight[client] -= 1

    async def aclose(self) -> None:
        for client in self._in_flight:
            await client.aclose()


async def _read_whole(response: httpx2.Response, request: httpx2.Request) -> httpx2.Response:
    """Read a reply, unpacked and without the key of its request, which some servers repeat.

    Raises ``GarbledReply`` for one that is too long or packed wrongly.
    """
    content = bytearray()
    try:
        async for part in response.aiter_bytes():
            content += part
            if len(content) > _LONGEST_REPLY:
                raise GarbledReply(f"more than {_LONGEST_REPLY:,} bytes", request=request)
    except httpx2.DecodingError as error:
        raise GarbledReply(f"packed wrongly ({error})", request=request) from None
    finally:
        await response.aclose()
    key = request.headers.get("authorization", "").removeprefix("Bearer ")
    headers = [(name, text) for name, text in response.headers.items() if name not in _BODY_HEADERS]
    if len(key) >= SHORTEST_KEY:
        headers = [(name, text.replace(key, "***")) for name, text in headers]
        content = content.replace(key.encode(), b"***")
    whole = httpx2.Response(response.status_code, headers=headers, content=bytes(content), request=request)
    whole.extensions.update({name: fact for name, fact in response.extensions.items() if name == "served"})
    return whole


class CallTransport(httpx2.AsyncBaseTransport):
    """Sends requests to a model's servers.

    Retries faults according to ``policy``, serves stored replies, reserves each request's cost with ``meter``, waits
    for a server of ``pool``, adds the usage of every exchange to the call's trace, and tells ``watch`` what came.
    ``timeout`` is in seconds, from sending a request to the last byte of its reply.
    """

    def __init__(
        self,
        network: httpx2.AsyncBaseTransport,
        pool: ServerPool,
        policy: RetryPolicy,
        timeout: float,
        replies: OpenReplies | None,
        meter: Meter | None,
        watch: Watch,
    ) -> None:
        self._network, self._pool, self._policy, self._timeout = network, pool, policy, timeout
        self._watch = watch
        self._cache = ReplyCache(replies) if replies else None
        self._meter = meter
        self._probing = asyncio.Lock()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The reply, or the last failure. Raises ``ExtractorError`` and ``httpx2.TransportError``."""
        trace = current_trace()
        assert trace, "a request belongs to a call"
        await request.aread()
        body = json.loads(request.content)

        async def attempt() -> httpx2.Response:
            trace.attempts += 1
            return await self._fetch(request, body, trace)

        def is_worth_retry(state: RetryCallState) -> bool:
            assert state.outcome
            if (error := state.outcome.exception()) is not None:
                return isinstance(error, httpx2.TransportError) and not self._pool.is_given_up
            response = state.outcome.result()
            if self._pool.server_of(request).refuses:
                return bool(response.status_code != _OK)
            return _waiting_helps(response, self._policy) and not self._pool.is_given_up

        def wait(state: RetryCallState) -> float:
            assert state.outcome
            response = None if state.outcome.failed else state.outcome.result()
            if response and self._pool.server_of(request).refuses:
                return 0.0
            return self._policy.wait_before(state.attempt_number, retry_after(response.headers) if response else None)

        trace.attempts = 0
        retrying = AsyncRetrying(
            retry=is_worth_retry,
            wait=wait,
            stop=stop_after_attempt(self._policy.attempts),
            sleep=self._policy.sleep,
            retry_error_callback=lambda state: state.outcome and state.outcome.result(),
        )
        response: httpx2.Response = await retrying(attempt)
        return response

    async def aclose(self) -> None:
        await self._network.aclose()

    async def _fetch(self, request: httpx2.Request, body: Mapping[str, Any], trace: CallTrace) -> httpx2.Response:
        """One attempt: a stored reply, or one from a server."""

        async def send() -> httpx2.Response:
            return await self._await_return(request, body, trace) or await self._send(request, body, trace)

        response = await self._cache.fetch(body, trace, send) if self._cache else await send()
        if response.status_code == _OK:
            if read_completion(response.content) is None:
                raise GarbledReply(_describe_garbled(response), request=request)
            response.headers["content-type"] = "application/json"
        return response

    async def _await_return(
        self, request: httpx2.Request, body: Mapping[str, Any], trace: CallTrace
    ) -> httpx2.Response | None:
        """While every server is away, send a short question as a probe, one at a time.

        The request itself is not sent, because it may be the cause of the faults. Returns None once a server is back,
        or a refusal that waiting does not solve. Raises ``ModelAway`` if all servers are given up.
        """
        async with self._probing:
            while self._pool.is_away:
                message = {"role": "user", "content": _PROBE_MESSAGE.format(token_hex(4))}  # never in a store
                sampling = {name: _PROBE_TOKENS for name in ("max_tokens", "max_completion_tokens") if name in body}
                sampling |= {"temperature": body["temperature"]} if "temperature" in body else {}
                question = {"messages": [message], "model": body.get("model"), **sampling}
                headers = {name: value for name, value in request.headers.items() if name not in _BODY_HEADERS}
                url = request.extensions.get("made_for") or request.url
                probe = httpx2.Request("POST", url, headers=headers, json=question)
                try:
                    response = await self._send(probe, question, trace)
                except httpx2.TransportError:
                    continue
                if self._pool.is_away and not _waiting_helps(response, self._policy):
                    return response
        return None

    async def _send(self, request: httpx2.Request, body: Mapping[str, Any], trace: CallTrace) -> httpx2.Response:
        reservation = await self._meter.reserve(measure_body(body)) if self._meter else 0
        served = Served(Usage())

        async def exchange(facts: Mapping[str, Fact]) -> httpx2.Response:
            nonlocal served
            call = self._cache.begin(body, trace) if self._cache else 0
            served = Served(Usage(calls=1), spent=True)
            try:
                response = await self._exchange(request, trace, {"model": body.get("model"), **facts})
            except ExtractorError as error:  # the request reached no server
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
        """Return the whole reply, and report it as an event."""
        trace.exchanges += 1
        since = monotonic()
        known = {"record_id": trace.session.record_id, "attempt": trace.exchanges, **facts}
        try:
            with self._watch.exchanging() as came:
                try:
                    async with asyncio.timeout(self._timeout):
                        response = await _read_whole(await self._network.handle_async_request(request), request)
                except (httpx2.TransportError, TimeoutError) as error:
                    came(Came(str(error) or type(error).__name__, "no reply"))
                    raise
                came(_describe_reply(response))
        except ExtractorError:
            raise
        except BaseException as error:
            name = "Timeout" if isinstance(error, TimeoutError) else type(error).__name__
            tell(Event.CALL_ENDED, **known, seconds=round(monotonic() - since, 3), status=None, error=name)
            if isinstance(error, TimeoutError):
                message = f"no complete reply within {self._timeout:g} seconds"
                raise httpx2.ReadTimeout(message, request=request) from None
            raise
        if "served" not in response.extensions and is_heard():
            tell(Event.CALL_ENDED, **known, seconds=round(monotonic() - since, 3), **_describe(response))
        return response


def asks_too_long(headers: Mapping[str, str], policy: RetryPolicy) -> bool:
    """Whether a server asks for a longer wait than the policy allows, as at a daily limit."""
    asked = retry_after(headers)
    return asked is not None and asked > policy.longest_wait


def _waiting_helps(response: httpx2.Response, policy: RetryPolicy) -> bool:
    """Whether a refused request may succeed later."""
    error = load_object(response.content).get("error")
    out_of_credit = isinstance(error, dict) and error.get("code") == _OUT_OF_CREDIT
    refused = response.headers.get("x-should-retry") == "false"
    lasting = out_of_credit or refused or asks_too_long(response.headers, policy)
    return is_temporary(response.status_code) and not lasting


def _describe_garbled(response: httpx2.Response) -> str:
    try:
        reply = response.json()
    except (ValueError, RecursionError):
        beginning = response.text[:_SHOWN]
        return "broken JSON" if beginning.lstrip()[:1] in ("{", "[") else f"not JSON: {beginning!r}"
    error = reply.get("error") if isinstance(reply, dict) else None
    return f"no message in it; {str(error)[:200]}" if error else "no message in it"


def _describe_reply(response: httpx2.Response) -> Came:
    """What came back, for people."""
    content = response.content
    reply, status = read_completion(content) if response.status_code == _OK else None, f"HTTP {response.status_code}"
    text, label = content.decode("utf-8", "replace"), status
    if reply:
        text = str(reply["choices"][0]["message"].get("content") or "")
        label = f"{status}, finish reason {read_finish_reason(content)}"
    elif isinstance(error := load_object(content).get("error"), dict):
        text = str(error.get("message") or text)
    beginning = " ".join(text.split())[:_SHOWN]
    brief = "rate limited" if response.status_code == HTTPStatus.TOO_MANY_REQUESTS else status
    return Came(f"{label}: {beginning!r}" if beginning else f"{label}, empty", brief, reply is not None)


def _describe(response: httpx2.Response) -> dict[str, Fact]:
    """The facts of a response for an event: numbers and names, never questions or answers."""
    status = response.status_code
    if status != _OK:
        return {"status": status, "error": str(status)}
    usage, reply = read_usage(response.content), load_object(response.content)
    choice = reply["choices"][0] if read_completion(response.content) else {}
    return {
        "status": status,
        "error": None,
        "response_model": _short_name(reply.get("model")),
        "finish_reason": _short_name(choice.get("finish_reason")),
        "prompt_tokens": usage.prompt_tokens,
        "cached_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
    }


def _short_name(value: object) -> str | None:
    """A short name without spaces. Anything else may quote the request."""
    return value if isinstance(value, str) and len(value) <= 80 and not any(map(str.isspace, value)) else None
