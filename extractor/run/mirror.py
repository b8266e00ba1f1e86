"""A run whose folder is at an address: it works in a folder of this machine, and its changes are uploaded as shards.

A shard is a packed JSON object: the statements that changed the store since the shard before, and the lines that were
appended to the results. Together the shards hold all that a run on another machine needs to go on.
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
_EVERY_S = 1.0
_CHANGES = ("INSERT", "UPDATE", "DELETE", "BEGIN", "COMMIT", "ROLLBACK")


class Mirror:
    """Keeps a run at a ``place``, and its working copy in ``folder``, which is empty at first.

    The shards hold what is done and what was answered, each of them a whole file or none; so any machine can go on from
    the address, and loses at most the last second. The files of a run's folder are published beside them when an
    invocation has ended. The run that begins last owns the address: another one that is still writing notices, and
    stops.
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
        """While the body runs, what is new in the run goes to its address every second, and at the end the rest."""
        run.store.database.trace(lambda sql: self._statements.append(sql) if sql.startswith(_CHANGES) else None)
        await asyncio.to_thread(self._begin)
        ending, body = asyncio.Event(), asyncio.current_task()
        assert body
        writing = asyncio.create_task(self._write_regularly(ending))
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
                await asyncio.wait_for(ending.wait(), _EVERY_S)
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
            raise StoreError(f"{self.place.address}: another run has begun to write there; this one has stopped")
