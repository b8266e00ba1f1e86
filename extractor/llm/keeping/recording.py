"""Answers of a model kept in a folder, and given back without one."""

import json
import os
import ssl
from collections.abc import Mapping
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any

import httpx2

from extractor.errors import CassetteError, CassetteMiss
from extractor.llm.answer_mode import AnswerMode, told_mode
from extractor.llm.chain import current_prompt
from extractor.llm.spec import shown_model

from .misses import describe_miss, exchange_key, identity_of

__all__ = ["ClientTransport", "RecordingTransport", "ReplayTransport"]

_serial = count()


class RecordingTransport(httpx2.AsyncBaseTransport):
    """Keeps each request and its successful reply as ``<key>.json`` in a folder, and lets everything through.

    The key is that of ``exchange_key``: the same question to another model replaces the answer. A reply that was cut
    off never replaces a whole one. Neither keys nor addresses are kept, and nothing that changes by itself.
    """

    def __init__(self, folder: Path, inner: httpx2.AsyncBaseTransport | None = None) -> None:
        self._folder = folder
        self._inner = inner or ClientTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = await request.aread()
        response = await self._inner.handle_async_request(request)
        if response.status_code != 200 or not request.url.path.endswith("/chat/completions"):
            return response
        content = await response.aread()
        await response.aclose()
        exchange = _exchange(json.loads(body), content)
        if exchange:
            _keep(self._folder, exchange)
        kind = response.headers.get("content-type", "application/json")
        return httpx2.Response(200, headers={"content-type": kind}, content=content)

    async def aclose(self) -> None:
        await self._inner.aclose()


class ReplayTransport(httpx2.AsyncBaseTransport):
    """Answers from a folder that ``RecordingTransport`` filled, and never touches the network.

    The folder is read once, at the first request; one transport can serve many connections in turn. What was recorded
    under a grammar for the lines of one call (``AnswerMode.LINES``) answers the same messages without it.

    Raises ``CassetteMiss`` for a request that is not there and ``CassetteError`` for a folder or file that is broken.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._exchanges: dict[str, Any] | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self._exchanges is None:
            self._exchanges = _load_exchanges(self._folder)
        body = json.loads(await request.aread() or b"{}")
        exchange = self._exchanges.get(exchange_key(body)) or self._exchanges.get(_key_of_messages(body))
        if exchange is None:
            recorded = {known["name"]: known["request"] for known in self._exchanges.values()}
            raise CassetteMiss(describe_miss(body, recorded, str(self._folder)))
        return httpx2.Response(200, json=_as_completion(exchange))


class ClientTransport(httpx2.AsyncBaseTransport):
    """The network as a client of its own sees it. A client that is given a transport ignores proxy settings."""

    def __init__(self, secure: ssl.SSLContext | bool = True) -> None:  # noqa: FBT001, FBT002 - as httpx2 has it
        # Waiting and the number of connections are bounded by who sends through it.
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
        self._client = httpx2.AsyncClient(verify=secure, timeout=None, limits=limits)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await self._client.send(request, stream=True)

    async def aclose(self) -> None:
        await self._client.aclose()


def _stem(key: str) -> str:
    return key[:16]


def _exchange(body: Mapping[str, Any], content: bytes) -> dict[str, Any] | None:
    """What is kept of an exchange; None if the reply is no chat completion."""
    try:
        reply = json.loads(content)
        choice = reply["choices"][0]
        message = {name: value for name, value in choice["message"].items() if value is not None}
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    for position, call in enumerate(message.get("tool_calls") or []):
        call["id"] = f"call_{position}"
    prompt = current_prompt()
    return {
        "key": exchange_key(body),
        "prompt": asdict(prompt) if prompt else None,
        "model": shown_model(reply.get("model")),
        "request": {name: value for name, value in identity_of(body).items() if value},
        "reply": {"message": message, "finish_reason": choice.get("finish_reason")},
        "usage": reply.get("usage"),
    }


def _keep(folder: Path, exchange: dict[str, Any]) -> None:
    path = folder / f"{_stem(exchange['key'])}.json"
    temporary = folder / f".{path.stem}.{os.getpid()}.{next(_serial)}"
    try:
        if exchange["reply"]["finish_reason"] == "length" and path.exists():
            return
        folder.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(exchange, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise CassetteError(f"{path}: cannot be written: {error.strerror}; record into another folder") from error


def _load_exchanges(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise CassetteError(f"{folder}: no such folder of recordings")
    exchanges = {}
    for path in sorted(folder.glob("*.json")):
        try:
            exchange = json.loads(path.read_text(encoding="utf-8"))
            request = exchange["request"]
            known = {"name": path.name} | {name: exchange[name] for name in _NEEDED}
            exchanges[exchange_key(request)] = known
            if told_mode(request) is AnswerMode.LINES:
                exchanges[_key_of_messages(request)] = known
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise CassetteError(f"{path}: no recording of an exchange: {error}; record it again") from error
    return exchanges


def _key_of_messages(request: Mapping[str, Any]) -> str:
    return "lines " + exchange_key({"messages": request.get("messages")})


_NEEDED = ("model", "request", "reply", "usage")


def _as_completion(exchange: Mapping[str, Any]) -> dict[str, Any]:
    key = exchange_key(exchange["request"])
    return {
        "id": f"chatcmpl-{_stem(key)}",
        "object": "chat.completion",
        "created": 0,
        "model": exchange["model"],
        "choices": [{"index": 0, "logprobs": None, **exchange["reply"]}],
        "usage": exchange["usage"],
    }
