"""An open line to one server."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
import openai
from openai.types.chat import ChatCompletion

from extractor.errors import ExtractorError, ModelUnavailable
from extractor.schemas import Usage

from .chain import current_chain
from .dialect import Dialect
from .failures import explain_failure
from .spec import ModelKind, ModelSpec
from .transport import GarbledReply, RetryPolicy, as_completion, recording_failure, send_patiently
from .usage import UsageTally, read_usage

__all__ = ["Connection", "Line"]

_NO_KEY = "none"
_LESSONS = 3
"""How often one request is sent again because of what its refusal taught."""


@dataclass(frozen=True, slots=True)
class Line:
    """What it takes to open a connection.

    ``concurrency`` bounds the requests under way at once; ``timeout`` is in seconds; ``extra`` goes into each
    request's body. ``transport`` makes the HTTP transport, by default the SDK's own, which honours proxy settings.
    """

    spec: ModelSpec
    policy: RetryPolicy
    dialect: Dialect
    concurrency: int
    timeout: float
    extra: Mapping[str, Any]
    transport: Callable[[], httpx2.AsyncBaseTransport] | None = None


class Connection:
    """Sends requests to one server. Belongs to the event loop in which it was opened."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._slots = asyncio.Semaphore(line.concurrency)
        self._client = _open_client(line)
        self._fixed = {"model": line.spec.name or "local", "extra_headers": _withheld_headers(line.spec)}
        if line.extra:
            self._fixed["extra_body"] = dict(line.extra)

    async def close(self) -> None:
        await self._client.close()

    async def complete(self, request: dict[str, Any], max_output_tokens: int, tally: UsageTally) -> ChatCompletion:
        """The completion of a request. Every HTTP exchange it took is counted in ``tally``.

        Raises ``ModelUnavailable``, or what a recording raised.
        """
        attempts = 0

        async def send() -> ChatCompletion:
            nonlocal attempts
            attempts += 1
            return await self._send_learning(request, max_output_tokens, tally)

        async with self._slots:
            try:
                return await send_patiently(send, self._line.policy)
            except (openai.APIError, GarbledReply) as error:
                failure = recording_failure(error) or explain_failure(error, self._line.spec, attempts)
        # Raised out here so that the SDK's error, whose request holds the key, is not chained to it.
        failure.__cause__ = failure.__context__ = None
        raise failure

    async def _send_learning(self, request: dict[str, Any], limit: int, tally: UsageTally) -> ChatCompletion:
        dialect = self._line.dialect
        for last in (False,) * _LESSONS + (True,):
            sampling = dialect.parameters(limit)
            try:
                completion = await self._send(request | self._fixed | sampling, tally)
            except openai.BadRequestError as error:
                if last or not dialect.learn_refusal(error, sampling):
                    raise
            else:
                if last or not dialect.learn_thinking(completion, sampling, limit):
                    return completion
        raise AssertionError("the last round returns or raises")

    async def _send(self, request: dict[str, Any], tally: UsageTally) -> ChatCompletion:
        usage = Usage(calls=1)
        try:
            completion = as_completion(await self._client.chat.completions.create(**request))
            usage = read_usage(completion)
        except json.JSONDecodeError as error:
            raise GarbledReply(f"broken JSON: {error}") from None
        except openai.APIConnectionError as error:
            if isinstance(recording_failure(error), ExtractorError):
                usage = Usage()  # nothing was asked of anyone
            raise
        finally:
            served = chain.take_served() if (chain := current_chain()) else None
            tally.add(served.cost if served else usage, spent=served is None or served.spent)
        return completion


def _open_client(line: Line) -> openai.AsyncOpenAI:
    spec = line.spec
    hosted = spec.kind is ModelKind.HOSTED
    if spec.base_url is None and not hosted:
        raise ValueError(f"{spec} has no server yet; start one and use spec.at(url)")
    client = None
    if line.transport:
        client = openai.DefaultAsyncHttpxClient(transport=line.transport(), timeout=line.timeout)
    key = spec.api_key.get_secret_value() if spec.api_key else None
    try:
        return openai.AsyncOpenAI(
            # What a hosted model's specification leaves out, the SDK takes from its own variables.
            api_key=key or (None if hosted else _NO_KEY),
            base_url=spec.base_url,
            http_client=client,
            timeout=line.timeout,
            max_retries=0,  # send_patiently does it, and says what it did
        )
    except openai.OpenAIError:
        raise ModelUnavailable(f"model {spec.name}: there is no key for it; set OPENAI_API_KEY") from None


def _withheld_headers(spec: ModelSpec) -> dict[str, Any]:
    """Headers that the SDK fills from the environment and that are none of this server's business."""
    keyless = spec.api_key is None and spec.kind is not ModelKind.HOSTED
    withheld: dict[str, Any] = {"Authorization": openai.Omit()} if keyless else {}
    if spec.kind is not ModelKind.HOSTED:
        withheld |= {"OpenAI-Organization": openai.Omit(), "OpenAI-Project": openai.Omit()}
    return withheld
