"""``extractor findings``: what was found in the records, such as contradictions, and what of it has
changed since an older run.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from extractor.apps.cli.console import (
    NAMED,
    errors_are_usage,
    name_some,
    say,
    say_first,
    to_printable,
    warn_incomplete,
    warn_settings,
)
from extractor.apps.cli.options import (
    ExitCodeOption,
    QuietOption,
    RecordsOption,
    option,
)
from extractor.apps.cli.sheets import (
    ForceOption,
    ListFormatOption,
    ResultsArgument,
    SheetOption,
    choose_sheet,
    choose_start,
    find_code,
    hides_progress,
    list_all,
    put_out,
    say_summary,
)
from extractor.options import WHAT, split_names
from extractor.plurals import counted

if TYPE_CHECKING:
    from extractor.apps.report.record import RunRecord
    from extractor.apps.sheets.findings import FindingRow, OlderRun

_CHANGES = "new,gone"


def findings(
    run: ResultsArgument,
    out: SheetOption = None,
    format_: ListFormatOption = "text",
    force: ForceOption = False,
    records: RecordsOption = None,
    quiet: QuietOption = False,
    kind: Annotated[
        str,
        option(
            WHAT, "Only these kinds: age_differs,phase_differs.", metavar="NAME,..."
        ),
    ] = "",
    severity: Annotated[
        Literal["warning", "info"] | None,
        option(WHAT, "Only findings of this severity."),
    ] = None,
    contradictions: Annotated[
        bool,
        option(
            WHAT,
            "Only contradictions of a record with itself, nothing on what was read.",
            "--contradictions",
        ),
    ] = False,
    reading: Annotated[
        bool,
        option(
            WHAT,
            "Only what was not read or is doubtful, no contradictions.",
            "--reading",
        ),
    ] = False,
    since: Annotated[
        Path | None,
        option(WHAT, "Only what has changed since this older run.", metavar="OLD_RUN"),
    ] = None,
    change: Annotated[
        str | None,
        option(
            WHAT,
            f"With --since: new, gone, kept; {_CHANGES} if left out.",
            metavar="NAME,...",
        ),
    ] = None,
    exit_code: ExitCodeOption = False,
) -> int:
    """List the findings of a run: contradictions of records, and remarks on what was read.

    A finding is about a place of a record. Which values may be wrong, and which fields
    were not read: extractor doubts.

    A row has the finding in a sentence, the quotes of both sides with their
    places, and its address in the report. With -o it is a sheet. CSV is safe to
    open in a spreadsheet; .xlsx needs the extra excel.

    --since compares two runs, such as those of two versions of the same records:
    a finding is new, gone or kept.

    Exit codes: 0 done, 1 findings (with --exit-code), 2 usage, an error, or records
    that were not extracted, 130 interrupted.
    """
    with errors_are_usage():
        destination = choose_sheet(out, format_, force=force)
        say_first(f"reading {run}", quiet=quiet)
        from extractor.apps.sheets.findings import OlderRun, make_table
        from extractor.apps.sheets.places import find_report
        from extractor.apps.sheets.results import Results

        kinds = _read_kinds(kind, contradictions=contradictions, reading=reading)
        changes = _read_changes(change, compares=since is not None)
        results = Results(run, records or ())
        older = OlderRun(Results(since), results) if since else None
        start = choose_start(out)
        reports = [find_report(results.folder, start)]
        if older:
            reports.append(find_report(older.results.folder, start))

        table = make_table(compares=since is not None)

        def list_rows(result: "RunRecord") -> "Iterator[FindingRow]":
            rows = _list_wanted(result, older, kinds, changes, reports)
            return (row for row in rows if severity in (None, row.severity))

        census = list_all(
            results,
            list_rows,
            lambda row: row.change or row.kind,
            lambda rows: put_out(rows, table, destination, format_, _print_row),
            hides_progress=hides_progress(destination, quiet=quiet),
        )
        if not quiet:
            say_summary(results, census, "finding", out)
        if older:
            _warn_of_both(older)
        return find_code(results, census, tells_rows=exit_code)


def _read_kinds(names: str, *, contradictions: bool, reading: bool) -> frozenset[str]:
    """Return the kinds of findings that are wanted. Raises ``ArgumentError`` for an unknown one,
    and ``ValueError`` if all kinds are left out.
    """
    from extractor.schemas import FindingKind
    from extractor.schemas.arguments import refuse_unknown
    from extractor.schemas.vocabulary import CONTRADICTIONS

    if contradictions and reading:
        raise ValueError(
            "--reading leaves out what --contradictions lists; drop one of them"
        )
    every = [kind.value for kind in FindingKind]
    wanted = split_names(names)
    refuse_unknown("kind of finding", wanted, every)
    kinds = frozenset(wanted or every)
    if contradictions:
        return kinds & CONTRADICTIONS
    if reading:
        return kinds - CONTRADICTIONS
    return kinds


def _read_changes(names: str | None, *, compares: bool) -> frozenset[str]:
    """Return the changes that are wanted. Raises ``ValueError`` for an unknown one, and if nothing
    is compared.
    """
    from extractor.apps.sheets.findings import Change
    from extractor.schemas.arguments import refuse_unknown

    if names is not None and not compares:
        raise ValueError("--change needs the older run: --since OLD_RUN")
    wanted = split_names(names or _CHANGES)
    refuse_unknown("change", wanted, [change.value for change in Change])
    return frozenset(wanted)


def _list_wanted(
    result: "RunRecord",
    older: "OlderRun | None",
    kinds: frozenset[str],
    changes: frozenset[str],
    reports: Sequence[str],
) -> "Iterator[FindingRow]":
    """Yield the rows of a record that are of these kinds; if two runs are compared, also of these
    changes. ``reports`` are the ways to the report of the run and to that of an older one.
    """
    from extractor.apps.sheets.findings import list_changes, list_findings

    rows = list_findings(result, *reports[:1])
    if older:
        rows = list_changes(result, older, *reports)
    for row in rows:
        if row.kind not in kinds:
            continue
        if row.change and row.change not in changes:
            continue
        yield row


def _warn_of_both(older: "OlderRun") -> None:
    """Say why the findings of two runs may differ beside their records: other settings, and records
    of one run alone.
    """
    old = older.results
    warn_incomplete(old.path)
    if old.run and older.newer.run:
        warn_settings(old.run, older.newer.run)
    if older.only_new:
        say(
            f"{counted(len(older.only_new), 'record')} only in the new run, whose findings are all "
            f"new: {name_some(older.only_new, NAMED)}"
        )
    if older.only_old:
        say(
            f"{counted(len(older.only_old), 'record')} only in the old run, whose findings are not "
            f"listed as gone: {name_some(older.only_old, NAMED)}"
        )


def _print_row(row: "FindingRow") -> None:
    """Print a finding with its quotes and their places."""
    label = f"{row.severity}: {row.kind}"
    if row.change:
        label = f"{row.change}: {label}"
    print(f"  {label}: {to_printable(row.message)}")
    if row.first_quote:
        print(f"    {to_printable(row.first_quote)}  [{row.first_place}]")
    if row.other_quotes:
        print(f"    {to_printable(row.other_quotes)}  [{row.other_places}]")
