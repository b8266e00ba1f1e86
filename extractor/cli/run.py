"""``extractor run``: extract from files of records."""

from pathlib import Path
from typing import Annotated

from .console import refuse, say_first
from .options import (
    FILES,
    MACHINES,
    MODEL,
    SPEED,
    DryRunOption,
    RunOptions,
    WorkersOption,
    option,
)


def run(
    out: Annotated[str | None, option(FILES, "Folder of the results; else standard output.", metavar="DIR")] = None,
    *,
    given: RunOptions,
    replay: Annotated[
        Path | None, option(MODEL, "Answers of a recording or a run's folder; no network.", metavar="DIR")
    ] = None,
    dry_run: DryRunOption = False,
    concurrency: Annotated[
        int, option(SPEED, "Requests at once, for each worker on a cluster.", min=1, metavar="N")
    ] = 8,
    workers: WorkersOption = None,
    timeout: Annotated[
        float, option(SPEED, "Seconds for one request, to its last byte.", min=0.1, metavar="S")
    ] = 600.0,
    ray: Annotated[
        str | None,
        option(MACHINES, "Extract on this Ray cluster; local starts one here.", metavar="HOST:PORT|auto|local"),
    ] = None,
) -> int:
    """Extract eligibility, dosing and endpoints from trial records.

    NCT numbers are fetched from ClinicalTrials.gov first, into DIR/fetched.jsonl.

    Without --model and --replay only the rules run, and the summary counts the
    questions that stayed open. The same command resumes a run that stopped.

    `extractor batch` asks by a provider's batch API, or by files.

    Exit codes: 0 all done, 1 some records failed, or the model gave no usable
    answers, 2 usage, 3 budget reached, 130 interrupted.
    After 1, 3 and 130 the same command resumes.
    """
    from extractor.options import ExtractionOptions

    refuse(
        {
            "--ray keeps what was answered in a folder; name one with --out": ray and not out,
            "--ray asks a model or the rules; drop --replay": ray and replay,
            "--fresh discards what --out holds; name a folder with --out": given.fresh and not out,
        }
    )
    ExtractionOptions(**given.extraction)  # a wrong value is refused before anything is loaded
    inputs = given.inputs
    more = f" and {len(inputs) - 1} more" if len(inputs) > 1 else ""
    say_first(f"reading {inputs[0]}{more}", quiet=given.quiet)
    from .environment import read_max_lacking
    from .forecast import forecast_job
    from .job import open_job
    from .perform import perform_job

    with open_job(
        given,
        out,
        replay=replay,
        dry_run=dry_run,
        concurrency=concurrency,
        timeout=timeout,
        workers=workers,
        ray=ray,
        max_lacking=read_max_lacking(),
    ) as (job, unknown):
        if dry_run:
            return forecast_job(job) or unknown
        return perform_job(job) or unknown
