"""A chat server that answers every question, with planned faults.

A plan maps the number of a request, from 0, to a ``Fault``; a judge maps its body. The server is a
transport in the event loop (``FaultServer``), or listens on loopback for other processes
(``serve_faults``).
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx2

from tests.loopback import QuietHandler, run_server
from tests.stand_ins import answer_request

Plan = Callable[[int], "Fault"]


@dataclass(frozen=True)
class Fault:
    """The response to one request. The default is a good answer.

    ``sent`` is the share of the reply's bytes sent before the connection ends, ``drip`` the seconds
    between two bytes. ``content`` replaces the answer, ``body`` the whole reply. ``refused``
    refuses the connection.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    refused: bool = False
    sent: float = 1.0
    drip: float = 0.0
    content: str | None = None
    body: str | None = None
    message: Mapping[str, Any] = field(default_factory=dict)
    finish_reason: str = "stop"
    model: str | None = None
    error: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_answer(self) -> bool:
        """Whether a whole answer of a model arrives in time."""
        is_whole = self.status == 200 and self.body is None and self.sent == 1
        return is_whole and not self.refused and not self.drip

    def reply(self, body: bytes) -> bytes:
        """The reply to a request, as its JSON body."""
        if self.body is not None:
            return self.body.encode()
        if self.status != 200:
            return json.dumps({"error": {"message": "no", **self.error}}).encode()
        request = json.loads(body)
        asked = [one for one in request["messages"] if one["role"] == "user"]
        reply = answer_request({**request, "messages": asked[:1]})
        choice = reply["choices"][0]
        content = choice["message"]["content"]
        if content is None or "987654" in content:
            # the server of the soak test makes these at random
            choice["message"] = {"role": "assistant", "content": '{"items": []}'}
        if self.content is not None:
            choice["message"]["content"] = self.content
        choice["message"] |= self.message
        choice["finish_reason"] = self.finish_reason
        reply["model"] = self.model or reply["model"]
        return json.dumps(reply).encode()


WELL = Fault()


class _Cut(httpx2.AsyncByteStream):
    """A reply that arrives byte by byte, or is cut off."""

    def __init__(self, reply: bytes, fault: Fault) -> None:
        self._reply = reply
        self._fault = fault

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for byte in self._reply[: int(len(self._reply) * self._fault.sent)]:
            yield bytes([byte])
            if self._fault.drip:
                await asyncio.sleep(self._fault.drip)
        if self._fault.sent < 1:
            raise httpx2.RemoteProtocolError("the connection was cut")


@dataclass(eq=False)
class FaultServer(httpx2.AsyncBaseTransport):
    """The server, with the counts of its requests.

    On loopback, requests after the first ``holds_after`` wait until it is None again, so that a
    test can act in time.
    """

    plan: Plan = lambda _: WELL
    latency: float = 0.0
    url: str = "http://model.test/v1"
    judge: Callable[[bytes], Fault] | None = None
    holds_after: int | None = None
    asked: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    brought: Counter[str] = field(default_factory=Counter)

    @property
    def calls(self) -> int:
        return self.asked.total()

    @property
    def answers(self) -> int:
        """The answers of whatever use, which were paid; not the failures."""
        return self.brought.total()

    @property
    def answered_twice(self) -> list[str]:
        """Requests with more than one good answer, which were paid twice."""
        return [name for name, count in self.answered.items() if count > 1]

    def note(self, body: bytes) -> tuple[int, str, Fault]:
        """Count a request. Returns its number, its name and its fault."""
        number = self.calls
        name = sha256(body).hexdigest()
        fault = self.judge(body) if self.judge else self.plan(number)
        self.asked[name] += 1
        return number, name, fault

    def note_sent(self, name: str, fault: Fault) -> None:
        """Count an answer, and a good one."""
        self.brought[name] += fault.is_answer
        self.answered[name] += fault == WELL

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = await request.aread()
        _, name, fault = self.note(body)
        await asyncio.sleep(self.latency)
        if fault.refused:
            raise httpx2.ConnectError("nobody listens there")
        if fault.sent == 0:
            raise httpx2.RemoteProtocolError("it ended before the first byte")
        self.note_sent(name, fault)
        headers = {"Content-Type": "application/json", **fault.headers}
        return httpx2.Response(
            fault.status, headers=headers, stream=_Cut(fault.reply(body), fault)
        )


@contextmanager
def serve_faults(plan: Plan = lambda _: WELL) -> Iterator[FaultServer]:
    """Run the server on loopback, in its own threads, until the block ends."""
    server = FaultServer(plan)

    class Handler(QuietHandler, BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            if len(body := self.rfile.read(length)) < length:
                self.close_connection = True  # the client was killed while it sent
                return
            number, name, fault = server.note(body)
            while server.holds_after is not None and number >= server.holds_after:
                time.sleep(0.01)
            reply = fault.reply(body)
            self.send_response(fault.status)
            headers = {"Content-Type": "application/json", **fault.headers}
            headers["Content-Length"] = str(len(reply))
            for key, value in headers.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(reply)
            server.note_sent(name, fault)

    with run_server(Handler) as url:
        server.url = f"{url}/v1"
        yield server
