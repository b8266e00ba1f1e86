"""When a request is sent, how long its answer is waited for, and what a budget is told
meanwhile; time is skipped.
"""

import asyncio
import re

import pytest
from extractor.model.metering import Answerer, Requests, Reservation

from extractor.errors import BudgetReached, ModelAway
from extractor.model.asking.querying import ask
from extractor.model.client import Model
from extractor.model.completions import Completion, Ending
from extractor.model.pace import RetryPolicy
from extractor.model.patience import Patience
from extractor.model.spec import ClientSettings, ModelSpec
from extractor.schemas import Usage
from tests.skipping import loop_time, skipping_time

from .colours import ask_about, render
from .stub import InLoop, completion, fault, items, through

SPEC = ModelSpec.parse("http://model.test/v1#stub", server_key="a-long-secret")
FINE = completion(items(*({"n": n, "colour": "red"} for n in range(1, 9))))
RED = items({"n": 1, "colour": "red"})
BLUE = items({"n": 1, "colour": "blue"})
"""A valid answer, and one that breaks its schema."""


def model_of(server, meter=None, **settings):
    """A model whose SDK sends its requests to this server."""
    policy = RetryPolicy(clock=loop_time, jitter=lambda: 0.0)
    answerer = lambda: through(server, model._open_live())  # noqa: E731
    model = Model(
        SPEC, ClientSettings(**settings), policy, meter=meter, answerer=answerer
    )
    return model


async def ask_often(model, calls):
    """Ask so many calls at once. Returns the replies and errors."""
    async with model:
        asked = (ask(model, ask_about(n), render) for n in range(1, calls + 1))
        return await asyncio.gather(*asked, return_exceptions=True)


class Slow(Answerer):
    """Answers each call after a second."""

    async def __call__(self, call, most, requests):
        await asyncio.sleep(1.0)
        return Completion('{"items": []}', Ending.COMPLETE), 1


def slow_model(concurrency):
    return Model(
        ModelSpec.parse("slow"), ClientSettings(concurrency=concurrency), answerer=Slow
    )


@skipping_time
async def test_no_more_requests_are_in_flight_than_allowed():
    async with slow_model(2) as model:
        await asyncio.gather(*(model.complete(render(ask_about(n))) for n in range(9)))
    assert loop_time() == 5.0


@skipping_time
async def test_a_cancelled_request_leaves_its_place():
    async with slow_model(1) as model:
        first, second, third = (
            asyncio.ensure_future(model.complete(render(ask_about(n))))
            for n in range(3)
        )
        await asyncio.sleep(0.5)
        second.cancel()
        await asyncio.gather(first, third)
    assert second.cancelled()
    assert loop_time() == 2.0


@pytest.mark.parametrize(
    ("first", "seconds"),
    [
        (fault(429, headers={"Retry-After": "7"}), 7.0),
        (fault(503, headers={"Retry-After": "7"}), 7.0),
        (fault(429), 0.0),  # the request itself waits
        (fault(500, headers={"Retry-After": "7"}), 0.0),
        (
            fault(429, headers={"Retry-After": "86400"}),
            0.0,
        ),  # it ends the request; the others do not wait
    ],
)
@skipping_time
async def test_all_requests_wait_as_long_as_an_overloaded_server_asks(first, seconds):
    def send(number):
        call = render(ask_about(number))
        return live(call, 1, Requests(call))

    server = InLoop(first, FINE)
    live = through(server, model_of(server, patience=None)._open_live())
    limited = asyncio.ensure_future(send(1))
    while not server.times:
        await asyncio.sleep(0)
    await asyncio.sleep(0.001)
    await asyncio.gather(*(send(n) for n in (2, 3, 4)))
    assert min(server.times[1:]) == pytest.approx(seconds, abs=0.01)
    await asyncio.wait([limited])
    await live.close()


def limited_until(date):
    """A server without room, which names a date; it is noon there."""
    return fault(
        429, headers={"Retry-After": date, "Date": "Thu, 01 Jan 2026 12:00:00 GMT"}
    )


@pytest.mark.parametrize(
    "limited",
    [
        fault(429),
        fault(429, headers={"Retry-After": "0"}),
        fault(429, headers={"Retry-After": "0.001"}),
        fault(429, headers={"Retry-After-Ms": "0"}),
        fault(503, headers={"Retry-After": "0"}),
        limited_until("Thu, 01 Jan 2026 11:00:00 GMT"),
        limited_until("Mon, 01 Jan 1990 00:00:00 GMT"),
    ],
    ids=lambda limited: (
        f"{limited.status} {limited.headers.get('Retry-After')} {len(limited.body)}"
    ),
)
@skipping_time
async def test_a_wait_that_the_server_names_makes_no_pause_shorter(limited):
    """Four calls in flight for 20 seconds: each asks at 0, 1, 3, 7 and 15 seconds."""
    server = InLoop(limited)
    model = model_of(server, concurrency=4)
    asking = asyncio.ensure_future(ask_often(model, 4))
    await asyncio.sleep(20.0)
    assert sorted(round(time) for time in server.times) == [
        second for second in (0, 1, 3, 7, 15) for _ in range(4)
    ]
    asking.cancel()
    await asyncio.wait([asking])


@skipping_time
async def test_a_server_that_accepts_requests_and_never_answers_is_given_up():
    ended = await ask_often(model_of(InLoop(FINE, seconds=10_000.0)), 8)
    assert {type(error) for error in ended} == {ModelAway}
    assert str(ended[0]).startswith(
        "model stub at http://model.test/v1: no answer for 300 seconds (8 requests), and nothing "
        "came back; is the"
    )
    assert "--timeout" in str(ended[0])
    assert loop_time() == 300.0


@pytest.mark.parametrize(
    ("seconds", "patience"), [(25.0, 300.0), (299.0, 300.0), (500.0, 600.0)]
)
@skipping_time
async def test_a_slow_server_that_takes_one_request_at_a_time_is_waited_for(
    seconds, patience
):
    server = InLoop(FINE, seconds=seconds)

    ended = await ask_often(
        model_of(server, timeout=9000.0, patience=Patience(seconds=patience)), 8
    )

    assert [[item.n for item in reply.items] for reply in ended] == [
        [n] for n in range(1, 9)
    ]
    assert loop_time() == 8 * seconds
    assert len(server.times) == 8


@skipping_time
async def test_time_without_a_question_is_no_silence():
    server = InLoop(fault(500, "down"), seconds=1.0)
    model = model_of(server, patience=Patience(seconds=100.0))
    async with model:
        assert not isinstance((await ask_often(model, 1))[0], ModelAway)
        await asyncio.sleep(5000.0)
        server.script = [FINE]
        assert (await ask(model, ask_about(1), render)).items


@skipping_time
async def test_the_progress_line_says_what_is_waited_for():
    server = InLoop(FINE, seconds=60.0)
    model = model_of(server)

    async def look(*pauses):
        seen = []
        for pause in pauses:
            await asyncio.sleep(pause)
            seen.append(model.watch.describe_wait())
        return seen

    _, first = await asyncio.gather(ask_often(model, 1), look(1.0, 39.0))
    assert first == [
        "",
        "waiting for the first answer of model stub at http://model.test/v1, 40 s",
    ]
    assert model.watch.describe_wait() == ""
    server.seconds = 0.0
    server.script = [fault(429)]
    _, limited = await asyncio.gather(ask_often(model, 1), look(*[1.0] * 30))
    assert any(
        re.fullmatch(r"rate limited, next try in \d+ s", said) for said in limited
    )


class Book:
    """A budget with room for some reservations, which notes what it is told."""

    def __init__(self, room):
        self.room = room
        self.open = set()
        self.tokens = 0

    async def reserve(self, call):
        self.room -= 1
        if self.room < 0:
            raise BudgetReached("spent")
        reservation = Reservation(Usage(output_tokens=1000))
        self.open.add(reservation)
        return reservation

    def allows(self, reservation):
        return True

    def lose(self, reservation):
        self.tokens += reservation.most.output_tokens

    def charge(self, reservation, usage):
        self.open.remove(reservation)
        self.tokens += usage.output_tokens


@pytest.mark.parametrize(
    ("room", "tokens"), [(2, 10), (1, 5)], ids=["room for the repeat", "no room for it"]
)
@skipping_time
async def test_an_answer_before_a_fault_and_one_after_it_are_counted_once_each(
    room, tokens
):
    book = Book(room)
    model = model_of(
        InLoop(completion(BLUE), fault(503), completion(RED)), book, patience=None
    )

    ended = await asyncio.gather(
        model.complete(render(ask_about(1))), return_exceptions=True
    )

    assert isinstance(ended[0], BudgetReached) is (room < 2)
    assert (book.tokens, book.open) == (tokens, set())
