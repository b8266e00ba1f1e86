"""``extractor export``: write a run's results as tables or as FHIR resources."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from extractor.apps.cli.console import say, warn_failed, warn_incomplete
from extractor.apps.cli.options import (
    ALL_TASKS,
    MinConfidenceOption,
    QuietOption,
    TasksOption,
    option,
)
from extractor.options import FILES, RARE, WHAT, split_names
from extractor.plurals import counted

if TYPE_CHECKING:
    from extractor.apps.export.tables import Table
    from extractor.run.finished import FinishedRun


_FIRST = ("criteria", "constraints", "windows", "regimens", "endpoints")
"""The tables that answer most questions."""
_REGISTERED = frozenset({"records", "eligibility", "arms", "regimen_arms"})
"""Tables with registered columns."""


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
            FILES, "For a folder: files of tables or of FHIR resources.", "--format"
        ),
    ] = None,
    gold: Annotated[
        Path | None,
        option(
            FILES, "Take corrected records from this folder of a review.", metavar="DIR"
        ),
    ] = None,
    force: Annotated[
        bool, option(FILES, "Replace an earlier export.", "--force")
    ] = False,
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
    removed: Annotated[
        bool,
        option(
            RARE,
            "Also export results of records that are not in the run's input now.",
            "--removed",
        ),
    ] = False,
    bundles: Annotated[
        bool, option(RARE, "For fhir: one transaction for each trial.", "--bundles")
    ] = False,
) -> None:
    """Write a run's results, or reviewed gold, as tables or as FHIR resources.

    Tables are flat, joined by record_id and positions. CSV is safe to open in a
    spreadsheet: a cell that would be a formula starts with an apostrophe. Parquet
    and DuckDB need the extra export, .xlsx (one sheet for each table) the extra excel.

    --format fhir writes FHIR R5, one ndjson file for each type of resource; it needs
    the extra fhir. unmapped.jsonl lists what has no place there.

    The destination appears only when it is complete; an export that fails
    leaves the earlier one. A run that was interrupted or is still going needs
    --partial.
    """
    from extractor.apps.export import (
        Destination,
        Format,
        Threshold,
        choose_tables,
        export_fhir,
        export_run,
    )
    from extractor.apps.export.pairs import pair_results
    from extractor.apps.report.overview import list_failed
    from extractor.options import ExtractionOptions
    from extractor.run.finished import find_run
    from extractor.run.manifest import restore_fields
    from extractor.schemas import Task
    from extractor.schemas.arguments import refuse_unknown

    is_fhir = format_ == "fhir"
    _refuse_options_of_another_format(is_fhir, tables=tables, bundles=bundles)
    refuse_unknown("task", split_names(tasks), tuple(Task))
    threshold = Threshold(
        ExtractionOptions(min_confidence=min_confidence).min_confidence
    )
    finished = find_run(run, left=removed)
    fields = restore_fields(finished.manifest.settings) if finished else ()
    chosen = choose_tables(split_names(tasks), split_names(tables), fields)
    if finished:
        _prepare(run, finished, gold, partial=partial)
        failed = list_failed(finished.folder)
        warn_failed(failed, "resources" if is_fhir else "rows")
    elif gold:
        raise ValueError("--gold corrects a run; name the run's folder")
    if is_fhir:
        some = [Task(name) for name in split_names(tasks)]
        pairs = pair_results(run, finished, threshold)
        resources = export_fhir(pairs, to, some, bundles=bundles, force=force)
        report = [*resources.describe()]
    else:
        kind = Format(format_) if format_ else None
        destination = Destination.choose(to, kind, force=force)
        registry, report = _read_registered(finished, chosen)
        lines = finished.read_lines() if finished else None
        counts = export_run(
            run, destination, chosen, lines, registry, threshold, fields
        )
        for name, number in counts.items():
            report.append(f"{name}: {number}")
    if quiet:
        return
    print("\n".join(report), file=sys.stderr)
    if not is_fhir:
        _say_where_to_begin(chosen)
    if threshold.seen:
        below = f"left out below {threshold.minimum:g}: {threshold}"
        say(f"{below}; others keep their sure fields, and positions count what is left")


def _refuse_options_of_another_format(
    is_fhir: bool, *, tables: str, bundles: bool
) -> None:
    if is_fhir and tables:
        raise ValueError("--format fhir writes no tables; drop --tables")
    if bundles and not is_fhir:
        raise ValueError("--bundles needs --format fhir")


def _say_where_to_begin(tables: "Sequence[Table]") -> None:
    """Name the tables to look at first, if there are many."""
    names = {table.name for table in tables}
    first = [name for name in _FIRST if name in names]
    if first and len(names) > 2 * len(_FIRST):
        say(f"begin with {', '.join(first)}; the others add details")


def _read_registered(
    run: "FinishedRun | None", tables: "Sequence[Table]"
) -> tuple[dict[str, Any], list[str]]:
    """Return what the registry says of each record of a run, by its id, and what to tell the user
    of the records for which this is not known. Both are empty if no table has registered columns.

    A record is left out if its input is missing, or has changed since the run. Without a run, as
    for gold, all records are missing.
    """
    from extractor.apps.export import read_registry
    from extractor.run.finished import TextState

    registry: dict[str, Any] = {}
    names = {table.name for table in tables}
    if names.isdisjoint(_REGISTERED):
        return registry, []
    if run is None:
        return registry, [_describe_missing("all records")]
    changed = 0
    missing = 0
    for reread in run.reread():
        if reread.record:
            registry[reread.record_id] = read_registry(reread.record)
        elif reread.text is TextState.CHANGED:
            changed += 1
        else:
            missing += 1
    total = counted(len(run.record_ids), "record")
    unread: list[str] = []
    if missing:
        unread.append(_describe_missing(f"{missing} of {total}"))
    if changed:
        unread.append(
            f"records: the inputs of {changed} of {total} have changed since the run, so their "
            "registered columns and arms are empty; repeat the run, which reads them anew"
        )
    return registry, unread


def _describe_missing(records: str) -> str:
    """Say that the inputs of ``records`` cannot be read, and what to do."""
    return (
        f"records: the inputs are missing for {records}, so their registered columns and arms are "
        "empty; export the run's folder, from where the run was started"
    )


def _prepare(
    run: Path, finished: "FinishedRun", gold: Path | None, *, partial: bool
) -> None:
    """Check a run before its export, and let it take the corrected results of the folder ``gold``,
    if there is one. Warns of a run that is not complete, and says how many results were corrected.

    Raises ``StoreError`` for a run without results, and for one that is not complete unless
    ``partial``.
    """
    from extractor.errors import StoreError

    if finished.incomplete and not partial:
        raise StoreError(
            f"{run}: {finished.incomplete}; let it finish, or export what there is with --partial"
        )
    warn_incomplete(run)
    if not finished.record_ids:
        raise StoreError(
            f"{run}: has no results to export; its failures.jsonl and `extractor report` say why"
        )
    if gold is None:
        return
    from extractor.apps.review.gold import correct_run

    corrected = correct_run(finished, gold)
    total = counted(len(finished.record_ids), "record")
    say(f"corrected: {corrected:,} of {total}")
