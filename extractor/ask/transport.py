"""One exchange with a server: send, wait and send again where that can help, and say plainly why it failed."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2
import openai
from openai.types.chat import ChatCompletion
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from extractor.errors import ExtractorError

__all__ = ["GarbledReply", "RetryPolicy", "as_completion", "recording_failure", "retry_after", "send_patiently"]

_TEMPORARY = frozenset({408, 409, 429})
_OUT_OF_CREDIT = "insufficient_quota"


class GarbledReply(Exception):
    """Status 200, and no chat completion in it: a proxy's page, a cut body, an error in disguise."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long to wait for a server that is busy or away.

    ``first_wait`` seconds double with each attempt up to ``longest_wait``, plus up to a second of jitter. A server's
    Retry-After counts instead; one longer than ``longest_wait`` ends the attempts at once.
    ``sleep``, ``jitter`` and ``now`` are there for tests.
    """

    attempts: int = 6
    first_wait: float = 1.0
    longest_wait: float = 60.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
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
        return _seconds_until(asked, now)


def _seconds_until(date: str, now: datetime) -> float | None:
    try:
        then = parsedate_to_datetime(date)
    except ValueError:
        return None
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max(0.0, (then - now).total_seconds())


def as_completion(reply: object) -> ChatCompletion:
    """The reply, if it is a chat completion with a message.

    The SDK does not check: a page of text arrives as ``str``, and any JSON object as a completion of Nones.
    """
    if not isinstance(reply, ChatCompletion):
        raise GarbledReply(f"not JSON: {str(reply)[:80]!r}")
    if not reply.choices or reply.choices[0].message is None:
        error = (reply.model_extra or {}).get("error")
        raise GarbledReply(f"no message in it; {str(error)[:200]}" if error else "no message in it")
    return reply


async def send_patiently(send: Callable[[], Awaitable[ChatCompletion]], policy: RetryPolicy) -> ChatCompletion:
    """Send until a completion comes, the failure is one that waiting cannot mend, or the attempts are used up.

    Raises what the last attempt raised.
    """

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return policy.wait_before(state.attempt_number, _asked_wait(error, policy))

    patience = AsyncRetrying(
        retry=retry_if_exception(lambda error: _worth_waiting(error, policy)),
        stop=stop_after_attempt(policy.attempts),
        wait=wait,
        sleep=policy.sleep,
        reraise=True,
    )
    return await patience(send)


def _asked_wait(error: BaseException | None, policy: RetryPolicy) -> float | None:
    if isinstance(error, openai.APIStatusError):
        return retry_after(error.response.headers, policy.now())
    return None


def _worth_waiting(error: BaseException, policy: RetryPolicy) -> bool:
    if isinstance(error, openai.APIStatusError):
        asked = _asked_wait(error, policy)
        if error.code == _OUT_OF_CREDIT or error.response.headers.get("x-should-retry") == "false":
            return False
        if asked is not None and asked > policy.longest_wait:
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
        from .cassettes import explain_miss  # noqa: PLC0415 - vcrpy belongs to the dev extra

        return explain_miss(cause)
    return cause
