"""Tells the layers below the SDK which record and call a request belongs to, and counts the usage of both.

A call consists of its first request, retries after faults, and re-asks. The trace of the call and the session of the
record are context variables, so each task has its own.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from extractor.errors import (
    AnswerPending,
    AnswerTruncated,
    BudgetReached,
    CassetteError,
    ModelAway,
    ModelUnavailable,
    ModeRefused,
    RequestTooLong,
    StoreError,
)
from extractor.schemas import Usage

from .requests import PromptVersion, Question

_MOST_TOKENS = 10**9
"""No call has more. A larger number would be no count, and its sums would not fit into the store."""


class Verdict(StrEnum):
    """How a call ended. Only the replies of a valid call are served again.

    - ``valid``: the last answer fits the schema;
    - ``truncated``: the output limit cut the answer off, and its questions are asked again in halves;
    - ``rejected``: the answer broke the schema after all re-asks, or the model refused;
    - ``pending``: the request waits in a file;
    - ``too_long``, ``mode_refused``: the server refused this request, and may accept another;
    - ``failed``: the server could not be reached or used.
    """

    VALID = "valid"
    TRUNCATED = "truncated"
    REJECTED = "rejected"
    PENDING = "pending"
    TOO_LONG = "too_long"
    MODE_REFUSED = "mode_refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class NotedAnswer:
    """A valid item of an answer, its question, and the model that gave it."""

    question: Question
    item: BaseModel
    model: str


@dataclass(slots=True, eq=False)
class Session:
    """The answers about one record.

    ``lacking`` means that an answer is missing, refused or invalid, ``pending`` that an answer will come later.
    """

    record_id: str | None = None
    answers: list[NotedAnswer] = field(default_factory=list)
    lacking: bool = False
    pending: bool = False


@dataclass(frozen=True, slots=True)
class Served:
    """The cost of a reply that was paid for earlier, in ``extensions["served"]`` of a response.

    ``spent`` means that the cost counts for this run too.
    """

    cost: Usage
    spent: bool = False

    @property
    def spent_now(self) -> Usage:
        """The part of the cost that counts for this run."""
        return self.cost if self.spent else Usage()


class UsageTally:
    """A running sum of usage. Usage of this run is also added to ``parent``."""

    def __init__(self, parent: "UsageTally | None" = None) -> None:
        self.usage = Usage()
        self._parent = parent

    def add(self, usage: Usage, *, spent: bool = True) -> None:
        """Add ``usage``. Without ``spent``, the parent does not count it."""
        self.usage = self.usage + usage
        if self._parent and spent:
            self._parent.add(usage)


@dataclass(slots=True, eq=False)
class CallTrace:
    """The requests of one call.

    ``exchanges`` counts exchanges with servers, ``attempts`` the attempts at the latest request. ``chain`` is the
    call's number in the store, once a request is stored. ``endings`` are called with the verdict when the call ends,
    unless it was cancelled or may continue later.
    """

    prompt: PromptVersion
    session: Session
    tally: UsageTally
    exchanges: int = 0
    attempts: int = 0
    chain: int | None = None
    endings: list[Callable[[Verdict, str], None]] = field(default_factory=list)


_session: ContextVar[Session | None] = ContextVar("session", default=None)
_trace: ContextVar[CallTrace | None] = ContextVar("trace", default=None)


@contextmanager
def session(record_id: str) -> Iterator[Session]:
    """Open a session: inside the block, the answers about this record are collected.

    >>> with session("NCT00000001") as asked:
    ...     current_session() is asked
    True
    """
    opened = Session(record_id)
    token = _session.set(opened)
    try:
        yield opened
    finally:
        _session.reset(token)


def current_session() -> Session:
    """The current session, or a new one without a record."""
    return _session.get() or Session()


@contextmanager
def trace_call(prompt: PromptVersion, tally: UsageTally | None = None) -> Iterator[CallTrace]:
    """Open a trace: inside the block, requests belong to one call with ``prompt``. ``tally`` counts their usage."""
    trace = CallTrace(prompt, current_session(), tally or UsageTally())
    token = _trace.set(trace)
    verdict, why = None, ""
    try:
        yield trace
        verdict = Verdict.VALID
    except BaseException as error:
        verdict, why = _judge(error)
        raise
    finally:
        _trace.reset(token)
        if verdict:
            for ending in trace.endings:
                ending(verdict, why)


def current_trace() -> CallTrace | None:
    """The current call."""
    return _trace.get()


def current_prompt() -> PromptVersion | None:
    """The prompt of the current call."""
    trace = _trace.get()
    return trace.prompt if trace else None


def load_object(content: bytes | str | None) -> dict[str, Any]:
    """Parse a JSON object; empty if the content is not one."""
    try:
        loaded = json.loads(content or "{}")
    except (ValueError, RecursionError):
        return {}
    return loaded if isinstance(loaded, dict) else {}


def read_completion(content: bytes) -> dict[str, Any] | None:
    """Parse a server's reply; None if it is not a chat completion with a message, whose texts are texts."""
    reply = load_object(content)
    try:
        message = reply["choices"][0]["message"]
        tools = [tool["function"]["arguments"] for tool in message.get("tool_calls") or ()]
        texts = (reply.get("model"), message.get("content"), message.get("refusal"), *tools)
    except (LookupError, TypeError, AttributeError):
        return None
    return reply if all(isinstance(text, str | None) for text in texts) else None


def read_finish_reason(content: bytes) -> str | None:
    """Why the model stopped; None if the reply is not a chat completion."""
    reply = read_completion(content)
    choice = reply["choices"][0] if reply else {}
    return str(choice.get("finish_reason")) if choice.get("message") else None


def read_usage(content: bytes) -> Usage:
    """The usage in a server's reply: one call, with the reported tokens. Nothing is estimated.

    What is no number of tokens counts as not reported. OpenAI reports cached tokens among the details of the prompt's,
    llama.cpp in its timings or beside the answer.

    >>> read_usage(b'{"choices": [{"message": {}}], "usage": {"prompt_tokens": 7}}').prompt_tokens
    7
    >>> read_usage(b"<html>")
    Usage(questions=0, open_questions=0, unanswered=0, calls=1, prompt_tokens=0, cached_tokens=0, output_tokens=0)
    """
    reply = read_completion(content) or {}
    usage = reply.get("usage")
    if not isinstance(usage, dict):
        return Usage(calls=1)
    prompt = _count(usage.get("prompt_tokens")) or 0
    details = usage.get("prompt_tokens_details")
    places = ((details, "cached_tokens"), (reply.get("timings"), "cache_n"), (reply, "tokens_cached"))
    reported = (_count(place.get(name)) for place, name in places if isinstance(place, dict))
    cached = next((tokens for tokens in reported if tokens is not None), 0)
    return Usage(
        calls=1,
        prompt_tokens=prompt,
        cached_tokens=min(cached, prompt),
        output_tokens=_count(usage.get("completion_tokens")) or 0,
    )


def _count(tokens: object) -> int | None:
    return tokens if isinstance(tokens, int) and 0 <= tokens <= _MOST_TOKENS else None


def _judge(error: BaseException) -> tuple[Verdict | None, str]:
    """The verdict on a call that ended with an error; None if it was cancelled or continues later."""
    if not isinstance(error, Exception) or isinstance(error, BudgetReached | ModelAway):
        return None, ""
    if isinstance(error, AnswerTruncated):
        return Verdict.TRUNCATED, str(error)
    # A server's message may contain its address, which the audit trail must not store.
    found = next((verdict for kind, verdict in _VERDICTS.items() if isinstance(error, kind)), None)
    return (found, "") if found else (Verdict.REJECTED, str(error)[:2000])


_VERDICTS = {
    AnswerPending: Verdict.PENDING,
    RequestTooLong: Verdict.TOO_LONG,
    ModeRefused: Verdict.MODE_REFUSED,
    ModelUnavailable: Verdict.FAILED,
    CassetteError: Verdict.FAILED,
    StoreError: Verdict.FAILED,
}
