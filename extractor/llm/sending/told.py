"""Exchanges with a server, told as events: figures and names, never what was asked or answered."""

import json
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Any

import httpx2

from extractor.events import Event, Fact, is_heard, tell
from extractor.llm.chain import current_asker, current_chain

from .usage import read_raw_usage

__all__ = ["tell_exchange"]


async def tell_exchange(
    request: httpx2.Request, exchange: Callable[[], Awaitable[httpx2.Response]], known: Mapping[str, Fact]
) -> httpx2.Response:
    """The response of ``exchange``, which is a whole one, told with what it took and what is ``known`` of it. Its chain
    knows that it was begun.
    """
    if chain := current_chain():
        chain.exchanges += 1
    if not is_heard():
        return await exchange()
    facts = {**_describe_request(request), **known}
    since = monotonic()
    try:
        response = await exchange()
    except BaseException as error:
        # What waits for it cancels an exchange that takes too long.
        told = "Timeout" if type(error).__name__ == "CancelledError" else type(error).__name__
        tell(Event.CALL_ENDED, **facts, seconds=_seconds(since), status=None, error=told)
        raise
    tell(Event.CALL_ENDED, **facts, seconds=_seconds(since), **_describe_response(response))
    return response


def _describe_request(request: httpx2.Request) -> dict[str, Fact]:
    chain = current_chain()
    model = _load(request.content).get("model")
    return {
        "record_id": current_asker().record_id,
        "model": model if isinstance(model, str) else None,
        "attempt": chain.exchanges if chain else 1,
    }


def _describe_response(response: httpx2.Response) -> dict[str, Fact]:
    status = response.status_code
    if status != httpx2.codes.OK:
        return {"status": status, "error": str(status)}
    usage = read_raw_usage(response.content)
    reply = _load(response.content)
    choices = reply.get("choices")
    first = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    return {
        "status": status,
        "error": None,
        "response_model": _word(reply.get("model")),
        "finish_reason": _word(first.get("finish_reason")),
        "prompt_tokens": usage.prompt_tokens,
        "cached_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
    }


def _load(content: bytes) -> dict[str, Any]:
    try:
        loaded = json.loads(content)
    except ValueError:
        return {}
    return loaded if isinstance(loaded, dict) else {}


def _word(value: object) -> str | None:
    """A name as a server gives it; a sentence is none, and may hold what was asked."""
    return value if isinstance(value, str) and len(value) <= 80 and not any(map(str.isspace, value)) else None


def _seconds(since: float) -> float:
    return round(monotonic() - since, 3)
