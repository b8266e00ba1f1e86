"""A chat server in a process of its own, which answers any question after a while and costs little itself."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import urlopen

__all__ = ["read_log", "serve_slowly"]

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_LINE = re.compile(rb"\[(\d+)\|concept")


@contextmanager
def serve_slowly(latency: float) -> Iterator[str]:
    """The address of the server, until the block ends. Each answer comes ``latency`` seconds after its question."""
    command = [sys.executable, "-m", "benchmarks.throughput.server", str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}/v1"
        finally:
            server.terminate()


def read_log(address: str) -> tuple[int, float]:
    """Calls since this was read last, and the seconds from the first one to the last answer."""
    with urlopen(address) as reply:
        told = json.load(reply)
    return told["calls"], told["seconds"]


class _Log:
    """When requests came and when the last one was answered, in seconds of this process' clock."""

    def __init__(self) -> None:
        self.calls, self.first, self.last = 0, 0.0, 0.0

    def note_call(self, now: float) -> None:
        self.calls += 1
        self.first = self.first or now

    def take(self) -> bytes:
        told = json.dumps({"calls": self.calls, "seconds": self.last - self.first}).encode()
        self.calls, self.first, self.last = 0, 0.0, 0.0
        return told


class _Connection(asyncio.Protocol):
    """One client. It asks one thing after the other."""

    def __init__(self, latency: float, log: _Log) -> None:
        self._latency, self._log = latency, log
        self._loop = asyncio.get_running_loop()
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head = self._received.find(b"\r\n\r\n")
        if head < 0:
            return
        length = _LENGTH.search(self._received, 0, head)
        if length is None:
            self._received.clear()
            self._send(self._log.take())
        elif len(self._received) >= head + 4 + int(length[1]):
            self._log.note_call(self._loop.time())
            reply = _make_reply(bytes(self._received[head + 4 :]))
            self._received.clear()
            self._loop.call_later(self._latency, self._answer, reply)

    def _answer(self, reply: bytes) -> None:
        self._log.last = self._loop.time()
        self._send(reply)

    def _send(self, reply: bytes) -> None:
        if not self._transport.is_closing():
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(reply)}\r\n\r\n"
            self._transport.write(head.encode() + reply)


def _make_reply(request: bytes) -> bytes:
    """A valid answer to this program's question, or to that of a peer, which names its own list."""
    if b'"extraction_class"' in request or b"_attributes" in request:
        content = json.dumps({"extractions": [{"outcome": "nights", "outcome_attributes": {}}]})
    else:
        numbers = [int(number) for number in _LINE.findall(request)]
        content = json.dumps(
            {"items": [{"n": number, "concept": "other", "domain": "other"} for number in numbers[-1:]]}
        )
    message = {"role": "assistant", "content": content}
    usage = {"prompt_tokens": len(request) // 4, "completion_tokens": 20, "total_tokens": len(request) // 4 + 20}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    reply = {"id": "chatcmpl-0", "object": "chat.completion", "created": 0, "model": "stub"}
    return json.dumps({**reply, "choices": [choice], "usage": usage}).encode()


async def _serve(latency: float) -> None:
    log = _Log()
    server = await asyncio.get_running_loop().create_server(
        lambda: _Connection(latency, log), "127.0.0.1", 0, backlog=1024
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
