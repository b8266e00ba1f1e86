"""Salvages a damaged store: what can be read of ``run.sqlite`` is copied into a new one, and the old one is kept."""

import json
import shutil
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from extractor.errors import StoreError
from extractor.llm.database import RUN_FILE, Database, open_run

from .folder import EXTRACTIONS
from .results import lock_folder, naming_file

_LOGS = ("", "-wal")
_TABLES = ("batches", "calls", "requests", "records", "answers")
_GAP = 10_000
"""Rows that may be lost in a row before a table is taken to end there, if its last row cannot be found."""
_Row = Mapping[str, Any]


def salvage(folder: Path) -> dict[str, int]:
    """Replace the store of a run's folder by a new one with all rows that can be read. Returns their numbers by table.

    The damaged file stays as ``run.sqlite.damaged``. Records whose line cannot be found are left out: the command of
    the run extracts them again, from the stored answers. Raises ``StoreError`` if there is no store, a run writes to
    it, or it was salvaged before.
    """
    path, kept = folder / RUN_FILE, folder / f"{RUN_FILE}.damaged"
    if not path.is_file():
        raise StoreError(f"{path}: there is no such file")
    if kept.exists():
        raise StoreError(f"{kept}: is left from an earlier salvage; move it away")
    with naming_file(folder), lock_folder(folder), TemporaryDirectory(dir=folder) as scratch:
        copy = Path(scratch) / "damaged"
        for suffix in _LOGS:
            with suppress(FileNotFoundError):
                shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
        with closing(open_run(Path(scratch))) as new:
            _mend_head(copy, Path(scratch) / RUN_FILE, new)
            with closing(sqlite3.connect(copy, isolation_level=None)) as old:
                counts = _copy_rows(old, new, _read_lines(folder / EXTRACTIONS))
        for suffix in _LOGS:
            with suppress(FileNotFoundError):
                Path(f"{path}{suffix}").rename(f"{kept}{suffix}")
        (Path(scratch) / RUN_FILE).rename(path)
    return counts


def _mend_head(damaged: Path, fresh: Path, database: Database) -> None:
    """If the first page of a file, with the list of its tables, is lost, take that of a fresh one."""
    with closing(sqlite3.connect(damaged)) as old, suppress(sqlite3.DatabaseError):
        old.execute("PRAGMA writable_schema=ON")
        old.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = int(database.value("PRAGMA page_size"))
    pages = max(1, damaged.stat().st_size // size)
    head = bytearray(fresh.read_bytes()[:size])
    head[28:32] = pages.to_bytes(4, "big")
    with damaged.open("r+b") as file:
        file.write(head)
    Path(f"{damaged}-wal").unlink(missing_ok=True)  # it belongs to the lost head


def _copy_rows(old: sqlite3.Connection, new: Database, lines: Callable[[_Row], bool]) -> dict[str, int]:
    old.row_factory = sqlite3.Row
    old.execute("PRAGMA writable_schema=ON")  # reads a file that is shorter than it says
    checks: dict[str, Callable[[_Row], bool]] = {"calls": _is_whole, "records": lines}
    counts = dict.fromkeys((*_TABLES, "prompts"), 0)
    with new.transaction():
        for table in _TABLES:
            for row in _read_rows(old, table):
                if table not in checks or checks[table](row):
                    counts[table] += _insert(new, table, row)
        for (sha256,) in new.execute("SELECT DISTINCT prompt FROM calls").fetchall():
            for row in _try(old, "SELECT * FROM prompts WHERE sha256 = ?", sha256):
                counts["prompts"] += _insert(new, "prompts", row)
        new.execute("UPDATE calls SET batch = NULL WHERE batch NOT IN (SELECT id FROM batches)")
    return counts


def _read_rows(old: sqlite3.Connection, table: str) -> Iterator[_Row]:
    """Each row that can be read, one at a time, since a damaged page ends a longer query."""
    last = next(iter(_try(old, f"SELECT max(rowid) AS last FROM {table}")), {"last": None})["last"]  # noqa: S608
    number = missed = 0
    while number < last if last is not None else missed < _GAP:
        number += 1
        found = _try(old, f"SELECT * FROM {table} WHERE rowid = ?", number)  # noqa: S608 - own names
        missed = 0 if found else missed + 1
        yield from found


def _try(old: sqlite3.Connection, sql: str, *parameters: Any) -> list[_Row]:
    try:
        return old.execute(sql, parameters).fetchall()
    except (sqlite3.DatabaseError, UnicodeDecodeError, OverflowError):
        return []


def _insert(new: Database, table: str, row: _Row) -> int:
    names = ", ".join(f'"{name}"' for name in row.keys())  # noqa: SIM118 - a row of SQLite iterates over its values
    marks = ", ".join("?" * len(names.split(", ")))
    try:
        return new.execute(f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})", tuple(row)).rowcount  # noqa: S608
    except StoreError:  # a value of a kind that the table does not take
        return 0


def _is_whole(call: _Row) -> bool:
    """Whether the texts of a call can be unpacked, which their checksums tell."""
    try:
        return all(zlib.decompress(text) is not None for text in (call["user"], call["answer"]) if text is not None)
    except (zlib.error, TypeError):
        return False


def _read_lines(results: Path) -> Callable[[_Row], bool]:
    """A check whether a record's line is where the store says."""

    def check(record: _Row) -> bool:
        try:
            with results.open("rb") as file:
                file.seek(record["start"])
                line = json.loads(file.read(record["length"]))
        except (OSError, ValueError, TypeError, OverflowError):
            return False
        return isinstance(line, dict) and line.get("record_id") == record["record_id"]

    return check
