"""Slots, limits, pauses and the breaker, which decide when a request is sent."""

import asyncio

import httpx2
import pytest

from extractor.llm.limits import RetryPolicy
from extractor.llm.servers import ServerPool, list_servers
from tests.llm.colours import SkippedTime
from tests.skipping import loop_time, skipping_time


def skipping(**changes):
    time = SkippedTime()
    return time, RetryPolicy(sleep=time.sleep, clock=time.clock, jitter=lambda: 0.0, **changes)


def pool_of(policy=None, concurrency=2, **limits):
    policy = policy or RetryPolicy()
    name = "model m at http://model.test/v1"
    return ServerPool(list_servers((), policy, concurrency), policy, concurrency, name=name, **limits)


def reply(status=200, content=b"", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(status, headers=named, content=content)


async def send(pool, answer, seconds=0.0):
    """Send a request of 100 tokens, answered after ``seconds``."""

    async def exchange(_):
        await asyncio.sleep(seconds)
        if isinstance(answer, Exception):
            raise answer
        return answer() if callable(answer) else answer

    return await pool.send(httpx2.Request("POST", "http://model.test/v1", content=b"x" * 400), exchange)


@skipping_time
async def test_no_more_requests_are_in_flight_than_allowed():
    pool = pool_of(concurrency=2)
    await asyncio.gather(*(send(pool, reply(), seconds=1.0) for _ in range(9)))
    assert loop_time() == 5.0


@pytest.mark.parametrize(
    ("limits", "requests", "seconds"),
    [
        ({"requests_per_minute": 120}, 9, 3.5),  # two at once, then two a second
        ({"requests_per_minute": 30}, 4, 6.0),
        ({"tokens_per_minute": 3000}, 4, 7.0),  # requests of 100 tokens at 50 a second
    ],
)
@skipping_time
async def test_limits_of_a_minute_are_spread_evenly(limits, requests, seconds):
    pool = pool_of(concurrency=20, **limits)
    await asyncio.gather(*(send(pool, reply()) for _ in range(requests)))
    assert loop_time() == pytest.approx(seconds, abs=0.1)


@skipping_time
async def test_tokens_a_minute_are_corrected_by_what_was_used():
    pool = pool_of(tokens_per_minute=6000)
    usage = b'{"choices": [{"message": {}}], "usage": {"prompt_tokens": 800, "completion_tokens": 200}}'
    await send(pool, reply(content=usage))
    await send(pool, reply())
    assert loop_time() == pytest.approx(10.0, abs=0.1)  # 1000 tokens at 100 a second


@pytest.mark.parametrize(
    ("first", "seconds"),
    [
        (reply(429, retry_after="7"), 7.0),
        (reply(429), 1.0),
        (reply(429, retry_after="86400"), 0.0),  # too long a wait ends the request; the others do not wait
        (reply(x_ratelimit_limit_requests="60", x_ratelimit_remaining_requests="0"), 1.0),
    ],
)
async def test_a_wait_that_the_server_asks_for_is_respected(first, seconds):
    time, policy = skipping()
    pool = pool_of(policy)
    await send(pool, first)
    await send(pool, reply())
    assert time.clock() == pytest.approx(seconds)


@skipping_time
async def test_the_window_is_halved_once_for_each_congestion_and_regained_slowly():
    pool = pool_of(RetryPolicy(clock=loop_time, jitter=lambda: 0.0, breaker_after=99), concurrency=16)
    await asyncio.gather(*(send(pool, reply(429), seconds=1.0) for _ in range(16)))
    (server,) = pool.servers
    assert server.window == 8
    for _ in range(9):
        await asyncio.gather(*(send(pool, reply(), seconds=1.0) for _ in range(16)))
    assert 12 < server.window <= 16


async def test_tries_while_the_server_is_away_come_at_growing_intervals():
    time, policy = skipping(breaker_after=3, longest_wait=8.0)
    pool, times = pool_of(policy), []

    def answer():
        times.append(time.clock())
        return reply(503)

    for _ in range(9):
        await send(pool, answer)
    assert times == [0, 0, 0, 1, 3, 7, 15, 23, 31]
    assert pool.is_away
    await send(pool, reply())
    assert not pool.is_away


@skipping_time
async def test_faults_of_requests_sent_before_the_breaker_opened_are_not_tries():
    pool = pool_of(RetryPolicy(clock=loop_time, jitter=lambda: 0.0, breaker_after=2), concurrency=9)
    await asyncio.gather(*(send(pool, reply(503), seconds=1.0) for _ in range(9)))
    await send(pool, reply())
    assert loop_time() == 2.0


@skipping_time
async def test_a_cancelled_request_leaves_its_place():
    pool = pool_of(concurrency=1)
    first, second, third = (asyncio.ensure_future(send(pool, reply(), seconds=1.0)) for _ in range(3))
    await asyncio.sleep(0.5)
    second.cancel()
    assert [(await task).status_code for task in (first, third)] == [200, 200]
    assert second.cancelled()
    assert loop_time() == 2.0
