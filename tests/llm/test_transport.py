import json

import httpx2
import pytest

from extractor.errors import ModelUnavailable
from extractor.llm.client import ClientSettings, Model
from extractor.llm.spec import ModelSpec
from extractor.llm.trace import read_usage
from extractor.schemas import Usage

from .colours import ask_about, complete, model_of, patient, render
from .stub import Scripted, completion, fault, items, serve

FINE = completion(items({"n": 1, "colour": "red"}))
SPEC = ModelSpec.parse("http://model.test/v1#stub")


async def test_repeated_faults_end_with_a_message():
    sleeps: list[float] = []
    with serve([fault(500, "broken")]) as stub, pytest.raises(ModelUnavailable) as caught:
        await model_of(stub, policy=patient(sleeps)).complete(ask_about(1), render)
    assert len(stub.requests) == 4
    assert sleeps == [1.0, 2.0, 4.0]
    expected = f"model stub at {stub.url}: HTTP 500, server error: broken; try later (after 4 attempts)"
    assert str(caught.value) == expected


async def test_an_overloaded_server_is_waited_for_until_the_model_is_given_up():
    with serve([*[fault(503)] * 9, FINE]) as stub:
        reply = await model_of(stub).complete(ask_about(1), render)
        assert (len(reply.items), len(stub.requests)) == (1, 10)
    with serve([fault(503, "overloaded")]) as stub, pytest.raises(ModelUnavailable, match=r"\(after 4 attempts\)"):
        await model_of(stub, ClientSettings(patience=None)).complete(ask_about(1), render)


@pytest.mark.parametrize(
    "broken", [Scripted(body="{"), Scripted(body=FINE.body, cut=True), *map(fault, (408, 429, 529))]
)
async def test_temporary_faults_and_broken_replies_are_asked_again(broken):
    reply, _ = await complete([broken, FINE], 1)
    assert (len(reply.items), reply.usage.calls) == (1, 2)


@pytest.mark.parametrize(
    "body",
    [
        "<html>Sign in</html>",
        '{"error": {"message": "down"}}',
        '{"a": 1}',
        "[]",
        "[" * 100_000,
        '{"choices": []}',
        '{"choices": [{"message": "text"}]}',
        completion(5).body,
        completion("{}", model=5).body,
        completion(None, message={"refusal": 5}).body,
        completion(None, message={"tool_calls": "x"}).body,
        completion(None, message={"tool_calls": [{"function": {"arguments": 5}}]}).body,
    ],
    ids=lambda body: body[-60:],
)
async def test_reply_that_is_no_completion_is_never_an_empty_success(body):
    with serve([Scripted(200, body)]) as stub, pytest.raises(ModelUnavailable, match="not a chat completion"):
        await model_of(stub).complete(ask_about(1), render)
    assert len(stub.requests) == 4


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (fault(400, "bad schema"), "HTTP 400, the server refuses the request: bad schema"),
        (fault(401), "HTTP 401, the key is missing or wrong; give the key of this server"),
        (fault(403, "not for you"), "HTTP 403, this key may not use the model: not for you"),
        (fault(404, "no model 'stub'"), "HTTP 404: no model 'stub'; check the model's name"),
        (fault(429, "pay", code="insufficient_quota"), "no credit left: pay"),
        (fault(429, "day", headers={"Retry-After": "86400"}), "asks to wait \\(Retry-After: 86400\\): day"),
        (fault(500, headers={"x-should-retry": "false"}), "HTTP 500"),
        (fault(307, headers={"Location": "https://other.test/v1"}), "moved to https://other.test/v1; give that"),
        (Scripted(400, "[" * 100_000), "HTTP 400"),
        (fault(400, "odd", param={"a": 1}, code=[1]), "HTTP 400, the server refuses the request: odd"),
    ],
)
async def test_lasting_failures_are_reported_at_once(answer, message):
    with serve([answer]) as stub, pytest.raises(ModelUnavailable, match=message):
        await model_of(stub).complete(ask_about(1), render)
    assert len(stub.requests) == 1


class Endless(httpx2.AsyncByteStream):
    sent = 0

    async def __aiter__(self):
        while True:
            self.sent += 1
            yield b" " * 1024**2


async def test_a_reply_without_end_is_left_unread():
    endless = Endless()
    network = httpx2.MockTransport(lambda _: httpx2.Response(200, stream=endless))
    with pytest.raises(ModelUnavailable, match="more than 16,777,216 bytes"):
        await Model(SPEC, policy=patient(), transport=lambda: network).complete(ask_about(1), render)
    assert endless.sent == 3 * 17


async def test_a_reply_that_is_packed_wrongly_is_asked_again():
    packed = Scripted(body=FINE.body, headers={"Content-Encoding": "gzip"})
    reply, _ = await complete([packed, FINE], 1)
    assert (len(reply.items), reply.usage.calls) == (1, 2)


@pytest.mark.parametrize("pattern", ["“{}”", "line\n{}", "key={}.", "{}"])
async def test_a_key_that_a_server_repeats_goes_no_further(pattern):
    leak = pattern.format("a-key-of-this-server")
    answer = completion(None, message={"refusal": leak}, model=leak)
    spec = {"server_key": "a-key-of-this-server"}
    with serve([answer]) as stub, pytest.raises(AnswerRejected) as caught:
        await Model(ModelSpec.parse(f"{stub.url}#stub", **spec), policy=patient()).complete(ask_about(1), render)
    assert str(caught.value) == f"model stub: the model refused: {pattern.format('***')}"


async def test_a_server_that_states_a_limit_of_years_is_asked_again_within_a_minute():
    limit = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "9999999d"}
    sleeps: list[float] = []
    with serve([Scripted(body=FINE.body, headers=limit), FINE]) as stub:
        model = model_of(stub, policy=patient(sleeps))
        for _ in range(2):
            await model.complete(ask_about(1), render)
    assert sleeps
    assert max(sleeps) <= 60.0


async def test_a_missing_server_is_reported():
    with serve([FINE]) as stub:
        gone = stub.spec
    with pytest.raises(ModelUnavailable, match=r"no connection: .*; is the server running.*\(after 3 attempts\)"):
        await Model(gone, policy=patient()).complete(ask_about(1), render)


@pytest.mark.parametrize(
    ("raised", "seen", "message"),
    [
        (httpx2.ReadTimeout("silence"), ModelUnavailable, "no answer in time"),
        (ZeroDivisionError("a bug"), ZeroDivisionError, "a bug"),
    ],
)
async def test_timeouts_are_reported_and_not_confused_with_bugs(raised, seen, message):
    def fail(_):
        raise raised

    with pytest.raises(seen, match=message):
        await Model(SPEC, policy=patient(), transport=lambda: httpx2.MockTransport(fail)).complete(ask_about(1), render)


@pytest.mark.parametrize(
    ("reported", "cached"),
    [
        ({"usage": {"prompt_tokens_details": {"cached_tokens": 60}}, "timings": {"cache_n": 50}}, 60),
        ({"usage": {"prompt_tokens_details": {"cached_tokens": None}}, "timings": {"cache_n": 50}}, 50),
        ({"usage": {}, "timings": {"cache_n": 50, "prompt_n": 50}}, 50),
        ({"usage": {}, "tokens_cached": 40}, 40),
        ({"usage": {}, "tokens_cached": 400}, 100),
        ({"usage": {"prompt_tokens_details": "60"}, "timings": [], "tokens_cached": "40"}, 0),
        ({"usage": {"prompt_tokens_details": {"cached_tokens": -5}}}, 0),
    ],
)
def test_cached_tokens_are_read_where_servers_report_them(reported, cached):
    usage = {"prompt_tokens": 100, "completion_tokens": 5} | reported["usage"]
    reply = json.loads(completion("{}").body) | reported | {"usage": usage}
    assert read_usage(json.dumps(reply).encode()) == Usage(
        calls=1, prompt_tokens=100, cached_tokens=cached, output_tokens=5
    )


@pytest.mark.parametrize("count", [-5, "12", "many", 10**30, 1e308, float("inf"), float("nan"), {"a": 1}, [1]])
async def test_what_is_no_number_of_tokens_counts_as_not_reported(count):
    usage = {"prompt_tokens": count, "completion_tokens": count, "prompt_tokens_details": {"cached_tokens": count}}
    reply, _ = await complete([completion(items({"n": 1, "colour": "red"}), usage=usage)], 1)
    assert (len(reply.items), reply.usage) == (1, Usage(questions=1, calls=1))
