"""Error messages for failed exchanges: the model, the problem and the remedy, never a key."""

import re

import httpx2
import openai

from extractor.errors import ModelAway, ModelUnavailable

from .spec import ModelKind, ModelSpec, hide_user

_KEY_REMEDY = {
    ModelKind.HOSTED: "set OPENAI_API_KEY",
    ModelKind.SERVER: "give the key of this server (EXTRACTOR_TOKEN)",
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
_USERS = re.compile(r"(?<=://)[^\s/?#]*@")
_KEYS = re.compile(r"\b(?:sk|pk|gsk|key)-[\w*-]{6,}|(?<=Bearer )\S+", re.IGNORECASE)


class GarbledReply(httpx2.RemoteProtocolError):
    """A reply with status 200 that is not a chat completion, such as a proxy's page, a truncated body or an error."""


class RequestTooLong(ModelUnavailable):
    """The questions do not fit the model's context. Fewer questions may."""


class ModeRefused(ModelUnavailable):
    """The server does not support this way of sending the reply's schema, but may support another."""


def explain_failure(error: Exception, spec: ModelSpec, attempts: int, *, away: bool = False) -> ModelUnavailable:
    """Turn an error into one for users. ``attempts`` were made; ``away`` means that all requests would fail now."""
    kind: type[ModelUnavailable] = ModelUnavailable
    if isinstance(error, openai.APIStatusError):
        lasting = error.status_code in _NO_ACCESS or error.code == _NO_CREDIT
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
    if spec.api_key:
        message = message.replace(spec.api_key.get_secret_value(), "***")
    return kind(_KEYS.sub("***", _USERS.sub("***@", message)), lasting=lasting)


def name_model(spec: ModelSpec) -> str:
    """The name and addresses of a model, for messages.

    >>> name_model(ModelSpec.parse("http://gpu-1/v1#m,http://gpu-2/v1#m"))
    'model m at http://gpu-1/v1 and http://gpu-2/v1'
    """
    addresses = [hide_user(url) for url in spec.addresses] or ["the hosted service"]
    return f"model {spec.name} at {' and '.join(addresses)}"


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
    stated = {
        401: f"HTTP 401, the key is missing or wrong; {_KEY_REMEDY[spec.kind]}",
        403: f"HTTP 403, this key may not use the model: {said}",
        404: f"HTTP 404: {said}; check the model's name, and the end of the address (often /v1)",
        429: f"HTTP 429, the server limits requests{wait}: {said}; lower the concurrency, or try later",
    }
    return stated.get(status, f"HTTP {status}, the server refuses the request: {said}")
