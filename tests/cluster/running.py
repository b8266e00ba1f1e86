"""Runs on a cluster in this process, workers that live here, and what all of them must fulfil."""

import asyncio
import pickle
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.records import write_distinct_records
from extractor.api import Extractor
from extractor.cluster.messages import Assignment
from extractor.cluster.pool import ClusterPool
from extractor.cluster.seat import WorkerLost
from extractor.cluster.worker import Worker
from extractor.errors import ExtractorError
from extractor.llm.keeping.run_file import open_run_to_read
from extractor.llm.model import AskSettings
from extractor.llm.sending.clearance import ClearanceDesk
from extractor.llm.sending.throttle import PaceLimits
from extractor.llm.spec import ModelSpec
from extractor.options import Assist, ExtractionOptions
from extractor.read import read_records
from extractor.run import BatchLimits, RunFolder, Tally, attend, run_batch
from extractor.run.budget import Budget

CONCURRENCY = 4
ROOM = 10
"""Requests of one worker whose replies the driver may not have yet."""


_dismissed = []
"""What workers did when they were lost: it has to end before its event loop does."""


class NearColleague:
    """A worker in this very process, which hears and says nothing but what can be sent."""

    def __init__(self, lives: Callable[["NearColleague"], None] | None = None) -> None:
        self._worker, self._lost, self._lives = Worker(), asyncio.Event(), lives
        self.extracted = 0

    async def greet(self, assignment):
        return await self._alive(self._worker.greet(assignment))

    async def exchange(self, inbox):
        self._note(inbox)
        return await self._alive(self._worker.exchange(_send(inbox)))

    async def hear(self, inbox):
        self._note(inbox)
        await self._alive(self._worker.hear(_send(inbox)))

    def dismiss(self):
        self._lost.set()
        for task in list(self._worker._running):
            task.cancel()
            _dismissed.append(task)

    def _note(self, inbox):
        for message in inbox:
            if self._lives:
                self._lives(self, message)

    async def _alive(self, work):
        """What the worker says, unless it is lost first."""
        working, lost = asyncio.ensure_future(work), asyncio.ensure_future(self._lost.wait())
        await asyncio.wait([working, lost], return_when=asyncio.FIRST_COMPLETED)
        if self._lost.is_set():
            working.cancel()
            raise WorkerLost("it was killed")
        lost.cancel()
        return _send(await working)


def _send(message):
    return pickle.loads(pickle.dumps(message))


@dataclass
class Ended:
    """A run that has ended, and what stopped it, if anything did."""

    folder: Path
    tally: Tally
    error: ExtractorError | None
    lost: int = 0

    @property
    def results(self) -> bytes:
        return (self.folder / "extractions.jsonl").read_bytes()

    @property
    def failures(self) -> str:
        return (self.folder / "failures.jsonl").read_text()


def run_near(records, out, model=None, *, workers=2, lives=None, budget=None, rate=None, hire=None, **options) -> Ended:
    """A run on workers of this process."""
    spec = ModelSpec.parse(f"{model}#stub") if model else None
    chosen = ExtractionOptions(**{"assist": Assist.ALWAYS} | options)
    assignment = Assignment(spec, chosen, AskSettings(), CONCURRENCY)

    async def extract(folder, tally):
        spent = Budget(budget[0], budget[1], None, folder.replies().spending) if budget else None
        limits = PaceLimits(workers * assignment.room, 60.0, rate)
        desk = ClearanceDesk(folder.replies, spent, limits, "model stub") if spec else None
        pool = ClusterPool(hire or (lambda: NearColleague(lives)), workers, assignment, desk, folder.note_asker)
        try:
            async with pool:
                tally.meter = lambda: pool.usage
                limits = BatchLimits(pool.concurrency, budget=spent)
                await run_batch(read_records(records), pool, folder, tally, limits)
        finally:
            ended.lost = pool.lost
            await asyncio.gather(*_dismissed, return_exceptions=True)
            _dismissed.clear()

    ended = Ended(out, Tally(), None)
    with RunFolder(out, {"model": str(spec)}, inputs=[str(records)]) as folder:
        try:
            asyncio.run(extract(folder, ended.tally))
        except ExtractorError as error:
            ended.error = error
        folder.finish(ended.tally)
    return ended


def run_here(records, out, model=None, **options) -> Ended:
    """The same run on one machine."""
    extractor = Extractor(f"{model}#stub" if model else None, **{"assist": Assist.ALWAYS} | options)

    async def extract(folder, tally):
        async with extractor.open(CONCURRENCY, folder.replies if model else None) as open_extractor:
            tally.meter = lambda: open_extractor.usage
            attended = attend(open_extractor, folder.note_asker)
            await run_batch(read_records(records), attended, folder, tally, BatchLimits(CONCURRENCY))

    tally = Tally()
    with RunFolder(out, {"model": str(model)}, inputs=[str(records)]) as folder:
        asyncio.run(extract(folder, tally))
        folder.finish(tally)
    return Ended(out, tally, None)


def write_records(path: Path, count: int) -> Path:
    """Records that ask different questions."""
    write_distinct_records(path, count)
    return path


def count_answered_twice(folder: Path) -> int:
    """Requests that had a good answer in the store when they were sent."""
    with closing(open_run_to_read(folder)) as run:
        return run.value(
            "SELECT count(*) FROM calls AS later WHERE EXISTS (SELECT 1 FROM calls AS earlier JOIN chains"
            " ON chains.id = earlier.chain WHERE earlier.key = later.key AND earlier.id < later.id"
            " AND earlier.status = 200 AND verdict = 'valid')"
        )
