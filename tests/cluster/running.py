"""Reference runs on this machine, and checks of other runs."""

import asyncio
from contextlib import closing
from functools import partial
from pathlib import Path

from extractor.api import Extractor
from extractor.llm.database import open_run_to_read
from extractor.run.executor import InlineExecutor, extract_with
from extractor.run.folder import RunFolder
from extractor.run.records import RunLimits, extract_records
from extractor.run.tally import Tally
from extractor.stages.read import read_records

CONCURRENCY = 4


def run_here(records: Path, out: Path, model: str) -> bytes:
    """Run in this process, and return the results."""
    extractor, tally = Extractor(f"{model}#stub", effort="high"), Tally()

    async def run(folder):
        async with extractor.open(CONCURRENCY, folder.calls) as opened:
            extract = partial(extract_with, InlineExecutor(), options=opened.options, model=opened.model)
            await extract_records(read_records(records), extract, folder, tally, RunLimits(CONCURRENCY))

    with RunFolder(out, {"model": str(model)}, inputs=[str(records)]) as folder:
        asyncio.run(run(folder))
        folder.finish(tally)
    return (out / "extractions.jsonl").read_bytes()


def count_answered_twice(folder: Path) -> int:
    """Count requests that were sent although the store had a good answer."""
    with closing(open_run_to_read(folder)) as run:
        return run.value(
            "SELECT count(*) FROM calls AS later WHERE EXISTS (SELECT 1 FROM calls AS earlier"
            " WHERE earlier.key = later.key AND earlier.id < later.id AND earlier.state = 'answered')"
        )
