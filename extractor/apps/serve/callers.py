"""Manage callers: their keys, the rates of their requests, and what they spend over all starts
of the service.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path

from aiolimiter import AsyncLimiter

from extractor.apps.serve.problems import ProblemError
from extractor.model.calls import Call
from extractor.model.cost.budget import Budget, Pricing
from extractor.model.database import Database
from extractor.model.metering import Reservation
from extractor.model.store import Spending
from extractor.schemas import Usage
from extractor.schemas.vocabulary import Effort

_BOOK_FILE = "callers.sqlite"
OPERATOR = "operator"
"""Name of the caller with the service's own token, who sees the jobs of all."""
_VERSION = 3
_TABLES = """
CREATE TABLE IF NOT EXISTS keys (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, key_sha256 TEXT NOT NULL UNIQUE,
    requests_per_minute INTEGER NOT NULL,
    made TEXT NOT NULL, expires TEXT, is_revoked INTEGER NOT NULL DEFAULT 0
);
"""
_COLUMNS = "id, name, requests_per_minute, made, expires"
_IS_VALID = "NOT is_revoked AND (expires IS NULL OR expires > ?)"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


@dataclass(frozen=True, slots=True)
class Caller:
    """A holder of a key.

    ``id`` is the name of the caller's folder of jobs; a name that is used again gets a new one. The
    operator has no limit of requests. Times are in UTC.
    """

    id: str
    name: str
    requests_per_minute: int | None = None
    made: str = ""
    expires: str | None = None


def now() -> str:
    """Return the time in UTC, to the second; such texts sort by time."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _digest(key: str) -> str:
    """Return the stored hash of a key. A key of 256 random bits cannot be guessed, so it needs
    no slow hash.
    """
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


class CallerBook:
    """Stores callers and the hashes of their keys in a folder.

    Changes, also those of another process, take effect at once. Raises ``StoreError`` if the file
    cannot be used.
    """

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._root = root
        self._database = Database.open(root / _BOOK_FILE, _TABLES, _VERSION)
        (root / _BOOK_FILE).chmod(0o600)

    def add(
        self, name: str, requests_per_minute: int, days: float | None = None
    ) -> str:
        """Add a caller, whose key expires after ``days``, and return the key, which is not stored.

        Raises ``ValueError`` for an invalid name, and for one that has a key.
        """
        if not _NAME.fullmatch(name) or name == OPERATOR:
            wanted = "at most 40 lowercase letters, digits, - and _"
            raise ValueError(f"{name!r}: a caller's name has {wanted}; choose another")
        with self._database.transaction():
            sql = "SELECT 1 FROM keys WHERE name = ? AND NOT is_revoked"
            if self._database.row(sql, (name,)):
                raise ValueError(
                    f"{name} has a key already; renew it, or revoke it first"
                )
            caller_id = self._find_free_id(name)
            row = (caller_id, name, "", requests_per_minute, now(), None)
            self._database.execute("INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, 0)", row)
            return self._make_key(caller_id, days)

    def _find_free_id(self, name: str) -> str:
        """Return the name, or if it is used, the first of the name with a number from 2 on.

        An id that has, or had, a key or jobs is used: its next holder would see these jobs.
        """
        caller_id = name
        for number in count(2):
            has_jobs = jobs_of(self._root, caller_id).exists()
            sql = "SELECT 1 FROM keys WHERE id = ?"
            if not has_jobs and self._database.row(sql, (caller_id,)) is None:
                break
            caller_id = f"{name}.{number}"
        return caller_id

    def renew(self, name: str, days: float | None = None) -> str:
        """Replace a caller's key, also one that has expired, and return the new one.

        Raises ``ValueError`` for an unknown caller, and without ``days`` for a key that expires.
        """
        with self._database.transaction():
            caller_id = self._find_id(name)
            sql = "SELECT expires FROM keys WHERE id = ?"
            expires = self._database.value(sql, (caller_id,))
            if expires and not days:
                # Without days, the new key would be valid for ever.
                raise ValueError(
                    f"{name}: this key expires; say for how many days the new one is valid (--days)"
                )
            return self._make_key(caller_id, days)

    def revoke(self, name: str) -> None:
        """Revoke a caller's key. The caller's jobs stay. Raises ``ValueError`` for an unknown
        caller.
        """
        with self._database.transaction():
            caller_id = self._find_id(name)
            self._database.execute(
                "UPDATE keys SET is_revoked = 1 WHERE id = ?", (caller_id,)
            )

    def _make_key(self, caller_id: str, days: float | None) -> str:
        """Give a caller a new key, and return it. Only its hash is stored."""
        key = f"xk_{secrets.token_urlsafe(32)}"
        expires = None
        if days:
            expires = f"{datetime.now(UTC) + timedelta(days=days):%FT%T+00:00}"
        sql = "UPDATE keys SET key_sha256 = ?, expires = ? WHERE id = ?"
        self._database.execute(sql, (_digest(key), expires, caller_id))
        return key

    def _find_id(self, name: str) -> str:
        """Return the id of the caller with a valid key and that name. Raises ``ValueError``."""
        caller_id = self._database.value(
            "SELECT id FROM keys WHERE name = ? AND NOT is_revoked", (name,)
        )
        if caller_id is None:
            raise ValueError(
                f"{name}: there is no such caller; `extractor serve keys list` shows them"
            )
        return str(caller_id)

    def find(self, key: str) -> Caller | None:
        """Return the caller with that key; None if nobody has it, or it is revoked or expired. The
        lookup uses the hash, so its timing reveals nothing about the key.
        """
        sql = f"SELECT {_COLUMNS} FROM keys WHERE key_sha256 = ? AND {_IS_VALID}"
        row = self._database.row(sql, (_digest(key), now()))
        if row is None:
            return None
        return Caller(*row)

    def is_valid(self, caller_id: str) -> bool:
        """Return whether a caller's key is neither revoked nor expired; always true for the
        operator.
        """
        if caller_id == OPERATOR:
            return True
        sql = f"SELECT 1 FROM keys WHERE id = ? AND {_IS_VALID}"
        return self._database.row(sql, (caller_id, now())) is not None

    def __iter__(self) -> Iterator[Caller]:
        """Yield all callers whose key is not revoked, by name."""
        rows = self._database.execute(
            f"SELECT {_COLUMNS} FROM keys WHERE NOT is_revoked ORDER BY name"
        )
        return (Caller(*row) for row in rows)

    def close(self) -> None:
        self._database.close()


def jobs_of(root: Path, caller_id: str) -> Path:
    """Return the folder of a caller's jobs."""
    return root / "jobs" / caller_id


class RequestRates:
    """The rates at which callers send requests."""

    def __init__(self) -> None:
        self._limiters: dict[Caller, AsyncLimiter] = {}

    async def count_request(self, caller: Caller) -> None:
        """Count a request. Raises ``ProblemError`` if the caller exceeds the rate of requests in a
        minute; a caller without a rate never does.
        """
        limit = caller.requests_per_minute
        if not limit:
            return
        limiter = self._limiters.setdefault(caller, AsyncLimiter(limit, 60))
        # refused at once, instead of waiting for its turn
        if not limiter.has_capacity():
            raise ProblemError(
                "rate-limit",
                f"{limit} requests in a minute are allowed",
                retry_s=60 / limit,
            )
        await limiter.acquire()


SPENT = "the service's limit of money is reached"
_SPENDING_FILE = "spending.sqlite"
_SPENDING_VERSION = 2
_SPENDING_TABLES = """
-- of a call, the most until its end, or the sum of all before this start
CREATE TABLE IF NOT EXISTS spending (
    id INTEGER PRIMARY KEY, dollars REAL NOT NULL
);
"""


class SharedMeter:
    """The ``Meter`` of a service: the requests of all callers and jobs to the model, and what they
    cost.

    Each cost is stored in ``root``, so that the limit of money holds over all starts of the
    service: a call that a killed process began counts at the most that it may have cost. Raises
    ``StoreError`` if the file cannot be used.
    """

    def __init__(
        self, root: Path, pricing: Pricing, requests_per_minute: float | None
    ) -> None:
        self._database = Database.open(
            root / _SPENDING_FILE, _SPENDING_TABLES, _SPENDING_VERSION
        )
        (root / _SPENDING_FILE).chmod(0o600)
        # one row for all that earlier starts have spent
        with self._database.transaction():
            sql = "SELECT coalesce(sum(dollars), 0) FROM spending"
            spent = float(self._database.value(sql))
            self._database.execute("DELETE FROM spending")
            self._add(spent)
        self.budget = Budget(
            pricing.max_usd, pricing.rates.high, pricing.price, Spending(dollars=spent)
        )
        self._cost = pricing.cost or (lambda _: 0)
        self._numbers = dict[Reservation, int]()
        """For each call under way, the row with the most that it may cost."""
        self._limiter: AsyncLimiter | None = None
        if requests_per_minute:
            # The requests of ten seconds may go out at once, further ones at the rate.
            requests_of_ten_seconds = requests_per_minute / 6
            burst = max(1.0, requests_of_ten_seconds)
            seconds = 60 * burst / requests_per_minute
            self._limiter = AsyncLimiter(burst, seconds)

    def _add(self, dollars: float) -> int:
        """Store a cost, and return the number of its row."""
        number = self._database.execute(
            "INSERT INTO spending VALUES (NULL, ?)", (dollars,)
        ).lastrowid
        assert number is not None
        return number

    def check(self, effort: Effort) -> None:
        """Raise ``ProblemError`` if the model may be asked and the money is spent."""
        if effort is not Effort.NONE and self.budget.reached:
            remedy = "ask the operator for a higher limit, or use effort=none"
            raise ProblemError("spending-limit", SPENT, remedy=remedy)

    async def reserve(self, call: Call) -> Reservation:
        """Wait for the rate and for room, reserve what a call may use, and store the most that it
        may cost. Raises ``BudgetReached`` if there will be no room.
        """
        if self._limiter:
            await self._limiter.acquire()
        reservation = await self.budget.reserve(call)
        self._numbers[reservation] = self._add(self._cost(reservation.most))
        return reservation

    def allows(self, reservation: Reservation) -> bool:
        """Return whether there is room now for another request like this one."""
        return self.budget.allows(reservation)

    def lose(self, reservation: Reservation, *, replied: bool = False) -> None:
        """Count a request at the most that it may have used: it got no reply, or ``replied``
        without a usage.
        """
        self.budget.lose(reservation, replied=replied)
        self._add(self._cost(reservation.most))

    def charge(self, reservation: Reservation, usage: Usage) -> None:
        """Release a reservation, and count the usage that replies reported, in place of the most
        that the call could have cost.
        """
        self.budget.charge(reservation, usage)
        row = (self._cost(usage), self._numbers.pop(reservation))
        self._database.execute("UPDATE spending SET dollars = ? WHERE id = ?", row)

    def close(self) -> None:
        self._database.close()


def read_spent(root: Path) -> float:
    """Return the dollars that the model has cost over all starts of the service in ``root``, which
    may be running: its calls under way count at the most that they may cost. Raises ``StoreError``
    if there was no start.
    """
    path = root / _SPENDING_FILE
    with closing(Database.open_to_read(path, _SPENDING_VERSION)) as database:
        return float(database.value("SELECT coalesce(sum(dollars), 0) FROM spending"))
