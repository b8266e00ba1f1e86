"""A run whose folder is at an address: worked on in a folder of this machine, and followed shard by shard."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from uuid import uuid4

from extractor.errors import StoreError
from extractor.llm.database import RUN_FILE, open_run
from extractor.run import RunFolder
from extractor.run.folder import EXTRACTIONS, FAILURES, MANIFEST, REPEATED

from .addresses import Place
from .shards import ShardCutter, add_shard

__all__ = ["Mirror"]

_SHARDS, _OWNER = "shards", "shards/owner"
_EVERY_S = 1.0


class Mirror:
    """Keeps a run at a ``place``, worked on in ``folder``, which is empty at first.

    The shards alone say what is done and what was answered, each of them a whole file or none; so a run goes on from
    its address on any machine, and loses at most the last second. The files of a run's folder stand beside them when
    an invocation has ended. Who begins last owns the run: another that is still writing finds out, and stops.
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
        cutter = ShardCutter(run.store.database, self.folder / EXTRACTIONS)
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
                add_shard(database, results, self.place.read(f"{_SHARDS}/{name}") or b"")
                self._number = int(name.partition("-")[0])

    def _begin(self) -> None:
        if self._fresh:
            self.place.delete(_SHARDS)
        self.place.write(MANIFEST, (self.folder / MANIFEST).read_bytes())
        self.place.write(_OWNER, self._token.encode())
        self._begun = True

    async def _write_regularly(self, cutter: ShardCutter, ending: asyncio.Event) -> None:
        while not ending.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(ending.wait(), _EVERY_S)
            await self._write(cutter)

    async def _write(self, cutter: ShardCutter) -> None:
        if shard := cutter.cut():
            self._number += 1
            await asyncio.to_thread(self._send, f"{_SHARDS}/{self._number:08}-{self._token[:8]}.sqlite.gz", shard)

    def _send(self, name: str, shard: bytes) -> None:
        self._check_owner()
        self.place.write(name, shard)

    def _check_owner(self) -> None:
        if self.place.read(_OWNER) != self._token.encode():
            raise StoreError(f"{self.place.address}: another run has begun to write there; this one has stopped")
