"""Callers and their keys."""

import re
import secrets
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count

from extractor.apps.serve.store import now
from extractor.model.database import Database

OPERATOR = "operator"
"""The caller with the service's own token, who sees all jobs."""
REFUSED = "the caller's key was revoked, or has expired"
_IS_VALID = "NOT is_revoked AND (expires IS NULL OR expires > ?)"
_NAME = re.compile("[a-z0-9][a-z0-9_-]{0,39}")
_LIST = """
SELECT name, made, coalesce(expires, 'never'), id, coalesce(max_usd, 'none'),
    printf('%.4f', (SELECT total(dollars) FROM spending WHERE caller = callers.id)),
    CASE WHEN is_revoked THEN 'revoked' WHEN expires <= ? THEN 'expired' ELSE 'valid' END
FROM callers ORDER BY name, made
"""


class Keys:
    """The keys of callers, stored as hashes. Changes, also those of another process, take effect
    at once.

    The id of a caller names the folder of its jobs; a name that is used again gets another id.
    """

    def __init__(self, store: Database) -> None:
        self._store = store

    def add(
        self, name: str, days: float | None = None, max_usd: float | None = None
    ) -> str:
        """Add a caller, whose key expires after ``days``, and return the key, which is not stored.

        Raises ``ValueError`` for an invalid name, for one that has a key, and for ``days`` that
        are not above 0.
        """
        if name == OPERATOR or not _NAME.fullmatch(name):
            raise ValueError(
                f"{name!r}: a name has 1 to 40 of the letters a to z, digits, - and _, begins with "
                f"a letter or a digit, and is not {OPERATOR}; choose another"
            )
        with self._store.transaction():
            sql = "SELECT 1 FROM callers WHERE name = ? AND NOT is_revoked"
            if self._store.row(sql, (name,)):
                raise ValueError(
                    f"{name} already has a key; renew it, or revoke it first"
                )
            caller = self._find_free_id(name)
            sql = "INSERT INTO callers VALUES (?, ?, '', ?, NULL, ?, 0)"
            self._store.execute(sql, (caller, name, now(), max_usd))
            return self._replace_key(caller, days)

    def _find_free_id(self, name: str) -> str:
        """Return the name, or the first of the name with a number from 2 on that no caller ever
        had: its next holder would see the jobs of the earlier one.
        """
        caller = name
        for number in count(2):
            if not self._store.row("SELECT 1 FROM callers WHERE id = ?", (caller,)):
                break
            caller = f"{name}.{number}"
        return caller

    def renew(self, name: str, days: float | None = None) -> str:
        """Replace a caller's key, also one that has expired, and return the new one.

        Raises ``ValueError`` for an unknown caller, and without ``days`` for a key that expires.
        """
        with self._store.transaction():
            caller = self._find_id(name)
            sql = "SELECT expires FROM callers WHERE id = ?"
            if days is None and self._store.value(sql, (caller,)):
                raise ValueError(
                    f"{name}: this key expires; set how many days the new one is valid (--days)"
                )
            return self._replace_key(caller, days)

    def revoke(self, name: str) -> None:
        """Revoke a caller's key. Raises ``ValueError`` for an unknown caller."""
        sql = "UPDATE callers SET is_revoked = 1 WHERE id = ?"
        self._store.execute(sql, (self._find_id(name),))

    def limit(self, name: str, max_usd: float | None) -> None:
        """Set what a caller may spend in all; None for no limit. Raises ``ValueError`` for an
        unknown caller.
        """
        sql = "UPDATE callers SET max_usd = ? WHERE id = ?"
        self._store.execute(sql, (max_usd, self._find_id(name)))

    def _find_id(self, name: str) -> str:
        """Return the id of the caller with that name whose key is not revoked. Raises
        ``ValueError``.
        """
        sql = "SELECT id FROM callers WHERE name = ? AND NOT is_revoked"
        caller: str | None = self._store.value(sql, (name,))
        if caller is None:
            raise ValueError(
                f"{name}: no such caller; `extractor serve keys list` shows them"
            )
        return caller

    def _replace_key(self, caller: str, days: float | None) -> str:
        """Give a caller a new key, and return it. Only its hash is stored."""
        expires = None
        if days is not None:
            if not days > 0:
                raise ValueError(
                    f"{days:g} days: a key must be valid for more than 0 days"
                )
            end = datetime.now(UTC) + timedelta(days=days)
            expires = end.isoformat(timespec="seconds")
        key = f"xk_{secrets.token_urlsafe(32)}"
        sql = "UPDATE callers SET key_sha256 = ?, expires = ? WHERE id = ?"
        self._store.execute(sql, (_digest(key), expires, caller))
        return key

    def find(self, key: str) -> str | None:
        """Return the caller with that key; None if nobody has it, or it is revoked or expired. The
        lookup uses the hash, so its timing reveals nothing about the key.
        """
        sql = f"SELECT id FROM callers WHERE key_sha256 = ? AND {_IS_VALID}"
        caller: str | None = self._store.value(sql, (_digest(key), now()))
        return caller

    def find_owner(self, key: str) -> str | None:
        """Return the name of the caller whose key it is, also if it is revoked or expired."""
        sql = "SELECT name FROM callers WHERE key_sha256 = ?"
        name: str | None = self._store.value(sql, (_digest(key),))
        return name

    def is_valid(self, caller: str) -> bool:
        """Return whether a caller's key is neither revoked nor expired; true for the operator."""
        if caller == OPERATOR:
            return True
        sql = f"SELECT 1 FROM callers WHERE id = ? AND {_IS_VALID}"
        return self._store.row(sql, (caller, now())) is not None

    def list_callers(self) -> list[tuple[str, ...]]:
        """Return all present and former callers: name, when the key was made and expires, id,
        limit and spent dollars, and whether the key is valid.
        """
        return self._store.execute(_LIST, (now(),)).fetchall()


def _digest(key: str) -> str:
    """Return the stored hash of a key. A key of 256 random bits needs no slow hash."""
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
