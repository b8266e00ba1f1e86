"""Forecast the calls and cost of a run for ``--dry-run``."""

import asyncio

from extractor.apps.cli.console import FAILED, OK, print_table, say, write_lines
from extractor.apps.cli.job import CommandJob, StreamSink
from extractor.model.asking.request import estimate_record
from extractor.model.cost.tokens import RequestSize
from extractor.plurals import counted
from extractor.run.executor import count_cores, open_executor
from extractor.run.forecast import Forecast, forecast_run
from extractor.run.progress import show_progress
from extractor.run.records import RecordLoop
from extractor.run.tally import ExtractedLine
from extractor.schemas import TrialRecord


def forecast_job(job: CommandJob) -> int:
    """Print to standard output the lowest, expected and highest figures for a run, and to standard
    error the model's price and the assumptions.

    The model is not called; the number of questions is estimated by applying the rules to each
    record. Returns the exit code, which is 1 if a record cannot be read.
    """
    total = RequestSize()

    async def measure_all() -> None:
        async with open_executor(job.workers, job.workers or count_cores()) as executor:

            async def measure(record: TrialRecord) -> ExtractedLine:
                nonlocal total
                size = await executor.compute(
                    estimate_record, record, job.setup.options
                )
                total += size
                # the sink of a forecast discards results, so the line is empty
                return ExtractedLine(record.record_id, line=b"", counts="{}")

            loop = RecordLoop(
                measure, StreamSink(), job.tally, concurrency=executor.capacity or 1
            )
            await loop.run(job.read, job.limit)

    with show_progress(job.tally, job.count, quiet=job.options.quiet):
        asyncio.run(measure_all())
    forecast = forecast_run(total, job.pricing, job.concurrency)
    print_forecast(forecast, counted(job.tally.extracted, "record"))
    if job.tally.failed:
        return FAILED
    return OK


def print_forecast(forecast: Forecast, what: str) -> None:
    """Print the figures of a forecast for ``what``, and its assumptions."""
    rows = []
    for name, cases in forecast.figures.items():
        # counts, such as calls, and whole dollars need no small fractions
        decimals = 0
        if name.startswith("dollars"):
            decimals = 2 if cases.high >= 1 else 4
        rows.append((name, *(f"{figure:,.{decimals}f}" for figure in cases)))
    print_table((what, "least", "expected", "most"), rows)
    for note in write_lines("forecast.txt", forecast=forecast):
        say(note)
