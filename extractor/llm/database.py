"""SQLite files for many short transactions, which survive a killed process; the tables of a run's file."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

from extractor.errors import StoreError

RUN_FILE = "run.sqlite"
"""The file in a run's folder with its records, calls and answers."""
RUN_VERSION = 1
"""Version of the tables in ``run.sql``; files with another one are refused."""

_APPLICATION = 0x54724578  # "TrEx", in the file's header
_PATIENCE_MS = 10_000
_TO_WRITE = ("journal_mode=WAL", "synchronous=NORMAL", "wal_autocheckpoint=8000")
"""The log grows to 32 MiB before the disk is waited for: at the usual 4, a run that asks much makes fewer calls."""
_MOVE_AWAY = "move the file away"


class Database:
    """An open SQLite file of this program, write-ahead logged.

    Committed data survives a killed process. The log is not forced to the disk at each commit, so a power cut may cost
    the last moments, but never the file. Errors of SQLite become ``StoreError`` with the file's name and ``remedy``:
    what a user can do instead of using this file.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, remedy: str) -> None:
        self.path, self._connection, self._remedy = path, connection, remedy

    @classmethod
    def open(cls, path: Path, tables: str, version: int, remedy: str = _MOVE_AWAY) -> Self:
        """The file at ``path``, made with ``tables`` (SQL, a semicolon after each statement alone) if it is not there.

        Raises ``StoreError`` if it cannot be opened, is not a file of this program, or of another ``version`` of its
        tables.
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
        """The file at ``path``, which must be there. Raises ``StoreError`` like ``open``."""
        if not path.is_file():
            raise StoreError(f"{path}: there is no such store of a run")
        return cls._connect(path, f"{path.absolute().as_uri()}?mode=rw", version, remedy, reading=True)

    @classmethod
    def _connect(cls, path: Path, uri: str, version: int, remedy: str, *, reading: bool = False) -> Self:
        opened = _explaining(
            path, remedy, sqlite3.connect, uri, uri=True, isolation_level=None, check_same_thread=False
        )
        database = cls(path, opened, remedy)
        try:
            database.execute(f"PRAGMA busy_timeout={_PATIENCE_MS}")
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
            raise StoreError(f"{self.path}: is not a file of this program; {self._remedy}")
        if found not in (0, version):
            age = "newer" if found > version else "older"
            raise StoreError(
                f"{self.path}: was made by a {age} version of this program (store {found}, here {version}); "
                f"use that version, or {self._remedy}"
            )

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        cursor: sqlite3.Cursor = _explaining(self.path, self._remedy, self._connection.execute, sql, parameters)
        return cursor

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row."""
        _explaining(self.path, self._remedy, self._connection.executemany, sql, rows)

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
        """All or nothing of what the block writes. Inside another transaction it is a part of that one."""
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

    def trace(self, note: Callable[[str], None]) -> None:
        """Call ``note`` with the text of each statement that is run from now on, its parameters included."""
        self._connection.set_trace_callback(note)

    def copy_to(self, path: Path) -> None:
        """A copy of the whole file, as of now."""
        target = _explaining(path, self._remedy, sqlite3.connect, path)
        try:
            _explaining(path, self._remedy, self._connection.backup, target)
        finally:
            target.close()

    def close(self) -> None:
        """Close the file. An open transaction is rolled back."""
        _explaining(self.path, self._remedy, self._connection.close)


def open_run(folder: Path) -> Database:
    """The store of the run in ``folder``, made if it is not there. Raises ``StoreError`` for a foreign or newer one."""
    return Database.open(folder / RUN_FILE, _read_tables(), RUN_VERSION, "use --fresh or another --out")


def open_scratch() -> Database:
    """A store of its own with the tables of a run, which vanishes when it is closed."""
    connection = sqlite3.connect("", isolation_level=None)
    connection.executescript(_read_tables())
    return Database(Path("the scratch file"), connection, "free some space on the disk")


def open_run_to_read(folder: Path) -> Database:
    """The store of an earlier run. Raises ``StoreError`` if there is none, or a foreign or newer one."""
    return Database.open_to_read(folder / RUN_FILE, RUN_VERSION, "make the run again")


def _read_tables() -> str:
    return files(__package__).joinpath("run.sql").read_text("utf-8")


def _explaining(path: Path, remedy: str, call: Any, *arguments: Any, **options: Any) -> Any:
    """Call; an error of SQLite names the file and says what to do."""
    try:
        return call(*arguments, **options)
    except sqlite3.Error as error:
        problem = f"{path}: {error}; mend that, or {remedy}"
    raise StoreError(problem)
