"""Callers, their keys, and how many requests each caller sends per minute."""

import re
import secrets
import shlex
from collections import defaultdict, deque
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from math import ceil, isfinite
from time import monotonic

from extractor.apps.serve.problems import ProblemError
from extractor.apps.serve.store import now
from extractor.face import Database

OPERATOR = "operator"
"""The caller that uses the service's own token, and can access all jobs."""
KEY_INVALID = "the caller's key has been revoked or has expired"
_IS_VALID = "NOT is_revoked AND (expires IS NULL OR expires > ?)"
_MOST_DAYS = 36_500
_WINDOW_S = 60.0
_NAME = re.compile("[a-z0-9][a-z0-9_-]{0,39}")
_LIST = """
SELECT name, made, coalesce(expires, 'never'), id, coalesce(max_usd, 'none'),
    printf('%.4f', (SELECT total(dollars) FROM spending WHERE caller = callers.id)),
    CASE WHEN is_revoked THEN 'revoked' WHEN expires <= ? THEN 'expired' ELSE 'valid' END
FROM callers ORDER BY name, made
"""


class Keys:
    """The keys of callers, stored as hashes. Changes take effect immediately, even if another
    process makes them.

    A caller's id is the name of the folder for its jobs. A name that is reused gets a new id.
    """

    def __init__(self, store: Database) -> None:
        self._store = store

    def add(
        self, name: str, days: float | None = None, max_usd: float | None = None
    ) -> str:
        """Add a caller, and return its key, which expires after ``days`` days and is not stored.

        Raises ``ValueError`` if the name is invalid or already has a key, or if ``days`` is not
        positive or too large, or ``max_usd`` is not finite.
        """
        _check_limit(max_usd)
        if name == OPERATOR or not _NAME.fullmatch(name):
            raise ValueError(
                f"{name!r}: a name must have 1 to 40 characters (a to z, digits, - and _), must "
                f"start with a letter or a digit, and must not be {OPERATOR}; choose another name"
            )
        with self._store.transaction():
            # the name of a revoked caller may be given to another caller
            sql = "SELECT 1 FROM callers WHERE name = ? AND NOT is_revoked"
            if self._store.row(sql, (name,)):
                raise ValueError(
                    f"{name} already has a key; renew it, or revoke it first"
                )
            caller = self._find_free_id(name)
            # no key has the empty hash, which the key replaces before the transaction ends
            self._store.execute(
                "INSERT INTO callers VALUES (?, ?, '', ?, NULL, ?, 0)",
                (caller, name, now(), max_usd),
            )
            return self._replace_key(caller, days)

    def _find_free_id(self, name: str) -> str:
        """Return the first of ``name``, ``name.2``, ``name.3`` and so on that has never been a
        caller's id. A reused id would give access to an earlier caller's jobs.
        """
        caller = name
        for number in count(2):
            if not self._store.row("SELECT 1 FROM callers WHERE id = ?", (caller,)):
                break
            caller = f"{name}.{number}"
        return caller

    def renew(self, name: str, days: float | None = None) -> str:
        """Replace a caller's key, even if it has expired, and return the new key.

        Raises ``ValueError`` if the caller is unknown, or if the old key has an expiry date and
        ``days`` is None.
        """
        with self._store.transaction():
            caller = self._find_id(name)
            sql = "SELECT expires FROM callers WHERE id = ?"
            if days is None and self._store.value(sql, (caller,)):
                raise ValueError(
                    f"{name}: the old key has an expiry date; specify how many days the new key "
                    "is valid (--days)"
                )
            return self._replace_key(caller, days)

    def revoke(self, name: str) -> None:
        """Revoke a caller's key. Raises ``ValueError`` for an unknown caller."""
        self._store.execute(
            "UPDATE callers SET is_revoked = 1 WHERE id = ?", (self._find_id(name),)
        )

    def limit(self, name: str, max_usd: float | None) -> None:
        """Set a caller's total spending limit; None means no limit. Raises ``ValueError`` if the
        caller is unknown, or the limit is not finite.
        """
        _check_limit(max_usd)
        self._store.execute(
            "UPDATE callers SET max_usd = ? WHERE id = ?",
            (max_usd, self._find_id(name)),
        )

    def _find_id(self, name: str) -> str:
        """Return the id of the caller with the given name whose key has not been revoked. Raises
        ``ValueError`` if there is no such caller.
        """
        sql = "SELECT id FROM callers WHERE name = ? AND NOT is_revoked"
        caller: str | None = self._store.value(sql, (name,))
        if caller is None:
            root = shlex.quote(str(self._store.path.parent))
            raise ValueError(
                f"{name}: no such caller; list the callers with `extractor serve keys list --root "
                f"{root}`"
            )
        return caller

    def _replace_key(self, caller: str, days: float | None) -> str:
        """Create and return a new key for a caller. Only its hash is stored."""
        expires = None
        if days is not None:
            if not 0 < days <= _MOST_DAYS:
                raise ValueError(
                    f"{days:g} days: a key must be valid for more than 0 and at most "
                    f"{_MOST_DAYS:,} days"
                )
            end = datetime.now(UTC) + timedelta(days=days)
            expires = end.isoformat(timespec="seconds")
        key = f"xk_{secrets.token_urlsafe(32)}"
        self._store.execute(
            "UPDATE callers SET key_sha256 = ?, expires = ? WHERE id = ?",
            (_digest(key), expires, caller),
        )
        return key

    def find(self, key: str) -> str | None:
        """Return the caller with the given key, or None if the key is unknown, revoked or expired.
        The lookup uses the hash, so its timing does not reveal anything about the key.
        """
        sql = f"SELECT id FROM callers WHERE key_sha256 = ? AND {_IS_VALID}"
        caller: str | None = self._store.value(sql, (_digest(key), now()))
        return caller

    def find_owner(self, key: str) -> str | None:
        """Return the name of the caller with the given key, even if the key is revoked or
        expired.
        """
        sql = "SELECT name FROM callers WHERE key_sha256 = ?"
        name: str | None = self._store.value(sql, (_digest(key),))
        return name

    def is_valid(self, caller: str) -> bool:
        """Return whether a caller's key is neither revoked nor expired. True for the operator."""
        if caller == OPERATOR:
            return True
        sql = f"SELECT 1 FROM callers WHERE id = ? AND {_IS_VALID}"
        return self._store.row(sql, (caller, now())) is not None

    def list_callers(self) -> list[tuple[str, ...]]:
        """Return all current and former callers as rows of name, creation and expiry dates, id,
        spending limit, dollars spent, and key status.
        """
        return self._store.execute(_LIST, (now(),)).fetchall()


class RequestLimit:
    """Accepts at most ``per_minute`` requests from each caller within any 60 seconds; None means no
    limit. Rejected requests are not counted.
    """

    def __init__(self, per_minute: int | None) -> None:
        self._per_minute = per_minute
        self._accepted: dict[str, deque[float]] = defaultdict(deque)
        """The times of each caller's latest accepted requests."""

    def check(self, caller: str) -> None:
        """Count a request of a caller. Raises ``ProblemError`` if the caller has reached the
        limit.
        """
        if self._per_minute is None:
            return
        now = monotonic()
        accepted = self._accepted[caller]
        while accepted and accepted[0] <= now - _WINDOW_S:
            accepted.popleft()
        if len(accepted) >= self._per_minute:
            raise ProblemError(
                "too-many-requests",
                f"the limit of each key is {self._per_minute} per minute",
                retry_s=ceil(accepted[0] + _WINDOW_S - now),
            )
        accepted.append(now)


def _check_limit(max_usd: float | None) -> None:
    if max_usd is not None and not isfinite(max_usd):
        raise ValueError(f"{max_usd:g} dollars: specify a number, or no limit at all")


def _digest(key: str) -> str:
    """Return the hash of a key in the form in which the hash is stored. A slow hash is not needed
    because a key has 256 random bits.
    """
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
