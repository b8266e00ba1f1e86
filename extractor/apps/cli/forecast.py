"""Forecast the calls, time and cost of a run (``--dry-run``)."""

import asyncio
from itertools import islice

from extractor.apps.cli.console import FAILED, OK, print_table, say, write_text
from extractor.apps.cli.job import RunJob
from extractor.errors import ExtractorError
from extractor.plurals import counted
from extractor.run.executor import open_executor
from extractor.run.forecast import Forecast, Measured, forecast_run, measure_records
from extractor.run.progress import show_progress
from extractor.run.records import describe_failure


def forecast_job(job: RunJob) -> int:
    """Print the forecast of a run, and return the exit code: 1 if a record cannot be read, else 0.
    Calls no model.

    The rules read each record, to count its questions. Also printed: what cannot be read.
    """
    run = job.run
    tally = job.run.tally

    def report(error: ExtractorError) -> None:
        tally.failed += 1
        say(describe_failure(error)["message"])

    def count() -> None:
        tally.extracted += 1

    async def measure() -> Measured:
        chosen = islice(run.read(on_error=report), run.limits.records)
        async with open_executor(getattr(job.options, "workers", None)) as executor:
            return await measure_records(
                chosen, job.setup.options, executor, on_error=report, on_estimate=count
            )

    with show_progress(tally, job.count, quiet=job.options.quiet):
        measured = asyncio.run(measure())
    print_forecast(forecast_run(measured, run.pricing, run.limits.concurrency))
    return FAILED if tally.failed else OK


def print_forecast(forecast: Forecast) -> None:
    """Print the least, expected and largest figures as a table on standard output; the price of the
    model and the assumptions on standard error.
    """
    rows = []
    for name, cases in forecast.figures.items():
        digits = 0
        if name.startswith("dollars"):
            digits = 2 if cases.high >= 1 else 4
        rows.append((name, *(f"{figure:,.{digits}f}" for figure in cases)))
    head = (counted(forecast.records, "record"), "least", "expected", "most")
    print_table(head, rows, apart=False)
    notes = "".join(write_text("forecast.txt", forecast=forecast))
    for note in notes.splitlines():
        say(note)
