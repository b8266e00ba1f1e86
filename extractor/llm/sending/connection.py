"""An open line to one server."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, NamedTuple

import httpx2
import openai
from openai.types.chat import ChatCompletion

from extractor.errors import ExtractorError, MissingKey
from extractor.llm.chain import current_chain
from extractor.llm.keeping.recording import ClientTransport
from extractor.llm.spec import ModelKind, ModelSpec, hide_user
from extractor.schemas import Usage

from .dialect import Dialect
from .failures import explain_failure, name_model
from .pace import Pace, PacedTransport
from .servers import find_server
from .throttle import PaceLimits
from .transport import (
    GarbledReply,
    RetryPolicy,
    asks_too_long,
    read_completion,
    recording_failure,
    send_patiently,
)
from .usage import UsageTally, read_usage

__all__ = ["Connection", "Line", "ServerCalls"]

_NO_KEY = "none"
_LONGEST_CONNECT = 10.0
"""Seconds until a connection stands; a server that is there takes no longer."""
_KNOCK, _KNOCK_TOKENS = "Are you there? Answer yes. ({})", 16
_LESSONS = 3
"""How often one request is sent again because of what its refusal taught."""


@dataclass(frozen=True, slots=True)
class Line:
    """What it takes to open a connection.

    ``extra`` goes into each request's body. ``transport`` makes the HTTP transport, which sends requests ``in_turn``;
    the default one honours proxy settings.
    """

    spec: ModelSpec
    policy: RetryPolicy
    dialect: Dialect
    limits: PaceLimits
    extra: Mapping[str, Any]
    transport: Callable[[], httpx2.AsyncBaseTransport] | None = None


class ServerCalls(NamedTuple):
    """Requests that were sent to one of several servers, and how many of them it had a fault at."""

    calls: int = 0
    faults: int = 0

    def plus(self, more: "ServerCalls") -> "ServerCalls":
        """Both together."""
        return ServerCalls(self.calls + more.calls, self.faults + more.faults)


class Connection:
    """Sends requests to one model. Belongs to the event loop in which it was opened."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._pace = Pace(line.limits, line.policy, name_model(line.spec), line.spec.addresses)
        self._client = _open_client(line)
        self._model = {"model": line.spec.name or "local"}
        self._options = openai.RequestOptions(
            headers=_withheld_headers(line.spec),
            security={"bearer_auth": True},  # as for any chat; the SDK would send an administrator's key, too
        )

    @property
    def calls_by_server(self) -> dict[str, ServerCalls]:
        """What was sent to each server of several, by its address."""
        servers = self._pace.servers if self._line.spec.others else []
        counts = (ServerCalls(server.calls, server.faults) for server in servers)
        return dict(zip(map(hide_user, self._line.spec.addresses), counts, strict=False))

    async def close(self) -> None:
        self._pace.close()
        await self._client.close()

    async def complete(self, request: dict[str, Any], max_output_tokens: int, tally: UsageTally) -> ChatCompletion:
        """The completion of a request. Every HTTP exchange it took is counted in ``tally``.

        Raises ``ModelUnavailable``, ``ModelAway`` if no other request would fare better for now, or what a recording
        raised.
        """
        attempts = 0
        policy, pace = self._line.policy, self._pace

        async def send() -> ChatCompletion:
            nonlocal attempts
            attempts += 1
            return await self._send_learning(request, max_output_tokens, tally)

        try:
            return await send_patiently(send, lambda: self._knock(tally), policy, pace)
        except (openai.APIError, GarbledReply) as error:
            away = pace.is_server_given_up or asks_too_long(error, policy)
            asked = self._line.spec if away else self._find_server(error)
            failure = recording_failure(error) or explain_failure(error, asked, attempts, away=away)
        # Raised out here so that the SDK's error, whose request holds the key, is not chained to it.
        failure.__cause__ = failure.__context__ = None
        raise failure

    async def _knock(self, tally: UsageTally) -> bool:
        """Whether another request than those that fail is answered, if only to say what is wrong with it.

        It is a part of the call for whose sake it is sent, and never the same twice: no store may answer it.
        """
        message = {"role": "user", "content": _KNOCK.format(token_hex(4))}
        parameters = self._line.dialect.parameters(_KNOCK_TOKENS)
        try:
            await self._send({"messages": [message], **self._model, **parameters}, tally)
        except openai.APIStatusError as error:
            return error.status_code < 500 and error.status_code != 429
        except (openai.APIError, GarbledReply):
            return False
        return True

    def _find_server(self, error: Exception) -> ModelSpec:
        """The model at the server that an error came from."""
        request = error.request if isinstance(error, openai.APIError) else None
        server = find_server(self._pace.servers, request)
        return self._line.spec.servers[server.number] if server else self._line.spec

    async def _send_learning(self, request: dict[str, Any], limit: int, tally: UsageTally) -> ChatCompletion:
        dialect = self._line.dialect
        for last in (False,) * _LESSONS + (True,):
            sampling = dialect.parameters(limit)
            try:
                completion = await self._send({**request, **self._model, **sampling, **self._line.extra}, tally)
            except openai.BadRequestError as error:
                if last or not dialect.learn_refusal(error, sampling):
                    raise
            else:
                if last or not dialect.learn_thinking(completion, sampling, limit):
                    return completion
        raise AssertionError("the last round returns or raises")

    async def _send(self, request: dict[str, Any], tally: UsageTally) -> ChatCompletion:
        usage = Usage(calls=1)
        chain = current_chain()
        begun = chain.exchanges if chain else 0
        try:
            with self._pace.at_hand():
                completion = read_completion(await self._post(request))
            usage = read_usage(completion)
        except json.JSONDecodeError as error:
            raise GarbledReply(f"broken JSON: {error}") from None
        except asyncio.CancelledError:
            if chain and chain.exchanges == begun:
                usage = Usage()  # given up on its way: nothing was asked of anyone
            raise
        except openai.APIConnectionError as error:
            if isinstance(recording_failure(error), ExtractorError):
                usage = Usage()  # nothing was asked of anyone
            raise
        finally:
            served = chain.take_served() if chain else None
            tally.add(served.cost if served else usage, spent=served is None or served.spent)
        return completion

    async def _post(self, request: dict[str, Any]) -> httpx2.Response:
        """Past the SDK's methods for each endpoint, which take longer to look at a request than it takes to send it."""
        return await self._client.post(
            "/chat/completions", body=request, cast_to=httpx2.Response, options=self._options
        )


def _open_client(line: Line) -> openai.AsyncOpenAI:
    spec = line.spec
    hosted = spec.kind is ModelKind.HOSTED
    if spec.base_url is None and not hosted:
        raise ValueError(f"{spec} has no server yet; start one and use spec.at(url)")
    transport = line.transport() if line.transport else PacedTransport(ClientTransport())
    longest = line.limits.timeout
    timeout = httpx2.Timeout(longest, connect=min(longest, _LONGEST_CONNECT), pool=None)
    key = spec.api_key.get_secret_value() if spec.api_key else None
    try:
        return openai.AsyncOpenAI(
            # What a hosted model's specification leaves out, the SDK takes from its own variables.
            api_key=key or (None if hosted else _NO_KEY),
            base_url=spec.base_url,
            http_client=openai.DefaultAsyncHttpxClient(transport=transport, timeout=timeout),
            timeout=timeout,
            max_retries=0,  # send_patiently does it, and says what it did
        )
    except openai.OpenAIError:
        raise MissingKey(f"model {spec.name}: there is no key for it; set OPENAI_API_KEY") from None


def _withheld_headers(spec: ModelSpec) -> dict[str, Any]:
    """Headers that the SDK fills from the environment and that are none of this server's business."""
    keyless = spec.api_key is None and spec.kind is not ModelKind.HOSTED
    withheld: dict[str, Any] = {"Authorization": openai.Omit()} if keyless else {}
    if spec.kind is not ModelKind.HOSTED:
        withheld |= {"OpenAI-Organization": openai.Omit(), "OpenAI-Project": openai.Omit()}
    return withheld
