"""Decide whether and when to send a request again, depending on the meaning of its status
(``statuses.toml``), the waits between attempts, and the wait that a server asks for.
"""

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import NamedTuple

from tenacity import RetryCallState, wait_exponential

from extractor.resources import read_toml
from extractor.schemas import Usage

LONGEST_WAIT = 60.0
"""Maximum wait in seconds. If a server that limits the request rate asks for a longer wait, the run
ends; other waits are capped at this value.
"""


class Meaning(NamedTuple):
    """The meaning of a failed request. ``statuses.toml`` explains the fields."""

    kind: str
    action: str
    sentence: str
    lasting: bool = False
    paid: bool = False
    acted: bool = False
    words: str = ""
    statuses: tuple[int, ...] = ()
    raised: str = ""

    @property
    def is_temporary(self) -> bool:
        """Whether the same request may succeed later."""
        return self.action in ("retry", "wait")


@cache
def list_meanings() -> Mapping[str, Meaning]:
    """Return the table of meanings, keyed by status or kind of failure."""
    table = read_toml(__package__, "statuses.toml")
    return {
        kind: Meaning(kind, **table[kinds]) for kinds in table for kind in kinds.split()
    }


def explain_status(status: int) -> Meaning:
    """Return the meaning of an HTTP status, regardless of the message: the entry of the status,
    otherwise the entry of its hundred (``5xx``), otherwise ``4xx``.

    >>> [explain_status(status).is_temporary for status in (404, 429, 500, 501)]
    [False, True, True, False]
    """
    meanings = list_meanings()
    usual = meanings.get(f"{status // 100}xx", meanings["4xx"])
    return meanings.get(str(status), usual)


class Failure(Exception):
    """A failed request: its HTTP ``status`` (None without a reply), its ``message``, the provider's
    full ``text`` for searching, and the number of seconds that the provider asks the client to
    ``wait``.

    ``meaning`` is the entry in ``statuses.toml`` for the ``kind`` or, if there is no kind, for the
    status and text. ``attempts`` is the number of times that the request was sent. ``usage`` is
    what the reply of a failed request states, or None.
    """

    def __init__(
        self,
        status: int | None,
        message: str,
        text: str = "",
        wait: float | None = None,
        kind: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.text = text
        self.wait = wait
        self.attempts = 1
        self.usage: Usage | None = None
        if kind:
            self.meaning = list_meanings()[kind]
        else:
            self.meaning = self._find_meaning()

    def _find_meaning(self) -> Meaning:
        """Return the meaning of the failure: the first entry of the table whose words are in the
        provider's text, otherwise ``later`` if the server asks for a wait longer than
        ``LONGEST_WAIT``, otherwise the meaning of the status.
        """
        status = self.status or 0
        content = f"{status} {self.text}"
        for meaning in list_meanings().values():
            applies_to_status = not meaning.statuses or status in meaning.statuses
            if not meaning.words or not applies_to_status:
                continue
            if re.search(meaning.words, content, re.IGNORECASE):
                return meaning
        meaning = explain_status(status)
        if meaning.action == "wait" and (self.wait or 0) > LONGEST_WAIT:
            return list_meanings()["later"]
        return meaning

    @property
    def is_absence(self) -> bool:
        """Whether every request would fail now, because the server does not answer or is
        overloaded.
        """
        return self.meaning.action == "wait"


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The number of attempts for a request, and the waits between them.

    The wait starts at ``first_wait`` seconds and doubles with each attempt up to ``longest_wait``,
    plus up to a second of jitter. A server can increase the wait but not reduce it. Tests replace
    ``sleep``, ``clock`` and ``jitter``.
    """

    attempts: int = 6
    first_wait: float = 1.0
    longest_wait: float = LONGEST_WAIT
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random

    def wait(self, state: RetryCallState) -> float:
        """Return the number of seconds to wait after a failed attempt, at least as many as the
        ``wait`` that its error states, but not more than ``longest_wait``.
        """
        error = state.outcome.exception() if state.outcome else None
        asked = min(getattr(error, "wait", None) or 0.0, self.longest_wait)
        grown = wait_exponential(self.first_wait, self.longest_wait)(state)
        return max(asked, grown) + self.jitter()


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the number of seconds that a server asks the client to wait, or None if the server
    does not state a wait. A date is compared with the server's own clock, if the reply states it.

    >>> retry_after({"retry-after": "9"}), retry_after({})
    (9.0, None)
    >>> retry_after(
    ...     {
    ...         "date": "Sun, 01 Nov 2026 10:00:00 GMT",
    ...         "retry-after": "Sun, 01 Nov 2026 10:00:30 GMT",
    ...     }
    ... )
    30.0
    """
    header = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d+(\.\d*)?", header):
        return float(header)
    until = _read_date(header)
    if until is None:
        return None
    now = _read_date(headers.get("date", "")) or datetime.now(UTC)
    return max(0.0, (until - now).total_seconds())


def _read_date(header: str) -> datetime | None:
    """Read a date of HTTP, or return None if it is malformed."""
    try:
        date = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    if date.tzinfo:
        return date
    return date.replace(tzinfo=UTC)
