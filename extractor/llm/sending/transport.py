"""One exchange with a server: send, wait and send again where that can help, and say plainly why it failed."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import httpx2
import openai
from openai.types.chat import ChatCompletion
from pydantic import ValidationError

from extractor.errors import ExtractorError

from .limits import seconds_until

__all__ = [
    "Absence",
    "GarbledReply",
    "RetryPolicy",
    "SkippedTime",
    "asks_too_long",
    "read_completion",
    "recording_failure",
    "retry_after",
    "send_patiently",
]

_TEMPORARY = frozenset({408, 409, 429})
_OUT_OF_CREDIT = "insufficient_quota"


class GarbledReply(Exception):
    """Status 200, and no chat completion in it: a proxy's page, a cut body, an error in disguise."""


class SkippedTime:
    """A clock on which nobody waits: what sleeps on it wakes at once, and so much later. For replays and tests."""

    def __init__(self) -> None:
        self._now = 0.0

    def clock(self) -> float:
        """Seconds slept so far."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long to wait for a server that is busy or away.

    ``first_wait`` seconds double with each attempt up to ``longest_wait``, plus up to a second of jitter. A server's
    Retry-After counts instead; one longer than ``longest_wait`` ends the attempts at once.
    After ``breaker_after`` faults in a row, of whichever requests, the server counts as away: one request at a time
    tries whether it is back, and these tries are counted in no request's attempts. After ``longest_absence`` seconds
    it is given up; one that never replied at all, after ``first_absence`` seconds without a connection. ``sleep``,
    ``clock``, ``jitter`` and ``now`` are there for tests.
    """

    attempts: int = 6
    first_wait: float = 1.0
    longest_wait: float = 60.0
    breaker_after: int = 8
    longest_absence: float = 300.0
    first_absence: float = 3.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def wait_before(self, attempt: int, asked: float | None) -> float:
        """Seconds to wait after that many failed attempts, when the server asked for so many seconds or for none.

        >>> calm = RetryPolicy(jitter=lambda: 0.0)
        >>> calm.wait_before(3, None), calm.wait_before(30, None), calm.wait_before(1, 7.5)
        (4.0, 60.0, 7.5)
        """
        # min() first: 2.0 to the power of a large number of attempts overflows.
        wait = asked if asked is not None else self.first_wait * 2.0 ** min(attempt - 1, 30)
        return min(wait, self.longest_wait) + self.jitter()


def retry_after(headers: httpx2.Headers, now: datetime) -> float | None:
    """The seconds a server asks to wait: milliseconds, seconds or an HTTP date. None if it does not ask.

    A date counts from the server's own ``Date``, where it tells that, for clocks differ.

    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> retry_after(httpx2.Headers({"retry-after": "Thu, 01 Jan 2026 12:00:30 GMT"}), noon)
    30.0
    """
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
    except ValueError:
        pass  # a broken hint is no hint; the standard header may still be right
    asked = headers.get("retry-after")
    if asked is None:
        return None
    try:
        return max(0.0, float(asked))
    except ValueError:
        return seconds_until(asked, headers, now)


def read_completion(response: httpx2.Response) -> ChatCompletion:
    """The chat completion in a response of status 200, whatever it lacks beside a message.

    Read as the SDK does, which leaves a strange field as it is, and in a fraction of its time where there is none.
    Raises ``GarbledReply`` for anything else, and ``JSONDecodeError`` for JSON that is broken.

    >>> content = b'{"choices": [{"message": {"role": "assistant", "content": "{}"}, "finish_reason": "eos"}]}'
    >>> said = httpx2.Response(200, headers={"content-type": "application/json"}, content=content)
    >>> read_completion(said).choices[0].finish_reason
    'eos'
    """
    kind = response.headers.get("content-type", "").partition(";")[0]
    if not kind.strip().endswith("json"):
        return _as_completion(response.text)
    try:
        return _as_completion(ChatCompletion.model_validate_json(response.content))
    except ValidationError:
        told = response.json()
        return _as_completion(ChatCompletion.construct(**told) if isinstance(told, dict) else told)


def _as_completion(reply: object) -> ChatCompletion:
    """The reply, if it is a chat completion with a message. Raises ``GarbledReply``."""
    if not isinstance(reply, ChatCompletion):
        raise GarbledReply(f"not JSON: {str(reply)[:80]!r}")
    if not reply.choices or reply.choices[0].message is None:
        error = (reply.model_extra or {}).get("error")
        raise GarbledReply(f"no message in it; {str(error)[:200]}" if error else "no message in it")
    return reply


class Absence(Protocol):
    """What is known of a server that may be away."""

    @property
    def is_server_away(self) -> bool: ...

    @property
    def is_server_given_up(self) -> bool: ...

    def fares_better_elsewhere(self, request: httpx2.Request) -> bool: ...


async def send_patiently(
    send: Callable[[], Awaitable[ChatCompletion]],
    knock: Callable[[], Awaitable[bool]],
    policy: RetryPolicy,
    absence: Absence,
) -> ChatCompletion:
    """Send until a completion comes, the failure is one that waiting cannot mend, or the attempts are used up.

    While the server is away, attempts do not count and ``send`` itself waits; that ends when the server is given up.
    It may be this very request that the server fails at, and no other is there to show it: one that fails while the
    server is away has another one sent, by ``knock``, which says whether that was answered. If it was, attempts that
    failed meanwhile count, but for two. Raises what the last attempt raised.
    """
    counted = failed = tried = 0
    while True:
        try:
            return await send()
        except (openai.APIError, GarbledReply) as error:
            if _was_refused(error, absence):
                continue
            if not _worth_waiting(error, policy) or absence.is_server_given_up:
                raise
            failed += 1
            if absence.is_server_away:
                tried += 1  # the first of these was sent before the server was known to be away
                if tried > 1 and await knock():
                    counted = max(counted, min(failed, policy.attempts) - 2)
                continue
            counted += 1
            if counted >= policy.attempts:
                raise
            wait = policy.wait_before(counted, _asked_wait(error, policy))
        await policy.sleep(wait)


def _was_refused(error: Exception, absence: Absence) -> bool:
    return isinstance(error, openai.APIStatusError) and absence.fares_better_elsewhere(error.request)


def _asked_wait(error: BaseException | None, policy: RetryPolicy) -> float | None:
    if isinstance(error, openai.APIStatusError):
        return retry_after(error.response.headers, policy.now())
    return None


def asks_too_long(error: BaseException, policy: RetryPolicy) -> bool:
    """Whether a server asks for a longer wait than one waits: a limit of the day, say."""
    asked = _asked_wait(error, policy)
    return asked is not None and asked > policy.longest_wait


def _worth_waiting(error: BaseException, policy: RetryPolicy) -> bool:
    if isinstance(error, openai.APIStatusError):
        if error.code == _OUT_OF_CREDIT or error.response.headers.get("x-should-retry") == "false":
            return False
        if asks_too_long(error, policy):
            return False
        return error.status_code in _TEMPORARY or error.status_code >= 500
    if isinstance(error, openai.APIConnectionError):
        return isinstance(error.__cause__, httpx2.TransportError)
    return isinstance(error, GarbledReply)


def recording_failure(error: BaseException) -> BaseException | None:
    """What a recording, or a fault in a transport, raised below the SDK, which wraps it as a connection error.

    None for a true connection error.
    """
    cause = error.__cause__ if isinstance(error, openai.APIConnectionError) else None
    if cause is None or isinstance(cause, httpx2.TransportError | ExtractorError):
        return cause if isinstance(cause, ExtractorError) else None
    if type(cause).__module__ == "vcr.errors":
        from extractor.llm.keeping.cassettes import explain_miss  # noqa: PLC0415 - vcrpy belongs to the dev extra

        return explain_miss(cause)
    return cause
