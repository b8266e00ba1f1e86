"""What is new in a run's store, cut off in shards, and a store put together of them.

A shard is a small SQLite file: the rows of the store that were written since the one before, with the lines of the
records among them. It says all that a run on another machine needs to go on from there.
"""

import gzip
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from extractor.llm.database import Database

__all__ = ["ShardCutter", "add_shard"]

_KEYS = {"chains": "id", "calls": "id", "records": "record_id", "uses": "record_id, question"}
"""The tables that runs write into, and what their rows are known by. Answers belong to their records."""
_EVENTS = {"chains": ("INSERT", "UPDATE"), "calls": ("INSERT", "UPDATE", "DELETE"), "uses": ("INSERT", "UPDATE")}
"""A record's row is written as a whole; what is changed of it later says where its line is in one folder."""


class ShardCutter:
    """Watches what is written into a store through its connection ``database``; ``results`` has the records' lines."""

    def __init__(self, database: Database, results: Path) -> None:
        self._database, self._results = database, results
        for table, key in _KEYS.items():
            database.execute(f"CREATE TEMP TABLE new_{table} ({key}, PRIMARY KEY ({key}))")
            for event in _EVENTS.get(table, ("INSERT",)):
                row = "OLD" if event == "DELETE" else "NEW"
                values = ", ".join(f"{row}.{name}" for name in key.split(", "))
                database.execute(
                    f"CREATE TEMP TRIGGER note_{table}_{event} AFTER {event} ON main.{table} BEGIN"  # noqa: S608 - own names
                    f" INSERT OR IGNORE INTO new_{table} VALUES ({values}); END"
                )

    def cut(self) -> bytes | None:
        """All that is new since the last shard, packed; None if nothing is."""
        database = self._database
        if not any(database.value(f"SELECT 1 FROM new_{table} LIMIT 1") for table in _KEYS):  # noqa: S608
            return None
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "shard")
            with _attached(database, path), database.transaction():
                self._fill()
            return gzip.compress(path.read_bytes(), compresslevel=3)

    def _fill(self) -> None:
        database = self._database
        for table, key in _KEYS.items():
            database.execute(
                f"CREATE TABLE shard.{table} AS SELECT * FROM main.{table} WHERE ({key}) IN new_{table}"  # noqa: S608
            )
        database.execute("CREATE TABLE shard.answers AS SELECT * FROM main.answers WHERE record_id IN new_records")
        database.execute(
            "CREATE TABLE shard.withdrawn AS SELECT id FROM new_calls WHERE id NOT IN (SELECT id FROM shard.calls)"
        )
        database.execute("CREATE TABLE shard.lines (record_id TEXT, line BLOB)")
        database.execute_many("INSERT INTO shard.lines VALUES (?, ?)", list(self._lines()))
        for table in _KEYS:
            database.execute(f"DELETE FROM new_{table}")  # noqa: S608

    def _lines(self) -> Iterator[tuple[str, bytes]]:
        places = self._database.execute("SELECT record_id, start, length FROM shard.records ORDER BY start").fetchall()
        with self._results.open("rb") as results:
            for record_id, start, length in places:
                results.seek(start)
                yield record_id, results.read(length)


def add_shard(database: Database, results: Path, shard: bytes) -> None:
    """Put a shard into a store, and its lines behind the results that are there."""
    with tempfile.TemporaryDirectory() as folder, results.open("ab") as file:
        path = Path(folder, "shard")
        path.write_bytes(gzip.decompress(shard))
        with _attached(database, path), database.transaction():
            for record_id, line in database.execute("SELECT record_id, line FROM shard.lines").fetchall():
                database.execute("UPDATE shard.records SET start = ? WHERE record_id = ?", (file.tell(), record_id))
                file.write(line)
            database.execute("DELETE FROM main.answers WHERE record_id IN (SELECT record_id FROM shard.records)")
            database.execute("INSERT INTO main.answers SELECT * FROM shard.answers")
            for table in _KEYS:
                database.execute(f"INSERT OR REPLACE INTO main.{table} SELECT * FROM shard.{table}")  # noqa: S608
            database.execute("DELETE FROM main.calls WHERE id IN (SELECT id FROM shard.withdrawn)")


@contextmanager
def _attached(database: Database, path: Path) -> Iterator[None]:
    database.execute("ATTACH ? AS shard", (str(path),))
    try:
        database.execute("PRAGMA shard.synchronous=OFF")
        yield
    finally:
        database.execute("DETACH shard")
