"""``extractor list``: list a run's values, doubts, findings, absences or failures as rows."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from math import inf
from pathlib import Path
from typing import Annotated, Literal

import typer

from extractor.apps.cli.console import (
    FAILED,
    MAX_LISTED,
    OK,
    print_text,
    say,
    to_printable,
)
from extractor.apps.cli.options import ForceOption, RunsOrNone, SheetOption, option
from extractor.apps.cli.runs import open_runs, warn_failed, warn_incomplete
from extractor.apps.export import write_sheet
from extractor.apps.lists import (
    DOSE_COLUMNS,
    Selection,
    list_doses,
    list_rows,
    refuse_records,
    refuse_selection,
)
from extractor.apps.values import ValueRow, describe_counts, name_doubt
from extractor.errors import ArgumentError
from extractor.options import WHAT
from extractor.plurals import counted
from extractor.schemas.vocabulary import FindingKind


def list_(
    runs: RunsOrNone = None,
    *,
    name: Annotated[
        Literal["values", "doubts", "findings", "absences", "failures", "doses"],
        typer.Argument(metavar="values|doubts|findings|absences|failures|doses"),
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
        option(WHAT, "List only values below this confidence.", min=0, max=1),
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
    """List the runs' values, doubts, findings, absences, failures or doses, one per row.

    Doubts are values below 0.85, items (below 0.85) from which a value may be missing, and empty
    fields whose text was not understood. Findings are contradictions in a record, and words that
    were not interpreted. In a spreadsheet, each row includes the address of its value in the
    report. Doses are the rows of the table of that name, for each arm, agent and step.

    Exit codes: 0 done, 1 some records failed, 2 wrong usage, 130 interrupted.
    """
    if not runs:
        raise ValueError(f"specify a run before the list: extractor list RUN {name}")
    maximum = inf if max_confidence is None else max_confidence
    selection = Selection(name, field, record, min_confidence, maximum, severity, kind)
    joined = open_runs(runs)
    if name == "doses":
        chosen = [field, severity, kind, since, max_confidence]
        if any(chosen) or max_confidence is not None:
            raise ArgumentError(
                "doses are selected by --record and --min-confidence; remove the other options"
            )
        refuse_records(record, joined)
        rows = islice(list_doses(joined, record, min_confidence), limit)
        return _write_doses(rows, to, force=force)
    older = open_runs(since) if since else None
    refuse_selection(selection, joined, older)
    # filled while the rows are written
    labels: Counter[str] = Counter()
    doubts: Counter[str] = Counter()
    unrated: list[ValueRow] = []

    def count_rows() -> Iterator[ValueRow]:
        for row in islice(list_rows(joined, selection, older, unrated), limit):
            label = row.label
            if name == "doubts":
                doubts[name_doubt(row) or ""] += 1
            elif name != "values":
                label = to_printable(row.reason or "unknown")
            labels[f"{row.change} {label}".strip()] += 1
            yield row

    if to:
        write_sheet(to, ValueRow._fields, count_rows(), force=force)
    else:
        print_text("rows.txt", rows=count_rows())
    # there may be more rows than the limit
    start = "the first " if labels.total() == limit else ""
    noun = name.removesuffix("s")
    say(f"{start}{describe_counts(noun, labels, doubts, 2 * MAX_LISTED)}")
    if unrated:
        say(f"{counted(len(unrated), noun)} without a confidence: left out")
    warn_incomplete(*runs, *(since or ()))
    # a list of failures has a row for each of them
    if joined.failures and name != "failures":
        warn_failed(joined, "rows")
        return FAILED
    return OK


def _write_doses(
    rows: Iterator[dict[str, object]], to: Path | None, *, force: bool
) -> int:
    """Print doses, or write them to a file, and say how many there are."""
    seen = 0

    def count_rows() -> Iterator[dict[str, object]]:
        nonlocal seen
        for row in rows:
            seen += 1
            yield row

    if to:
        cells = (tuple(row[name] for name in DOSE_COLUMNS) for row in count_rows())
        write_sheet(to, DOSE_COLUMNS, cells, force=force)
    else:
        print_text("doses.txt", rows=count_rows())
    say(counted(seen, "dose"))
    return OK
