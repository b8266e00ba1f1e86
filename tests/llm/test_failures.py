"""Faults of servers: which are waited out, and what users are told of the others."""

import asyncio

import httpx2
import openai
import pytest

from extractor.errors import AnswerRejected, ModelAway, ModelUnavailable, RequestTooLong
from extractor.model import network
from extractor.model.asking.querying import ask
from extractor.model.client import Model
from extractor.model.failures import explain_failure, read_failure
from extractor.model.pace import retry_after
from extractor.model.spec import SERVER, ModelSpec

from .colours import ask_about, complete, model_of, patient, render
from .stub import Scripted, completion, fault, items, serve

FINE = completion(items({"n": 1, "colour": "red"}))


async def test_repeated_faults_end_with_a_message():
    sleeps: list[float] = []
    with (
        serve([fault(500, "broken")]) as stub,
        pytest.raises(ModelUnavailable) as caught,
    ):
        await ask(model_of(stub, policy=patient(sleeps)), ask_about(1), render)
    assert len(stub.requests) == 4
    assert sleeps == [1.0, 2.0, 4.0]
    expected = f"model stub at {stub.url}: HTTP 500, server error: broken; try later (after 4 attempts)"
    assert str(caught.value) == expected


@pytest.mark.filterwarnings(
    "ignore:Pydantic serializer warnings"
)  # of the library that dumps the reply
@pytest.mark.parametrize(
    "broken",
    [
        Scripted(body="{"),
        Scripted(body=FINE.body, cut=True),
        Scripted(body="[" * 100_000),
        Scripted(body='{"choices": [{"message": "text"}]}'),
        Scripted(
            body=FINE.body, headers={"Content-Encoding": "gzip"}
        ),  # packed wrongly
        completion(5),
        *map(fault, (408, 429, 529)),
    ],
    ids=lambda broken: f"{broken.status} {broken.body[-60:]}",
)
async def test_temporary_faults_and_broken_replies_are_asked_again(broken):
    reply, stub = await complete([broken, FINE], 1)
    assert len(reply.items) == 1
    assert len(stub.requests) == 2


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            fault(400, "bad schema"),
            "HTTP 400, the server refuses the request: bad schema",
        ),
        (
            fault(401),
            "HTTP 401, the key is missing or wrong; give the key of this server",
        ),
        (
            fault(403, "not for you"),
            "HTTP 403, this key may not use the model: not for you",
        ),
        (
            fault(404, "no model 'stub'"),
            "HTTP 404: no model 'stub'; check the model's name",
        ),
        (fault(429, "pay", code="insufficient_quota"), "no credit left: pay"),
        (
            fault(429, "day", headers={"Retry-After": "86400"}),
            "asks to wait 86400 seconds: day",
        ),
        (fault(500, headers={"x-should-retry": "false"}), "HTTP 500"),
        (fault(501, "no"), "HTTP 501"),
        (
            fault(307, headers={"Location": "https://a.test/v1"}),
            "moved to https://a.test/v1; give that address",
        ),
        (Scripted(400, "[" * 100_000), "HTTP 400"),
        (
            fault(400, "odd", param={"a": 1}, code=[1]),
            "HTTP 400, the server refuses the request: odd",
        ),
    ],
)
async def test_lasting_failures_are_reported_at_once(answer, message):
    with serve([answer]) as stub, pytest.raises(ModelUnavailable, match=message):
        await ask(model_of(stub), ask_about(1), render)
    assert len(stub.requests) == 1


async def test_a_reply_beyond_all_bounds_is_not_read(monkeypatch):
    monkeypatch.setattr(network, "_LONGEST_REPLY", 100_000)
    with (
        serve([Scripted(body=" " * 200_000)]) as stub,
        pytest.raises(ModelUnavailable, match="more than 100,000 bytes"),
    ):
        await ask(model_of(stub), ask_about(1), render)


@pytest.mark.parametrize("pattern", ["“{}”", "line\n{}", "key={}.", "{}"])
async def test_a_key_that_a_server_repeats_goes_no_further(pattern):
    key = "a-key-of-this-server"
    leak = pattern.format(key)

    with serve([completion(None, message={"refusal": leak}, model=leak)]) as stub:
        model = Model(
            ModelSpec.parse(f"{stub.url}#stub", server_key=key), policy=patient()
        )
        with pytest.raises(AnswerRejected) as caught:
            await ask(model, ask_about(1), render)

    assert (
        str(caught.value) == f"model stub: the model refused: {pattern.format('***')}"
    )


@pytest.mark.parametrize(
    ("raised", "seen", "message"),
    [
        (httpx2.ReadTimeout("silence"), ModelUnavailable, "no answer in time"),
        (
            httpx2.ConnectError("refused"),
            ModelAway,
            "no connection: refused; is the server running",
        ),
        (ZeroDivisionError("a bug"), openai.APIConnectionError, "Connection error"),
    ],
)
async def test_timeouts_are_reported_and_not_confused_with_bugs(
    raised, seen, message, monkeypatch
):
    async def fail(*_, **__):
        raise raised

    monkeypatch.setattr(httpx2.AsyncHTTPTransport, "handle_async_request", fail)
    with pytest.raises(seen, match=message):
        await ask(
            Model(ModelSpec.parse("http://model.test/v1#stub"), policy=patient()),
            ask_about(1),
            render,
        )


NOON = {"date": "Thu, 01 Jan 2026 12:00:00 GMT"}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, None),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": "Thu, 01 Jan 2026 12:00:20 GMT"}, 20.0),
        ({"retry-after": "Thu, 01 Jan 2026 11:00:00 GMT"}, 0.0),
        (
            {
                "retry-after": "Thu, 01 Jan 2099 12:00:20 GMT",
                "date": "Thu, 01 Jan 2099 12:00:00 GMT",
            },
            20.0,
        ),
        ({"retry-after": "later"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_milliseconds_seconds_or_a_date_on_the_server_s_clock(
    headers, seconds
):
    assert retry_after({**NOON, **headers}) == seconds


SPEC = ModelSpec.parse("gpt-x", api_key="my-own-secret")
REQUEST = httpx2.Request("POST", "https://api.example/v1/chat/completions")


def explain(error, spec=SPEC):
    failure = read_failure(error)
    assert failure
    return explain_failure(failure, spec, 1)


def refusal(status, **error):
    body = {"message": "no", **error}
    return openai.APIStatusError(
        body["message"], response=httpx2.Response(status, request=REQUEST), body=body
    )


@pytest.mark.parametrize(
    ("error", "too_long"),
    [
        (refusal(400, code="context_length_exceeded"), True),
        (refusal(400, type="exceed_context_size_error", code=400), True),
        (
            refusal(
                400,
                message="This model's maximum context length is 4096 tokens.",
                code=400,
            ),
            True,
        ),
        (refusal(413), True),
        (refusal(400, message="temperature must be positive"), False),
        (refusal(404, message="the context window of this page is closed"), False),
    ],
)
def test_requests_too_long_are_recognized_by_the_error_message(error, too_long):
    assert isinstance(explain(error), RequestTooLong) is too_long


@pytest.mark.parametrize(
    ("spec", "said", "shown"),
    [
        (SPEC, "key my-own-secret is blocked", "key *** is blocked"),
        (SPEC, "key sk-proj-1234567 is blocked", "key *** is blocked"),
        (SPEC, "gsk_notakey sk-abcdef", "gsk_notakey ***"),
        (SPEC, "Bearer abc.def", "Bearer ***"),
        (
            ModelSpec(SERVER, "gpt-x", "http://me:hunter2@host/v1"),
            "see http://me:hunter2@host/v1",
            "http://***@host/v1",
        ),
    ],
)
def test_keys_and_passwords_that_a_server_repeats_are_hidden(spec, said, shown):
    message = str(explain(refusal(403, message=said), spec))
    assert shown in message
    assert "hunter2" not in message
    assert message.startswith(
        f"model gpt-x at {'openai' if spec is SPEC else 'http://***@host/v1'}: HTTP 403"
    )


def test_a_cancellation_is_no_fault_of_a_server():
    """It may come while a broken connection is handled."""
    cancelled = asyncio.CancelledError()
    cancelled.__context__ = httpx2.ReadError("broken")
    assert read_failure(cancelled) is None


def test_a_wrong_key_that_google_answers_with_400_stops_the_run_and_names_the_variable():
    refused = Exception()  # as the SDK's
    refused.code = 400
    refused.details = {
        "error": {
            "code": 400,
            "message": "API key not valid. Please pass a valid API key.",
            "status": "INVALID_ARGUMENT",
            "details": [
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": "API_KEY_INVALID",
                }
            ],
        }
    }

    error = explain_failure(
        read_failure(refused),
        ModelSpec.parse("google/gemini-2.5-flash"),
        1,
    )

    assert str(error) == (
        "model gemini-2.5-flash at google: HTTP 400, the key is missing or wrong; set "
        "GOOGLE_API_KEY"
    )
    assert error.lasting
