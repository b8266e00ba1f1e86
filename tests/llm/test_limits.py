"""Slots, rates and pauses, which decide when a request is sent."""

import asyncio

import httpx2
import pytest

from extractor.llm.limits import RequestLimits, RetryPolicy
from tests.skipping import loop_time, skipping_time

POLICY = RetryPolicy(clock=loop_time, jitter=lambda: 0.0)


def reply(status=200, **headers):
    return httpx2.Response(status, headers={name.replace("_", "-"): value for name, value in headers.items()})


async def send(limits, answer=None, seconds=0.0):
    """Send a request of 100 tokens, answered after ``seconds``."""

    async def exchange():
        await asyncio.sleep(seconds)
        return answer or reply()

    return await limits.send(100, exchange)


@skipping_time
async def test_no_more_requests_are_in_flight_than_allowed():
    limits = RequestLimits(POLICY, 2)
    await asyncio.gather(*(send(limits, seconds=1.0) for _ in range(9)))
    assert loop_time() == 5.0


@pytest.mark.parametrize(
    ("rates", "requests", "seconds"),
    [
        ({"requests_per_minute": 120}, 9, 3.5),  # two at once, then two a second
        ({"requests_per_minute": 30}, 4, 6.0),
        ({"tokens_per_minute": 3000}, 4, 7.0),  # requests of 100 tokens at 50 a second
    ],
)
@skipping_time
async def test_limits_of_a_minute_are_spread_evenly(rates, requests, seconds):
    limits = RequestLimits(POLICY, 20, **rates)
    await asyncio.gather(*(send(limits) for _ in range(requests)))
    assert loop_time() == pytest.approx(seconds, abs=0.1)


@skipping_time
async def test_tokens_a_minute_are_corrected_by_what_was_used():
    limits = RequestLimits(POLICY, 2, tokens_per_minute=6000)
    await send(limits)
    limits.add_tokens(900)
    await send(limits)
    assert loop_time() == pytest.approx(10.0, abs=0.1)  # 1000 tokens at 100 a second


@pytest.mark.parametrize(
    ("first", "seconds"),
    [
        (reply(429, retry_after="7"), 7.0),
        (reply(503, retry_after="7"), 7.0),
        (reply(429), 0.0),  # the request itself waits
        (reply(500, retry_after="7"), 0.0),
        (reply(429, retry_after="86400"), 0.0),  # too long a wait ends the request; the others do not wait
    ],
)
@skipping_time
async def test_all_requests_wait_as_long_as_an_overloaded_server_asks(first, seconds):
    limits = RequestLimits(POLICY, 2)
    await send(limits, first)
    await asyncio.gather(*(send(limits) for _ in range(3)))
    assert loop_time() == pytest.approx(seconds)


@skipping_time
async def test_a_cancelled_request_leaves_its_place():
    limits = RequestLimits(POLICY, 1)
    first, second, third = (asyncio.ensure_future(send(limits, seconds=1.0)) for _ in range(3))
    await asyncio.sleep(0.5)
    second.cancel()
    assert [(await task).status_code for task in (first, third)] == [200, 200]
    assert second.cancelled()
    assert loop_time() == 2.0
