"""A server that takes requests and never answers them, and one that answers only the first,
against the command.
"""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest

from extractor.errors import ModelAway, ModelUnavailable
from extractor.model.asking.querying import ask
from extractor.model.client import Model
from extractor.model.pace import RetryPolicy
from extractor.model.spec import ClientSettings, ModelSpec
from tests.commands import extractor
from tests.llm.colours import ask_about, render
from tests.llm.stub import InLoop, completion, fault, items, through
from tests.skipping import loop_time, skipping_time

pytestmark = pytest.mark.slow


@dataclass
class Silent:
    """The running server: its address, and how many requests it took."""

    url: str = ""
    requests: int = 0
    held: list[socket.socket] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def serve_silence() -> Iterator[Silent]:
    """Accept each connection, read what comes, and never write a byte."""
    silent = Silent()
    listening = socket.create_server(("127.0.0.1", 0))
    silent.url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"

    def hold(connection: socket.socket) -> None:
        with suppress(OSError):
            while part := connection.recv(65536):
                with silent.lock:
                    silent.requests += part.startswith(b"POST ")

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                silent.held.append(connection)
                threading.Thread(target=hold, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield silent
    finally:
        listening.close()
        for connection in silent.held:
            connection.close()


@pytest.mark.parametrize("concurrency", [1, 3, 8])
def test_a_run_whose_server_never_answers_ends_after_one_timeout_and_one_repeat(
    records, tmp_path, concurrency
):
    words = (
        "run",
        records,
        "--effort",
        "all",
        "--out",
        tmp_path / "run",
        "--timeout",
        "1",
    )
    with serve_silence() as silent:
        ended = extractor(
            *words, "--model", f"{silent.url}#stub", "--concurrency", concurrency
        )
    said = ended.stderr.decode()
    assert ended.returncode == 75
    assert f"model stub at {silent.url}: no answer in time to the first calls (" in said
    assert (
        "requests, 1 seconds each); is the server running, and the address right?"
        in said
    )
    assert "--timeout SECONDS" in said
    assert "go on with: extractor" in said
    assert "Traceback" not in said
    assert 2 <= silent.requests <= 2 * concurrency
    manifest = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))
    assert manifest["stopped_by"] == "the model was away"
    assert manifest["records"]["failed"] == 0


FINE = completion(items(*({"n": n, "colour": "red"} for n in range(1, 9))))


def model_of(server, **settings):
    policy = RetryPolicy(clock=loop_time, jitter=lambda: 0.0)
    spec = ModelSpec.parse("http://model.test/v1#stub")
    model = Model(
        spec,
        ClientSettings(**settings),
        policy,
        answerer=lambda: through(server, model._open_live()),
    )
    return model


async def try_to_ask(model, number):
    try:
        return await ask(model, ask_about(number), render)
    except ModelUnavailable as error:
        return error


@skipping_time
async def test_the_calls_behind_those_in_flight_do_not_wait_as_long():
    """Two at once, 20 calls: without a common end each pair would take a minute."""
    server = InLoop(FINE, seconds=10_000.0)
    model = model_of(server, timeout=30.0, concurrency=2)

    async with model:
        ended = await asyncio.gather(
            *(try_to_ask(model, number) for number in range(1, 21))
        )

    assert {type(error) for error in ended} == {ModelAway}
    assert loop_time() == 30.0 + 1.0 + 30.0
    assert len(server.times) == 4


@pytest.mark.parametrize(
    "first", [FINE, fault(500, "it starts")], ids=["an answer", "a fault: it is there"]
)
@skipping_time
async def test_a_server_that_replied_once_is_treated_with_patience(first):
    server = InLoop(first, FINE)
    model = model_of(server, timeout=30.0)

    async with model:
        assert not isinstance(await try_to_ask(model, 1), ModelAway)
        begun = loop_time()
        server.seconds = 10_000.0
        ended = await try_to_ask(model, 2)

    assert "no answer in time; raise the timeout" in str(ended)
    assert type(ended) is ModelUnavailable
    assert loop_time() - begun == 6 * 30.0 + 1.0 + 2.0 + 4.0 + 8.0 + 16.0


@skipping_time
async def test_a_server_that_answers_the_repeat_is_not_given_up():
    server = InLoop(FINE, seconds=40.0)
    model = model_of(server, timeout=30.0)

    async def wake_up():
        await asyncio.sleep(30.5)
        server.seconds = 0.0

    async with model:
        reply, _ = await asyncio.gather(try_to_ask(model, 1), wake_up())
    assert [item.n for item in reply.items] == [1]
