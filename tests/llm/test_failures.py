import httpx2
import openai
import pytest

from extractor.errors import ModelUnavailable
from extractor.llm.failures import RequestTooLong, explain_failure
from extractor.llm.spec import ModelKind, ModelSpec

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
def test_requests_too_long_are_known_by_what_servers_say(error, too_long):
    assert isinstance(explain_failure(error, SPEC, 1), RequestTooLong) is too_long


@pytest.mark.parametrize("leak", ["my-own-secret", "sk-proj-1234567", "gsk_notakey sk-abcdef", "Bearer abc.def"])
def test_keys_that_a_server_repeats_are_hidden(leak):
    told = str(explain_failure(refusal(403, message=f"key {leak} is blocked"), SPEC, 1))
    assert not [word for word in ("my-own-secret", "sk-proj-1234567", "sk-abcdef", "abc.def") if word in told]
    assert told.startswith("model gpt-x at the hosted service: HTTP 403")


@pytest.mark.parametrize(
    ("error", "lasting"),
    [
        (refusal(401), True),
        (refusal(403), True),
        (refusal(404), True),
        (refusal(429, code="insufficient_quota"), True),
        (openai.APIConnectionError(request=REQUEST), True),
        (refusal(429), False),
        (refusal(400), False),
        (refusal(413), False),
        (refusal(500), False),
        (openai.APITimeoutError(REQUEST), False),
    ],
)
def test_a_failure_is_lasting_if_no_other_request_would_fare_better(error, lasting):
    assert explain_failure(error, SPEC, 1).lasting is lasting


def test_passwords_in_addresses_are_hidden():
    spec = ModelSpec(ModelKind.HOSTED, "gpt-x", "http://me:hunter2@host/v1")
    told = str(explain_failure(refusal(403, message="see http://me:hunter2@host/v1/models"), spec, 1))
    assert "hunter2" not in told
    assert "model gpt-x at http://***@host/v1: HTTP 403" in told
    assert "see http://***@host/v1/models" in told


def test_every_failure_says_how_often_it_was_tried():
    error = openai.APITimeoutError(REQUEST)
    assert "(after 3 attempts)" in str(explain_failure(error, SPEC, 3))
    assert "attempts" not in str(explain_failure(error, SPEC, 1))
    assert isinstance(explain_failure(error, SPEC, 1), ModelUnavailable)
