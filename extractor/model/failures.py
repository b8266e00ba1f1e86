"""Read the errors of any provider's SDK: status, message, and when to come back; and make the
error for users.

The SDKs have no common base, so their errors are read by their attributes: OpenAI's and
Anthropic's (also Groq's and LiteLLM's) have ``status_code``, ``response`` and ``body``; Google's
``code`` and ``details``; Mistral's ``status_code``, ``headers`` and ``body``; botocore's
``response`` as a dictionary.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from extractor.errors import MissingKey, ModelAway, ModelUnavailable, RequestTooLong
from extractor.masking import hide_keys
from extractor.model.completions import BROKEN, GarbledReply
from extractor.model.pace import is_temporary, retry_after
from extractor.model.spec import ModelSpec, name_model
from extractor.model.surroundings import name_proxies

_NO_ACCESS = frozenset({401, 403, 404, 407})
_NO_CREDIT = re.compile(
    r"insufficient_quota|billing_error|credit balance", re.IGNORECASE
)
_BAD_KEY = re.compile(r"API_KEY_INVALID|API key not valid", re.IGNORECASE)
_LACKS_KEY = re.compile(
    r"resolve authentication method|(locate|missing) credentials", re.IGNORECASE
)
_TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context_size|maximum context length|context "
    r"(?:size|window)|prompt is too long"
    r"|input token count",
    re.IGNORECASE,
)
_LONGEST_SAID = 300
TOO_LONG = "the prompt is too long"
"""Why the store has no answer to a call that the model refused for its length."""
_NO_MODE = re.compile(
    r"response_format|response_schema|json_schema|structured output|guided|grammar|too many "
    r"states|function call"
    r"|\btool_choice|\btools?\b",
    re.IGNORECASE,
)
_SERVER_ERROR = ", server error: {said}; try later"
_REFUSAL = ", the server refuses the request: {said}"
_REFUSALS = {
    403: ", this key may not use the model: {said}",
    404: ": {said}; check the model's name, and the end of the address (often /v1)",
    407: ", the proxy asks for a user and password; check {proxies}",
    429: ", the server limits requests{wait}: {said}; lower the concurrency, or try later",
}
_GOOGLES_DELAY = re.compile(r"retryDelay\W{1,9}(\d{1,9}(?:\.\d{1,9})?)s")
"""Google asks to wait in the body. The others do in a header."""
_SILENCE = re.compile(
    r"Timeout|Connect|Transport|Network|Protocol|Read|Write|Pool|Proxy"
)
_WAITED_IN_VAIN = frozenset({504, 524})
"""Statuses of a gateway whose server may still answer, and be paid."""
_UNCONNECTED = re.compile(
    r"ConnectError|ConnectTimeout|gaierror|ConnectionRefused|ProxyError"
)


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed request: the HTTP status (None without a reply), what was said, and the seconds to
    wait, if stated.

    ``text`` is all that the provider said, for searching; ``is_late`` means that no reply came in
    time, ``is_unconnected`` that the request reached no server.
    """

    status: int | None
    said: str
    text: str = ""
    wait: float | None = None
    is_late: bool = False
    is_unconnected: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_temporary(self) -> bool:
        """Whether the same request may succeed later: without a reply always, else by its status.
        Not if the account has no credit, or if the server says so (``x-should-retry``).
        """
        if self.status is None:
            return True
        forbids_retry = self.headers.get("x-should-retry") == "false"
        if forbids_retry or self.is_about_credit:
            return False
        return is_temporary(self.status)

    @property
    def is_absence(self) -> bool:
        """Whether any request would have failed now: nothing answers, or there is no room."""
        return self.is_limit or self.is_unconnected

    @property
    def is_limit(self) -> bool:
        """Whether the provider asks for fewer requests."""
        return self.status in (429, 503, 529)

    @property
    def is_lasting(self) -> bool:
        """Whether every other request would fail, too: nobody has access so, the address has moved,
        the key is wrong, or there is no connection. A reply that came too late is not lasting.
        """
        if self.status is None:
            return not self.is_late
        is_moved = 300 <= self.status < 400
        if is_moved or self.status in _NO_ACCESS:
            return True
        return self.is_about_key

    @property
    def leaves_cost_open(self) -> bool:
        """Whether a model may have been paid for a request that failed so: it reached a server and
        no reply came, the reply broke off, or a gateway had waited for it in vain.
        """
        if self.status is None:
            return not self.is_unconnected
        breaks_off = self.status == 200 and self.said == BROKEN
        return breaks_off or self.status in _WAITED_IN_VAIN

    @property
    def is_about_credit(self) -> bool:
        """Whether the account has no credit left."""
        return bool(_NO_CREDIT.search(self.text))

    @property
    def is_about_key(self) -> bool:
        """Whether the key is missing or wrong. Google's servers answer a wrong one with 400."""
        if self.status == 401:
            return True
        return self.status == 400 and bool(_BAD_KEY.search(self.text))

    @property
    def is_about_length(self) -> bool:
        """Whether the request is too long for the model."""
        if self.status == 413:
            return True
        return self.status == 400 and is_too_long(self.text)

    @property
    def is_about_mode(self) -> bool:
        """Whether the provider refuses the way in which the schema was sent."""
        if self.status not in (400, 422, 501) or self.is_about_length:
            return False
        return bool(_NO_MODE.search(self.text))

    def find_refused(self, parameters: Iterable[str]) -> str | None:
        """Find the first of these parameters whose name stands in the refusal. Return None if there
        is none, or if the request failed for another reason.
        """
        if self.status not in (400, 422) or self.is_about_length:
            return None
        for name in parameters:
            if re.search(rf"\b{name}\b", self.text):
                return name
        return None


def is_too_long(text: str) -> bool:
    """Return whether an error says that the request is too long for the model."""
    return bool(_TOO_LONG.search(text))


def read_failure(error: BaseException) -> Failure | None:
    """Read an error of an SDK: a garbled reply (status 200), no reply in time, an HTTP status with
    its message, or no connection. Return None for an error of another kind.
    """
    # a cancellation may have a broken connection as its context
    if not isinstance(error, Exception):
        return None
    causes = list(_list_causes(error))
    for cause in causes:
        # there was a reply, and no SDK could read it
        if isinstance(cause, GarbledReply):
            return Failure(200, str(cause))
    if isinstance(error, TimeoutError):
        return Failure(None, "", is_late=True)
    status, body, headers = _read_attributes(error)
    if status is None:
        # no server replied
        return _read_silence(causes)
    text = body
    if not isinstance(body, str):
        text = json.dumps(body, default=str)
    said = _read_message(error, body)
    wait = _read_wait(headers, text)
    return Failure(status, said, f"{text} {said}", wait, headers=headers)


def _read_wait(headers: Mapping[str, str], text: str) -> float | None:
    """Return the seconds that a server asks to wait, in the headers or the ``text`` of its
    reply. None if it does not ask.
    """
    wait = retry_after(headers)
    if wait is not None:
        return wait
    # 'retryDelay': '12s'
    delay = _GOOGLES_DELAY.search(text)
    if delay is None:
        return None
    return float(delay[1])


def _read_silence(causes: Sequence[BaseException]) -> Failure | None:
    """Read an error without a reply by the names of its causes: whether the reply is late, and
    whether the request reached a server. None if no cause is about a network.

    ``causes`` are the error itself and what caused it, in turn. The last message counts: the first
    cause knows most.
    """
    # An SDK calls any error a ConnectionError, so that its own name tells nothing.
    names = " ".join(type(cause).__name__ for cause in causes[1:] or causes)
    if not _SILENCE.search(names):
        return None
    said = ""
    for cause in causes:
        said = str(cause) or said
    is_late = "Timeout" in names and "ConnectTimeout" not in names
    is_unconnected = bool(_UNCONNECTED.search(names))
    return Failure(
        None, hide_keys(said), is_late=is_late, is_unconnected=is_unconnected
    )


def _read_message(error: BaseException, body: Any) -> str:
    """Return what an error says, in one line of at most 300 characters without keys: the message in
    its body, else its own.
    """
    message = None
    if isinstance(body, Mapping):
        stated = body.get("error", body)
        # {"error": {"message": "..."}}, or the message alone
        if isinstance(stated, Mapping):
            message = stated.get("message")
    said = str(message or getattr(error, "message", "") or "no reason is given")
    # a cut key would not be found
    return hide_keys(" ".join(said.split()))[:_LONGEST_SAID]


def explain_failure(
    failure: Failure,
    spec: ModelSpec,
    attempts: int,
    *,
    longest_wait: float,
    away: bool = False,
) -> ModelUnavailable:
    """Make the error for users: model, problem and remedy, never a key.

    Args:
        failure: The last failure of the request.
        spec: The model.
        attempts: How often the request was sent.
        longest_wait: Seconds that the policy waits at most.
        away: All requests would fail now.

    Returns:
        ``ModelAway`` if the run must end: all requests would fail, the server asks for too long a
        wait, or there is no credit. ``RequestTooLong`` if the model refuses the length. Else
        ``ModelUnavailable``.
    """
    message = f"{name_model(spec)}: {_explain(failure, spec)}"
    if attempts > 1:
        message += f" (after {attempts} attempts)"
    message = hide_keys(message)
    must_wait_long = failure.wait is not None and failure.wait > longest_wait
    if away or must_wait_long or failure.is_about_credit:
        return ModelAway(message, lasting=True)
    kind = RequestTooLong if failure.is_about_length else ModelUnavailable
    return kind(message, lasting=failure.is_lasting)


def lacks_key(error: BaseException) -> bool:
    """Return whether an SDK that opens without a key finds none for a request (Anthropic's and
    botocore's open so).
    """
    return _LACKS_KEY.search(str(error)) is not None


def find_unknown(error: BaseException) -> str | None:
    """Find the parameter that an SDK does not know. Return None if that is not the fault."""
    if not isinstance(error, TypeError):
        return None
    unknown = re.search(r"unexpected keyword argument '(\w+)'", str(error))
    if unknown is None:
        return None
    return unknown[1]


def explain_opening(error: Exception, spec: ModelSpec) -> Exception:
    """Make the error for users if a provider's SDK cannot be opened: ``MissingKey`` if the error
    speaks of a key or credentials, else ``ModelUnavailable`` with what it says.
    """
    if re.search(r"api[_ ]?key|credential|_TOKEN|auth", str(error), re.IGNORECASE):
        return MissingKey(
            f"model {spec.name}: there is no key for it; set {spec.key_name}"
        )
    return ModelUnavailable(hide_keys(f"{name_model(spec)}: cannot be opened: {error}"))


def _explain(failure: Failure, spec: ModelSpec) -> str:
    """Name a problem and its remedy: no answer in time, no connection, no answer of a model (status
    200), or what another status means.
    """
    said = failure.said
    status = failure.status
    if failure.is_late:
        return "no answer in time; raise the timeout, or lower the concurrency"
    if status is None:
        further = _ask_further(failure, spec)
        return f"no connection: {said}; is the server running, and the address right?{further}"
    # the page of a login, or an address that is no model's
    if status == 200:
        return (
            f"the reply is not a chat completion: {said}; is this the address of a model's "
            "server?"
        )
    return f"HTTP {status}{_explain_status(failure, spec, status)}"


def _explain_status(failure: Failure, spec: ModelSpec, status: int) -> str:
    """Say what an HTTP status means here, and what to do. No credit, a new address and a wrong key
    are recognized by more than the status, and come before it.
    """
    said = failure.said
    # OpenAI says so with status 429, which otherwise asks for fewer requests
    if failure.is_about_credit:
        return f", the account has no credit left: {said}"
    # No redirect is followed: the key would go with it.
    target = failure.headers.get("location")
    if target:
        return f", moved to {hide_keys(target)[:_LONGEST_SAID]}; give that address"
    if failure.is_about_key:
        give = "give the key of this server" if spec.is_server else "set"
        return f", the key is missing or wrong; {give} {spec.key_name}"
    if status >= 500:
        return _SERVER_ERROR.format(said=said)
    wait = ""
    if failure.wait is not None:
        wait = f" and asks to wait {failure.wait:g} seconds"
    proxies = " and ".join(name_proxies()) or "the proxy"
    explanation = _REFUSALS.get(status, _REFUSAL)
    return explanation.format(said=said, wait=wait, proxies=proxies)


def _ask_further(failure: Failure, spec: ModelSpec) -> str:
    """Ask about what stands between this machine and the server: certificates, or a proxy. Return
    "" if neither is likely: no certificate was refused, and no proxy leads to the server.
    """
    if "CERTIFICATE_VERIFY_FAILED" in failure.said:
        return (
            " If an authority of your own signed its certificate,"
            " name that one's file in SSL_CERT_FILE"
        )
    proxies = () if spec.is_direct else name_proxies()
    if not proxies:
        return ""
    return f" Is the proxy right that {' or '.join(proxies)} names?"


def _read_attributes(error: BaseException) -> tuple[int | None, Any, Mapping[str, str]]:
    """Return the status, body and headers of an SDK's error, from the attributes in which the SDKs
    have them. None, {} and {} where an error has none.
    """
    response = getattr(error, "response", None)
    # botocore
    if isinstance(response, dict):
        facts = response.get("ResponseMetadata", {})
        status = facts.get("HTTPStatusCode")
        body = {"error": response.get("Error", {})}
        return status, body, facts.get("HTTPHeaders", {})
    status = getattr(error, "status_code", None) or getattr(error, "code", None)
    if not isinstance(status, int):
        status = None
    body = getattr(error, "body", None) or getattr(error, "details", None) or {}
    headers = getattr(response, "headers", None) or getattr(error, "headers", None)
    return status, body, headers or {}


def _list_causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, and in turn what caused it, as a traceback shows it. Each error comes once:
    one that was raised again may be its own context.
    """
    listed: set[int] = set()
    while error is not None and id(error) not in listed:
        yield error
        listed.add(id(error))
        cause = error.__cause__
        if cause is None and not error.__suppress_context__:
            cause = error.__context__
        error = cause
