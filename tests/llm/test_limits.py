"""What servers state about their limits, and how long they ask to wait."""

import httpx2
import pytest

from extractor.llm.limits import Allowance, read_allowances, retry_after

NOON = {"date": "Thu, 01 Jan 2026 12:00:00 GMT"}


def limit_headers(name, limit, remaining, reset):
    return {name.format("limit"): limit, name.format("remaining"): remaining, name.format("reset"): reset}


@pytest.mark.parametrize(
    ("headers", "unit", "expected"),
    [
        (limit_headers("x-ratelimit-{}-requests", "500", "499", "120ms"), "requests", Allowance(500, 499, 0.12)),
        (limit_headers("x-ratelimit-{}-tokens", "30000", "0", "6m0s"), "tokens", Allowance(30000, 0, 360)),
        ({"X-RateLimit-Remaining-Tokens": "1200"}, "tokens", Allowance(1200, 1200, 60)),  # Azure states no time
        (
            limit_headers("anthropic-ratelimit-requests-{}", "50", "10", "2026-01-01T12:00:30Z"),
            "requests",
            Allowance(50, 10, 30),
        ),
        (limit_headers("anthropic-ratelimit-input-tokens-{}", "900", "0", "9"), "tokens", Allowance(900, 0, 9)),
        (limit_headers("ratelimit-{}", "5", "2", "7"), "requests", Allowance(5, 2, 7)),
        (limit_headers("x-ratelimit-{}", "9", "0", "1767268820000"), "requests", Allowance(9, 0, 20)),
    ],
)
def test_limits_are_read_from_the_headers_of_every_provider(headers, unit, expected):
    assert read_allowances(httpx2.Headers({**NOON, **headers})) == {unit: expected}


@pytest.mark.parametrize("broken", ["", "many", "-3", "nan", "inf", "1e999"])
def test_a_broken_limit_is_ignored(broken):
    assert read_allowances({"x-ratelimit-remaining-requests": broken}) == {}


@pytest.mark.parametrize("reset", ["soon", "", "99999999999999999999", "-1"])
def test_a_broken_reset_is_a_minute(reset):
    stated = {"x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": reset}
    assert read_allowances(stated)["requests"].reset == 60


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": "Thu, 01 Jan 2026 12:00:20 GMT"}, 20.0),
        ({"retry-after": "Thu, 01 Jan 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "Thu, 01 Jan 2099 12:00:20 GMT", "date": "Thu, 01 Jan 2099 12:00:00 GMT"}, 20.0),
        ({"retry-after": "later"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_milliseconds_seconds_or_a_date_on_the_server_s_clock(headers, seconds):
    assert retry_after({**NOON, **headers}) == seconds
