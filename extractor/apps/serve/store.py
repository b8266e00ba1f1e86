"""The service's database: callers and their keys, spending, and jobs."""

from datetime import UTC, datetime
from pathlib import Path

from extractor.apps.serve.settings import make_root
from extractor.errors import ArgumentError
from extractor.face import Database

_FILE = "service.sqlite"
_VERSION = 1
_TABLES = """
CREATE TABLE callers (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, key_sha256 TEXT NOT NULL UNIQUE, made TEXT NOT NULL,
    expires TEXT, max_usd REAL, is_revoked INTEGER NOT NULL DEFAULT 0
);
-- the cost of a call (its maximum while in progress), or a caller's total from earlier starts
CREATE TABLE spending (id INTEGER PRIMARY KEY, caller TEXT NOT NULL, dollars REAL NOT NULL);
CREATE TABLE jobs (
    id TEXT PRIMARY KEY, state TEXT NOT NULL, has_begun INTEGER NOT NULL, job TEXT NOT NULL
);
"""


def open_store(root: Path) -> Database:
    """Open the service database in a folder, creating the database if it does not exist.

    Several processes can open it at the same time. Raises ``ArgumentError`` if the folder cannot
    be written, and ``StoreError`` if the database cannot be used.
    """
    make_root(root)
    database = Database.open(root / _FILE, _TABLES, _VERSION)
    database.path.chmod(0o600)
    return database


def has_begun(root: Path) -> bool:
    """Return whether a service has used this folder as its root."""
    return (root / _FILE).is_file()


def check_root(root: Path) -> Path:
    """Return the root of a service. Raises ``ArgumentError`` for any other folder, because a
    mistyped path would look like a service without callers.
    """
    if not has_begun(root):
        raise ArgumentError(
            f"{root}: no service has used this folder (there is no {_FILE}); specify its folder "
            "with --root or EXTRACTOR_ROOT; to create it: extractor serve keys add NAME --new"
        )
    return root


def now() -> str:
    """Return the current UTC time to the second, in a format that sorts chronologically."""
    return datetime.now(UTC).isoformat(timespec="seconds")
