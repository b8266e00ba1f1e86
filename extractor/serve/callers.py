"""Callers, with their keys, limits, running requests and spending."""

import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count
from pathlib import Path

from aiolimiter import AsyncLimiter
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from extractor.cost.budget import Budget, Limits, Pricing
from extractor.cost.prices import PICO
from extractor.errors import BudgetReached
from extractor.llm.calls import Call
from extractor.llm.database import Database
from extractor.llm.store import Spending
from extractor.schemas import Usage

from .problems import ProblemError

_BOOK_FILE = "callers.sqlite"
OPERATOR = "operator"
"""Name of the caller with the service's own token."""
_VERSION = 1
_TABLES = """
CREATE TABLE callers (
    name TEXT PRIMARY KEY, key_sha256 TEXT NOT NULL UNIQUE, limits TEXT NOT NULL, made TEXT NOT NULL
);
CREATE TABLE spending (  -- picodollars is a lower bound if calls had no known price
    caller TEXT NOT NULL, month TEXT NOT NULL, calls INTEGER NOT NULL, prompt_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, picodollars INTEGER NOT NULL,
    unpriced INTEGER NOT NULL, PRIMARY KEY (caller, month)
);
"""
_SPENDING = ("calls", "prompt_tokens", "cached_tokens", "output_tokens", "picodollars", "unpriced")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")

SPENT = "the caller's limit of money for this month is reached"

current_caller: ContextVar[str] = ContextVar("current_caller")
"""Name of the caller whose request the current task sends to the model."""


class CallerLimits(BaseModel):
    """Limits of a caller. With None, only the service's limit applies. ``max_usd`` is US dollars per calendar month."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests_per_minute: PositiveInt | None = 600
    max_bytes: PositiveInt | None = None
    max_concurrent: PositiveInt | None = 16
    max_jobs: PositiveInt | None = 20
    max_usd: float | None = Field(default=None, ge=0)


@dataclass(frozen=True, slots=True)
class Caller:
    """A holder of a key."""

    name: str
    limits: CallerLimits = field(default_factory=CallerLimits)

    @classmethod
    def operator(cls) -> "Caller":
        """The operator of the service, who has no limits."""
        return cls(OPERATOR, CallerLimits.model_validate(dict.fromkeys(CallerLimits.model_fields)))


def _this_month() -> str:
    return datetime.now(UTC).strftime("%Y-%m")


def _digest(key: str) -> str:
    """The stored hash of a key. A key of 256 random bits cannot be guessed, so it needs no slow hash."""
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


class CallerBook:
    """Stores callers, the hashes of their keys, and their spending in a folder.

    Changes, also those of another process, take effect at once. Raises ``StoreError`` if the file cannot be used.
    """

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._database = Database.open(root / _BOOK_FILE, _TABLES, _VERSION)
        (root / _BOOK_FILE).chmod(0o600)

    def add(self, name: str, limits: CallerLimits) -> str:
        """Add a caller and return the key, which is not stored. Raises ``ValueError`` for an invalid or taken name."""
        if not _NAME.fullmatch(name) or name == OPERATOR:
            wanted = "at most 40 lowercase letters, digits, - and _"
            raise ValueError(f"{name!r}: a caller's name has {wanted}; choose another")
        if self.get(name):
            raise ValueError(f"{name} has a key already; revoke it first")
        key = f"xk_{secrets.token_urlsafe(32)}"
        row = (name, _digest(key), limits.model_dump_json(), datetime.now(UTC).isoformat(timespec="seconds"))
        self._database.execute("INSERT INTO callers VALUES (?, ?, ?, ?)", row)
        return key

    def revoke(self, name: str) -> None:
        """Delete a caller's key. Jobs and spending stay. Raises ``ValueError`` for an unknown caller."""
        if not self._database.execute("DELETE FROM callers WHERE name = ?", (name,)).rowcount:
            raise ValueError(f"{name}: there is no such caller; `extractor serve keys list` shows them")

    def find(self, key: str) -> Caller | None:
        """The caller with that key. The lookup uses the hash, so its timing reveals nothing about the key."""
        return self._read("key_sha256", _digest(key))

    def get(self, name: str) -> Caller | None:
        """The caller with that name, None if the key is revoked."""
        return self._read("name", name)

    def _read(self, column: str, value: str) -> Caller | None:
        row = self._database.row(f"SELECT name, limits FROM callers WHERE {column} = ?", (value,))  # noqa: S608
        return Caller(row[0], CallerLimits.model_validate_json(row[1])) if row else None

    def __iter__(self) -> Iterator[tuple[Caller, str, Spending]]:
        """All callers, with the time of addition and the spending of this month."""
        for name, limits, made in self._database.execute("SELECT name, limits, made FROM callers ORDER BY name"):
            yield Caller(name, CallerLimits.model_validate_json(limits)), made, self.spent(name)

    def spent(self, name: str) -> Spending:
        """A caller's spending of this month. ``picodollars`` is a lower bound if calls are ``unpriced``."""
        sql = f"SELECT {', '.join(_SPENDING)} FROM spending WHERE caller = ? AND month = ?"  # noqa: S608 - fixed names
        row = self._database.row(sql, (name, _this_month()))
        if row is None:
            return Spending()
        return Spending(Usage(**dict(zip(_SPENDING[:4], row, strict=False))), row[4], row[5])

    def spend(self, name: str, usage: Usage, picodollars: int | None) -> None:
        """Add the cost of a call. ``picodollars`` is None if the price is unknown."""
        counts = [getattr(usage, column) for column in _SPENDING[:4]]
        row = (name, _this_month(), *counts, picodollars or 0, int(picodollars is None))
        sums = ", ".join(f"{column} = {column} + excluded.{column}" for column in _SPENDING)
        sql = f"INSERT INTO spending VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET {sums}"  # noqa: S608
        self._database.execute(sql, row)

    def close(self) -> None:
        self._database.close()


def _limit(per_minute: float) -> AsyncLimiter:
    """A limiter with a burst of the requests of ten seconds."""
    burst = max(1.0, per_minute / 6)
    return AsyncLimiter(burst, 60 * burst / per_minute)


class RateLimits:
    """Limits callers' requests per minute, and their running requests."""

    def __init__(self) -> None:
        self._limiters: dict[tuple[str, int], AsyncLimiter] = {}
        self._running: Counter[tuple[str, str]] = Counter()

    async def count_request(self, caller: Caller) -> None:
        """Count a request. Raises ``ProblemError`` if the caller exceeds the rate."""
        if limit := caller.limits.requests_per_minute:
            limiter = self._limiters.setdefault((caller.name, limit), _limit(limit))
            if not limiter.has_capacity():
                raise ProblemError("rate-limit", f"{limit} requests in a minute are allowed", retry_s=60 / limit)
            await limiter.acquire()

    @contextmanager
    def admit(self, caller: Caller, what: str) -> Iterator[None]:
        """Count a running extraction, upload or stream inside the block. Raises ``ProblemError`` if too many run."""
        most, key = caller.limits.max_concurrent, (caller.name, what)
        if most is not None and self._running[key] >= most:
            raise ProblemError("too-many-at-once", f"{most} {what} at once are allowed", retry_s=1)
        self._running[key] += 1
        try:
            yield
        finally:
            self._running[key] -= 1


class CallerBudgets:
    """The ``Meter`` of the service: each request to the model must fit its caller's budget of this month.

    The caller is ``current_caller`` of the task. ``requests_per_minute`` limits the requests of all callers together.
    ``note`` gets the usage of each call and its price in picodollars, None if unknown.
    """

    def __init__(
        self,
        book: CallerBook,
        pricing: Pricing,
        requests_per_minute: float | None,
        note: Callable[[Usage, int | None], None],
    ) -> None:
        self._book, self._pricing, self._note = book, pricing, note
        self._limiter = _limit(requests_per_minute) if requests_per_minute else None
        self._numbers = count(1)
        self._budgets: dict[tuple[str, str, float], Budget] = {}
        self._reserved: dict[int, tuple[str, Budget | None, int]] = {}

    def find(self, name: str) -> Budget | None:
        """A caller's budget of this month, None without a limit.

        Raises ``BudgetReached`` if nothing is left, or if the price is unknown.
        """
        caller, price, spent = self._book.get(name), self._pricing.price, replace(self._book.spent(name), unpriced=0)
        usd = caller.limits.max_usd if caller else None
        if usd is None:
            return None
        if price is None or spent.picodollars >= usd * PICO:
            raise BudgetReached(SPENT)
        budget = self._budgets.get(key := (name, _this_month(), usd))
        if budget is None:
            budget = self._budgets[key] = Budget(Limits(usd), self._pricing.rates(), price, spent)
        if budget.reached:
            raise BudgetReached(SPENT)
        return budget

    async def reserve(self, call: Call) -> int:
        """Wait for room, and reserve what a call may use. Raises ``BudgetReached`` if there will be no room."""
        if self._limiter:
            await self._limiter.acquire()
        name, number = current_caller.get(), next(self._numbers)
        budget = self.find(name)
        self._reserved[number] = name, budget, await budget.reserve(call) if budget else 0
        return number

    def charge(self, reservation: int, usage: Usage) -> None:
        """Release a reservation, and count the actual usage."""
        name, budget, reserved = self._reserved.pop(reservation)
        if budget:
            budget.charge(reserved, usage)
        if usage.calls:
            cost = self._pricing.cost(usage) if self._pricing.cost else None
            self._book.spend(name, usage, cost)
            self._note(usage, cost)
