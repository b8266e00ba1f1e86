"""A run whose folder is at an address: it works in a folder of this machine, and its changes are uploaded as shards.

A shard is a small SQLite file: the rows of the store that were written since the shard before, and the lines of the
records among them. Together the shards hold all that a run on another machine needs to go on.
"""

import asyncio
import gzip
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from extractor.errors import StoreError
from extractor.llm.database import RUN_FILE, Database, open_run

from .addresses import Place
from .folder import EXTRACTIONS, FAILURES, MANIFEST, REPEATED, RunFolder

_SHARDS, _OWNER = "shards", "shards/owner"
_EVERY_S = 1.0
_KEYS = {"chains": "id", "calls": "id", "records": "record_id", "uses": "record_id, question"}
"""The tables that runs write into, and what their rows are known by. Answers belong to their records."""
_EVENTS = {"chains": ("INSERT", "UPDATE"), "calls": ("INSERT", "UPDATE", "DELETE"), "uses": ("INSERT", "UPDATE")}
"""A record's row is written as a whole; what is changed of it later says where its line is in one folder."""


class _ShardCutter:
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


def _add_shard(database: Database, results: Path, shard: bytes) -> None:
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


class Mirror:
    """Keeps a run at a ``place``, and its working copy in ``folder``, which is empty at first.

    The shards hold what is done and what was answered, each of them a whole file or none; so any machine can go on from
    the address, and loses at most the last second. The files of a run's folder are published beside them when an
    invocation has ended. The run that begins last owns the address: another one that is still writing notices, and
    stops.
    """

    def __init__(self, place: Place, folder: Path, *, fresh: bool = False) -> None:
        self.place, self.folder = place, folder
        self._token = uuid4().hex
        self._number, self._fresh, self._begun = 0, fresh, False
        if not fresh:
            self._restore()

    @asynccontextmanager
    async def following(self, run: RunFolder) -> AsyncIterator[None]:
        """While the body runs, what is new in the run goes to its address every second, and at the end the rest."""
        cutter = _ShardCutter(run.store.database, self.folder / EXTRACTIONS)
        await asyncio.to_thread(self._begin)
        ending, body = asyncio.Event(), asyncio.current_task()
        assert body
        writing = asyncio.create_task(self._write_regularly(cutter, ending))
        # Where nothing can be kept any more nothing more is asked.
        writing.add_done_callback(lambda _: ending.is_set() or body.cancel())
        try:
            yield
        except asyncio.CancelledError:
            if writing.done():
                writing.result()  # says why
            raise
        finally:
            ending.set()
            await asyncio.wait([writing])
        writing.result()

    def publish(self) -> None:
        """Put the files of the run's folder beside its shards, the manifest last."""
        if not self._begun:
            return
        self._check_owner()
        for name in (EXTRACTIONS, FAILURES, REPEATED, RUN_FILE, MANIFEST):
            self.place.upload(self.folder / name, name)

    def _restore(self) -> None:
        manifest = self.place.read(MANIFEST)
        shards = [name for name in self.place.list(_SHARDS) if name.endswith(".gz")]
        if manifest is None:
            if shards:
                raise StoreError(f"{self.place.address}: has shards but no {MANIFEST}; choose another --out")
            return
        (self.folder / MANIFEST).write_bytes(manifest)
        results = self.folder / EXTRACTIONS
        results.touch()
        with closing(open_run(self.folder)) as database:
            for name in shards:
                _add_shard(database, results, self.place.read(f"{_SHARDS}/{name}") or b"")
                self._number = int(name.partition("-")[0])

    def _begin(self) -> None:
        if self._fresh:
            self.place.delete(_SHARDS)
        self.place.write(MANIFEST, (self.folder / MANIFEST).read_bytes())
        self.place.write(_OWNER, self._token.encode())
        self._begun = True

    async def _write_regularly(self, cutter: _ShardCutter, ending: asyncio.Event) -> None:
        while not ending.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(ending.wait(), _EVERY_S)
            await self._write(cutter)

    async def _write(self, cutter: _ShardCutter) -> None:
        if shard := cutter.cut():
            self._number += 1
            await asyncio.to_thread(self._send, f"{_SHARDS}/{self._number:08}-{self._token[:8]}.sqlite.gz", shard)

    def _send(self, name: str, shard: bytes) -> None:
        self._check_owner()
        self.place.write(name, shard)

    def _check_owner(self) -> None:
        if self.place.read(_OWNER) != self._token.encode():
            raise StoreError(f"{self.place.address}: another run has begun to write there; this one has stopped")
