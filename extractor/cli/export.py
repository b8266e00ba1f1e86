"""``extractor export``: a run's results as tables, or as FHIR resources."""

import sys
from collections.abc import Iterator
from itertools import tee
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .console import errors_for_people, split_names, warn_incomplete

if TYPE_CHECKING:
    from extractor.export import Registry
    from extractor.run.finished import FinishedRun
    from extractor.schemas import TrialExtraction, TrialRecord


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, its extractions.jsonl, or gold.")],
    to: Annotated[
        Path, typer.Option(help="A .duckdb database, a .csv, .parquet or .jsonl file of one table, or a folder.")
    ],
    format_: Annotated[
        Literal["jsonl", "csv", "parquet", "duckdb", "fhir"] | None,
        typer.Option("--format", help="Needed for a folder: one file a table, or a type of FHIR resources."),
    ] = None,
    tasks: Annotated[str, typer.Option(help="Some of eligibility,dosing,endpoints.")] = "eligibility,dosing,endpoints",
    tables: Annotated[str, typer.Option(help="Only these tables, such as criteria,constraints.")] = "",
    min_confidence: Annotated[float, typer.Option(help="Leave out values below this confidence, 0 to 1.")] = 0.0,
    bom: Annotated[bool, typer.Option("--bom", help="Mark CSV as UTF-8, for Excel.")] = False,
    partial: Annotated[bool, typer.Option("--partial", help="Export a run that is not complete.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier export.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not print the counts.")] = False,
) -> None:
    """Write a run's results, or reviewed gold, as flat tables joined by record_id and positions, or as FHIR resources.

    The destination appears only when it is complete; an export that fails
    leaves the earlier one. CSV is safe to open in a spreadsheet: a cell that
    would be a formula starts with an apostrophe. Parquet and DuckDB need the
    extra `export`. FHIR R5 is one ndjson file a type of resource, and
    unmapped.jsonl with the values that have no place there; it needs the extra
    `fhir`. A run that was interrupted or is still going needs --partial.
    """
    from extractor.errors import StoreError
    from extractor.export import Destination, Format, choose_tables, export_fhir, export_run
    from extractor.options import ExtractionOptions
    from extractor.run.finished import find_run
    from extractor.schemas import Task

    with errors_for_people():
        if format_ == "fhir" and tables:
            raise ValueError("FHIR resources are no tables; drop --tables, or choose with --tasks")
        wanted = Format(format_) if format_ and format_ != "fhir" else None
        destination = None if format_ == "fhir" else Destination.choose(to, wanted, force=force, bom=bom)
        chosen = choose_tables(split_names(tasks), split_names(tables))
        least = ExtractionOptions(min_confidence=min_confidence).min_confidence
        found = find_run(run)
        if found and found.incomplete:
            if not partial:
                remedy = "let it finish, or export what there is with --partial"
                raise StoreError(f"{run}: {found.incomplete}; {remedy}")
            warn_incomplete(run)
        if destination is None:
            some = [Task(one) for one in split_names(tasks)]
            done = export_fhir(_read_pairs(run, found, least), to, some, force=force)
            if not quiet:
                print("\n".join(done.describe()), file=sys.stderr)
            return
        registry = _read_registry(found, quiet=quiet) if any(table.name == "records" for table in chosen) else {}
        counts = export_run(run, destination, chosen, found.read_lines() if found else None, registry, least)
        if not quiet:
            print("\n".join(f"{name}: {count}" for name, count in counts.items()), file=sys.stderr)


def _read_pairs(
    run: Path, found: "FinishedRun | None", least: float
) -> "Iterator[tuple[TrialExtraction, TrialRecord | None]]":
    """Read each result with its record, one at a time; without the run's folder there are no records."""
    from extractor.export import find_results, read_results

    results = find_results(run)
    if found is None:
        return ((extraction, None) for extraction in read_results(results, None, least))
    ids, records = tee(found.reread())
    extractions = read_results(results, (found.read_line(one.record_id) for one in ids), least)
    return zip(extractions, (one.record for one in records), strict=True)


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
