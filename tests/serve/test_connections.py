"""Connections whose other side does nothing end, and callers that go away free their places."""

import asyncio
import socket
from contextlib import asynccontextmanager, suppress

import pytest
import uvicorn
from starlette.requests import ClientDisconnect

from extractor.apps.serve import app, requests, routes
from extractor.apps.serve.problems import ProblemError
from extractor.apps.serve.reading import Posted, read_posted
from extractor.errors import RecordTooSlow
from extractor.schemas import record_limits

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
BIG = 50_000_000


async def answer(scope, receive, send):
    """An application that answers each request before it reads the body: with much for a GET,
    else with little.
    """
    body = b"x" * (BIG if scope["method"] == "GET" else 1)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def connected(monkeypatch):
    monkeypatch.setattr(app, "_PATIENCE_S", 0.2)
    config = uvicorn.Config(
        answer, port=0, http=app.WatchedConnection, lifespan="off", log_level="warning", ws="none"
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname())
    try:
        yield server, reader, writer
    finally:
        writer.close()
        server.should_exit = True
        await serving


@pytest.mark.parametrize(
    "sent", [b"", HEAD[:30], HEAD, HEAD + b"1\r\nx\r\n"], ids=["nothing", "half", "head", "body"]
)
async def test_a_connection_ends_whose_request_does_not(monkeypatch, sent):
    async with connected(monkeypatch) as (server, reader, writer):
        writer.write(sent)
        with suppress(ConnectionResetError):
            assert (await reader.read()).startswith(b"HTTP/1.1 200" if HEAD in sent else b"")
        assert not server.server_state.connections


async def test_a_reply_in_two_packets_does_not_wait_for_the_clients_acknowledgement(monkeypatch):
    async with connected(monkeypatch) as (server, reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        await reader.readexactly(20)
        (connection,) = server.server_state.connections
        line = connection.transport.get_extra_info("socket")
        assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_a_connection_ends_that_takes_nothing_of_its_response(monkeypatch):
    async with connected(monkeypatch) as (server, reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readexactly(20)
        writer.transport.pause_reading()
        while server.server_state.connections:
            await asyncio.sleep(0.01)


class Left:
    """A request whose caller goes away once the work has begun."""

    def __init__(self):
        self.begun = asyncio.Event()

    async def receive(self):
        await self.begun.wait()
        return {"type": "http.disconnect"}


async def test_work_ends_whose_caller_goes_away():
    request, ended = Left(), asyncio.Event()

    async def work():
        try:
            request.begun.set()
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(ClientDisconnect):
        await routes.while_connected(request, work())
    await ended.wait()


class Dripping:
    """A request whose body never ends and comes byte by byte."""

    def __init__(self):
        self.headers = {"content-type": "text/plain"}

    async def stream(self):
        while True:
            await asyncio.sleep(0.001)
            yield b"x"


async def test_a_body_that_never_ends_is_refused(monkeypatch):
    monkeypatch.setattr(requests, "_READ_TIMEOUT_S", 0.1)
    with pytest.raises(ProblemError, match="bytes a second") as refused:
        await requests.read_body(Dripping(), 10**9)
    assert refused.value.kind == "upload-too-slow"


# The signal may come inside a destructor, where Python prints and drops what is raised; it comes
# again.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_reading_a_body_has_a_limit_of_time(monkeypatch):
    monkeypatch.setattr(record_limits, "MAX_SECONDS", 0.02)
    with pytest.raises(RecordTooSlow):
        read_posted(Posted("a.xml", b"<clinical_study>" + b"<a/>" * 500_000 + b"</clinical_study>"))
