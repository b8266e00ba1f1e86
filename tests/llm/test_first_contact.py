"""A model that is silent is given up after the patience, and a slow one is waited for."""

import asyncio
import re

import httpx2
import pytest

from extractor.ask.answers import ask
from extractor.errors import ModelAway
from extractor.llm.client import ClientSettings, Model
from extractor.llm.limits import RetryPolicy
from extractor.llm.patience import Patience
from extractor.llm.spec import ModelSpec
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
    assert "--patience" in str(ended[0])
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


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (503, '{"error": {"message": "loading"}}', "HTTP 503: 'loading'"),
        (429, '{"error": {"message": "too many"}}', "HTTP 429: 'too many'"),
    ],
)
@skipping_time
async def test_a_server_that_answers_with_faults_alone_is_given_up_with_what_came(status, body, said):
    server = Server(0.1, status, body)
    ended = await ask_often(model_of(server), 8)
    requests = len(server.requests)
    assert str(ended[0]) == (
        f"model stub at http://model.test/v1: no answer for 300 seconds ({requests} requests); what came last: {said}"
    )
    assert loop_time() == 300.0


NO_ANSWERS = {
    "page": (Server(0.0, body="<html>Please sign in</html>"), "not JSON: '<html>Please sign in</html>'"),
    "invalid": (
        Server(0.0, body=completion("I cannot say.").body),
        "HTTP 200, finish reason stop: 'I cannot say.'",
    ),
    "cut": (
        Server(0.0, body=completion('{"items":[{"n":1,"col', "length").body),
        "the answer did not fit into the output limit (finish reason length); the last reply: HTTP 200, finish reason",
    ),
    "empty": (Server(0.0, body=completion('{"items":[]}').body), "the answers are empty; the last reply: HTTP 200"),
    "refused": (Server(0.0, 400, '{"error": {"message": "a-long-secret is bad"}}'), "HTTP 400, the server refuses"),
}


@pytest.mark.parametrize("kind", NO_ANSWERS)
@skipping_time
async def test_a_model_whose_first_calls_bring_nothing_usable_is_given_up_with_what_came(kind):
    server, said = NO_ANSWERS[kind]
    server.requests.clear()
    server._busy = asyncio.Lock()
    model = model_of(server, patience=Patience(seconds=9000.0))
    async with model:
        ended = [(await ask_often(model, 1))[0] for _ in range(12)]
    assert [isinstance(one, ModelAway) for one in ended] == [False] * 9 + [True] * 3
    requests = len(server.requests)
    assert f"the first 10 calls brought no usable answer ({requests} requests): " in str(ended[9])
    assert said in str(ended[9])
    assert "a-long-secret" not in str(ended[9])
    assert str(ended[11]) == str(ended[9])


@skipping_time
async def test_a_model_that_was_of_use_may_fail_ten_times_as_often():
    server = Server(0.0)
    model = model_of(server)
    async with model:
        await ask_often(model, 1)
        server.body = completion("I cannot say.").body
        ended = [(await ask_often(model, 1))[0] for _ in range(100)]
    assert [isinstance(one, ModelAway) for one in ended] == [False] * 99 + [True]
    assert "100 calls in a row" in str(ended[-1])


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
