"""Read the errors of any provider's SDK: status, message, and when to come back; and make the
error for users.

The SDKs have no common base, so their errors are read by their attributes: OpenAI's and
Anthropic's (also Groq's) have ``status_code``, ``response`` and ``body``; Google's ``code`` and
``details``; Mistral's ``status_code``, ``headers`` and ``body``; botocore's ``response`` as a
dictionary.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from extractor.errors import MissingKey, ModelAway, ModelUnavailable, RequestTooLong
from extractor.masking import hide_keys, mask
from extractor.model.completions import BROKEN, GarbledReply, describe_garbled
from extractor.model.pace import (
    LONGEST_WAIT,
    Meaning,
    find_meaning,
    list_meanings,
    retry_after,
)
from extractor.model.spec import ModelSpec, name_model

TOO_LONG = "the prompt is too long"
"""Why the store has no answer to a call that the model refused for its length."""
_LONGEST_SAID = 300


class Failure(Exception):
    """A failed request: the HTTP ``status`` (None without a reply), what was ``said``, all ``text``
    of the provider, for searching, and its ``headers``, which may state the seconds to ``wait``.

    ``kind`` is that of ``statuses.toml`` if no status tells it. The request was sent so many
    ``attempts``.
    """

    def __init__(
        self,
        status: int | None,
        said: str,
        text: str = "",
        headers: Mapping[str, str] | None = None,
        kind: str = "",
    ) -> None:
        super().__init__(said)
        self.status = status
        self.said = said
        self.text = text
        self.headers = headers or {}
        self.wait = retry_after(self.headers)
        self.kind = kind
        self.attempts = 1

    @property
    def meaning(self) -> Meaning:
        """What it means: by its kind, by what was said, by the wait, else by its status."""
        meanings = list_meanings()
        if self.status is None or self.kind:
            return meanings[self.kind or "lost"]
        text = f"{self.status} {self.text}"
        for meaning in meanings.values():
            may_mean = meaning.words and self.status in (meaning.of or [self.status])
            if may_mean and re.search(meaning.words, text, re.IGNORECASE):
                return meaning
        meaning = find_meaning(self.status)
        is_long = (self.wait or 0) > LONGEST_WAIT
        return meanings["later"] if is_long and meaning.is_temporary else meaning

    @property
    def is_temporary(self) -> bool:
        """Whether the same request may succeed soon."""
        return self.meaning.is_temporary

    @property
    def is_absence(self) -> bool:
        """Whether any request would have failed now: nothing answers, or there is no room."""
        return self.meaning.action == "wait"


def read_failure(error: BaseException) -> Failure | None:
    """Read an error of an SDK: an HTTP status with its message, a garbled reply, no reply, or a
    request that the SDK does not send. Return None for an error of another kind.
    """
    # a cancellation may have a broken connection as its context
    if isinstance(error, Failure) or not isinstance(error, Exception):
        return error if isinstance(error, Failure) else None
    causes = list(_list_causes(error))
    for cause in causes:
        # there was a reply, and no SDK could read it
        unread = str(cause) if isinstance(cause, GarbledReply) else ""
        if isinstance(cause, json.JSONDecodeError):
            unread = describe_garbled(cause.doc)
        elif isinstance(cause, RecursionError | UnicodeDecodeError):
            unread = BROKEN
        if unread:
            kind = "broken" if unread == BROKEN else "garbled"
            return Failure(200, unread, kind=kind)
    if isinstance(error, TimeoutError):
        return Failure(None, "", kind="late")
    return _read_status(error) or _read_silence(error, causes)


def _read_status(error: Any) -> Failure | None:
    """Read an error with an HTTP status, from the attributes in which the SDKs have it."""

    def find(name: str, other: str = "", of: Any = error) -> Any:
        return getattr(of, name, None) or getattr(of, other, None) or {}

    response = find("response")
    status = find("status_code", "code")
    body = find("body", "details")
    headers = find("headers", of=response) or find("headers")
    # botocore
    if isinstance(response, dict) and response:
        facts = response.get("ResponseMetadata", {})
        status = facts.get("HTTPStatusCode")
        body = {"error": response.get("Error", {})}
        headers = facts.get("HTTPHeaders")
    if not isinstance(status, int):
        return None
    # {"error": {"message": "..."}}, or the message alone
    stated = body.get("error", body) if isinstance(body, Mapping) else None
    message = stated.get("message") if isinstance(stated, Mapping) else None
    words = str(message or find("message") or "no reason is given")
    # masked before it is cut: a cut key would not be found
    said = hide_keys(" ".join(words.split()))[:_LONGEST_SAID]
    text = body if isinstance(body, str) else json.dumps(body, default=str)
    return Failure(status, said, f"{text} {said}", headers)


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
        target=failure.headers.get("location", "another one")[:_LONGEST_SAID],
        give="give the key of this server" if spec.is_server else "set",
        key=spec.key_name,
    )
    tried = f" (after {failure.attempts} attempts)" if failure.attempts > 1 else ""
    message = hide_keys(f"{name_model(spec)}: {said}{tried}")
    if meaning.kind == "no key":
        return MissingKey(message)
    if away or meaning.action == "give up":
        return ModelAway(message)
    kind = RequestTooLong if meaning.kind == "length" else ModelUnavailable
    return kind(message, lasting=meaning.lasting)


def explain_opening(error: Exception, spec: ModelSpec) -> ModelUnavailable:
    """Make the error for users if a provider's SDK cannot be opened: ``MissingKey`` if the error
    speaks of a key or credentials, else ``ModelUnavailable`` with what it says.
    """
    if re.search(r"api[_ ]?key|credential|_TOKEN|auth", str(error), re.IGNORECASE):
        return explain_failure(Failure(None, "", kind="no key"), spec)
    said = (
        f"cannot be opened: {error}; check its address, HTTPS_PROXY and SSL_CERT_FILE"
    )
    return ModelUnavailable(hide_keys(f"{name_model(spec)}: {said}"))


def mask_error(error: BaseException) -> None:
    """Mask the messages of a library's error and of its causes in place."""
    for cause in _list_causes(error):
        parts = [mask(part) if isinstance(part, str) else part for part in cause.args]
        cause.args = tuple(parts)


def _list_causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, and in turn what caused it. Each error comes once: one that was raised again
    may be its own context.
    """
    listed: set[int] = set()
    while error is not None and id(error) not in listed:
        yield error
        listed.add(id(error))
        hides_context = error.__suppress_context__
        error = error.__cause__ or (None if hides_context else error.__context__)
