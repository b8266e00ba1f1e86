from datetime import UTC, datetime

import httpx2
import pytest
from extractor.llm.XX import Allowance, Bucket, read_allowances, seconds_until


@pytest.mark.parametrize(
    ("headers", "unit", "expected"),
    [
        (
            {
                "x-ratelimit-limit-requests": "500",
                "x-ratelimit-remaining-requests": "499",
                "x-ratelimit-reset-requests": "120ms",
            },
            "requests",
            Allowance(500, 499, 0.12),
        ),
        (
            {
                "x-ratelimit-limit-tokens": "30000",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "6m0s",
            },
            "tokens",
            Allowance(30000, 0, 360),
        ),
        # Azure names no time.
        ({"X-RateLimit-Remaining-Tokens": "1200"}, "tokens", Allowance(1200, 1200, 60)),
        (
            {
                "date": "Thu, 01 Jan 2026 12:00:00 GMT",
                "anthropic-ratelimit-requests-limit": "50",
                "anthropic-ratelimit-requests-remaining": "10",
                "anthropic-ratelimit-requests-reset": "2026-01-01T12:00:30Z",
            },
            "requests",
            Allowance(50, 10, 30),
        ),
        (
            {
                "anthropic-ratelimit-input-tokens-limit": "900",
                "anthropic-ratelimit-input-tokens-remaining": "0",
                "anthropic-ratelimit-input-tokens-reset": "9",
            },
            "tokens",
            Allowance(900, 0, 9),
        ),
        ({"ratelimit-limit": "5", "ratelimit-remaining": "2", "ratelimit-reset": "7"}, "requests", Allowance(5, 2, 7)),
        (
            {
                "date": "Thu, 01 Jan 2026 12:00:00 GMT",
                "x-ratelimit-limit": "9",
                "x-ratelimit-remaining": "0",
                "x-ratelimit-reset": "1767268820000",
            },
            "requests",
            Allowance(9, 0, 20),
        ),
    ],
)
def test_what_a_reply_tells_of_a_limit(headers, unit, expected):
    assert read_allowances(httpx2.Headers(headers)) == {unit: expected}


@pytest.mark.parametrize("broken", ["", "many", "-3", "nan", "inf", "1e999"])
def test_a_broken_header_tells_nothing(broken):
    assert read_allowances({"x-ratelimit-remaining-requests": broken}) == {}


@pytest.mark.parametrize("reset", ["soon", "", "99999999999999999999", "-1"])
def test_a_broken_time_is_taken_for_a_minute(reset):
    told = {"x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": reset}
    assert read_allowances(told)["requests"].reset == 60


@pytest.mark.parametrize("server", ["Thu, 01 Jan 2026 12:00:10 GMT", "Thu, 01 Jan 2099 12:00:10 GMT"])
def test_dates_count_from_the_server_s_own_clock(server):
    then = server.replace(":10 GMT", ":40 GMT")
    assert seconds_until(then, {"date": server}, datetime(2026, 6, 1, tzinfo=UTC)) == 30


def test_a_bucket_lets_so_many_a_minute_pass_evenly():
    bucket, now, sent = Bucket.per_minute(300, 0.0), 0.0, 0
    while now < 60:
        wait = bucket.wait(1, now)
        now += wait
        if not wait:
            bucket, sent = bucket.take(1, now), sent + 1
    assert 300 <= sent <= 306


def test_what_costs_more_than_a_bucket_holds_leaves_a_debt():
    bucket = Bucket.per_minute(6000, 0.0).take(500, 0.0)
    assert bucket.wait(100, 0.0) == pytest.approx(5.0)


def test_an_estimate_that_was_too_high_is_given_back():
    bucket = Bucket.per_minute(6000, 0.0).take(100, 0.0).take(-60, 0.0)
    assert bucket.wait(60, 0.0) == 0
