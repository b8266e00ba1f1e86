"""Manage callers: their keys, the rates of their requests, and what they spend over all starts
of the service.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import closing, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path

from aiolimiter import AsyncLimiter

from extractor.apps.serve.key_changes import KeyChanges
from extractor.apps.serve.problems import ProblemError
from extractor.errors import ArgumentError, StoreError
from extractor.model.calls import Call
from extractor.model.cost.budget import Budget, Pricing
from extractor.model.database import Database
from extractor.model.events import Fact
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
_LIMITS = """
-- of callers with a limit of money
CREATE TABLE IF NOT EXISTS limits (id TEXT PRIMARY KEY, max_usd REAL NOT NULL)
"""
"""Made in files of earlier versions, too, which go on without it."""
_COLUMNS = """
id, name, requests_per_minute, made, expires,
(SELECT max_usd FROM limits WHERE limits.id = keys.id), is_revoked
"""
_IS_VALID = "NOT is_revoked AND (expires IS NULL OR expires > ?)"
_LONGEST_NAME = 40
_NAME = re.compile(rf"[a-z0-9][a-z0-9_-]{{0,{_LONGEST_NAME - 1}}}")


def _check_name(name: str) -> None:
    """Raise ``ValueError`` for a name that no caller may have, and say what is wrong with it."""
    if name == OPERATOR:
        raise ValueError(
            f"{name}: this is the caller with the service's own token; choose another name"
        )
    if _NAME.fullmatch(name):
        return
    if not name:
        problem = "a name has at least one character"
    elif len(name) > _LONGEST_NAME:
        problem = f"a name has at most {_LONGEST_NAME} characters"
    elif name[0] in "-_":
        problem = "a name begins with a letter or a digit"
    else:
        problem = "a name has only lowercase letters from a to z, digits, - and _"
    raise ValueError(f"{name!r}: {problem}; choose another")


def _check_days(days: float | None) -> None:
    """Raise ``ValueError`` for days after which a key would never have been valid."""
    if days is not None and not days > 0:
        raise ValueError(
            f"{days:g} days: a key is valid for more than 0 days; leave the days out for a key "
            "that never expires"
        )


@dataclass(frozen=True, slots=True)
class Caller:
    """A holder of a key.

    ``id`` is the name of the caller's folder of jobs; a name that is used again gets a new one. The
    operator has no limit of requests, and none of money of its own (``max_usd``). Times are in UTC.
    """

    id: str
    name: str
    requests_per_minute: int | None = None
    made: str = ""
    expires: str | None = None
    max_usd: float | None = None
    is_revoked: bool = False

    @property
    def state(self) -> str:
        """Whether the caller's key is ``valid``, ``expired`` or ``revoked``."""
        if self.is_revoked:
            return "revoked"
        # Times in UTC sort as texts.
        if self.expires and self.expires <= now():
            return "expired"
        return "valid"


@dataclass(slots=True)
class Spent:
    """What one request or job asked of the model: the calls with an answer, and their cost in US
    dollars, None if the price is unknown.
    """

    usage: Usage = field(default_factory=Usage)
    usd: float | None = None

    @property
    def facts(self) -> dict[str, int | float | None]:
        """Calls, tokens and dollars, for an event; empty if the model was not asked."""
        if not self.usage.calls:
            return {}
        return list_facts(self.usage, self.usd)


def list_facts(usage: Usage, usd: float | None) -> dict[str, int | float | None]:
    """Return the calls, tokens and dollars of an event."""
    return {
        "calls": usage.calls,
        "prompt_tokens": usage.prompt_tokens,
        "cached_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
        "usd": None if usd is None else round(usd, 6),
    }


_spender: ContextVar[str] = ContextVar("spender", default=OPERATOR)
_spent: ContextVar[Spent | None] = ContextVar("spent", default=None)


def spend_as(caller_id: str) -> None:
    """Let what this task asks of the model, and the tasks that it makes, count for a caller."""
    _spender.set(caller_id)


def count_spent() -> Spent:
    """Return the count, from now on, of what this task asks of the model, and the tasks that it
    makes, until they begin a count of their own.
    """
    spent = Spent()
    _spent.set(spent)
    return spent


def now() -> str:
    """Return the time in UTC, to the second; such texts sort by time."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def has_begun(root: Path) -> bool:
    """Return whether a folder is the root of a service. Raises ``OSError`` if this user may not
    look.
    """
    try:
        (root / _BOOK_FILE).stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def check_root(root: Path) -> Path:
    """Return the root of a service. Raises ``ArgumentError`` for any other folder: a mistyped one
    would look like a service without callers.
    """
    if not has_begun(root):
        raise ArgumentError(
            f"{root}: no service has begun here (there is no {_BOOK_FILE}); name the service's "
            "folder with --root or EXTRACTOR_ROOT; to begin a new one: extractor serve keys add "
            "NAME --new"
        )
    return root


def _digest(key: str) -> str:
    """Return the stored hash of a key. A key of 256 random bits cannot be guessed, so it needs
    no slow hash.
    """
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


class CallerBook:
    """Stores callers and the hashes of their keys in a folder.

    Changes, also those of another process, take effect at once. Raises ``StoreError`` if the file
    cannot be used. ``by`` names who makes changes, for the log.
    """

    def __init__(self, root: Path, by: str | None = None) -> None:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._root = root
        self._database = Database.open(root / _BOOK_FILE, _TABLES, _VERSION)
        (root / _BOOK_FILE).chmod(0o600)
        self._database.execute(_LIMITS)
        self._by = by
        self.changes = KeyChanges(self._database)

    def _note(self, caller_id: str, change: str, **facts: Fact) -> None:
        """Note a change of a caller's key, for the log of the service."""
        self.changes.note(
            caller=caller_id, change=change, by=self._by, changed=now(), **facts
        )

    def add(
        self,
        name: str,
        requests_per_minute: int,
        days: float | None = None,
        max_usd: float | None = None,
    ) -> str:
        """Add a caller, whose key expires after ``days``, and return the key, which is not stored.
        ``max_usd`` limits what the caller may spend in all.

        Raises ``ValueError`` for an invalid name, for one that has a key, and for ``days`` that
        are not above 0.
        """
        _check_name(name)
        _check_days(days)
        with self._database.transaction():
            sql = "SELECT 1 FROM keys WHERE name = ? AND NOT is_revoked"
            if self._database.row(sql, (name,)):
                raise ValueError(
                    f"{name} has a key already; renew it, or revoke it first"
                )
            caller_id = self._find_free_id(name)
            row = (caller_id, name, "", requests_per_minute, now(), None)
            self._database.execute("INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, 0)", row)
            self._set_limit(caller_id, max_usd)
            key, expires = self._make_key(caller_id, days)
            facts = {"requests_per_minute": requests_per_minute, "max_usd": max_usd}
            self._note(caller_id, "added", expires=expires, **facts)
        return key

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

        Raises ``ValueError`` for an unknown caller, for ``days`` that are not above 0, and without
        ``days`` for a key that expires.
        """
        _check_days(days)
        with self._database.transaction():
            caller_id = self._find_id(name)
            sql = "SELECT expires FROM keys WHERE id = ?"
            old_expires = self._database.value(sql, (caller_id,))
            if old_expires and days is None:
                # Without days, the new key would be valid for ever.
                raise ValueError(
                    f"{name}: this key expires; say for how many days the new one is valid (--days)"
                )
            key, expires = self._make_key(caller_id, days)
            self._note(caller_id, "renewed", expires=expires)
        return key

    def revoke(self, name: str) -> None:
        """Revoke a caller's key. The caller's jobs stay. Raises ``ValueError`` for an unknown
        caller.
        """
        with self._database.transaction():
            caller_id = self._find_id(name)
            self._database.execute(
                "UPDATE keys SET is_revoked = 1 WHERE id = ?", (caller_id,)
            )
            self._note(caller_id, "revoked")

    def limit(self, name: str, max_usd: float | None) -> None:
        """Set what a caller may spend in all; None for no limit. Raises ``ValueError`` for an
        unknown caller.
        """
        with self._database.transaction():
            caller_id = self._find_id(name)
            self._set_limit(caller_id, max_usd)
            self._note(caller_id, "limited", max_usd=max_usd)

    def _set_limit(self, caller_id: str, max_usd: float | None) -> None:
        """Store what a caller may spend in all."""
        self._database.execute("DELETE FROM limits WHERE id = ?", (caller_id,))
        if max_usd is not None:
            self._database.execute(
                "INSERT INTO limits VALUES (?, ?)", (caller_id, max_usd)
            )

    def find_limit(self, caller_id: str) -> float | None:
        """Return the dollars that a caller may spend in all; None without a limit."""
        limit = self._database.row(
            "SELECT max_usd FROM limits WHERE id = ?", (caller_id,)
        )
        return float(limit[0]) if limit else None

    def _make_key(self, caller_id: str, days: float | None) -> tuple[str, str | None]:
        """Give a caller a new key, and return it, and when it expires. Only its hash is stored."""
        key = f"xk_{secrets.token_urlsafe(32)}"
        expires = None
        if days is not None:
            expires = f"{datetime.now(UTC) + timedelta(days=days):%FT%T+00:00}"
        sql = "UPDATE keys SET key_sha256 = ?, expires = ? WHERE id = ?"
        self._database.execute(sql, (_digest(key), expires, caller_id))
        return key, expires

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

    def find_owner(self, key: str) -> str | None:
        """Return the name of the caller whose key it is, also if it is revoked or expired; None if
        it is nobody's.
        """
        sql = "SELECT name FROM keys WHERE key_sha256 = ?"
        name = self._database.value(sql, (_digest(key),))
        return None if name is None else str(name)

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

    def list_all(self) -> list[Caller]:
        """Return all callers that ever were, by name, then by time."""
        sql = f"SELECT {_COLUMNS} FROM keys ORDER BY name, made"
        return [Caller(*row) for row in self._database.execute(sql)]

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
SPENT_BY_CALLER = "the caller's limit of money is reached"
_SPENDING_FILE = "spending.sqlite"
_SPENDING_VERSION = 2
_SPENDING_TABLES = """
-- of a call, the most until its end, or the sum of all before this start
CREATE TABLE IF NOT EXISTS spending (
    id INTEGER PRIMARY KEY, dollars REAL NOT NULL
);
"""

_SPENDING_OF_CALLERS = """
-- who caused a row of spending; without its number, the sum of all before this start
CREATE TABLE IF NOT EXISTS spending_of_callers (
    spending INTEGER UNIQUE, caller TEXT NOT NULL, dollars REAL NOT NULL
)
"""
"""Made in files of earlier versions, too, which go on without it."""


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """A call under way: its caller, the caller's budget with the reservation there, and the row
    with the most that it may cost.
    """

    caller: str
    budget: Budget
    reservation: Reservation
    number: int


class SharedMeter:
    """The ``Meter`` of a service: the requests of all callers and jobs to the model, and what they
    cost, in all and for each caller. A call must fit the limit of all and that of its caller.

    Each cost is stored in ``root``, so that the limit of money holds over all starts of the
    service: a call that a killed process began counts at the most that it may have cost. Raises
    ``StoreError`` if the file cannot be used.
    """

    def __init__(
        self,
        root: Path,
        pricing: Pricing,
        requests_per_minute: float | None,
        book: CallerBook,
    ) -> None:
        self._book = book
        self._pricing = pricing
        self._database = Database.open(
            root / _SPENDING_FILE, _SPENDING_TABLES, _SPENDING_VERSION
        )
        (root / _SPENDING_FILE).chmod(0o600)
        # one row for all that earlier starts have spent
        with self._database.transaction():
            sql = "SELECT coalesce(sum(dollars), 0) FROM spending"
            spent = float(self._database.value(sql))
            self._database.execute("DELETE FROM spending")
            self._database.execute("INSERT INTO spending VALUES (NULL, ?)", (spent,))
            self._spent = self._sum_callers()
        self.budget = Budget(
            pricing.max_usd, pricing.rates.high, pricing.price, Spending(dollars=spent)
        )
        self._cost = pricing.cost or (lambda _: 0)
        self._budgets = dict[str, Budget]()
        """The budgets of the callers that asked since this start, by their ids."""
        self._under_way = dict[Reservation, _UnderWay]()
        """The calls under way, by their reservations in the budget of all."""
        self._limiter: AsyncLimiter | None = None
        if requests_per_minute:
            # The requests of ten seconds may go out at once, further ones at the rate.
            requests_of_ten_seconds = requests_per_minute / 6
            burst = max(1.0, requests_of_ten_seconds)
            seconds = 60 * burst / requests_per_minute
            self._limiter = AsyncLimiter(burst, seconds)

    def _sum_callers(self) -> dict[str, float]:
        """Return what each caller has spent before this start, and store it as one row each."""
        self._database.execute(_SPENDING_OF_CALLERS)
        sql = "SELECT caller, sum(dollars) FROM spending_of_callers GROUP BY caller"
        sums = dict(self._database.execute(sql).fetchall())
        self._database.execute("DELETE FROM spending_of_callers")
        for caller, dollars in sums.items():
            sql = "INSERT INTO spending_of_callers VALUES (NULL, ?, ?)"
            self._database.execute(sql, (caller, dollars))
        return sums

    def _add(self, dollars: float, caller: str) -> int:
        """Store a cost of a caller, and return the number of its row."""
        with self._database.transaction():
            number = self._database.execute(
                "INSERT INTO spending VALUES (NULL, ?)", (dollars,)
            ).lastrowid
            assert number is not None
            sql = "INSERT INTO spending_of_callers VALUES (?, ?, ?)"
            self._database.execute(sql, (number, caller, dollars))
        return number

    def budget_of(self, caller: str) -> Budget:
        """Return the budget of a caller, at the limit that the caller has now. If no price is
        known, a limit leaves no room.
        """
        limit = self._book.find_limit(caller)
        price = self._pricing.price
        if limit is not None and price is None:
            closed = Budget(None, self._pricing.rates.high, None)
            closed.reached = True
            return closed
        budget = self._budgets.get(caller)
        if budget is None:
            spent = Spending(dollars=self._spent.get(caller, 0))
            budget = Budget(None, self._pricing.rates.high, price, spent)
            self._budgets[caller] = budget
        budget.change_limit(limit)
        return budget

    def explain_spent(self, caller: str) -> str:
        """Return which limit of money is reached: that of all, or that of the caller."""
        has_limit = self._book.find_limit(caller) is not None
        if has_limit and self._pricing.price is None:
            return (
                "the caller has a limit of money, and the price of the model is unknown"
            )
        return SPENT if self.budget.is_spent else SPENT_BY_CALLER

    def check(self, effort: Effort, caller: str | None = None) -> None:
        """Raise ``ProblemError`` if the model may be asked, and the money of all or of the caller
        is spent. Without a ``caller``, it is that of this task.
        """
        if effort is Effort.NONE or self._pricing.spec is None:
            return
        caller = caller or _spender.get()
        if self.budget.is_spent or self.budget_of(caller).is_spent:
            remedy = "ask the operator for a higher limit, or use effort=none"
            raise ProblemError(
                "spending-limit", self.explain_spent(caller), remedy=remedy
            )

    async def reserve(self, call: Call) -> Reservation:
        """Wait for the rate and for room, reserve what a call may use, and store the most that it
        may cost. Raises ``BudgetReached`` if there will be no room.
        """
        if self._limiter:
            await self._limiter.acquire()
        caller = _spender.get()
        budget = self.budget_of(caller)
        own = await budget.reserve(call)
        try:
            reservation = await self.budget.reserve(call)
        # also a cancellation
        except BaseException:
            budget.charge(own, Usage())
            # so that the caller's jobs end, too
            budget.reached |= self.budget.reached
            raise
        number = self._add(self._cost(reservation.most), caller)
        self._under_way[reservation] = _UnderWay(caller, budget, own, number)
        return reservation

    def allows(self, reservation: Reservation) -> bool:
        """Return whether there is room now for another request like this one."""
        under_way = self._under_way[reservation]
        has_own_room = under_way.budget.allows(under_way.reservation)
        return has_own_room and self.budget.allows(reservation)

    def lose(self, reservation: Reservation, *, replied: bool = False) -> None:
        """Count a request at the most that it may have used: it got no reply, or ``replied``
        without a usage.
        """
        under_way = self._under_way[reservation]
        under_way.budget.lose(under_way.reservation, replied=replied)
        self.budget.lose(reservation, replied=replied)
        self._add(self._cost(reservation.most), under_way.caller)

    def charge(self, reservation: Reservation, usage: Usage) -> None:
        """Release a reservation, and count the usage that replies reported, in place of the most
        that the call could have cost.
        """
        under_way = self._under_way.pop(reservation)
        under_way.budget.charge(under_way.reservation, usage)
        self.budget.charge(reservation, usage)
        spent = _spent.get()
        if spent:
            spent.usage += usage
            if self._pricing.cost:
                spent.usd = (spent.usd or 0) + self._pricing.cost(usage)
        row = (self._cost(usage), under_way.number)
        with self._database.transaction():
            self._database.execute("UPDATE spending SET dollars = ? WHERE id = ?", row)
            sql = "UPDATE spending_of_callers SET dollars = ? WHERE spending = ?"
            self._database.execute(sql, row)

    def close(self) -> None:
        self._database.close()


def read_spent(root: Path) -> float:
    """Return the dollars that the model has cost over all starts of the service in ``root``, which
    may be running: its calls under way count at the most that they may cost; 0 before the first
    start. Raises ``StoreError`` if the file cannot be read.
    """
    path = root / _SPENDING_FILE
    if not path.exists():
        return 0.0
    with closing(Database.open_to_read(path, _SPENDING_VERSION)) as database:
        return float(database.value("SELECT coalesce(sum(dollars), 0) FROM spending"))


def read_spent_of_callers(root: Path) -> dict[str, float]:
    """Return the dollars of each caller, by id, as ``read_spent`` counts them; empty if there was
    no start of the service.
    """
    path = root / _SPENDING_FILE
    sql = "SELECT caller, sum(dollars) FROM spending_of_callers GROUP BY caller"
    # there is no such file or, of an earlier version, no such table
    with (
        suppress(StoreError),
        closing(Database.open_to_read(path, _SPENDING_VERSION)) as database,
    ):
        return dict(database.execute(sql).fetchall())
    return {}
