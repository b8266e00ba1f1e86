"""``extractor run --dry-run``: what a run would take, from its own planner, before anything is spent."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from extractor.ask.opening import served_name
from extractor.ask.plan.estimate import Estimate, estimate_questions
from extractor.assemble.policy import classify_model
from extractor.cluster.addresses import open_inputs
from extractor.parse import parse_record
from extractor.read import read_records
from extractor.run.quote import Speed, measure_records, quote_run

from .exits import FAILED, OK
from .tables import without_controls

if TYPE_CHECKING:
    from extractor.ask.plan.forecast import Rates
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
    failures: list[Exception] = []
    chosen = job.extractor
    asked = classify_model(served_name(chosen.choice.spec))

    def estimate(record: "TrialRecord") -> Estimate:
        return estimate_questions(parse_record(record), chosen.tasks, chosen.assist, asked)

    measured = measure_records(_read(job, failures), estimate, settings.sample)
    speed = Speed(job.limits.concurrency, settings.latency)
    quote = quote_run(measured, _rates(job), job.pricing, speed)
    print(quote.model_dump_json(indent=2))
    return FAILED if failures else OK


def _read(job: "Job", failures: list[Exception]) -> Iterator["TrialRecord"]:
    from extractor.errors import RepeatedRecord

    def tell(error: Exception) -> None:
        if not isinstance(error, RepeatedRecord):
            failures.append(error)
        print(f"extractor: {without_controls(str(error))}", file=sys.stderr)

    records = read_records(*job.inputs, on_error=tell, stdin=sys.stdin.buffer, open_address=open_inputs)
    return islice(records, job.limits.records)


def _rates(job: "Job") -> "Rates":
    """The rates, as the calls tell that an earlier run made into the same folder."""
    from contextlib import closing

    from extractor.ask.keeping.replies import ReplyStore
    from extractor.ask.keeping.run_file import RUN_FILE, open_run_to_read

    if job.fresh or job.out is None or not (job.out / RUN_FILE).is_file():
        return job.pricing.rates()
    with closing(open_run_to_read(job.out)) as run:
        return job.pricing.rates(ReplyStore(run))
