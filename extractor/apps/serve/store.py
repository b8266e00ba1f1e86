"""The file of a service: its callers and their keys, what was spent, and its jobs."""

from datetime import UTC, datetime
from pathlib import Path

from extractor.errors import ArgumentError
from extractor.model.database import Database

_FILE = "service.sqlite"
_VERSION = 1
_TABLES = """
CREATE TABLE callers (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, key_sha256 TEXT NOT NULL UNIQUE, made TEXT NOT NULL,
    expires TEXT, max_usd REAL, is_revoked INTEGER NOT NULL DEFAULT 0
);
-- what a call cost, until its end the most that it may cost, or the sum of earlier starts
CREATE TABLE spending (id INTEGER PRIMARY KEY, caller TEXT NOT NULL, dollars REAL NOT NULL);
CREATE TABLE jobs (
    id TEXT PRIMARY KEY, state TEXT NOT NULL, has_begun INTEGER NOT NULL, job TEXT NOT NULL
);
"""


def open_store(root: Path) -> Database:
    """Open the file of the service in a folder, which begins it if there is none.

    Several processes may have it open. Raises ``StoreError`` if it cannot be used.
    """
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = Database.open(root / _FILE, _TABLES, _VERSION)
    database.path.chmod(0o600)
    return database


def has_begun(root: Path) -> bool:
    """Return whether a folder is the root of a service."""
    return (root / _FILE).is_file()


def check_root(root: Path) -> Path:
    """Return the root of a service. Raises ``ArgumentError`` for any other folder: a mistyped one
    would look like a service without callers.
    """
    if not has_begun(root):
        raise ArgumentError(
            f"{root}: no service has begun here (there is no {_FILE}); name the service's folder "
            "with --root or EXTRACTOR_ROOT; to begin a new one: extractor serve keys add NAME --new"
        )
    return root


def now() -> str:
    """Return the time in UTC, to the second; such texts sort by time."""
    return datetime.now(UTC).isoformat(timespec="seconds")
