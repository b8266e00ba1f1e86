"""The forecast of ``extractor run --dry-run``."""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import closing
from itertools import islice

from extractor.ask.prompt import load_prompt
from extractor.cost.tokens import Cases, Rates
from extractor.fields import CustomField
from extractor.llm.calls import estimate_tokens
from extractor.llm.database import RUN_FILE, open_run_to_read
from extractor.llm.store import CallStore
from extractor.read import read_records
from extractor.run.addresses import open_inputs
from extractor.run.executor import open_executor
from extractor.run.forecast import Forecast, Measured, forecast_run, measure_records
from extractor.run.manifest import MANIFEST, describe_settings, explain_changed, read_manifest
from extractor.run.records import describe_failure
from extractor.run.tally import Tally

from .console import FAILED, OK, print_table, say
from .job import RunJob
from .progress import show_progress


def forecast_job(job: RunJob) -> int:
    """Print the forecast of a run's calls, time and cost, and return the exit code. Calls no model."""
    tally = Tally()
    with show_progress(tally, job.count, quiet=job.quiet):
        measured = asyncio.run(_measure(job, tally))
    _warn_of_other_settings(job)
    print_forecast(forecast_run(measured, _rates(job), job.pricing, job.limits.concurrency))
    _say_what_fields_add(job.extractor.options.fields)
    return FAILED if tally.failed else OK


def _say_what_fields_add(fields: Sequence[CustomField]) -> None:
    """Say how much longer the definitions of every call are by the user's own fields."""
    if fields:
        own, built_in = (estimate_tokens(load_prompt(each).system) for each in (tuple(fields), ()))
        names = ", ".join(field.name for field in fields)
        say(f"your own fields ({names}) add about {own - built_in:,} tokens to the definitions of every call")


def print_forecast(forecast: Forecast) -> None:
    """Print the least, expected and largest figures of a run as a table, and their assumptions on standard error."""
    figures: dict[str, Cases[int] | Cases[float] | None] = {
        "questions": forecast.questions,
        "calls": forecast.calls,
        "prompt tokens": forecast.prompt_tokens,
        "of them cached": forecast.cached_tokens,
        "output tokens": forecast.output_tokens,
        "dollars": forecast.usd,
        "dollars without a cache": forecast.usd_uncached,
        "seconds": forecast.seconds,
    }
    rows = []
    for name, cases in figures.items():
        if cases is not None:
            digits = 0 if not name.startswith("dollars") else 2 if cases.high >= 1 else 4
            rows.append((name, *(f"{figure:,.{digits}f}" for figure in cases)))
    print_table((f"{forecast.records:,} records", "least", "expected", "most"), rows, apart=False)
    sys.stdout.flush()  # the table comes before its assumptions, in a file of both too
    if price := forecast.price:
        kinds = {"cached": "cached ones", "written": "ones that are written into a cache"}
        others = (f", {price[name]:g} for {kind}" for name, kind in kinds.items() if price[name] is not None)
        say(
            f"{price['model']} costs ${price['prompt']:g} for a million prompt tokens{''.join(others)},"
            f" and ${price['output']:g} for a million output tokens ({price['source']})"
        )
    for note in forecast.notes:
        say(note)


def _warn_of_other_settings(job: RunJob) -> None:
    """Tell if the run itself would be refused, since its folder holds a run with other settings."""
    earlier = None if job.fresh or job.out is None else read_manifest(job.out / MANIFEST)
    if earlier and (changed := explain_changed(earlier.settings, describe_settings(job.extractor))):
        differences = "; ".join(changed.values())
        say(f"{job.out}: holds a run with other settings ({differences}); the run itself needs another --out")


async def _measure(job: RunJob, tally: Tally) -> Measured:
    """Measure the requests for all records, in as many processes as would extract them."""

    def report(error: Exception) -> None:
        tally.failed += 1
        say(describe_failure(error)["message"])

    def note_estimate() -> None:
        tally.extracted += 1

    records = read_records(*job.inputs, on_error=report, stdin=sys.stdin.buffer, open_address=open_inputs)
    chosen, options = islice(records, job.limits.records), job.extractor.options
    async with open_executor(job.workers) as executor:
        return await measure_records(chosen, options, executor, on_error=report, on_estimate=note_estimate)


def _rates(job: RunJob) -> Cases[Rates]:
    """Return the token rates, calibrated on the calls of an earlier run in the same folder."""
    if job.fresh or job.out is None or not (job.out / RUN_FILE).is_file():
        return job.pricing.rates()
    with closing(open_run_to_read(job.out)) as run:
        return job.pricing.rates(CallStore(run))
