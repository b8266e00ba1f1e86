"""A chat server that answers every question, and does wrong what it is told to.

What it does with a request says a plan: a function of the request's number, from 0 on, to a ``Fault``; or a judge: one
of its body. It listens in the loop that runs, at a socket that is no network's (``listen_here``), or in a thread of its
own on loopback, for programs (``serve_faults``).
"""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2

from benchmarks.servers import answer_request

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
    """The running server and what it saw: how many requests, of what kind, how many at once, and when.

    After ``holds_after`` requests the next ones wait for their answers until it is None again: what a test does
    meanwhile is done in time, however busy the machine is.
    """

    plan: Plan
    latency: float
    url: str = ""
    socket: Path | None = None
    judge: Callable[[bytes], Fault] | None = None
    holds_after: int | None = None
    asked: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0
    connections: dict[asyncio.Task[Any], asyncio.StreamWriter] = field(default_factory=dict)

    @property
    def calls(self) -> int:
        return self.asked.total()

    @property
    def transport(self) -> httpx2.AsyncHTTPTransport:
        """The way to a server that listens here."""
        return httpx2.AsyncHTTPTransport(uds=str(self.socket))

    @property
    def answered_twice(self) -> list[str]:
        """Requests that got a good answer more than once: they were paid twice."""
        return [name for name, count in self.answered.items() if count > 1]

    async def serve_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self.connections[task] = writer
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._serve_request(reader, writer):
                    pass
            with suppress(OSError, asyncio.CancelledError):
                writer.close()
                await writer.wait_closed()
        finally:
            del self.connections[task]

    async def cut_connections(self) -> None:
        """End all connections, and wait until they have ended: what is left of one is an error in another test."""
        tasks = list(self.connections)
        for task, writer in self.connections.items():
            writer.transport.abort()
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # an aborted transport is closed in the next round of the loop

    async def _serve_request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request. Whether the connection stays open."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("content-length:"))
        body = await reader.readexactly(length)
        name = sha256(body).hexdigest()
        number = self.calls
        fault = self.judge(body) if self.judge else self.plan(number)
        self.asked[name] += 1
        self.times.append(asyncio.get_running_loop().time())
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await asyncio.sleep(self.latency)
        while self.holds_after is not None and number >= self.holds_after:
            await asyncio.sleep(0.01)
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


@asynccontextmanager
async def listen_here(
    plan: Plan = lambda _: WELL, latency: float = 0.0, host: str = "model.test"
) -> AsyncIterator[FaultServer]:
    """The server in the loop that runs, until the block ends; its ``transport`` leads there."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "socket"
        server = FaultServer(plan, latency, f"http://{host}/v1", path)
        listening = await asyncio.start_unix_server(server.serve_connection, path, backlog=512)
        try:
            yield server
        finally:
            listening.close()
            await server.cut_connections()


@contextmanager
def serve_faults(plan: Plan = lambda _: WELL, latency: float = 0.0) -> Iterator[FaultServer]:
    """The server, on loopback and in a thread of its own, until the block ends."""
    server = FaultServer(plan, latency)
    ready, ended = threading.Event(), asyncio.Event()

    async def listen() -> None:
        listening = await asyncio.start_server(server.serve_connection, "127.0.0.1", 0, backlog=512)
        server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
        loops.append(asyncio.get_running_loop())
        ready.set()
        await ended.wait()
        listening.close()
        await server.cut_connections()

    loops: list[asyncio.AbstractEventLoop] = []
    thread = threading.Thread(target=lambda: asyncio.run(listen()))
    thread.start()
    try:
        assert ready.wait(120)
        yield server
    finally:
        for loop in loops:
            loop.call_soon_threadsafe(ended.set)
        thread.join()
