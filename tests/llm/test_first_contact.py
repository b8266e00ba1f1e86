"""A server that accepts connections and never answers is detected in seconds; a slow server is not given up."""

import asyncio

import httpx2
import pytest

from extractor.errors import ModelAway
from extractor.llm.client import ClientSettings, Model
from extractor.llm.limits import RetryPolicy
from extractor.llm.spec import ModelSpec
from extractor.llm.transport import NetworkTransport
from tests.skipping import loop_time, skipping_time

from .colours import ask_about, render
from .stub import completion, items

SPEC = ModelSpec.parse("http://model.test/v1#stub", server_key="secret")
FINE = completion(items({"n": 1, "colour": "red"})).body


class Server(httpx2.AsyncBaseTransport):
    """Answers a question after ``seconds``, and a GET after ``probe`` seconds or with the error ``probe``."""

    def __init__(self, seconds, probe):
        self.seconds, self.probe = seconds, probe
        self.probes = []

    async def handle_async_request(self, request):
        if request.method == "GET":
            self.probes.append(request)
            if isinstance(self.probe, Exception):
                raise self.probe
            await asyncio.sleep(self.probe)
            return httpx2.Response(404, content=b"")
        await asyncio.sleep(self.seconds)
        return httpx2.Response(200, headers={"content-type": "application/json"}, content=FINE.encode())


def model_of(server, timeout=600.0):
    policy = RetryPolicy(clock=loop_time, jitter=lambda: 0.0)
    return Model(SPEC, ClientSettings(timeout=timeout), policy, lambda: NetworkTransport(inner=server))


@skipping_time
async def test_a_server_that_never_answers_is_away_after_seconds():
    server = Server(10_000.0, probe=10_000.0)
    with pytest.raises(
        ModelAway, match=r"http://model\.test/v1: no connection: .*does not answer; is the server running"
    ):
        await model_of(server).complete(ask_about(1), render)
    assert loop_time() < 30.0


@pytest.mark.parametrize("probe", [1.0, httpx2.ConnectError("busy")], ids=["answers", "one connection only"])
@skipping_time
async def test_a_slow_server_is_waited_for(probe):
    server = Server(500.0, probe)
    async with model_of(server) as model:
        for _ in range(2):
            assert (await model.complete(ask_about(1), render)).items
    assert loop_time() == 1000.0
    assert len(server.probes) == 1


@pytest.mark.parametrize(("seconds", "addresses"), [(9.0, []), (20.0, ["http://model.test/"])])
@skipping_time
async def test_a_probe_of_a_silent_server_asks_no_model_and_carries_no_key(seconds, addresses):
    server = Server(seconds, probe=0.0)
    await model_of(server).complete(ask_about(1), render)
    assert [str(probe.url) for probe in server.probes] == addresses
    assert not [probe for probe in server.probes if "authorization" in probe.headers]
