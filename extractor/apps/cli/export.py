"""``extractor export``: write a run's results as tables or as FHIR resources."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from extractor.apps.cli.console import say, warn_failed, warn_incomplete
from extractor.apps.cli.options import (
    ALL_TASKS,
    ForceOption,
    MinConfidenceOption,
    QuietOption,
    TasksOption,
    option,
)
from extractor.options import FILES, RARE, WHAT, split_names
from extractor.plurals import counted

if TYPE_CHECKING:
    from extractor.run.finished import FinishedRun


def export(
    run: Annotated[
        Path,
        typer.Argument(
            metavar="RUN", help="A run's folder, its extractions.jsonl, or gold."
        ),
    ],
    to: Annotated[
        Path,
        option(
            FILES,
            "A .duckdb or .xlsx file; of one table .csv, .parquet or .jsonl; or a folder.",
            "--to",
            "-o",
            metavar="PATH",
        ),
    ],
    format_: Annotated[
        Literal["jsonl", "csv", "parquet", "duckdb", "xlsx", "fhir"] | None,
        option(
            FILES,
            "For a folder: the format of the files of tables, or FHIR.",
            "--format",
        ),
    ] = None,
    gold: Annotated[
        Path | None,
        option(
            FILES, "Take corrected records from this folder of a review.", metavar="DIR"
        ),
    ] = None,
    force: ForceOption = False,
    quiet: QuietOption = False,
    tasks: TasksOption = ALL_TASKS,
    tables: Annotated[
        str,
        option(
            WHAT, "Only these tables, such as criteria,constraints.", metavar="NAME,..."
        ),
    ] = "",
    min_confidence: MinConfidenceOption = 0.0,
    partial: Annotated[
        bool, option(RARE, "Export a run that is not complete.", "--partial")
    ] = False,
) -> None:
    """Write a run's results, or reviewed gold, as tables or as FHIR resources.

    Tables are flat, joined by record_id and positions. CSV is safe to open in a
    spreadsheet: a cell that would be a formula starts with an apostrophe. Parquet
    and DuckDB need the extra export, .xlsx (one sheet for each table) the extra excel.

    --format fhir writes FHIR R5, one ndjson file for each type of resource; it needs
    the extra fhir. unmapped.jsonl lists what has no place there.

    The destination appears only when it is complete. A run that was interrupted or
    is still going needs --partial.
    """
    from extractor.apps.export import Threshold
    from extractor.options import Choice
    from extractor.results import export_results
    from extractor.run.finished import find_run

    chosen = Choice.read({"tasks": tasks, "min_confidence": min_confidence})
    threshold = Threshold(chosen.min_confidence)
    finished = find_run(run)
    missing = "resources" if format_ == "fhir" else "rows"
    if finished:
        _prepare(finished, gold, missing, partial=partial)
    elif gold:
        raise ValueError("--gold corrects a run; name the run's folder")
    _, report = export_results(
        run,
        finished,
        to,
        sorted(chosen.tasks),
        tables=split_names(tables),
        file_format=format_,
        force=force,
        threshold=threshold,
    )
    if quiet:
        return
    print(*report, sep="\n", file=sys.stderr)
    if threshold.seen:
        left_out = threshold.seen - threshold.kept
        say(
            f"left out below {threshold.minimum:g}: {left_out:,} of {threshold.seen:,} values; "
            "positions count what is left"
        )


def _prepare(
    run: "FinishedRun", gold: Path | None, missing: str, *, partial: bool
) -> None:
    """Check a run before its export, and let it take the corrected results of ``gold``. Records
    that failed have no new ``missing``, such as rows.
    """
    from extractor.apps.report.overview import list_failed
    from extractor.errors import StoreError

    if run.incomplete and not partial:
        raise StoreError(
            f"{run.folder}: {run.incomplete}; let it finish, or export what there is with --partial"
        )
    warn_incomplete(run.folder)
    if not run.record_ids:
        raise StoreError(
            f"{run.folder}: has no results to export; its failures.jsonl and `extractor report` "
            "explain why"
        )
    if gold:
        from extractor.apps.review.gold import correct_run

        corrected = correct_run(run, gold)
        say(f"corrected: {corrected:,} of {counted(len(run.record_ids), 'record')}")
    warn_failed(list_failed(run.folder), missing)
