"""SQLite files for many short transactions, and the tables of a run's file. Data survives a killed process."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

from extractor.errors import StoreError

RUN_FILE = "run.sqlite"
"""The file in a run's folder that holds its records, calls and answers."""
RUN_VERSION = 2
"""Version of the tables in ``run.sql``. Files of another version are refused."""

_APPLICATION = 0x54724578  # "TrEx", in the file's header
_BUSY_TIMEOUT_MS = 10_000
_TO_WRITE = ("journal_mode=WAL", "synchronous=NORMAL", "wal_autocheckpoint=8000")
"""A checkpoint, which waits for the disk, comes at 32 MiB of log. SQLite's default of 4 MiB slows runs with a model."""
_MOVE_AWAY = "move the file away"


class Database:
    """An open SQLite file of this program, with a write-ahead log.

    Committed data survives a killed process. The log is not synced to the disk at each commit, so a power cut may lose
    the last commits, but never the file. Errors of SQLite become ``StoreError`` with the file's name and ``remedy``,
    the user's alternative to this file.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, remedy: str) -> None:
        self.path, self._connection, self._remedy = path, connection, remedy

    @classmethod
    def open(cls, path: Path, tables: str, version: int, remedy: str = _MOVE_AWAY) -> Self:
        """Open the file at ``path``, and create its ``tables`` if it is new.

        ``tables`` is SQL with semicolons only at the end of statements. Raises ``StoreError`` if the file cannot be
        opened, is not a file of this program, or has another ``version`` of the tables.
        """
        database = cls._connect(path, f"{path.absolute().as_uri()}?mode=rwc", version, remedy)
        with database.transaction():
            if database.value("PRAGMA user_version") == 0:
                for statement in filter(str.strip, tables.split(";")):
                    database.execute(statement)
                database.execute(f"PRAGMA application_id={_APPLICATION}")
                database.execute(f"PRAGMA user_version={version}")
        return database

    @classmethod
    def open_to_read(cls, path: Path, version: int, remedy: str = _MOVE_AWAY) -> Self:
        """Open an existing file for reading. Raises ``StoreError`` as ``open`` does, and if there is no file."""
        if not path.is_file():
            raise StoreError(f"{path}: there is no such file")
        return cls._connect(path, f"{path.absolute().as_uri()}?mode=rw", version, remedy, reading=True)

    @classmethod
    def _connect(cls, path: Path, uri: str, version: int, remedy: str, *, reading: bool = False) -> Self:
        opened = _call(path, remedy, sqlite3.connect, uri, uri=True, isolation_level=None, check_same_thread=False)
        database = cls(path, opened, remedy)
        try:
            database.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
            database._check(version)
            for pragma in ("query_only=1",) if reading else _TO_WRITE:
                database.execute(f"PRAGMA {pragma}")
        except BaseException:
            database.close()
            raise
        return database

    def _check(self, version: int) -> None:
        application, found = self.value("PRAGMA application_id"), self.value("PRAGMA user_version")
        if application != _APPLICATION and (application or found or self.value("SELECT count(*) FROM sqlite_master")):
            raise StoreError(f"{self.path}: not a file of this program; {self._remedy}")
        if found not in (0, version):
            age = "newer" if found > version else "older"
            raise StoreError(
                f"{self.path}: created by a {age} version of this program (store {found}, here {version}); "
                f"use that version, or {self._remedy}"
            )

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        cursor: sqlite3.Cursor = _call(self.path, self._remedy, self._connection.execute, sql, parameters)
        return cursor

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row."""
        _call(self.path, self._remedy, self._connection.executemany, sql, rows)

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """The first row of a query, or None."""
        found: tuple[Any, ...] | None = self.execute(sql, parameters).fetchone()
        return found

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """The first column of the first row, None if there is no row."""
        found = self.row(sql, parameters)
        return found[0] if found else None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write all that the block writes, or nothing. Inside another transaction, the block is part of it."""
        if self._connection.in_transaction:
            yield
            return
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self.execute("ROLLBACK")
            raise

    def copy_to(self, path: Path) -> None:
        """Copy the current content to the file at ``path``."""
        target = _call(path, self._remedy, sqlite3.connect, path)
        try:
            _call(path, self._remedy, self._connection.backup, target)
        finally:
            target.close()

    def close(self) -> None:
        """Close the file. An open transaction is rolled back."""
        _call(self.path, self._remedy, self._connection.close)


def open_run(folder: Path) -> Database:
    """Open or create the store of the run in ``folder``. Raises ``StoreError`` as ``Database.open`` does."""
    return Database.open(folder / RUN_FILE, _read_tables(), RUN_VERSION, "use --fresh or another --out")


def open_scratch() -> Database:
    """Open a temporary store with the tables of a run. Closing it deletes it."""
    connection = sqlite3.connect("", isolation_level=None)
    connection.executescript(_read_tables())
    return Database(Path("the scratch file"), connection, "free some space on the disk")


def open_run_to_read(folder: Path) -> Database:
    """Open the store of an earlier run for reading. Raises ``StoreError`` as ``Database.open_to_read`` does."""
    return Database.open_to_read(folder / RUN_FILE, RUN_VERSION, "make the run again")


def _read_tables() -> str:
    return files(__package__).joinpath("run.sql").read_text("utf-8")


def _call(path: Path, remedy: str, call: Any, *arguments: Any, **options: Any) -> Any:
    """Call a function, and turn an error of SQLite into a ``StoreError`` with the file's name and the remedy."""
    try:
        return call(*arguments, **options)
    except sqlite3.Error as error:
        problem = f"{path}: {error}; fix this, or {remedy}"
    raise StoreError(problem)
