"""SQLite files for many short transactions, and the file of a run. Data survives a killed
process.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

from extractor.errors import DiskFull, StoreError

RUN_FILE = "run.sqlite"
"""The file in a run's folder that holds its records, calls and answers."""
RUN_VERSION = 7
"""Version of the tables in ``run.sql``."""
HOW_LOST = (
    "if it was copied from a run that was killed, copy the file that ends in -wal with it, "
    "else restore a backup"
)

_APPLICATION = 0x54724578  # "TrEx", in the file's header
_TO_WRITE = ("journal_mode=WAL", "synchronous=NORMAL", "wal_autocheckpoint=8000")
"""A checkpoint, which waits for the disk, runs when the log reaches 32 MiB. SQLite's default of 4
MiB slows runs with a model.
"""

_Parameters = Sequence[Any] | Mapping[str, Any]


class Database:
    """An open SQLite file of this program, with a write-ahead log.

    Committed data survives a killed process. The log is not synced to the disk at each commit, so a
    power cut may lose the last commits, but never the file. Errors of SQLite become ``StoreError``
    with the file's name and a remedy.

    Raises ``StoreError`` if the file cannot be opened (``mode`` is one of SQLite's), is not a file
    of this program, or has another ``version`` of the tables.
    """

    def __init__(self, path: Path, mode: str, version: int) -> None:
        self.path = path
        self._written: os.stat_result | None = None
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

        ``tables`` is SQL with semicolons only at the end of statements.
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
        """Open an existing file for reading, also on a read-only or full disk if it has no log.

        Raises ``StoreError`` also if there is no file, or only an empty one.
        """
        if not path.is_file():
            raise StoreError(f"{path}: there is no such file")
        log = path.with_name(f"{path.name}-wal")
        has_log = log.is_file() and log.stat().st_size > 0
        # SQLite writes beside a file that has a log, and need not write beside one that has none
        database = cls(path, "mode=rw" if has_log else "immutable=1", version)
        # a copy of the file alone, whose tables are still in the log
        if not database.value("PRAGMA user_version"):
            database.close()
            raise StoreError(f"{path}: empty; {HOW_LOST}")
        database.execute("PRAGMA query_only=1")
        return database

    def _refuse_foreign(self, version: int) -> None:
        """Raise ``StoreError`` if the file is not one of this version of this program, or new."""
        found = self.value("PRAGMA application_id"), self.value("PRAGMA user_version")
        tables = self.value("SELECT count(*) FROM sqlite_master")
        if tables and found != (_APPLICATION, version):
            raise StoreError(
                f"{self.path}: not a file of this version of this program, which reads store "
                f"{version}; use the version that made it, or name another folder"
            )

    def execute(self, sql: str, parameters: _Parameters = ()) -> sqlite3.Cursor:
        """Run one statement."""
        with _explaining(self.path):
            return self._connection.execute(sql, parameters)

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row."""
        for row in rows:
            self.execute(sql, row)

    def insert(self, table: str, **row: Any) -> int:
        """Insert a row, and return its number."""
        marks = ", ".join(f":{name}" for name in row)
        sql = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})"
        return self.execute(sql, row).lastrowid or 0

    def row(self, sql: str, parameters: _Parameters = ()) -> tuple[Any, ...] | None:
        """Return the first row of a query, or None."""
        row: tuple[Any, ...] | None = self.execute(sql, parameters).fetchone()
        return row

    def value(self, sql: str, parameters: _Parameters = ()) -> Any:
        """Return the first column of the first row, None if there is no row."""
        row = self.row(sql, parameters)
        return row[0] if row else None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write all that the block writes, or nothing if it raises. Inside another transaction, the
        block is part of it. Raises ``StoreError`` if the file is no longer where it was opened.
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

    def check_place(self) -> None:
        """Raise ``StoreError`` if the file is no longer where it was opened to write.

        The operating system would let the program continue writing to a file that no longer has
        a name.
        """
        written = self._written
        if written is None:
            return
        with suppress(OSError):
            if os.path.samestat(self.path.stat(), written):
                return
        raise StoreError(
            f"{self.path}: it was deleted, moved or replaced during the run, which stops "
            "here; put it back if it was moved, or run the command again"
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
    """Make the error for users of one of SQLite: the file, what SQLite found, and a remedy."""
    try:
        yield
    except sqlite3.Error as error:
        # the lower byte is the kind of the error, the rest its details
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        said = str(error)
    else:
        return
    if code == sqlite3.SQLITE_FULL:
        remedy = "free some space, and run the same command again"
        raise DiskFull(f"{path}: the disk is full; {remedy}")
    remedy = (
        "check its permissions, its disk, and whether another program uses it; if it is damaged, "
        "restore a backup"
    )
    raise StoreError(f"{path}: {said}; {remedy}")
