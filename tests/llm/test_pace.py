"""Slots and pauses, which decide when a request is sent."""

import asyncio

import pytest

from extractor.llm.client import Model
from extractor.llm.completions import Completion, Ending
from extractor.llm.live import LiveModel
from extractor.llm.metering import Requests
from extractor.llm.pace import RetryPolicy
from extractor.llm.patience import Watch
from extractor.llm.spec import ClientSettings, ModelSpec
from tests.skipping import loop_time, skipping_time

from .colours import ask_about, render
from .stub import InLoop, completion, fault, items, through

POLICY = RetryPolicy(clock=loop_time, jitter=lambda: 0.0)


def send(live, number):
    call = render(ask_about(number))
    return live(call, 1, Requests(call))


class Slow:
    """Answers each call after a second."""

    queues = False

    async def __call__(self, call, most, requests):
        await asyncio.sleep(1.0)
        return Completion('{"items": []}', Ending.COMPLETE), 1

    async def close(self):
        pass


def slow_model(concurrency):
    return Model(ModelSpec.parse("slow"), ClientSettings(concurrency=concurrency), answerer=Slow)


@skipping_time
async def test_no_more_requests_are_in_flight_than_allowed():
    async with slow_model(2) as model:
        await asyncio.gather(*(model.complete(render(ask_about(n))) for n in range(9)))
    assert loop_time() == 5.0


@pytest.mark.parametrize(
    ("first", "seconds"),
    [
        (fault(429, headers={"Retry-After": "7"}), 7.0),
        (fault(503, headers={"Retry-After": "7"}), 7.0),
        (fault(429, "please try again in 12.5s"), 12.5),
        (fault(429), 0.0),  # the request itself waits
        (fault(500, headers={"Retry-After": "7"}), 0.0),
        (fault(429, headers={"Retry-After": "86400"}), 0.0),  # it ends the request; the others do not wait
    ],
)
@skipping_time
async def test_all_requests_wait_as_long_as_an_overloaded_server_asks(first, seconds):
    server = InLoop(first, completion(items({"n": 1, "colour": "red"})))
    spec = ModelSpec.parse("http://model.test/v1#stub")
    live = through(server, LiveModel(spec, ClientSettings(), POLICY, Watch(None, "m")))
    limited = asyncio.ensure_future(send(live, 1))
    while not server.times:
        await asyncio.sleep(0)
    await asyncio.sleep(0.001)
    await asyncio.gather(*(send(live, n) for n in (2, 3, 4)))
    assert min(server.times[1:]) == pytest.approx(seconds, abs=0.01)
    await asyncio.wait([limited])
    await live.close()


@skipping_time
async def test_a_cancelled_request_leaves_its_place():
    async with slow_model(1) as model:
        first, second, third = (asyncio.ensure_future(model.complete(render(ask_about(n)))) for n in range(3))
        await asyncio.sleep(0.5)
        second.cancel()
        await asyncio.gather(first, third)
    assert second.cancelled()
    assert loop_time() == 2.0
