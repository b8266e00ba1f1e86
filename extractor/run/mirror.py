"""Mirrors a run's local folder to an address, as shards.

A shard is a compressed JSON object with the rows of the store that changed since the last shard, and the lines
appended to the results. A run on another machine can continue from the shards. It reads them as data,
so that a person who may write to the address cannot make it run anything.
"""

import asyncio
import gzip
import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from extractor.errors import StoreError
from extractor.llm.database import RUN_FILE, Database, open_run

from .addresses import Place
from .folder import EXTRACTIONS, FAILURES, MANIFEST, REPEATED, RunFolder

_SHARDS, _OWNER = "shards", "shards/owner"
_INTERVAL_S = 1.0
_BYTES = "base64"


class Mirror:
    """Keeps a run at a ``place``, and its working copy in ``folder``, which must be empty.

    Each shard is written atomically, so any machine can continue from the address and loses at most the last second.
    When an invocation ends, the files of the run's folder are uploaded too. The run that began last owns the address;
    an earlier one that still writes stops with an error.
    """

    def __init__(self, place: Place, folder: Path, *, fresh: bool = False) -> None:
        self.place, self.folder, self._fresh = place, folder, fresh
        self._token = uuid4().hex
        self._number = self._size = 0
        self._changes: _Changes | None = None
        self._begun = False
        if not fresh:
            self._restore()

    @asynccontextmanager
    async def following(self, run: RunFolder) -> AsyncIterator[None]:
        """Upload changes of the run every second inside the block, and the rest at its end."""
        self._changes = _Changes(run.store.database)
        await asyncio.to_thread(self._begin)
        ending, body = asyncio.Event(), asyncio.current_task()
        assert body
        writing = asyncio.create_task(self._write_regularly(ending))
        # If changes cannot be uploaded, stop the run.
        writing.add_done_callback(lambda _: ending.is_set() or body.cancel())
        try:
            yield
        except asyncio.CancelledError:
            if writing.done():
                writing.result()  # raises the reason
            raise
        finally:
            ending.set()
            await asyncio.wait([writing])
        writing.result()

    def publish(self) -> None:
        """Upload the files of the run's folder, the manifest last."""
        if not self._begun:
            return
        self._check_owner()
        for name in (EXTRACTIONS, FAILURES, REPEATED, RUN_FILE, MANIFEST):
            (self.folder / name).touch()  # a run without results has removed what is empty
            self.place.upload(self.folder / name, name)

    def _restore(self) -> None:
        manifest = self.place.read(MANIFEST)
        shards = [name for name in self.place.list(_SHARDS) if name.endswith(".gz")]
        if manifest is None:
            if shards:
                raise StoreError(f"{self.place.address}: has shards but no {MANIFEST}; choose another --out")
            return
        (self.folder / MANIFEST).write_bytes(manifest)
        with closing(open_run(self.folder)) as database, (self.folder / EXTRACTIONS).open("wb") as results:
            for name in shards:
                try:
                    shard = json.loads(gzip.decompress(self.place.read(f"{_SHARDS}/{name}") or b""))
                    _write_rows(database, shard["rows"])
                    self._size += results.write(shard["lines"].encode())
                    self._number = int(name.partition("-")[0])
                except (EOFError, OSError, zlib.error, ValueError, LookupError, TypeError, AttributeError) as error:
                    where = f"{self.place.address}/{_SHARDS}/{name}"
                    raise StoreError(f"{where}: no shard of this version; use --fresh or another --out") from error

    def _begin(self) -> None:
        if self._fresh:
            self.place.delete(_SHARDS)
        self.place.write(MANIFEST, (self.folder / MANIFEST).read_bytes())
        self.place.write(_OWNER, self._token.encode())
        self._begun = True

    async def _write_regularly(self, ending: asyncio.Event) -> None:
        while not ending.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(ending.wait(), _INTERVAL_S)
            if self._changes and (rows := self._changes.take()):
                with (self.folder / EXTRACTIONS).open("rb") as results:
                    results.seek(self._size)
                    lines = results.read()
                self._size, self._number = self._size + len(lines), self._number + 1
                shard = {"rows": rows, "lines": lines.decode()}
                name = f"{_SHARDS}/{self._number:08}-{self._token[:8]}.json.gz"
                await asyncio.to_thread(self._send, name, shard)

    def _send(self, name: str, shard: Mapping[str, object]) -> None:
        self._check_owner()
        self.place.write(name, gzip.compress(json.dumps(shard).encode(), compresslevel=3))

    def _check_owner(self) -> None:
        if self.place.read(_OWNER) != self._token.encode():
            raise StoreError(f"{self.place.address}: another run has begun to write there, so this one stopped")


class _Changes:
    """Notes which rows of a run's tables change."""

    def __init__(self, database: Database) -> None:
        self._database, self._keys = database, _list_keys(database)
        database.execute("CREATE TEMP TABLE changed (name, key, PRIMARY KEY (name, key))")
        for table, key in self._keys.items():
            for event, side in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("UPDATE", "OLD"), ("DELETE", "OLD")):
                values = ", ".join(f"{side}.{column}" for column in key)
                trigger = f"CREATE TEMP TRIGGER note_{event}_{side}_{table} AFTER {event} ON main.{table}"
                noted = f"INSERT OR IGNORE INTO changed VALUES ('{table}', json_array({values}))"  # noqa: S608 - own names
                database.execute(f"{trigger} BEGIN {noted}; END")

    def take(self) -> list[tuple[str, list[Any], dict[str, Any] | None]]:
        """Table, key and content of each row that changed since the last call; None for a deleted row."""
        rows = []
        for table, packed in self._database.execute("SELECT name, key FROM changed").fetchall():
            key = json.loads(packed)
            columns = "rowid, *" if self._keys[table] == ("rowid",) else "*"
            found = self._database.execute(f"SELECT {columns} FROM {table} WHERE {_is(self._keys[table])}", key)  # noqa: S608
            names, row = [column[0] for column in found.description], found.fetchone()
            rows.append((table, key, row and dict(zip(names, map(_pack, row), strict=True))))
        self._database.execute("DELETE FROM changed")
        return rows


def _write_rows(database: Database, rows: Iterable[tuple[str, list[Any], dict[str, Any] | None]]) -> None:
    """Write rows that ``_Changes.take`` gave. Raises ``LookupError`` for a table or column that a run does not have."""
    keys = _list_keys(database)
    columns = {table: {"rowid", *(name for name, _ in _list_columns(database, table))} for table in keys}
    with database.transaction():
        for table, key, row in rows:
            database.execute(f"DELETE FROM {table} WHERE {_is(keys[table])}", key)  # noqa: S608 - a known table
            if row is None:
                continue
            if not row.keys() <= columns[table]:
                raise LookupError(table)
            names, marks = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
            values = tuple(map(_unpack, row.values()))
            database.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)  # noqa: S608 - known names


def _list_keys(database: Database) -> dict[str, tuple[str, ...]]:
    """The columns that identify a row, by table; the row's number if a table declares none."""
    tables = database.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall()
    keys = {table: tuple(name for name, place in _list_columns(database, table) if place) for (table,) in tables}
    return {table: key or ("rowid",) for table, key in keys.items()}


def _list_columns(database: Database, table: str) -> list[tuple[str, int]]:
    """The columns of a table, with their places in its key, 0 for none."""
    return [(row[1], row[5]) for row in database.execute(f"PRAGMA table_info({table})")]


def _is(key: Iterable[str]) -> str:
    return " AND ".join(f"{column} IS ?" for column in key)


def _pack(value: Any) -> Any:
    return {_BYTES: b64encode(value).decode()} if isinstance(value, bytes) else value


def _unpack(value: Any) -> Any:
    return b64decode(value[_BYTES]) if isinstance(value, dict) else value
