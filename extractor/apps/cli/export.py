"""``extractor export``: write a run's results as tables or FHIR resources."""

import sys
from pathlib import Path
from typing import Annotated, Literal

from extractor.apps.cli.console import (
    say,
)
from extractor.apps.cli.options import (
    ALL_TASKS,
    ColumnsOption,
    ForceOption,
    MinConfidenceOption,
    QuietOption,
    RecordsOption,
    RunsArgument,
    TasksOption,
    option,
)
from extractor.apps.cli.runs import open_runs, warn_failed, warn_incomplete
from extractor.apps.export import Threshold
from extractor.errors import StoreError
from extractor.options import FILES, RARE, WHAT, Choice, split_comma_list
from extractor.plurals import counted
from extractor.results import export_results
from extractor.run.joined import JoinedRuns


def export(
    runs: RunsArgument,
    to: Annotated[
        Path,
        option(
            FILES,
            "A .duckdb or .xlsx file; a .csv, .parquet or .jsonl file for one table; or a folder.",
            "--to",
            "-o",
            metavar="PATH",
        ),
    ],
    format_: Annotated[
        Literal["jsonl", "csv", "parquet", "duckdb", "xlsx", "fhir"] | None,
        option(
            FILES,
            "The format of the files in a folder: a table format, or FHIR.",
            "--format",
        ),
    ] = None,
    gold: Annotated[
        Path | None,
        option(
            FILES, "Use the corrected records from this review folder.", metavar="DIR"
        ),
    ] = None,
    records: RecordsOption = None,
    columns: ColumnsOption = None,
    force: ForceOption = False,
    quiet: QuietOption = False,
    tasks: TasksOption = ALL_TASKS,
    tables: Annotated[
        str,
        option(
            WHAT,
            "Export only these tables, such as criteria,constraints.",
            metavar="NAME,...",
        ),
    ] = "",
    min_confidence: MinConfidenceOption = 0.0,
    partial: Annotated[
        bool, option(RARE, "Export a run that is incomplete.", "--partial")
    ] = False,
) -> None:
    """Write the results of runs, or reviewed gold, as tables or FHIR resources.

    Tables are flat, and can be joined on record_id and position. CSV is safe to open in a
    spreadsheet: any cell that looks like a formula is prefixed with an apostrophe. Parquet and
    DuckDB require the "export" extra; .xlsx, with one sheet per table, requires the "excel" extra.

    --format fhir writes FHIR R5, with one ndjson file per resource type, and requires the "fhir"
    extra. unmapped.jsonl lists the values that FHIR cannot represent.

    The register's data is read again from the inputs of the runs, or from --records. If a record
    occurs in several runs, its last result is used.

    The destination appears only when the export is complete. To export a run that was interrupted
    or is still in progress, use --partial.
    """
    chosen = Choice.read({"tasks": tasks, "min_confidence": min_confidence})
    threshold = Threshold(chosen.min_confidence)
    joined = open_runs(runs, records, columns)
    missing = "resources" if format_ == "fhir" else "rows"
    _prepare(joined, gold, missing, partial=partial)
    _, report, lacking = export_results(
        joined,
        to,
        sorted(chosen.tasks),
        tables=split_comma_list(tables),
        file_format=format_,
        force=force,
        threshold=threshold,
    )
    for message in lacking:
        say(message)
    if quiet:
        return
    print(*report, sep="\n", file=sys.stderr)
    if threshold.seen:
        omitted = threshold.seen - threshold.kept
        say(
            f"omitted below {threshold.minimum:g}: {omitted:,} of {threshold.seen:,} values; "
            "positions refer to the remaining items"
        )


def _prepare(
    runs: JoinedRuns, gold: Path | None, missing: str, *, partial: bool
) -> None:
    """Check runs before exporting them, and apply the corrections in ``gold``. ``missing`` is the
    kind of output that failed records lack, such as rows.
    """
    unfinished = [
        f"{run.folder}: {run.incomplete}; {run.how_to_finish}"
        for run in runs.runs
        if run.incomplete
    ]
    # the tables of an incomplete run look like those of a complete one
    if unfinished and not partial:
        raise StoreError(
            f"{'; '.join(unfinished)}; or export the results so far with --partial"
        )
    warn_incomplete(*runs.paths)
    if not runs.record_ids:
        raise StoreError(
            f"{runs}: has no results to export; see its failures.jsonl and `extractor "
            "report` for the reasons"
        )
    if gold:
        from extractor.apps.review.gold import correct_run  # noqa: PLC0415 - slow, and few exports need it

        corrected = correct_run(runs, gold)
        say(f"corrected: {corrected:,} of {counted(len(runs.record_ids), 'record')}")
    warn_failed(runs, missing)
