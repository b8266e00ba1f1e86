"""The OpenAI SDK: opens its client for a model, and explains its errors: model, problem and remedy, never a key.

Importing the SDK takes a second. Only a process that asks a model imports this module and ``structured``.
"""

import re

import httpx2
import openai

from extractor.errors import MissingKey, ModelAway, ModelUnavailable, ModeRefused, RequestTooLong

from .spec import ModelKind, ModelSpec, hide_keys, name_model
from .transport import GarbledReply

_LONGEST_CONNECT_S = 10.0
_KEY_REMEDY = {
    ModelKind.HOSTED: "set OPENAI_API_KEY",
    ModelKind.SERVER: "give the key of this server (EXTRACTOR_MODEL_TOKEN)",
    ModelKind.LOCAL: "start the local model again",
}
_NO_ACCESS = frozenset({401, 403, 404})
_NO_CREDIT = "insufficient_quota"
_TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context_size|maximum context length|context (?:size|window)", re.I
)
_NO_MODE = re.compile(
    r"response_format|json_schema|structured output|guided|grammar|\btool_choice|\btools?\b|function call", re.I
)


def open_sdk(spec: ModelSpec, transport: httpx2.AsyncBaseTransport, timeout: float = 600.0) -> openai.AsyncOpenAI:
    """Open the SDK's client for a model, without the SDK's own retries.

    For a hosted model, the SDK reads a missing key or address from its environment variables. Raises ``MissingKey`` if
    there is no key.
    """
    hosted = spec.kind is ModelKind.HOSTED
    key = spec.api_key.get_secret_value() if spec.api_key else None
    limit = httpx2.Timeout(timeout, connect=min(timeout, _LONGEST_CONNECT_S), pool=None)
    try:
        sdk = openai.AsyncOpenAI(
            api_key=key or (None if hosted else "none"),
            base_url=spec.base_url,
            http_client=openai.DefaultAsyncHttpxClient(transport=transport, timeout=limit, follow_redirects=False),
            timeout=limit,
            max_retries=0,
        )
    except openai.OpenAIError:
        raise explain_missing_key(spec) from None
    if not hosted:
        sdk.organization = sdk.project = None  # the environment sets them for the hosted service only
    return sdk


def explain_missing_key(spec: ModelSpec) -> MissingKey:
    """The error for a hosted model without a key."""
    return MissingKey(f"model {spec.name}: there is no key for it; set OPENAI_API_KEY")


def explain_failure(error: Exception, spec: ModelSpec, attempts: int, *, away: bool = False) -> ModelUnavailable:
    """Turn an error into one for users. ``attempts`` were made; ``away`` means that all requests would fail now."""
    kind: type[ModelUnavailable] = ModelUnavailable
    if isinstance(error, openai.APIStatusError):
        lasting = error.status_code in _NO_ACCESS or error.code == _NO_CREDIT or error.status_code < 400
        problem = _explain_status(error, spec)
        stated = f"{error.code} {error.type} {error.message}"
        if error.code == _NO_CREDIT:
            kind = ModelAway
        elif error.status_code == 413 or (error.status_code == 400 and _TOO_LONG.search(stated)):
            kind = RequestTooLong
        elif error.status_code in (400, 422, 501) and _NO_MODE.search(f"{error.param} {error.message}"):
            kind = ModeRefused
    else:
        lasting = not (isinstance(error, openai.APITimeoutError) or isinstance(error.__cause__, GarbledReply))
        problem = _explain_silence(error)
    if away:
        kind, lasting = ModelAway, True
    tried = f" (after {attempts} attempts)" if attempts > 1 else ""
    message = f"{name_model(spec)}: {problem}{tried}"
    return kind(hide_keys(message, spec.api_key), lasting=lasting)


def _explain_silence(error: Exception) -> str:
    unconnected = isinstance(error.__cause__, httpx2.ConnectTimeout)
    if isinstance(error, openai.APITimeoutError) and not unconnected:
        return "no answer in time; raise the timeout, or lower the concurrency"
    if isinstance(error.__cause__, GarbledReply):
        problem = f"the reply is not a chat completion: {error.__cause__}"
        return f"{problem}; is this the address of an OpenAI-compatible server?"
    return f"no connection: {str(error.__cause__ or '') or error}; is the server running, and the address right?"


def _explain_status(error: openai.APIStatusError, spec: ModelSpec) -> str:
    status, body = error.status_code, error.body
    message = body.get("message") if isinstance(body, dict) else None
    said = " ".join(str(message or error.response.reason_phrase).split())[:300]
    if error.code == _NO_CREDIT:
        return f"HTTP {status}, the account has no credit left: {said}"
    if status >= 500:
        return f"HTTP {status}, server error: {said}; try later"
    asked = error.response.headers.get("retry-after")
    wait = f" and asks to wait (Retry-After: {asked})" if asked else ""
    if target := error.response.headers.get("location"):
        return f"HTTP {status}, moved to {target[:300]}; give that address"
    stated = {
        401: f"HTTP 401, the key is missing or wrong; {_KEY_REMEDY[spec.kind]}",
        403: f"HTTP 403, this key may not use the model: {said}",
        404: f"HTTP 404: {said}; check the model's name, and the end of the address (often /v1)",
        429: f"HTTP 429, the server limits requests{wait}: {said}; lower the concurrency, or try later",
    }
    return stated.get(status, f"HTTP {status}, the server refuses the request: {said}")
