"""``extractor run``: extract from files of records."""

from pathlib import Path
from typing import Annotated, Literal

from .console import refuse, say_first
from .options import (
    FILES,
    MACHINES,
    MODEL,
    RARE,
    SPEED,
    DryRunOption,
    RequestsPerMinuteOption,
    RunOptions,
    WorkersOption,
    option,
)


def run(
    out: Annotated[str | None, option(FILES, "Folder of the results; else standard output.", metavar="DIR")] = None,
    *,
    given: RunOptions,
    open_report: Annotated[bool, option(FILES, "At the end, open the report in the browser.", "--open")] = False,
    as_json: Annotated[bool, option(FILES, "For --dry-run: print JSON.", "--json")] = False,
    replay: Annotated[
        Path | None, option(MODEL, "Answers of a recording or a run's folder; no network.", metavar="DIR")
    ] = None,
    dry_run: DryRunOption = False,
    concurrency: Annotated[
        int, option(SPEED, "Requests at once, for each worker on a cluster.", min=1, metavar="N")
    ] = 8,
    workers: WorkersOption = None,
    requests_per_minute: RequestsPerMinuteOption = None,
    tokens_per_minute: Annotated[
        float | None, option(SPEED, "Most tokens, prompts and answers together.", min=1, metavar="N")
    ] = None,
    timeout: Annotated[
        float, option(SPEED, "Seconds for one request, to its last byte.", min=0.1, metavar="S")
    ] = 600.0,
    patience: Annotated[
        float, option(SPEED, "Stop if the model answers nothing for so many seconds.", min=1, metavar="S")
    ] = 300.0,
    engine: Annotated[
        Literal["local", "ray"], option(MACHINES, "Extract on this machine, or on a Ray cluster (extra ray).")
    ] = "local",
    address: Annotated[
        str | None, option(MACHINES, "The Ray cluster's, or auto; else one here.", metavar="HOST:PORT")
    ] = None,
    sample: Annotated[
        int | None, option(RARE, "For --dry-run: forecast from this many records.", min=20, metavar="N")
    ] = None,
    latency: Annotated[float | None, option(RARE, "For --dry-run: seconds per call.", min=0, metavar="S")] = None,
    max_lacking: Annotated[
        float,
        option(
            RARE,
            "Exit with 1 if a larger share of the questions got no usable answer.",
            min=0,
            max=1,
            metavar="0..1",
            envvar="EXTRACTOR_MAX_LACKING",
        ),
    ] = 0.05,
) -> int:
    """Extract eligibility, dosing and endpoints from trial records.

    NCT numbers are fetched from ClinicalTrials.gov first, into DIR/fetched.jsonl.

    Without --model and --replay only the rules run, and the summary counts the
    questions that stayed open. The same command resumes a run that stopped.

    `extractor batch` asks by a provider's batch API, or by files.

    Exit codes: 0 all done, 1 some records failed, or the model gave no usable
    answers (--max-lacking, --patience), 2 usage, 3 budget reached, 130 interrupted.
    After 1, 3 and 130 the same command resumes.
    """
    from extractor.options import ExtractionOptions

    ray = engine == "ray"
    refuse(
        {
            "--address names a Ray cluster; add --engine ray": address and not ray,
            "--engine ray keeps what was answered in a folder; name one with --out": ray and not out,
            "--engine ray asks a model or the rules; drop --replay": ray and replay,
            "--open needs a run's folder; name one with --out, without --dry-run": open_report and (dry_run or not out),
            "--sample, --latency and --json are for --dry-run": not dry_run
            and (sample or latency is not None or as_json),
            "--fresh discards what --out holds; name a folder with --out": given.fresh and not out,
        }
    )
    ExtractionOptions(**given.extraction)  # a wrong value is refused before anything is loaded
    inputs = given.inputs
    more = f" and {len(inputs) - 1} more" if len(inputs) > 1 else ""
    say_first(f"reading {inputs[0]}{more}", quiet=given.quiet)
    from extractor.llm.patience import Patience

    from .forecast import forecast_job
    from .job import open_job
    from .perform import perform_job
    from .report import open_report_of

    asking = {
        "timeout": timeout,
        "requests_per_minute": requests_per_minute,
        "tokens_per_minute": tokens_per_minute,
        "patience": Patience(seconds=patience),
    }
    with open_job(
        given,
        out,
        replay=replay,
        dry_run=dry_run,
        concurrency=concurrency,
        asking=asking,
        workers=workers,
        engine=engine,
        address=address,
        max_lacking=max_lacking,
    ) as (job, unknown):
        if dry_run:
            return forecast_job(job, sample, latency, as_json=as_json) or unknown
        code = perform_job(job)
    if open_report and job.out:
        open_report_of(job.out)
    return code or unknown
