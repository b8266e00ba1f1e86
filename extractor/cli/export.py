"""``extractor export``: a run's results as tables, or as cohort definitions."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .console import errors_for_people, split_names, warn_incomplete

if TYPE_CHECKING:
    from extractor.export import Registry
    from extractor.run.finished import FinishedRun


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, its extractions.jsonl, or gold.")],
    to: Annotated[
        Path, typer.Option(help="A .duckdb database, a .csv, .parquet or .jsonl file of one table, or a folder.")
    ],
    format_: Annotated[
        Literal["jsonl", "csv", "parquet", "duckdb", "omop"] | None,
        typer.Option(
            "--format", help="Needed for a folder: one file a table, or with omop a cohort definition a trial."
        ),
    ] = None,
    tasks: Annotated[str, typer.Option(help="Some of eligibility,dosing,endpoints.")] = "eligibility,dosing,endpoints",
    tables: Annotated[str, typer.Option(help="Only these tables, such as criteria,constraints.")] = "",
    min_confidence: Annotated[float, typer.Option(help="Leave out values below this confidence, 0 to 1.")] = 0.0,
    bom: Annotated[bool, typer.Option("--bom", help="Mark CSV as UTF-8, for Excel.")] = False,
    partial: Annotated[bool, typer.Option("--partial", help="Export a run that is not complete.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier export.")] = False,
    vocabulary: Annotated[Path | None, typer.Option(help="omop: a folder of vocabulary files from Athena.")] = None,
    dialect: Annotated[str | None, typer.Option(help="omop: also write SQL, such as duckdb or postgresql.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not print the row counts.")] = False,
) -> None:
    """Write a run's results, or reviewed gold, as flat tables joined by record_id and positions.

    --format omop writes eligibility as OHDSI cohort definitions instead, and
    lists each criterion that it could not express; it needs the extra `omop`.

    The destination appears only when it is complete; an export that fails
    leaves the earlier one. CSV is safe to open in a spreadsheet: a cell that
    would be a formula starts with an apostrophe. Parquet and DuckDB need the
    extra `export`. A run that was interrupted or is still going needs
    --partial.
    """
    from extractor.errors import StoreError
    from extractor.export import Destination, Format, choose_tables, export_run
    from extractor.options import ExtractionOptions
    from extractor.run.finished import find_run

    with errors_for_people():
        if format_ != "omop" and (vocabulary or dialect):
            raise ValueError("--vocabulary and --dialect need --format omop")
        if format_ == "omop" and tables:
            raise ValueError("cohort definitions are no tables; drop --tables")
        wanted = Format(format_) if format_ and format_ != "omop" else None
        destination = None if format_ == "omop" else Destination.choose(to, wanted, force=force, bom=bom)
        chosen = choose_tables(split_names(tasks), split_names(tables))
        least = ExtractionOptions(min_confidence=min_confidence).min_confidence
        found = find_run(run)
        if found and found.incomplete:
            if not partial:
                remedy = "let it finish, or export what there is with --partial"
                raise StoreError(f"{run}: {found.incomplete}; {remedy}")
            warn_incomplete(run)
        if destination is None:
            from extractor.export.cohorts import SUMMARY_FILE, export_cohorts

            folder = Destination(to, Format.JSONL, force=force, marker=SUMMARY_FILE)
            lines = found.read_lines() if found else None
            counted = export_cohorts(run, folder, lines, vocabulary, dialect, least)
            if not quiet:
                print(counted.describe(), file=sys.stderr)
            return
        registry = _read_registry(found, quiet=quiet) if any(table.name == "records" for table in chosen) else {}
        counts = export_run(run, destination, chosen, found.read_lines() if found else None, registry, least)
        if not quiet:
            print("\n".join(f"{name}: {count}" for name, count in counts.items()), file=sys.stderr)


def _read_registry(run: "FinishedRun | None", *, quiet: bool) -> "Registry":
    """Read the registered fields of the run's records from the run's inputs."""
    from extractor.export import read_registry

    registry = {one.record_id: read_registry(one.record) for one in run.reread() if one.record} if run else {}
    records = len(run.record_ids) if run else 0
    if not quiet and (len(registry) < records or not records):
        missing = f"{records - len(registry)} of {records} records" if records else "all records"
        problem = f"records: the inputs are missing for {missing}, so their registered columns are empty"
        print(f"{problem}; export the run's folder, from where the run was started", file=sys.stderr)
    return registry
