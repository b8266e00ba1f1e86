"""``extractor run``: extract records."""

from typing import Any

from extractor.apps.cli.options import RecordOptions, RunOptions


def run(options: RunOptions) -> int:
    """Extract eligibility, dosing and endpoints from trial records.

    Records given by NCT number are fetched first, into DIR/fetched.jsonl. Without --model, only
    the rules are used. To resume a run that stopped, run the same command again.

    Exit codes: 0 done, 1 some records failed, 2 wrong usage, a rejected key or no readable
    record, 3 budget reached, 75 temporary failure (try again later), 130 interrupted. After exit
    code 3, 75 or 130, the same command resumes the run.

    Example: extractor run records --model gpt-5-mini --out results
    """
    if options.fresh and not options.out:
        raise ValueError("--fresh needs a folder; specify one with --out")
    return extract(options, max_lacking=options.max_lacking)


def extract(options: RecordOptions, **fields: Any) -> int:
    """Perform or forecast a command's job, and return the exit code. ``fields`` sets further
    attributes of the job.
    """
    from extractor.apps.cli.job import open_job, perform_job  # noqa: PLC0415 - slow, and the help needs none of it

    perform = perform_job
    if dict(options).get("dry_run"):
        from extractor.apps.cli.forecast import forecast_job as perform  # noqa: PLC0415 - as above
    with open_job(options, **fields) as (job, fetch_code):
        return perform(job) or fetch_code
