"""Salvage a damaged store: what can be read of ``run.sqlite`` is copied into a new one, and the
old one is kept.
"""

import json
import shutil
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from extractor.errors import StoreError
from extractor.model.database import HOW_LOST, RUN_FILE, Database, open_run
from extractor.model.store import CallStore
from extractor.run.folder import EXTRACTIONS, lock_folder, naming_file
from extractor.run.manifest import MANIFEST, read_manifest

_TABLES = ("batches", "calls", "requests", "unmetered", "lines", "records", "answers")
_GAP = 10_000
"""Rows that may be lost one after another before a table is taken to end there, if its last row
cannot be found.
"""
_Row = Mapping[str, Any]


def salvage(folder: Path) -> dict[str, int]:
    """Replace the store of a run's folder by a new one with all rows that can be read. Returns
    their numbers by table.

    The damaged file stays as ``run.sqlite.damaged``. Records whose line cannot be found are left
    out: the command of the run extracts them again, from the stored answers. Raises ``StoreError``
    if there is no store, a run writes to it, or it was salvaged before.
    """
    path = folder / RUN_FILE
    kept = folder / f"{RUN_FILE}.damaged"
    if not path.is_file():
        raise StoreError(f"{path}: there is no such file")
    if kept.exists():
        raise StoreError(f"{kept}: is left of an earlier salvage; move it away")
    with naming_file(folder), lock_folder(folder), TemporaryDirectory(dir=folder) as scratch:
        copy = Path(scratch) / "damaged"
        logs = ["-wal"] * Path(f"{path}-wal").is_file()
        for suffix in ("", *logs):
            shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
        with closing(open_run(Path(scratch))) as new:
            _mend_head(copy, Path(scratch) / RUN_FILE, new)
            with closing(sqlite3.connect(copy, isolation_level=None)) as old, new.transaction():
                counts = _copy_rows(old, new, folder / EXTRACTIONS)
                if not any(counts.values()):
                    raise StoreError(f"{path}: nothing can be read of it; {HOW_LOST}")
                _keep_cost(folder / MANIFEST, new)
        for suffix in ("", *logs):
            Path(f"{path}{suffix}").rename(f"{kept}{suffix}")
        (Path(scratch) / RUN_FILE).rename(path)
    return counts


def _keep_cost(manifest: Path, new: Database) -> None:
    """Keep what lost calls have cost, as far as the run's manifest counted it."""
    counted = read_manifest(manifest)
    usd = (counted and (counted.cost.get("usd_known") or counted.cost.get("usd"))) or 0
    lost = usd - CallStore(new).spending.dollars
    if lost > 0:
        new.execute(
            "INSERT INTO calls (key, question, model, prompt, user, output_limit, "
            "sent, state, why,"
            " dollars) VALUES ('', '', '', '', ?, 0, '', 'rejected', 'what calls have cost "
            "that were lost', ?)",
            (zlib.compress(b""), lost),
        )


def _mend_head(damaged: Path, fresh: Path, database: Database) -> None:
    """Replace the first page of a file, with the list of its tables, by that of a fresh one if
    it is lost.
    """
    with closing(sqlite3.connect(damaged)) as old, suppress(sqlite3.DatabaseError):
        old.execute("PRAGMA writable_schema=ON")  # reads a file that is shorter than it says
        old.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = int(database.value("PRAGMA page_size"))
    head = bytearray(fresh.read_bytes()[:size])
    head[28:32] = (damaged.stat().st_size // size).to_bytes(4, "big")  # the number of pages
    with damaged.open("r+b") as file:
        file.write(head)
    Path(f"{damaged}-wal").unlink(missing_ok=True)  # it belongs to the lost head


def _copy_rows(old: sqlite3.Connection, new: Database, results: Path) -> dict[str, int]:
    old.row_factory = sqlite3.Row
    old.execute("PRAGMA writable_schema=ON")
    counts = {
        name: sum(_copy(new, name, row, results) for row in _read_rows(old, name))
        for name in _TABLES
    }
    known = [name for (name,) in new.execute("SELECT DISTINCT prompt FROM calls").fetchall()]
    prompts = (
        row for name in known for row in _try(old, "SELECT * FROM prompts WHERE sha256 = ?", name)
    )
    counts["prompts"] = sum(_copy(new, "prompts", row, results) for row in prompts)
    new.execute("UPDATE calls SET batch = NULL WHERE batch NOT IN (SELECT id FROM batches)")
    return counts


def _read_rows(old: sqlite3.Connection, table: str) -> Iterator[_Row]:
    """Yield each row that can be read, one at a time, since a damaged page ends a longer query."""
    last = next((row["last"] for row in _try(old, f"SELECT max(rowid) AS last FROM {table}")), None)
    number = missed = 0
    while number < last if last is not None else missed < _GAP:
        number += 1
        found = _try(old, f"SELECT * FROM {table} WHERE rowid = ?", number)
        missed = 0 if found else missed + 1
        yield from found


def _try(old: sqlite3.Connection, sql: str, *parameters: Any) -> list[_Row]:
    try:
        return old.execute(sql, parameters).fetchall()
    except (sqlite3.DatabaseError, OverflowError):
        return []


def _copy(new: Database, table: str, row: _Row, results: Path) -> bool:
    """Copy a row, and return whether it is whole: texts can be unpacked, and the line of a
    record is found.
    """
    names = ", ".join(f'"{name}"' for name in row.keys())  # noqa: SIM118 - a row iterates over its values
    sql = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({', '.join('?' * len(tuple(row)))})"
    try:
        if table == "calls":
            for text in filter(None, (row["user"], row["answer"])):
                zlib.decompress(text)
        if table == "records" and not _has_line(new, row, results):
            return False
        if table == "lines" and sha256(zlib.decompress(row["packed"])).digest() != row["sha256"]:
            return False
        return bool(new.execute(sql, tuple(row)).rowcount)
    except (OSError, ValueError, TypeError, LookupError, OverflowError, zlib.error, StoreError):
        return False


def _has_line(new: Database, row: _Row, results: Path) -> bool:
    """Return whether the line of a record is in the new store, or stands in the file of results
    where it says.
    """
    if new.value("SELECT EXISTS (SELECT 1 FROM lines WHERE record_id = ?)", (row["record_id"],)):
        return True
    with results.open("rb") as file:
        file.seek(row["start"])
        return bool(json.loads(file.read(row["length"]))["record_id"] == row["record_id"])
