"""``extractor run --dry-run``: what a run would take, from its own planner, before anything is spent."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from extractor.cluster.addresses import open_inputs
from extractor.llm.plan.estimate import Estimate, estimate_record
from extractor.read import read_records
from extractor.run import Tally, describe_failure
from extractor.run.quote import Measured, Speed, measure_records, quote_run
from extractor.run.workers import share_work

from .console import FAILED, OK, without_controls
from .progress import count_records, show_progress

if TYPE_CHECKING:
    from extractor.llm.plan.forecast import Rates
    from extractor.schemas import TrialRecord

    from .batch import Job

__all__ = ["QuoteSettings", "quote_job"]


@dataclass(frozen=True, slots=True)
class QuoteSettings:
    """How many records to judge by, all if None, and seconds that a call takes, assumed if None."""

    sample: int | None = None
    latency: float | None = None


def quote_job(job: "Job", settings: QuoteSettings) -> int:
    """Print the quote as JSON and return the exit code. Asks nothing, writes nothing."""
    tally, sampled = Tally(), settings.sample is not None
    count = partial(count_records, job.inputs, job.limits.records)
    with show_progress(tally, (lambda: None) if sampled else count, quiet=job.quiet):
        measured = asyncio.run(_measure(job, settings.sample, tally))
    speed = Speed(job.limits.concurrency, settings.latency)
    quote = quote_run(measured, _rates(job), job.pricing, speed)
    print(quote.model_dump_json(indent=2))
    return FAILED if tally.failed else OK


async def _measure(job: "Job", sample: int | None, tally: Tally) -> Measured:
    """What the records hold to be asked, found out by as many processes as would extract them."""

    def report(error: Exception) -> None:
        tally.failed += 1
        print(f"extractor: {without_controls(describe_failure(error)['message'])}", file=sys.stderr)

    chosen = job.extractor
    work = partial(estimate_record, options=chosen.options)
    records = read_records(*job.inputs, on_error=report, stdin=sys.stdin.buffer, open_address=open_inputs)
    async with share_work(work, job.workers) as pool:

        async def estimate_all(chosen: "Iterable[TrialRecord]") -> AsyncIterator[Estimate]:
            async for found in pool.map(chosen, report):
                tally.extracted += 1
                yield found

        return await measure_records(islice(records, job.limits.records), estimate_all, sample)


def _rates(job: "Job") -> "Rates":
    """The rates, as the calls tell that an earlier run made into the same folder."""
    from contextlib import closing

    from extractor.llm.keeping.replies import ReplyStore
    from extractor.llm.keeping.run_file import RUN_FILE, open_run_to_read

    if job.fresh or job.out is None or not (job.out / RUN_FILE).is_file():
        return job.pricing.rates()
    with closing(open_run_to_read(job.out)) as run:
        return job.pricing.rates(ReplyStore(run))
