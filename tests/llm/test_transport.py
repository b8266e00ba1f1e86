import httpx2
import pytest

from extractor.errors import ModelUnavailable
from extractor.llm.client import Model
from extractor.llm.spec import ModelSpec

from .colours import ask_about, complete, model_of, patient, render
from .stub import Scripted, completion, fault, items, serve

FINE = completion(items({"n": 1, "colour": "red"}))


async def test_storm_ends_with_a_message_for_people():
    sleeps: list[float] = []
    with serve([fault(503, "overloaded")]) as stub, pytest.raises(ModelUnavailable) as caught:
        await model_of(stub, policy=patient(sleeps)).complete(ask_about(1), render)
    assert len(stub.requests) == 4
    assert sleeps == [1.0, 2.0, 4.0]
    expected = f"model stub at {stub.url}: HTTP 503, the server has a fault: overloaded; try later (after 4 attempts)"
    assert str(caught.value) == expected


@pytest.mark.parametrize("broken", [Scripted(body="{", cut=False), Scripted(body=FINE.body, cut=True)])
async def test_broken_and_cut_replies_are_asked_again(broken):
    reply, _ = await complete([broken, FINE], 1)
    assert (len(reply.items), reply.usage.calls) == (1, 2)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ("<html>Sign in</html>", {"Content-Type": "text/html"}),
        ('{"error": {"message": "backend down"}}', {}),
        ('{"hello": "world"}', {}),
        ("[]", {}),
        ('{"choices": []}', {}),
    ],
)
async def test_reply_that_is_no_completion_is_never_an_empty_success(body, headers):
    with (
        serve([Scripted(200, body, headers)]) as stub,
        pytest.raises(ModelUnavailable, match="not as a chat completion"),
    ):
        await model_of(stub).complete(ask_about(1), render)
    assert len(stub.requests) == 4


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (fault(400, "bad schema"), "HTTP 400, the server does not take the request: bad schema"),
        (fault(401), "HTTP 401, the key is missing or wrong; give the key of this server"),
        (fault(403, "not for you"), "HTTP 403, this key may not use the model: not for you"),
        (fault(404, "no model 'stub'"), "HTTP 404: no model 'stub'; check the model's name"),
        (fault(422, "strange"), "HTTP 422, the server does not take the request: strange"),
        (fault(429, "pay", code="insufficient_quota"), "no credit left: pay"),
        (fault(429, "day", headers={"Retry-After": "86400"}), "asks to wait \\(Retry-After: 86400\\): day"),
        (fault(500, headers={"x-should-retry": "false"}), "HTTP 500"),
    ],
)
async def test_what_waiting_cannot_mend_is_reported_at_once(answer, message):
    with serve([answer]) as stub, pytest.raises(ModelUnavailable, match=message):
        await model_of(stub).complete(ask_about(1), render)
    assert len(stub.requests) == 1


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
async def test_temporary_faults_are_asked_again(status):
    reply, stub = await complete([fault(status), FINE], 1)
    assert (len(reply.items), len(stub.requests)) == (1, 2)


async def test_no_server_says_so():
    with serve([FINE]) as stub:
        gone = stub.spec
    with pytest.raises(ModelUnavailable, match=r"no connection: .*; is the server running.*\(after 3 attempts\)"):
        await Model(gone, policy=patient()).complete(ask_about(1), render)


async def test_time_out_says_so():
    class Silent(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request):
            raise httpx2.ReadTimeout("silence", request=request)

    spec = ModelSpec.parse("http://model.test/v1#stub")
    with pytest.raises(ModelUnavailable, match="no answer in time"):
        await Model(spec, policy=patient(), transport=Silent).complete(ask_about(1), render)


async def test_fault_in_a_transport_is_not_taken_for_a_connection_error():
    class Faulty(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request):
            raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"):
        await Model(ModelSpec.parse("http://model.test/v1#m"), policy=patient(), transport=Faulty).complete(
            ask_about(1), render
        )
