"""SQLite files for many short transactions, such as the store of a run. Committed data survives if
the process is killed.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from threading import Lock
from typing import Any

from extractor.errors import DiskFull, StoreError

RUN_FILE = "run.sqlite"
"""The file in a run's folder that contains its records, calls and answers."""
RUN_VERSION = 7
"""Version of the tables in ``run.sql``."""
HOW_LOST = (
    "if it was copied from a run that was killed, copy the file that ends in -wal too; "
    "otherwise, restore a backup"
)

_APPLICATION = 0x54724578  # "TrEx", in the file's header
_TO_WRITE = ("journal_mode=WAL", "synchronous=NORMAL", "wal_autocheckpoint=8000")
"""A checkpoint, which waits for the disk, runs when the log reaches 32 MiB. SQLite's default of 4
MiB slows down runs that use a model.
"""

_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)
"""The errors of a full disk: a file, or the memory that processes share, cannot become larger."""

_Parameters = Sequence[object] | Mapping[str, object]


class Database:
    """An open SQLite file created by this program, with a write-ahead log. Committed data survives
    if the process is killed. The log is not synced to the disk at each commit, so a power failure
    may cause the most recent commits to be lost but does not damage the file. SQLite errors are
    raised as ``StoreError`` with the name of the file and a remedy.

    ``mode`` is the query string of the SQLite URI, such as ``mode=rw``. Raises ``StoreError`` if
    the file cannot be opened, was not created by this program, or has a different ``version`` of
    the tables.
    """

    def __init__(self, path: Path, mode: str, version: int) -> None:
        self.path = path
        self._written: os.stat_result | None = None
        self._one_query = Lock()
        uri = f"{path.absolute().as_uri()}?{mode}"
        with _explaining(path):
            self._connection = sqlite3.connect(
                uri, timeout=10, uri=True, isolation_level=None, check_same_thread=False
            )
        try:
            self._refuse_foreign(version)
        except StoreError:
            self.close()
            raise

    @classmethod
    def open(cls, path: Path, tables: str, version: int) -> "Database":
        """Open the file at ``path``, and create its ``tables`` if it is new.

        ``tables`` is SQL in which semicolons occur only at the end of statements.
        """
        database = cls(path, "mode=rwc", version)
        for pragma in _TO_WRITE:
            database.execute(f"PRAGMA {pragma}")
        database._written = path.stat()
        marks = f"PRAGMA application_id={_APPLICATION};PRAGMA user_version={version}"
        with database.transaction():
            if database.value("PRAGMA user_version") != version:
                for statement in f"{tables};{marks}".split(";"):
                    database.execute(statement)
        return database

    @classmethod
    def open_to_read(cls, path: Path, version: int) -> "Database":
        """Open an existing file for reading. If the file has no log, this also works on a
        read-only or full disk.

        Also raises ``StoreError`` if the file does not exist or is empty.
        """
        if not path.is_file():
            raise StoreError(f"{path}: there is no such file")
        log = path.with_name(f"{path.name}-wal")
        has_log = log.is_file() and log.stat().st_size > 0
        # SQLite must write into the folder only if the file has a log
        mode = "mode=rw" if has_log else "immutable=1"
        database = cls(path, mode, version)
        # the file was copied without the log that contains its tables
        if not database.value("PRAGMA user_version"):
            database.close()
            raise StoreError(f"{path}: empty; {HOW_LOST}")
        database.execute("PRAGMA query_only=1")
        return database

    def _refuse_foreign(self, version: int) -> None:
        """Raise ``StoreError`` unless the file is new or was created by this version of the
        program.
        """
        identity = (
            self.value("PRAGMA application_id"),
            self.value("PRAGMA user_version"),
        )
        tables = self.value("SELECT count(*) FROM sqlite_master")
        if tables and identity != (_APPLICATION, version):
            raise StoreError(
                f"{self.path}: not created by this version of the program, which reads stores of "
                f"version {version}; use the version that created it, or choose another folder"
            )

    def execute(self, sql: str, parameters: _Parameters = ()) -> sqlite3.Cursor:
        """Run one statement."""
        with _explaining(self.path):
            return self._connection.execute(sql, parameters)

    def insert(self, table: str, **row: object) -> int:
        """Insert a row, and return its number."""
        marks = ", ".join(f":{name}" for name in row)
        sql = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})"
        return self.execute(sql, row).lastrowid or 0

    def row(self, sql: str, parameters: _Parameters = ()) -> tuple[Any, ...] | None:
        """Return the first row of a query, or None if there are no rows. Threads may share the
        database.
        """
        # while another thread's query is open, SQLite would show the state at its beginning
        with self._one_query, closing(self.execute(sql, parameters)) as cursor:
            row: tuple[Any, ...] | None = cursor.fetchone()
            return row

    def value(self, sql: str, parameters: _Parameters = ()) -> Any:
        """Return the first column of the first row of a query, or None if there are no rows."""
        row = self.row(sql, parameters)
        if row:
            return row[0]
        return None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything that the block writes, or nothing if the block raises an error. A
        block inside another transaction becomes part of that transaction. Raises ``StoreError`` if
        the file has been moved or deleted since it was opened.
        """
        if self._connection.in_transaction:
            yield
            return
        self.check_place()
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self.execute("ROLLBACK")
            raise

    def check_writable(self) -> None:
        """Commit a page without a change. Raises ``StoreError`` if the file cannot be written."""
        with self.transaction():
            version = self.value("PRAGMA user_version")
            # SQLite keeps a row that is rolled back in memory, so a full disk would not be noticed
            self.execute(f"PRAGMA user_version={version}")

    def check_place(self) -> None:
        """Raise ``StoreError`` if the file has been moved, deleted or replaced since it was opened
        for writing.

        Otherwise, the program would continue to write to a deleted file.
        """
        written = self._written
        if written is None:
            return
        with suppress(OSError):
            if os.path.samestat(self.path.stat(), written):
                return
        raise StoreError(
            f"{self.path}: it was deleted, moved or replaced during the run, so the run stops "
            "here; put the file back if it was moved, or run the command again"
        )

    def close(self) -> None:
        """Close the file. An open transaction is rolled back."""
        self._connection.close()


def open_run(folder: Path) -> Database:
    """Open or create the store of the run in ``folder``. Raises ``StoreError``."""
    tables = files(__package__).joinpath("run.sql").read_text("utf-8")
    return Database.open(folder / RUN_FILE, tables, RUN_VERSION)


def open_run_to_read(folder: Path) -> Database:
    """Open the store of an earlier run for reading. Raises ``StoreError``."""
    return Database.open_to_read(folder / RUN_FILE, RUN_VERSION)


@contextmanager
def _explaining(path: Path) -> Iterator[None]:
    """Convert SQLite errors to user-facing errors that state the file, SQLite's message and a
    remedy.
    """
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) in _FULL:
            remedy = "free some space, and run the same command again"
            raise DiskFull(f"{path}: the disk is full; {remedy}") from error
        remedy = (
            "check its permissions, its disk, and whether another program is using it; if it is "
            "damaged, restore a backup"
        )
        raise StoreError(f"{path}: {error}; {remedy}") from error
