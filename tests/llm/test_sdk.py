"""Limits, waits and errors in servers' replies, and the messages for failures."""

import httpx2
import openai
import pytest

from extractor.errors import RequestTooLong
from extractor.llm.limits import retry_after
from extractor.llm.sdk import explain_failure
from extractor.llm.spec import ModelKind, ModelSpec

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
        ({"retry-after": "Thu, 01 Jan 2099 12:00:20 GMT", "date": "Thu, 01 Jan 2099 12:00:00 GMT"}, 20.0),
        ({"retry-after": "later"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_milliseconds_seconds_or_a_date_on_the_server_s_clock(headers, seconds):
    assert retry_after({**NOON, **headers}) == seconds


SPEC = ModelSpec.parse("gpt-x", api_key="my-own-secret")
REQUEST = httpx2.Request("POST", "https://api.example/v1/chat/completions")


def refusal(status, **error):
    body = {"message": "no", **error}
    return openai.APIStatusError(body["message"], response=httpx2.Response(status, request=REQUEST), body=body)


@pytest.mark.parametrize(
    ("error", "too_long"),
    [
        (refusal(400, code="context_length_exceeded"), True),
        (refusal(400, type="exceed_context_size_error", code=400), True),
        (refusal(400, message="This model's maximum context length is 4096 tokens.", code=400), True),
        (refusal(413), True),
        (refusal(400, message="temperature must be positive"), False),
        (refusal(404, message="the context window of this page is closed"), False),
    ],
)
def test_requests_too_long_are_recognized_by_the_error_message(error, too_long):
    assert isinstance(explain_failure(error, SPEC, 1), RequestTooLong) is too_long


@pytest.mark.parametrize("leak", ["my-own-secret", "sk-proj-1234567", "gsk_notakey sk-abcdef", "Bearer abc.def"])
def test_keys_that_a_server_repeats_are_hidden(leak):
    message = str(explain_failure(refusal(403, message=f"key {leak} is blocked"), SPEC, 1))
    assert not [word for word in ("my-own-secret", "sk-proj-1234567", "sk-abcdef", "abc.def") if word in message]
    assert message.startswith("model gpt-x at the hosted service: HTTP 403")


@pytest.mark.parametrize(
    ("error", "lasting"),
    [
        *((refusal(status), True) for status in (308, 401, 403, 404)),
        (refusal(429, code="insufficient_quota"), True),
        (openai.APIConnectionError(request=REQUEST), True),
        *((refusal(status), False) for status in (400, 413, 429, 500)),
        (openai.APITimeoutError(REQUEST), False),
    ],
)
def test_a_failure_is_lasting_if_all_requests_would_fail(error, lasting):
    assert explain_failure(error, SPEC, 1).lasting is lasting


def test_passwords_in_addresses_are_hidden():
    spec = ModelSpec(ModelKind.HOSTED, "gpt-x", "http://me:hunter2@host/v1")
    message = str(explain_failure(refusal(403, message="see http://me:hunter2@host/v1/models"), spec, 1))
    assert "hunter2" not in message
    assert "model gpt-x at http://***@host/v1: HTTP 403" in message
    assert "see http://***@host/v1/models" in message
