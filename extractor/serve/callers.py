"""Callers: their keys, the rates of their requests, and what they may spend together."""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from aiolimiter import AsyncLimiter

from extractor.cost.budget import Pricing
from extractor.llm.calls import Call
from extractor.llm.database import Database
from extractor.options import Assist
from extractor.schemas import Usage

from .problems import ProblemError

_BOOK_FILE = "callers.sqlite"
SPENT = "the service's limit of money is reached"
OPERATOR = "operator"
"""Name of the caller with the service's own token."""
_VERSION = 2
_TABLES = """
CREATE TABLE callers (
    name TEXT PRIMARY KEY, key_sha256 TEXT NOT NULL UNIQUE, requests_per_minute INTEGER NOT NULL, made TEXT NOT NULL
);
"""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


@dataclass(frozen=True, slots=True)
class Caller:
    """A holder of a key, and the most requests in a minute; None for the operator, who has no limit."""

    name: str
    requests_per_minute: int | None = None


def _digest(key: str) -> str:
    """The stored hash of a key. A key of 256 random bits cannot be guessed, so it needs no slow hash."""
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


class CallerBook:
    """Stores callers and the hashes of their keys in a folder.

    Changes, also those of another process, take effect at once. Raises ``StoreError`` if the file cannot be used.
    """

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._database = Database.open(root / _BOOK_FILE, _TABLES, _VERSION)
        (root / _BOOK_FILE).chmod(0o600)

    def add(self, name: str, requests_per_minute: int) -> str:
        """Add a caller and return the key, which is not stored. Raises ``ValueError`` for an invalid or taken name."""
        if not _NAME.fullmatch(name) or name == OPERATOR:
            wanted = "at most 40 lowercase letters, digits, - and _"
            raise ValueError(f"{name!r}: a caller's name has {wanted}; choose another")
        if self._database.row("SELECT 1 FROM callers WHERE name = ?", (name,)):
            raise ValueError(f"{name} has a key already; revoke it first")
        key = f"xk_{secrets.token_urlsafe(32)}"
        row = (name, _digest(key), requests_per_minute, datetime.now(UTC).isoformat(timespec="seconds"))
        self._database.execute("INSERT INTO callers VALUES (?, ?, ?, ?)", row)
        return key

    def revoke(self, name: str) -> None:
        """Delete a caller's key. The caller's jobs stay. Raises ``ValueError`` for an unknown caller."""
        if not self._database.execute("DELETE FROM callers WHERE name = ?", (name,)).rowcount:
            raise ValueError(f"{name}: there is no such caller; `extractor serve keys list` shows them")

    def find(self, key: str) -> Caller | None:
        """The caller with that key. The lookup uses the hash, so its timing reveals nothing about the key."""
        row = self._database.row("SELECT name, requests_per_minute FROM callers WHERE key_sha256 = ?", (_digest(key),))
        return Caller(*row) if row else None

    def __iter__(self) -> Iterator[tuple[Caller, str]]:
        """All callers, with the time of addition."""
        sql = "SELECT name, requests_per_minute, made FROM callers ORDER BY name"
        for name, rate, made in self._database.execute(sql):
            yield Caller(name, rate), made

    def close(self) -> None:
        self._database.close()


def limit_rate(per_minute: float) -> AsyncLimiter:
    """A limiter with a burst of the requests of ten seconds."""
    burst = max(1.0, per_minute / 6)
    return AsyncLimiter(burst, 60 * burst / per_minute)


class RequestRates:
    """The rates at which callers send requests."""

    def __init__(self) -> None:
        self._limiters: dict[Caller, AsyncLimiter] = {}

    async def count_request(self, caller: Caller) -> None:
        """Count a request. Raises ``ProblemError`` if the caller exceeds the rate."""
        if limit := caller.requests_per_minute:
            limiter = self._limiters.setdefault(caller, limit_rate(limit))
            if not limiter.has_capacity():
                raise ProblemError("rate-limit", f"{limit} requests in a minute are allowed", retry_s=60 / limit)
            await limiter.acquire()


class SharedMeter:
    """The ``Meter`` of a service: the requests of all callers and jobs to the model, and what they cost.

    The ``budget`` counts from the start of the service; it is None without a limit of money.
    """

    def __init__(self, pricing: Pricing, requests_per_minute: float | None) -> None:
        self.budget = pricing.open_budget()
        self._limiter = limit_rate(requests_per_minute) if requests_per_minute else None

    def check(self, assist: Assist) -> None:
        """Raise ``ProblemError`` if the model may be asked and the money is spent."""
        if assist is not Assist.NEVER and self.budget and self.budget.reached:
            remedy = "ask the operator for a higher limit, or use assist=never"
            raise ProblemError("spending-limit", SPENT, remedy=remedy)

    async def reserve(self, call: Call) -> int:
        """Wait for room, and reserve what a call may use. Raises ``BudgetReached`` if there will be no room."""
        if self._limiter:
            await self._limiter.acquire()
        return await self.budget.reserve(call) if self.budget else 0

    def charge(self, reservation: int, usage: Usage) -> None:
        """Release a reservation, and count the actual usage."""
        if self.budget:
            self.budget.charge(reservation, usage)
