import asyncio
from dataclasses import replace

import httpx2
import pytest
from extractor.llm.sending.congestion import Breaker, Window
from extractor.llm.sending.pace import Pace, in_turn
from extractor.llm.sending.throttle import PaceLimits

from extractor.errors import ModelAway
from extractor.llm.limits import RetryPolicy, SkippedTime
from extractor.llm.trace import session
from tests.skipping import loop_time, skipping_time

LIMITS = PaceLimits(concurrency=2, timeout=5.0)


def skipping(**changes):
    time = SkippedTime()
    return time, RetryPolicy(sleep=time.sleep, clock=time.clock, jitter=lambda: 0.0, **changes)


def request():
    return httpx2.Request("POST", "http://model.test/v1", content=b"x" * 400)


def replying(*responses):
    """An exchange that answers with these responses in turn, the last one for ever."""
    left = list(responses)

    async def exchange():
        await asyncio.sleep(0)
        return left.pop(0) if len(left) > 1 else left[0]

    return exchange


def reply(status=200, **headers):
    return httpx2.Response(status, headers={name.replace("_", "-"): value for name, value in headers.items()})


async def test_no_more_are_under_way_than_the_window_allows():
    pace = Pace(LIMITS, RetryPolicy(), "model")
    flying = peak = 0

    async def exchange():
        nonlocal flying, peak
        flying += 1
        peak = max(peak, flying)
        await asyncio.sleep(0.001)
        flying -= 1
        return reply()

    await asyncio.gather(*(pace.send(request(), exchange) for _ in range(9)))
    assert peak == 2


async def test_a_record_with_many_questions_holds_up_no_other():
    pace = Pace(replace(LIMITS, concurrency=3), RetryPolicy(), "model")
    order = []

    async def ask(name):
        async def exchange():
            order.append(name)
            await asyncio.sleep(0.001)
            return reply()

        await pace.send(request(), exchange)

    async def ask_all(name, questions):
        with session(name):
            await asyncio.gather(*(ask(name) for _ in range(questions)))

    await asyncio.gather(ask_all("large", 10), ask_all("small", 2), ask_all("late", 1))
    assert order.index("small") <= 3
    assert order.index("late") <= 4
    assert order.count("large") == 10


async def test_limits_that_the_headers_tell_are_kept():
    time, policy = skipping()
    pace = Pace(LIMITS, policy, "model")
    told = {"x_ratelimit_limit_requests": "60", "x_ratelimit_remaining_requests": "0"}
    await pace.send(request(), replying(reply(**told, x_ratelimit_reset_requests="60s")))
    await pace.send(request(), replying(reply()))
    assert time.clock() == pytest.approx(1.0)


async def test_tokens_a_minute_are_corrected_by_what_was_used():
    time, policy = skipping()
    pace = Pace(replace(LIMITS, tokens_per_minute=6000), policy, "model")
    usage = b'{"choices": [{"message": {}}], "usage": {"prompt_tokens": 800, "completion_tokens": 200}}'
    await pace.send(request(), replying(httpx2.Response(200, content=usage)))
    await pace.send(request(), replying(reply()))
    assert time.clock() == pytest.approx(10.0)  # 1000 tokens at 100 a second


async def test_a_refusal_makes_all_wait():
    time, policy = skipping()
    pace = Pace(LIMITS, policy, "model")
    await pace.send(request(), replying(reply(429, retry_after="7")))
    await pace.send(request(), replying(reply()))
    assert time.clock() == 7.0


async def test_a_wait_that_is_too_long_is_left_to_the_request():
    time, policy = skipping()
    pace = Pace(LIMITS, policy, "model")
    await pace.send(request(), replying(reply(429, retry_after="86400")))
    await pace.send(request(), replying(reply()))
    assert time.clock() == 0.0


async def test_tries_while_the_server_is_away_come_at_growing_intervals():
    time, policy = skipping(breaker_after=3, longest_wait=8.0)
    pace = Pace(LIMITS, policy, "model")
    times = []

    async def exchange():
        times.append(time.clock())
        return reply(503)

    for _ in range(9):
        await pace.send(request(), exchange)
    assert times == [0, 0, 0, 1, 3, 7, 15, 23, 31]
    assert pace.is_server_away
    await pace.send(request(), replying(reply()))
    assert not pace.is_server_away


async def test_who_waits_for_a_server_that_is_given_up_is_told_so():
    _, policy = skipping(breaker_after=2, longest_absence=10.0)
    pace = Pace(LIMITS, policy, "model m at http://model.test/v1")
    results = await asyncio.gather(
        *(pace.send(request(), replying(reply(503))) for _ in range(20)), return_exceptions=True
    )
    turned_away = [result for result in results if isinstance(result, ModelAway)]
    assert turned_away
    assert str(turned_away[0]).startswith("model m at http://model.test/v1: no answer for 10 seconds")
    assert pace.is_server_given_up
    assert (await pace.send(request(), replying(reply()))).status_code == 200  # whoever comes later may try


async def test_a_server_that_never_answered_is_not_away():
    pace = Pace(LIMITS, RetryPolicy(breaker_after=2), "model")

    async def refuse():
        raise httpx2.ConnectError("refused")

    for _ in range(5):
        with pytest.raises(httpx2.ConnectError):
            await pace.send(request(), refuse)
    assert not pace.is_server_away


@skipping_time
async def test_only_the_time_of_the_exchange_counts():
    pace = Pace(PaceLimits(concurrency=1, timeout=5.0), RetryPolicy(), "model")

    async def exchange():
        await asyncio.sleep(4.0)
        return reply()

    replies = await asyncio.gather(*(pace.send(request(), exchange) for _ in range(5)))
    assert (len(replies), loop_time()) == (5, 20.0)
    slow = Pace(PaceLimits(concurrency=1, timeout=3.5), RetryPolicy(), "model")
    with pytest.raises(httpx2.ReadTimeout, match=r"no whole reply within 3\.5 seconds"):
        await slow.send(request(), exchange)


@skipping_time
async def test_who_is_given_up_while_waiting_leaves_its_place():
    pace = Pace(PaceLimits(concurrency=1, timeout=5.0), RetryPolicy(), "model")
    done = asyncio.Event()

    async def exchange():
        await done.wait()
        return reply()

    first, second, third = (asyncio.ensure_future(pace.send(request(), exchange)) for _ in range(3))
    await asyncio.sleep(0.01)
    second.cancel()
    done.set()
    assert [(await task).status_code for task in (first, third)] == [200, 200]
    assert second.cancelled()


async def test_what_is_sent_through_another_transport_has_had_its_turn():
    pace = Pace(PaceLimits(concurrency=1, timeout=5.0), RetryPolicy(), "model")

    async def outer():
        return await in_turn(request(), replying(reply()))

    with pace.at_hand():
        assert (await in_turn(request(), outer)).status_code == 200


def test_the_window_is_halved_once_for_each_congestion_and_regained_slowly():
    window = Window(16.0, most=16).refused(sent=0.0, now=1.0)
    for _ in range(10):
        window = window.refused(sent=0.5, now=1.5)
    assert window.limit == 8
    rounds = 0
    while window.limit < 16:
        for _ in range(int(window.limit)):
            window = window.served()
        rounds += 1
    assert 7 <= rounds <= 10


def test_faults_of_what_was_sent_before_the_breaker_opened_count_no_more():
    breaker = Breaker(opens_after=2, patience=60.0)
    for _ in range(50):
        breaker = breaker.failed(sent=0.0, now=1.0)
    assert (breaker.is_open, breaker.tries) == (True, 1)
    assert not breaker.served().is_open
