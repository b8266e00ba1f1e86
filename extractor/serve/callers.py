"""Who may call, with which limits, and what each has spent: one SQLite file."""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from extractor.llm.database import Database
from extractor.schemas import Usage

__all__ = ["OPERATOR", "Caller", "CallerBook", "CallerLimits", "Spent", "this_month"]

BOOK_FILE = "callers.sqlite"
OPERATOR = "operator"
"""The caller who has the service's own token."""
_VERSION = 1
_TABLES = """
CREATE TABLE callers (
    name TEXT PRIMARY KEY, key_sha256 TEXT NOT NULL UNIQUE, limits TEXT NOT NULL, made TEXT NOT NULL
);
CREATE TABLE spending (  -- picodollars is a lower bound where calls had no known price
    caller TEXT NOT NULL, month TEXT NOT NULL, calls INTEGER NOT NULL, prompt_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, picodollars INTEGER NOT NULL,
    unpriced INTEGER NOT NULL, PRIMARY KEY (caller, month)
);
"""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_KEY_BYTES = 32


class CallerLimits(BaseModel):
    """What a caller may take; None is no limit beyond the service's own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests_per_minute: PositiveInt | None = 600
    max_bytes: PositiveInt | None = None
    max_concurrent: PositiveInt | None = 16
    max_jobs: PositiveInt | None = 20
    max_usd: float | None = Field(default=None, ge=0)


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with a key."""

    name: str
    limits: CallerLimits = field(default_factory=CallerLimits)

    @classmethod
    def operator(cls) -> "Caller":
        """Who runs the service: without limits of their own."""
        none = dict.fromkeys(CallerLimits.model_fields)
        return cls(OPERATOR, CallerLimits.model_validate(none))

    @property
    def is_operator(self) -> bool:
        return self.name == OPERATOR


@dataclass(frozen=True, slots=True)
class Spent:
    """What a caller's calls to the model took in a month."""

    usage: Usage = field(default_factory=Usage)
    picodollars: int = 0
    unpriced: int = 0


def this_month() -> str:
    """The calendar month in UTC, such as 2026-11."""
    return datetime.now(UTC).strftime("%Y-%m")


def digest_key(key: str) -> str:
    """What is kept of a key. Its 256 random bits cannot be guessed, so that a hash which is slow on purpose, as for
    passwords, would protect nothing, and cost a tenth of a second for each request.
    """
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


class CallerBook:
    """Callers with the hashes of their keys, and their spending, in a folder. Changes hold at once, also those that
    another process makes. Raises ``StoreError`` where the file cannot be used.
    """

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._database = Database.open(root / BOOK_FILE, _TABLES, _VERSION)
        (root / BOOK_FILE).chmod(0o600)

    def add(self, name: str, limits: CallerLimits) -> str:
        """Make a caller, and say the key, which is not kept. Raises ``ValueError`` for a name that cannot be had."""
        if not _NAME.fullmatch(name) or name == OPERATOR:
            raise ValueError(
                f"{name!r}: a caller's name has small letters, digits, - and _, at most 40; choose another"
            )
        if self._database.row("SELECT 1 FROM callers WHERE name = ?", (name,)):
            raise ValueError(f"{name} has a key already; revoke it first")
        key = f"xk_{secrets.token_urlsafe(_KEY_BYTES)}"
        row = (name, digest_key(key), limits.model_dump_json(), datetime.now(UTC).isoformat(timespec="seconds"))
        self._database.execute("INSERT INTO callers VALUES (?, ?, ?, ?)", row)
        return key

    def revoke(self, name: str) -> None:
        """Forget a caller's key; jobs and spending stay. Raises ``ValueError`` if there is no such caller."""
        if not self._database.execute("DELETE FROM callers WHERE name = ?", (name,)).rowcount:
            raise ValueError(f"{name}: there is no such caller")

    def find(self, key: str) -> Caller | None:
        """Whose key that is. It is looked up by its hash, of which nobody can choose the digits."""
        digest = digest_key(key)
        row = self._database.row("SELECT name, key_sha256, limits FROM callers WHERE key_sha256 = ?", (digest,))
        if row is None or not secrets.compare_digest(row[1], digest):
            return None
        return Caller(row[0], CallerLimits.model_validate_json(row[2]))

    def get(self, name: str) -> Caller | None:
        """The caller of that name, if the key is not revoked."""
        row = self._database.row("SELECT name, limits FROM callers WHERE name = ?", (name,))
        return Caller(row[0], CallerLimits.model_validate_json(row[1])) if row else None

    def __iter__(self) -> Iterator[tuple[Caller, str, Spent]]:
        """All callers, with the time when each was made and what each has spent this month."""
        for row in self._database.execute("SELECT name, limits, made FROM callers ORDER BY name").fetchall():
            yield Caller(row[0], CallerLimits.model_validate_json(row[1])), row[2], self.spent(row[0])

    def spent(self, name: str, month: str | None = None) -> Spent:
        """What a caller has spent in a month, this one if none is said."""
        columns = "calls, prompt_tokens, cached_tokens, output_tokens, picodollars, unpriced"
        sql = f"SELECT {columns} FROM spending WHERE caller = ? AND month = ?"  # noqa: S608 - fixed words
        row = self._database.row(sql, (name, month or this_month()))
        if row is None:
            return Spent()
        usage = Usage(calls=row[0], prompt_tokens=row[1], cached_tokens=row[2], output_tokens=row[3])
        return Spent(usage, row[4], row[5])

    def spend(self, name: str, usage: Usage, picodollars: int | None) -> None:
        """Note what a call took; ``picodollars`` is None where its price is not known."""
        counted: tuple[Any, ...] = (usage.calls, usage.prompt_tokens, usage.cached_tokens, usage.output_tokens)
        row = (name, this_month(), *counted, picodollars or 0, int(picodollars is None))
        names = ("calls", "prompt_tokens", "cached_tokens", "output_tokens", "picodollars", "unpriced")
        sums = ", ".join(f"{column} = {column} + excluded.{column}" for column in names)
        sql = f"INSERT INTO spending VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET {sums}"  # noqa: S608
        self._database.execute(sql, row)

    def close(self) -> None:
        self._database.close()
