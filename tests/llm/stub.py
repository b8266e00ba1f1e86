"""A chat server on loopback that answers from a script, faults included."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx2
import openai

from extractor.model.client import Model
from extractor.model.spec import ModelSpec
from tests.loopback import QuietHandler, run_server


@dataclass(frozen=True)
class Scripted:
    """One HTTP response. With ``cut``, the connection ends in the middle of the body."""

    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


Script = list[Scripted] | Callable[[dict[str, Any]], Scripted]


def completion(text: str | None, finish_reason: str = "stop", **more: Any) -> Scripted:
    """A chat completion. ``usage=None`` leaves it out; ``message`` adds to the message."""
    message = {"role": "assistant", "content": text, **more.pop("message", {})}
    usage = more.pop(
        "usage", {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    )
    reply = {
        "id": "chatcmpl-7",
        "object": "chat.completion",
        "created": 1,
        "model": "stub-model",
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
        "usage": usage,
        **more,
    }
    return Scripted(body=json.dumps(reply))


def items(*found: dict[str, Any]) -> str:
    return json.dumps({"items": list(found)})


def fault(
    status: int,
    message: str = "no",
    headers: dict[str, str] | None = None,
    **error: Any,
) -> Scripted:
    return Scripted(
        status, json.dumps({"error": {"message": message, **error}}), headers or {}
    )


@dataclass
class Stub:
    """The running server, with its address and its requests."""

    url: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def spec(self) -> ModelSpec:
        return ModelSpec.parse(f"{self.url}#stub")

    @property
    def said(self) -> list[str]:
        """The last message of each request."""
        return [request["messages"][-1]["content"] for request in self.requests]


class InLoop(httpx2.AsyncBaseTransport):
    """Answers from a list, then repeats the last one, in the test's own event loop, whose time may
    be skipped.

    It answers one request after the other, each after ``seconds``.
    """

    def __init__(self, *script: Scripted, seconds: float = 0.0) -> None:
        self.script = list(script)
        self.times = list[float]()
        self.seconds = seconds
        self._busy = asyncio.Lock()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.times.append(asyncio.get_running_loop().time())
        if self.seconds:
            async with self._busy:
                await asyncio.sleep(self.seconds)
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        headers = {"content-type": "application/json", **answer.headers}
        return httpx2.Response(
            answer.status,
            headers=headers,
            content=answer.body.encode(),
            request=request,
        )


class Through(Model):
    """A model whose SDK sends its requests to ``transport``; None is the network."""

    def __init__(
        self, transport: httpx2.AsyncBaseTransport | None, *arguments: Any, **named: Any
    ) -> None:
        super().__init__(*arguments, **named)
        self._transport = transport

    async def __aenter__(self) -> "Model":
        await super().__aenter__()
        if self._transport:
            self.sender.sdk._client = openai.DefaultAsyncHttpxClient(
                transport=self._transport, follow_redirects=False
            )
        return self


@contextmanager
def serve(script: Script) -> Iterator[Stub]:
    """Serve the responses of a list, then repeat the last one, or those of a function of the
    request.
    """
    remaining = list(script) if isinstance(script, list) else []
    lock = threading.Lock()

    class Handler(QuietHandler, BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                stub.requests.append(request)
                stub.headers.append(
                    {name.lower(): value for name, value in self.headers.items()}
                )
                if callable(script):
                    answer = script(request)
                else:
                    answer = remaining.pop(0) if len(remaining) > 1 else remaining[0]
            self.write(answer)

        def write(self, answer: Scripted) -> None:
            body = answer.body.encode()
            self.send_response(answer.status)
            for name, value in {
                "Content-Type": "application/json",
                **answer.headers,
            }.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if answer.cut else body)
            self.close_connection = answer.cut

    with run_server(Handler) as url:
        stub = Stub(f"{url}/v1")
        yield stub
