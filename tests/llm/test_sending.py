"""Which requests are repeated, when, how long their replies may take, and which messages appear.
Time is simulated.
"""

import asyncio

import httpx2
import pytest

from extractor.errors import (
    AnswerRejected,
    ModelAway,
    ModelUnavailable,
    RequestTooLong,
    RunStopped,
    UnexpectedError,
)
from extractor.model.pace import RetryPolicy
from extractor.model.patience import Watch
from extractor.model.spec import ClientSettings, ModelSpec
from tests.skipping import loop_time, skipping_time
from tests.tables import read_cases

from .colours import ask, ask_about, opened, render
from .stub import InLoop, Scripted, Through, completion, fault, items, serve

CASES = read_cases(__file__)
KEY = "a-key-of-this-server"
SPEC = ModelSpec.parse("http://model.test/v1#stub", server_key=KEY)
FINE = completion(items(*({"n": n, "colour": "red"} for n in range(1, 30))))


def model_of(server, policy=None, **settings):
    policy = policy or RetryPolicy(clock=loop_time, jitter=lambda: 0.0)
    return Through(server, SPEC, ClientSettings(**settings), policy)


async def try_to_ask(model, number=1):
    try:
        return await ask(model, ask_about(number), render)
    except (AnswerRejected, ModelUnavailable) as error:
        return error


async def ask_often(model, calls, first=1):
    """Ask so many calls at once. Returns the replies and errors."""
    async with opened(model):
        numbers = range(first, first + calls)
        return await asyncio.gather(*(try_to_ask(model, n) for n in numbers))


TEMPORARY = [
    (Scripted(body="[" * 100_000), 1.0),
    # Python does not read numbers with more than 4,300 digits
    (
        Scripted(
            body=FINE.body.replace(
                '"prompt_tokens": 10', f'"prompt_tokens": {"7" * 5000}'
            )
        ),
        1.0,
    ),
    *((Scripted(**answer), seconds) for answer, seconds in CASES["temporary"]),
]


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize(("broken", "seconds"), TEMPORARY)
@skipping_time
async def test_a_temporary_fault_is_waited_out(broken, seconds):
    server = InLoop(broken, FINE)
    (reply,) = await ask_often(model_of(server), 1)
    assert len(reply.items) == 1
    assert server.times == [0.0, seconds]


LASTING = [
    (Scripted(400, "[" * 100_000), "HTTP 400", False),
    *((fault(*args, **error), *end) for args, error, *end in CASES["lasting"]),
]


@pytest.mark.parametrize(("answer", "message", "lasting"), LASTING)
@skipping_time
async def test_a_lasting_fault_is_reported_at_once(answer, message, lasting):
    server = InLoop(answer)
    (error,) = await ask_often(model_of(server), 1)
    assert str(error).startswith("model stub at http://model.test/v1: ")
    assert message in str(error)
    assert error.lasting is lasting
    assert server.times == [0.0]


@pytest.mark.parametrize(
    ("raised", "kind", "message"),
    [
        (httpx2.ReadTimeout("silence"), ModelUnavailable, "no answer in time"),
        (
            httpx2.ConnectError("refused"),
            ModelAway,
            "no connection: refused; check that the",
        ),
        (httpx2.ReadError("cut"), ModelUnavailable, "no connection: cut"),
        (
            httpx2.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]"),
            ModelAway,
            "SSL_CERT",
        ),
        (ZeroDivisionError("a bug"), UnexpectedError, "unexpected APIConnectionError"),
    ],
)
@skipping_time
async def test_a_network_that_fails_is_not_confused_with_a_bug(raised, kind, message):
    class Failing(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request):
            raise raised

    with pytest.raises(kind, match=message.replace("[", r"\[")):
        await ask(model_of(Failing()), ask_about(1), render)


@pytest.mark.parametrize(
    ("first", "seconds"),
    [
        (fault(429, headers={"Retry-After": "7"}), 7.0),
        (fault(503, headers={"Retry-After": "7"}), 7.0),
        (fault(500, headers={"Retry-After": "7"}), 0.0),
        (fault(429), 0.0),  # the request itself waits
    ],
)
@skipping_time
async def test_all_requests_wait_as_long_as_an_overloaded_server_asks(first, seconds):
    server = InLoop(first, FINE)
    async with model_of(server, patience=None) as model:
        limited = asyncio.ensure_future(try_to_ask(model))
        await asyncio.sleep(0.5)
        await ask_often(model, 3, first=2)
        await limited
    assert min(server.times[1:]) == max(0.5, seconds)


@skipping_time
async def test_no_more_requests_are_in_flight_than_allowed_and_a_cancelled_one_leaves():
    server = InLoop(FINE, seconds=1.0)
    async with model_of(server, concurrency=1) as model:
        first, second, third = (
            asyncio.ensure_future(try_to_ask(model, n)) for n in (1, 2, 3)
        )
        await asyncio.sleep(0.5)
        second.cancel()
        await asyncio.gather(first, third)
    assert second.cancelled()
    assert server.times == [0.0, 1.0]


@skipping_time
async def test_a_call_that_gets_no_answer_in_time_is_sent_again():
    server = InLoop(FINE, seconds=10_000.0)
    ended = await ask_often(model_of(server, timeout=30.0, patience=None), 1)
    assert "no answer in time; raise the timeout" in str(ended[0])
    assert type(ended[0]) is ModelUnavailable
    assert loop_time() == 6 * 30.0 + 1.0 + 2.0 + 4.0 + 8.0 + 16.0


@skipping_time
async def test_a_server_that_only_accepts_requests_is_given_up_after_twice_the_timeout():
    server = InLoop(FINE, seconds=10_000.0)
    ended = await ask_often(model_of(server, timeout=30.0), 8)
    assert {type(one) for one in ended} == {ModelAway}
    assert "no answer for 60 seconds; check that the server" in str(ended[0])
    assert (loop_time(), len(server.times)) == (61.0, 16)


@skipping_time
async def test_a_server_that_answers_other_requests_in_time_is_not_given_up():
    class Uneven(InLoop):
        async def handle_async_request(self, request):
            self.seconds = 10_000.0 if b"1: line 1" in await request.aread() else 0.0
            await asyncio.sleep(self.seconds)
            self.seconds = 0.0
            return await super().handle_async_request(request)

    async with model_of(Uneven(FINE), timeout=30.0) as model:
        hanging = asyncio.ensure_future(try_to_ask(model, 1))
        for number in range(20, 30):
            assert (await try_to_ask(model, number)).items
            await asyncio.sleep(25.0)
        assert type(await hanging) is ModelUnavailable


@pytest.mark.parametrize(
    ("answer", "seconds", "timeout", "end"),
    [
        (FINE, 10_000.0, 200.0, 401.0),  # it hangs
        (fault(429), 0.0, 200.0, 300.0),  # it has no room, without end
        (FINE, 25.0, 9000.0, None),  # it is slow, and takes one request at a time
        (FINE, 299.0, 9000.0, None),
    ],
)
@skipping_time
async def test_a_server_that_stops_answering_is_given_up_after_the_patience(
    answer, seconds, timeout, end
):
    server = InLoop(FINE, answer)
    model = model_of(server, timeout=timeout, patience=300.0)
    async with model:
        await try_to_ask(model)
        server.seconds = seconds
        ended = await ask_often(model, 8, first=2)
    assert [isinstance(one, ModelAway) for one in ended] == [end is not None] * 8
    assert loop_time() == (end or 8 * seconds)
    assert ("no answer for 300 seconds" in str(ended[0])) is (end is not None)


def test_too_many_useless_answers_in_a_row_end_the_model():
    watch = Watch(300.0, "model m", lambda: 0.0)
    for is_answer, count in ((True, 19), (False, 5)):
        for _ in range(count):
            watch.note_useless("model m: none", counts=is_answer)
    watch.check()
    watch.note_useful()
    for _ in range(19):
        watch.note_useless("none")
    watch.check()
    watch.note_useless("x" * 400)
    with pytest.raises(ModelAway, match=r"^model m: 20 unusable answers in a row; the"):
        watch.check()
    assert watch.problem == "x" * 300


@skipping_time
async def test_a_stopped_run_ends_what_waits_and_lets_a_request_end():
    server = InLoop(FINE, fault(503), FINE)
    async with model_of(server) as model:
        await try_to_ask(model)
        waiting = asyncio.ensure_future(try_to_ask(model, 2))
        await asyncio.sleep(0.5)
        server.seconds = 5.0
        under_way = asyncio.ensure_future(try_to_ask(model, 3))
        await asyncio.sleep(0.1)
        model.watch.stop("stopped by the user")
        assert isinstance(await waiting, RunStopped)
        assert model.watch.under_way == 1
        assert (await under_way).items
        assert model.watch.under_way == 0
        assert isinstance(await try_to_ask(model, 4), RunStopped)


@skipping_time
async def test_an_error_of_closing_does_not_hide_that_of_the_run(monkeypatch):
    model = model_of(InLoop(fault(404)))

    async def close(_):
        raise OSError("closed before")

    async with model:
        monkeypatch.setattr("httpx2.AsyncClient.aclose", close)
        ended = await try_to_ask(model)
    assert "HTTP 404" in str(ended)


@pytest.mark.parametrize(("status", "error", "too_long"), CASES["too_long"])
@skipping_time
async def test_a_request_that_is_too_long_is_recognized(status, error, too_long):
    (ended,) = await ask_often(model_of(InLoop(fault(status, **error))), 1)
    assert isinstance(ended, RequestTooLong) is too_long


@pytest.mark.parametrize(
    "broken",
    [
        Scripted(body=FINE.body, cut=True),
        Scripted(
            body=FINE.body, headers={"Content-Encoding": "gzip"}
        ),  # packed wrongly
    ],
)
async def test_a_reply_that_breaks_off_or_is_packed_wrongly_is_asked_for_again(broken):
    with serve([broken, FINE]) as stub:
        policy = RetryPolicy(first_wait=0.0, jitter=lambda: 0.0)
        reply = await try_to_ask(Through(None, stub.spec, policy=policy))
    assert reply.items
    assert len(stub.requests) == 2
