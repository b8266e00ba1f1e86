"""A model that is silent is given up after the patience, and a slow one is waited for."""

import asyncio
import re

import httpx2
import pytest

from extractor.errors import ModelAway
from extractor.llm.client import Model
from extractor.llm.pace import RetryPolicy
from extractor.llm.patience import Patience
from extractor.llm.spec import ClientSettings, ModelSpec
from extractor.stages.ask.querying import ask
from tests.skipping import loop_time, skipping_time

from .colours import ask_about, render
from .stub import completion, items, through

SPEC = ModelSpec.parse("http://model.test/v1#stub", server_key="a-long-secret")
FINE = completion(items(*({"n": n, "colour": "red"} for n in range(1, 9)))).body


class Server(httpx2.AsyncBaseTransport):
    """Answers one request after the other, each after ``seconds``, with a status and a body; without a network."""

    def __init__(self, seconds, status=200, body=FINE):
        self.seconds, self.status, self.body = seconds, status, body
        self.requests = []
        self._busy = asyncio.Lock()

    async def handle_async_request(self, request):
        self.requests.append(request)
        async with self._busy:
            await asyncio.sleep(self.seconds)
        return httpx2.Response(
            self.status, headers={"content-type": "application/json"}, content=self.body.encode(), request=request
        )


def model_of(server, **settings):
    """A model whose SDK sends its requests to this server."""
    policy = RetryPolicy(clock=loop_time, jitter=lambda: 0.0)
    model = Model(SPEC, ClientSettings(**settings), policy, answerer=lambda: through(server, model._open_live()))
    return model


async def ask_often(model, calls):
    """Ask so many calls at once. Returns the replies and errors."""
    async with model:
        return await asyncio.gather(
            *(ask(model, ask_about(n), render) for n in range(1, calls + 1)), return_exceptions=True
        )


@skipping_time
async def test_a_server_that_accepts_requests_and_never_answers_is_given_up():
    server = Server(10_000.0)
    ended = await ask_often(model_of(server), 8)
    assert {type(one) for one in ended} == {ModelAway}
    assert str(ended[0]).startswith(
        "model stub at http://model.test/v1: no answer for 300 seconds (8 requests), and nothing came back; is the"
    )
    assert "--timeout" in str(ended[0])
    assert loop_time() == 300.0


@pytest.mark.parametrize(("seconds", "patience"), [(25.0, 300.0), (299.0, 300.0), (500.0, 600.0)])
@skipping_time
async def test_a_slow_server_that_takes_one_request_at_a_time_is_waited_for(seconds, patience):
    server = Server(seconds)
    ended = await ask_often(model_of(server, timeout=9000.0, patience=Patience(seconds=patience)), 8)
    assert [[item.n for item in one.items] for one in ended] == [[n] for n in range(1, 9)]
    assert loop_time() == 8 * seconds
    assert len(server.requests) == 8


@skipping_time
async def test_time_without_a_question_is_no_silence():
    server = Server(1.0, 500, '{"error": {"message": "down"}}')
    model = model_of(server, patience=Patience(seconds=100.0))
    async with model:
        assert not isinstance((await ask_often(model, 1))[0], ModelAway)
        await asyncio.sleep(5000.0)
        server.status, server.body = 200, FINE
        assert (await ask(model, ask_about(1), render)).items


@skipping_time
async def test_the_progress_line_says_what_is_waited_for():
    server = Server(60.0)
    model = model_of(server)

    async def look(*pauses):
        seen = []
        for pause in pauses:
            await asyncio.sleep(pause)
            seen.append(model.watch.describe_wait())
        return seen

    _, first = await asyncio.gather(ask_often(model, 1), look(1.0, 39.0))
    assert first == ["", "waiting for the first answer of model stub at http://model.test/v1, 40 s"]
    assert model.watch.describe_wait() == ""
    server.seconds, server.status, server.body = 0.0, 429, '{"error": {"message": "no"}}'
    _, limited = await asyncio.gather(ask_often(model, 1), look(*[1.0] * 30))
    assert any(re.fullmatch(r"rate limited, next try in \d+ s", said) for said in limited)
