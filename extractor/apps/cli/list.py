"""``extractor list``: list a run's values, doubts, findings, absences or failures as rows."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

import typer

from extractor.apps.cli.console import (
    FAILED,
    MAX_LISTED,
    OK,
    name_some,
    print_text,
    say,
)
from extractor.apps.cli.options import ForceOption, RunsArgument, SheetOption, option
from extractor.apps.cli.runs import open_runs, warn_failed, warn_incomplete
from extractor.apps.export import write_sheet
from extractor.apps.lists import Selection, list_rows, refuse_selection
from extractor.apps.values import ValueRow
from extractor.options import WHAT
from extractor.plurals import counted
from extractor.schemas.vocabulary import FindingKind


def list_(
    runs: RunsArgument,
    name: Annotated[
        Literal["values", "doubts", "findings", "absences", "failures"],
        typer.Argument(metavar="values|doubts|findings|absences|failures"),
    ],
    field: Annotated[
        list[str],
        option(
            WHAT, "List only this field, such as amounts or dosing.amounts; repeatable."
        ),
    ] = [],  # noqa: B006 - typer reads it
    record: Annotated[
        list[str], option(WHAT, "List only this record; repeatable.")
    ] = [],  # noqa: B006
    min_confidence: Annotated[
        float,
        option(WHAT, "List only values with at least this confidence.", min=0, max=1),
    ] = 0,
    max_confidence: Annotated[
        float | None,
        option(
            WHAT,
            "List only values below this confidence (for doubts: 0.85).",
            min=0,
            max=1,
        ),
    ] = None,
    severity: Annotated[
        Literal["warning", "info"] | None,
        option(WHAT, "List only findings of this severity."),
    ] = None,
    kind: Annotated[
        FindingKind | None,
        option(WHAT, "List only findings of this kind.", metavar="KIND"),
    ] = None,
    limit: Annotated[
        int | None, option(WHAT, "List only the first N rows.", min=1, metavar="N")
    ] = None,
    since: Annotated[
        list[Path] | None,
        option(WHAT, "List only rows added or removed since an older run; repeatable."),
    ] = None,
    to: SheetOption = None,
    force: ForceOption = False,
) -> int:
    """List the runs' values, doubts, findings, absences or failures, one per row.

    Doubts are values and items with a confidence below 0.85, and empty fields whose text was not
    understood. Findings are contradictions in a record, and words that were not interpreted. In a
    spreadsheet, each row includes the address of its value in the report.

    Exit codes: 0 done, 1 some records failed, 2 wrong usage, 130 interrupted.
    """
    selection = Selection(
        name, field, record, min_confidence, max_confidence, severity, kind
    )
    joined = open_runs(runs)
    older = open_runs(since) if since else None
    refuse_selection(selection, joined, older)
    # filled while the rows are written
    counts: Counter[str] = Counter()
    rows = _count(islice(list_rows(joined, selection, older), limit), counts)
    if to:
        write_sheet(to, ValueRow._fields, rows, force=force)
    else:
        print_text("rows.txt", rows=rows)
    kinds = name_some(
        (f"{kind} {count:,}" for kind, count in counts.most_common()), 2 * MAX_LISTED
    )
    # there may be more rows than the limit
    start = "the first " if counts.total() == limit else ""
    say(f"{start}{counted(counts.total(), 'row')}: {kinds or 'nothing to list'}")
    warn_incomplete(*runs, *(since or ()))
    # a list of failures has a row for each of them
    if joined.failures and name != "failures":
        warn_failed(joined, "rows")
        return FAILED
    return OK


def _count(rows: Iterator[ValueRow], counts: Counter[str]) -> Iterator[ValueRow]:
    """Yield the rows, and count them in ``counts`` by change and by reason or field."""
    for row in rows:
        kind = row.reason or row.field.partition("[")[0]
        counts[f"{row.change} {kind}".strip()] += 1
        yield row
