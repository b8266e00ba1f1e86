"""Run a batch against a server with faults, and check the conditions that every run must meet."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from extractor.errors import ExtractorError
from extractor.formats import read_records
from extractor.model.client import Route
from extractor.model.database import open_run_to_read
from extractor.model.pace import RetryPolicy
from extractor.model.spec import ClientSettings, ModelSpec
from extractor.model.store import OpenStore
from extractor.run.executor import Executor
from extractor.run.folder import RunFolder
from extractor.run.run import Run
from extractor.run.tally import Tally
from extractor.setup import OpenExtractor, Setup
from tests.commands import read_lines
from tests.llm.stub import Through
from tests.skipping import loop_time

from .server import FaultServer

CONCURRENCY = 6
POLICY = RetryPolicy(clock=loop_time, jitter=lambda: 0.5)
"""The default policy on the clock of the event loop."""


@dataclass
class Ended:
    """An ended run: its folder, its tally, and the error that stopped it, if any."""

    folder: Path
    tally: Tally
    error: ExtractorError | None

    @property
    def results(self) -> list[dict[str, Any]]:
        """The extractions without their usage, which faults increase."""
        path = self.folder / "extractions.jsonl"
        lines = read_lines(path) if path.exists() else []
        return [line | {"usage": None} for line in lines]

    @property
    def ids(self) -> list[str]:
        return [result["record_id"] for result in self.results]

    @property
    def failures(self) -> list[dict[str, Any]]:
        return read_lines(self.folder / "failures.jsonl")


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the ``run.json`` of a run."""
    return dict(json.loads((folder / "run.json").read_text("utf-8")))


def count_lines(folder: Path) -> int:
    """Count the results of a run that may still write them."""
    path = folder / "extractions.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def read_store(folder: Path, query: str) -> Any:
    """Return the value of a query on the store of a run."""
    with closing(open_run_to_read(folder)) as run:
        return run.value(query)


def count_paid_twice(folder: Path) -> int:
    """Count the requests that were sent although the store had a good answer."""
    earlier = "earlier.key = later.key AND earlier.id < later.id AND earlier.state = 'answered'"
    query = f"SELECT 1 FROM calls AS earlier WHERE {earlier}"
    return int(
        read_store(
            folder, f"SELECT count(*) FROM calls AS later WHERE EXISTS ({query})"
        )
    )


async def run_against(
    server: FaultServer,
    records: Path,
    folder: Path,
    settings: ClientSettings | None = None,
) -> Ended:
    """Run the records of a file against a server, into a new folder or one with an earlier run."""
    spec = ModelSpec.parse(f"{server.url}#stub")
    error = None
    setup = Setup(spec, effort="full")
    settings = settings or ClientSettings(concurrency=CONCURRENCY)

    @asynccontextmanager
    async def open_model(
        _concurrency: int, calls: OpenStore, _route: Route
    ) -> AsyncIterator[OpenExtractor]:
        async with Through(server, spec, settings, POLICY, store=calls) as model:
            yield OpenExtractor(model, setup.options)

    setup.open = open_model
    read = partial(read_records, str(records))
    run = Run(setup=setup, read=read, concurrency=CONCURRENCY)
    with RunFolder(folder, {"model": str(spec)}, inputs=[str(records)]) as results:
        try:
            await run.extract(results, Executor())
        except ExtractorError as stopped:
            error = stopped
        run.finish(results, error)
    return Ended(folder, run.tally, error)


def check_ended(ended: Ended, server: FaultServer, ids: list[str]) -> None:
    """Check that each record ends as extraction or failure in input order, and all answers count
    and are paid once.
    """
    failed = {failure["record_id"] for failure in ended.failures}
    assert failed.isdisjoint(ended.ids)
    assert ended.ids == [name for name in ids if name not in failed]
    assert len(ended.ids) + len(failed) == len(ids)
    calls = read_manifest(ended.folder)["usage"]["calls"]
    assert calls == ended.tally.usage.calls == server.answers
    assert count_paid_twice(ended.folder) == 0
