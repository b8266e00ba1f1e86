"""Read the status, the message and the requested wait from the errors of any provider's SDK, and
create errors for users.

The errors of the SDKs do not share a base class, so they are read by their attributes: those of
OpenAI and Anthropic have ``status_code``, ``response`` and ``body``, and those of Google have
``code``, ``response`` and ``details``.
"""

import json
import re
from collections.abc import Iterator
from contextlib import suppress

from pydantic_core import from_json

from extractor.errors import MissingKey, ModelAway, ModelUnavailable, RequestTooLong
from extractor.masking import hide_keys
from extractor.model.completions import at, read_garbled, read_stated_usage
from extractor.model.pace import Failure, list_meanings, retry_after
from extractor.model.spec import ModelSpec, name_model

_LONGEST_MESSAGE = 300
_KEYLESS = frozenset({"no_key", "credentials", "key", "401"})
"""The kinds of failures that only another key can fix."""


def read_failure(error: BaseException) -> Failure | None:
    """Read an error from an SDK: an HTTP status with its message, an unreadable reply, a missing
    reply, or a request that the SDK refuses to send. Returns None for any other error.
    """
    if isinstance(error, Failure):
        return error
    # a cancellation is not a failure, although its context may be a broken connection
    if not isinstance(error, Exception):
        return None
    if isinstance(error, TimeoutError):
        return Failure(None, "", kind="late")
    causes = list(_list_causes(error))
    # the SDK received a reply that it could not read
    for cause in causes:
        if isinstance(cause, json.JSONDecodeError):
            return read_garbled(cause.doc)
        # Python refuses to convert a number with thousands of digits
        is_long = isinstance(cause, ValueError) and "integer string" in str(cause)
        if is_long or isinstance(cause, RecursionError | UnicodeDecodeError):
            return read_garbled("{")
    return _read_status(error) or _read_silence(error, causes)


def _read_status(error: object) -> Failure | None:
    """Read an error with an HTTP status, which the SDKs store in different attributes. Returns None
    for an error without a status. The usage is None if the reply states none or is not JSON.
    """
    status = getattr(error, "status_code", None) or getattr(error, "code", None)
    if not isinstance(status, int):
        return None
    body = getattr(error, "body", None) or getattr(error, "details", None) or {}
    response = getattr(error, "response", None)
    headers = getattr(response, "headers", None) or {}
    # {"error": {"message": "..."}}, or only the message
    message = at(body, "error.message", "message") or getattr(error, "message", "")
    # for a redirect, show its target
    reason = headers.get("location") or message or "no reason is given"
    # mask before truncating, because a truncated key would not be recognised
    masked = hide_keys(" ".join(str(reason).split()))[:_LONGEST_MESSAGE]
    text = body if isinstance(body, str) else json.dumps(body, default=str)
    failure = Failure(status, masked, f"{text} {masked}", retry_after(headers))
    # the reply of any SDK; the body above may be a part of it
    with suppress(Exception):
        reply = from_json(getattr(response, "content", b""))
        failure.usage = read_stated_usage(reply, has_failed=True)
    return failure


def _read_silence(error: Exception, causes: list[BaseException]) -> Failure | None:
    """Read an error without a reply, using the names and messages of its causes. The name of the
    SDK's own error is not informative, because SDKs raise a ConnectionError whatever the cause.
    Returns None if no meaning in ``statuses.toml`` is ``raised`` by it.
    """
    names = " ".join(type(cause).__name__ for cause in causes[1:] or causes)
    message = hide_keys(next(filter(None, map(str, reversed(causes))), ""))
    for meaning in list_meanings().values():
        if meaning.raised and re.search(meaning.raised, f"{names}: {error}; {message}"):
            return Failure(None, message, kind=meaning.kind)
    return None


def explain_failure(
    failure: Failure, spec: ModelSpec, *, away: bool = False
) -> ModelUnavailable:
    """Return the error to show to users, which names the model, the problem and a remedy, but
    contains no keys. ``away`` means that all requests would fail now.

    Returns ``ModelAway`` if the run must end, ``RequestTooLong`` if the request is too long for the
    model, ``MissingKey`` if the key is missing or rejected, and otherwise ``ModelUnavailable``.
    """
    meaning = failure.meaning
    sentence = meaning.sentence.format(
        status=failure.status,
        said=failure.message,
        wait=failure.wait or 0,
        key=spec.key_remedy,
    )
    attempts = ""
    if failure.attempts > 1:
        attempts = f" (after {failure.attempts} attempts)"
    message = hide_keys(f"{name_model(spec)}: {sentence}{attempts}")
    if meaning.kind in _KEYLESS:
        return MissingKey(message)
    if away or meaning.action == "give up":
        return ModelAway(message)
    if meaning.kind == "length":
        return RequestTooLong(message, lasting=meaning.lasting)
    return ModelUnavailable(message, lasting=meaning.lasting)


def _list_causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and its chain of causes, without duplicates: an error that was raised again
    may be its own context.
    """
    listed = []
    while error is not None and error not in listed:
        yield error
        listed.append(error)
        context = error.__context__
        # raised "from None"
        if error.__suppress_context__:
            context = None
        error = error.__cause__ or context
