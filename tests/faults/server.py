"""A chat server on loopback that answers every question, and does wrong what it is told to.

What it does with a request says a plan: a function of the request's number, from 0 on, to a ``Fault``.
"""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from benchmarks.soak.server import answer_request

Plan = Callable[[int], "Fault"]

_REASONS = {200: "OK", 404: "Not Found", 429: "Too Many Requests", 500: "Internal Server Error"}


@dataclass(frozen=True)
class Fault:
    """What is done with one request. As it stands, it is answered well.

    ``sent`` is the share of the reply's bytes that are sent before the connection ends, ``drip`` the seconds between
    any two of them; ``content`` stands in the place of the answer, ``body`` of the whole reply.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    sent: float = 1.0
    drip: float = 0.0
    content: str | None = None
    body: str | None = None
    message: Mapping[str, Any] = field(default_factory=dict)
    finish_reason: str = "stop"
    model: str | None = None
    error: Mapping[str, Any] = field(default_factory=dict)


WELL = Fault()


@dataclass
class FaultServer:
    """The running server and what it saw: how many requests, of what kind, how many at once, and when."""

    plan: Plan
    latency: float
    url: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0

    @property
    def calls(self) -> int:
        return self.asked.total()

    @property
    def answered_twice(self) -> list[str]:
        """Requests that got a good answer more than once: they were paid twice."""
        return [name for name, count in self.answered.items() if count > 1]

    async def serve_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while await self._serve_request(reader, writer):
                pass
        with suppress(OSError):
            writer.close()
            await writer.wait_closed()

    async def _serve_request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request. Whether the connection stays open."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("content-length:"))
        body = await reader.readexactly(length)
        name, fault = sha256(body).hexdigest(), self.plan(self.calls)
        self.asked[name] += 1
        self.times.append(asyncio.get_running_loop().time())
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await asyncio.sleep(self.latency)
        self.under_way -= 1  # before the client knows: it may send the next request at once
        await self._reply(writer, fault, make_reply(fault, json.loads(body)))
        if fault == WELL:
            self.answered[name] += 1
        return fault.sent >= 1

    async def _reply(self, writer: asyncio.StreamWriter, fault: Fault, reply: bytes) -> None:
        headers = {"Content-Type": "application/json", "Content-Length": str(len(reply)), **fault.headers}
        lines = [f"HTTP/1.1 {fault.status} {_REASONS.get(fault.status, 'Fault')}"]
        head = "\r\n".join([*lines, *(f"{key}: {value}" for key, value in headers.items())]) + "\r\n\r\n"
        if fault.sent == 0:
            return  # the connection ends before a word is said
        if not fault.drip:
            writer.write(head.encode() + reply[: int(len(reply) * fault.sent)])
            await writer.drain()
            return
        writer.write(head.encode())
        for byte in reply:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(fault.drip)


def make_reply(fault: Fault, request: dict[str, Any]) -> bytes:
    """The reply's body."""
    if fault.body is not None:
        return fault.body.encode()
    if fault.status != 200:
        return json.dumps({"error": {"message": "no", **fault.error}}).encode()
    reply = answer_well(request)
    choice = reply["choices"][0]
    if fault.content is not None:
        choice["message"]["content"] = fault.content
    choice["message"] |= fault.message
    choice["finish_reason"] = fault.finish_reason
    reply["model"] = fault.model or reply["model"]
    return json.dumps(reply).encode()


def answer_well(request: dict[str, Any]) -> dict[str, Any]:
    """The answer that keeps the schema, whichever lot the soak's server would draw."""
    plain = {**request, "messages": [{"role": "user", "content": _lines_of(request)}]}
    reply = answer_request(plain)
    if reply["choices"][0]["message"]["content"] is None or "987654" in reply["choices"][0]["message"]["content"]:
        reply["choices"][0]["message"] = {"role": "assistant", "content": '{"items": []}'}
    return reply


def _lines_of(request: dict[str, Any]) -> str:
    return next(message["content"] for message in request["messages"] if message["role"] == "user")


@contextmanager
def serve_faults(plan: Plan = lambda _: WELL, latency: float = 0.0, port: int = 0) -> Iterator[FaultServer]:
    """The server, in a thread of its own, until the block ends."""
    server = FaultServer(plan, latency)
    loop = asyncio.new_event_loop()
    ready = threading.Event()

    async def listen() -> None:
        listening = await asyncio.start_server(server.serve_connection, "127.0.0.1", port, backlog=512)
        server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
        ready.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            listening.close()

    def run() -> None:
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
        for connection in asyncio.all_tasks(loop):
            connection.cancel()
        loop.run_until_complete(asyncio.sleep(0.01))
        loop.close()

    task = loop.create_task(listen())
    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert ready.wait(10)
        yield server
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
