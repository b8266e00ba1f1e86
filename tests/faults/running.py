"""Runs of a batch against a server with faults, and what all of them must fulfil."""

import json
import random
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extractor.ask.model import AskSettings, Model
from extractor.ask.questions import Assist
from extractor.ask.run_file import open_run_to_read
from extractor.ask.spec import ModelSpec
from extractor.ask.stored import StoredTransport
from extractor.ask.transport import RetryPolicy
from extractor.assemble import ALL_TASKS
from extractor.errors import ExtractorError
from extractor.pipeline import OpenExtractor
from extractor.read import read_records
from extractor.run import BatchLimits, RunFolder, Tally, attend, run_batch

from .server import FaultServer

CONCURRENCY = 6
BRISK = RetryPolicy(
    attempts=8, first_wait=0.005, longest_wait=0.1, longest_absence=20.0, jitter=lambda: random.random() / 500
)
"""As patient as any, and quick at it."""


@dataclass
class Ended:
    """A run that has ended: its folder, and what stopped it, if anything did."""

    folder: Path
    tally: Tally
    error: ExtractorError | None

    @property
    def results(self) -> list[dict[str, Any]]:
        """The extractions without what they cost, which faults add to."""
        lines = (self.folder / "extractions.jsonl").read_text("utf-8").splitlines()
        return [{name: value for name, value in json.loads(line).items() if name != "usage"} for line in lines]

    @property
    def ids(self) -> list[str]:
        return [result["record_id"] for result in self.results]

    @property
    def failures(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "failures.jsonl").read_text("utf-8").splitlines()]

    @property
    def manifest(self) -> dict[str, Any]:
        return json.loads((self.folder / "run.json").read_text("utf-8"))

    @property
    def paid_twice(self) -> list[str]:
        """Requests to which more than one answer came, in chains that ended well."""
        with closing(open_run_to_read(self.folder)) as run:
            sql = (
                "SELECT key FROM calls JOIN chains ON chains.id = chain"
                " WHERE verdict = 'valid' AND status = 200 AND finish_reason IS NOT NULL"
            )
            keys = Counter(key for (key,) in run.execute(sql))
        return [key for key, count in keys.items() if count > 1]


async def run_against(
    server: FaultServer,
    records: Path,
    folder: Path,
    policy: RetryPolicy = BRISK,
    settings: AskSettings | None = None,
) -> Ended:
    """Run the records of a file against the server, into a folder that may hold an earlier run."""
    tally = Tally()
    spec = ModelSpec.parse(f"{server.url}#stub")
    settings = settings or AskSettings(concurrency=CONCURRENCY)
    error = None
    with RunFolder(folder, {}) as run:
        run.begin()
        async with Model(spec, settings, policy, lambda: StoredTransport(run.replies)) as model:
            tally.meter = lambda: model.usage
            extract = attend(OpenExtractor(model, ALL_TASKS, Assist.ALWAYS), run.note_asker)
            try:
                await run_batch(read_records(str(records)), extract, run, tally, BatchLimits(CONCURRENCY))
            except ExtractorError as stopped:
                error = stopped
        run.finish(tally, [str(records)])
    return Ended(folder, tally, error)


def check_ended(ended: Ended, server: FaultServer, ids: list[str]) -> None:
    """Every record ends as extraction or failure, in input order; all calls are counted; nothing is paid twice."""
    failed = {failure["record_id"] for failure in ended.failures}
    assert failed.isdisjoint(ended.ids)
    assert ended.ids == [name for name in ids if name not in failed]
    assert len(ended.ids) + len(failed) == len(ids)
    assert ended.manifest["usage"]["calls"] == server.calls
    assert ended.tally.usage.calls == server.calls
    assert not ended.paid_twice
