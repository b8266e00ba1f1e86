"""Read the errors of any provider's SDK: status, message, and when to come back; and make the
error for users.

The SDKs have no common base, so their errors are read by their attributes: OpenAI's and
Anthropic's have ``status_code``, ``response`` and ``body``; Google's ``code``, ``response`` and
``details``.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from extractor.errors import MissingKey, ModelAway, ModelUnavailable, RequestTooLong
from extractor.masking import hide_keys
from extractor.model.completions import at, read_garbled
from extractor.model.pace import Failure, list_meanings, retry_after
from extractor.model.spec import ModelSpec, name_model

_LONGEST_SAID = 300


def read_failure(error: BaseException) -> Failure | None:
    """Read an error of an SDK: an HTTP status with its message, a garbled reply, no reply, or a
    request that the SDK does not send. Return None for an error of another kind.
    """
    if isinstance(error, Failure):
        return error
    # a cancellation may have a broken connection as its context
    if not isinstance(error, Exception):
        return None
    if isinstance(error, TimeoutError):
        return Failure(None, "", kind="late")
    causes = list(_list_causes(error))
    # there was a reply, and no SDK could read it
    for cause in causes:
        if isinstance(cause, json.JSONDecodeError):
            return read_garbled(cause.doc)
        if isinstance(cause, RecursionError | UnicodeDecodeError):
            return read_garbled("{")
    return _read_status(error) or _read_silence(error, causes)


def _read_status(error: Any) -> Failure | None:
    """Read an error with an HTTP status, from the attributes in which the SDKs have it."""
    status = getattr(error, "status_code", None) or getattr(error, "code", None)
    if not isinstance(status, int):
        return None
    body = getattr(error, "body", None) or getattr(error, "details", None) or {}
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    # {"error": {"message": "..."}}, or the message alone
    message = at(body, "error message", "message") or getattr(error, "message", "")
    # a redirect says where to
    told = headers.get("location") or message or "no reason is given"
    # masked before it is cut: a cut key would not be found
    said = hide_keys(" ".join(str(told).split()))[:_LONGEST_SAID]
    text = body if isinstance(body, str) else json.dumps(body, default=str)
    return Failure(status, said, f"{text} {said}", retry_after(headers))


def _read_silence(error: Exception, causes: list[BaseException]) -> Failure | None:
    """Read an error without a reply: the names of its causes tell why. An SDK calls any error a
    ConnectionError, so that its own name tells nothing. The first cause knows most.
    """
    names = " ".join(type(cause).__name__ for cause in causes[1:] or causes)
    said = hide_keys(next(filter(None, map(str, reversed(causes))), ""))
    for meaning in list_meanings().values():
        if meaning.raised and re.search(meaning.raised, f"{names}: {error}; {said}"):
            status = 200 if meaning.kind == "garbled" else None
            return Failure(status, said, kind=meaning.kind)
    return None


def explain_failure(
    failure: Failure, spec: ModelSpec, *, away: bool = False
) -> ModelUnavailable:
    """Make the error for users: model, problem and remedy, never a key. ``away`` means that all
    requests would fail now.

    Returns ``ModelAway`` if the run must end, ``RequestTooLong`` if the model refuses the length,
    ``MissingKey`` if the SDK finds none, else ``ModelUnavailable``.
    """
    meaning = failure.meaning
    said = meaning.sentence.format(
        status=failure.status,
        said=failure.said,
        wait=failure.wait or 0,
        key=spec.key_remedy,
    )
    tried = f" (after {failure.attempts} attempts)" if failure.attempts > 1 else ""
    message = hide_keys(f"{name_model(spec)}: {said}{tried}")
    if meaning.kind == "no_key":
        return MissingKey(message)
    if away or meaning.action == "give up":
        return ModelAway(message)
    kind = RequestTooLong if meaning.kind == "length" else ModelUnavailable
    return kind(message, lasting=meaning.lasting)


def _list_causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, and in turn what caused it. Each error comes once: one that was raised again
    may be its own context.
    """
    listed = []
    while error is not None and error not in listed:
        yield error
        listed.append(error)
        hides_context = error.__suppress_context__
        error = error.__cause__ or (None if hides_context else error.__context__)
