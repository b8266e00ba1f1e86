"""Mirrors a run's local folder to an address, as shards.

A shard is a compressed JSON object with the statements that changed the store since the last shard, and the lines
appended to the results. A run on another machine can continue from the shards.
"""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from uuid import uuid4

from extractor.errors import StoreError
from extractor.llm.database import RUN_FILE, open_run

from .addresses import Place
from .folder import EXTRACTIONS, FAILURES, MANIFEST, REPEATED, RunFolder

_SHARDS, _OWNER = "shards", "shards/owner"
_INTERVAL_S = 1.0
_CHANGES = ("INSERT", "UPDATE", "DELETE", "BEGIN", "COMMIT", "ROLLBACK")


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
        self._statements: list[str] = []
        self._begun = False
        if not fresh:
            self._restore()

    @asynccontextmanager
    async def following(self, run: RunFolder) -> AsyncIterator[None]:
        """Upload changes of the run every second inside the block, and the rest at its end."""
        run.store.database.trace(lambda sql: self._statements.append(sql) if sql.startswith(_CHANGES) else None)
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
                shard = json.loads(gzip.decompress(self.place.read(f"{_SHARDS}/{name}") or b""))
                for statement in shard["statements"]:
                    database.execute(statement)
                self._size += results.write(shard["lines"].encode())
                self._number = int(name.partition("-")[0])

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
            if self._statements:
                statements, self._statements = self._statements, []
                with (self.folder / EXTRACTIONS).open("rb") as results:
                    results.seek(self._size)
                    lines = results.read()
                self._size, self._number = self._size + len(lines), self._number + 1
                shard = {"statements": statements, "lines": lines.decode()}
                name = f"{_SHARDS}/{self._number:08}-{self._token[:8]}.json.gz"
                await asyncio.to_thread(self._send, name, shard)

    def _send(self, name: str, shard: Mapping[str, object]) -> None:
        self._check_owner()
        self.place.write(name, gzip.compress(json.dumps(shard).encode(), compresslevel=3))

    def _check_owner(self) -> None:
        if self.place.read(_OWNER) != self._token.encode():
            raise StoreError(f"{self.place.address}: another run has begun to write there, so this one stopped")
