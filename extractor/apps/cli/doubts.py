"""``extractor doubts``: what the extraction may have wrong: its unsure values, and all that was not
read.
"""

from typing import TYPE_CHECKING, Annotated

from extractor.apps.cli.console import (
    errors_are_usage,
    say,
    say_first,
    to_printable,
)
from extractor.apps.cli.options import (
    ExitCodeOption,
    QuietOption,
    RecordsOption,
    option,
)
from extractor.apps.cli.sheets import (
    Census,
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
from extractor.plurals import percent
from extractor.schemas.vocabulary import DOUBTFUL_BELOW

if TYPE_CHECKING:
    from extractor.apps.sheets.doubts import DoubtRow
    from extractor.concepts.own.declaration import CustomField
    from extractor.run.finished import FinishedRun


_CLASSES = ("category", "concept")
"""Fields that sort items into classes; their labels are the same."""


def doubts(
    run: ResultsArgument,
    out: SheetOption = None,
    format_: ListFormatOption = "text",
    force: ForceOption = False,
    records: RecordsOption = None,
    quiet: QuietOption = False,
    below: Annotated[
        float,
        option(
            WHAT,
            "Values that are less sure than this are doubtful.",
            min=0,
            max=1,
            metavar="0..1",
        ),
    ] = DOUBTFUL_BELOW,
    field: Annotated[
        str,
        option(WHAT, "Only these fields: time_windows,amounts.", metavar="NAME,..."),
    ] = "",
    without: Annotated[
        str,
        option(WHAT, "Leave out these fields: category,concept.", metavar="NAME,..."),
    ] = "",
    reason: Annotated[
        str,
        option(WHAT, "Only these reasons: unread_number.", metavar="NAME,..."),
    ] = "",
    unread: Annotated[
        bool,
        option(
            WHAT, "Only what was not read, no values that may be wrong.", "--unread"
        ),
    ] = False,
    exit_code: ExitCodeOption = False,
) -> int:
    """List what is doubtful in a run: values that may be wrong, and all that was not read.

    A doubt is about a value or a field. What a record contradicts in itself:
    extractor findings.

    A row has the item and the field as the report names them, the value, its
    words in the record, how sure it is, and its address in the report. With -o it
    is a sheet. CSV is safe to open in a spreadsheet; .xlsx needs the extra excel.

    Reasons: doubtful_value, doubtful_item, and those of what was not read, such as
    unread_number: the text has a number that no field took. --unread lists these
    alone, also lines and doses that stand in no value.

    Exit codes: 0 done, 1 doubts (with --exit-code), 2 usage, an error, or records
    that were not extracted, 130 interrupted.
    """
    with errors_are_usage():
        destination = choose_sheet(out, format_, force=force)
        say_first(f"reading {run}", quiet=quiet)
        from extractor.apps.sheets.doubts import TABLE, Wanted, list_doubts
        from extractor.apps.sheets.places import find_report
        from extractor.apps.sheets.results import Results

        results = Results(run, records or ())
        wanted = Wanted(
            below,
            _read_fields(field, results.run),
            _read_reasons(reason, unread=unread),
            _read_fields(without, results.run),
            find_report(results.folder, choose_start(out)),
            _find_own(results.run),
        )

        census = list_all(
            results,
            lambda result: list_doubts(result, wanted),
            _name_row,
            lambda rows: put_out(rows, TABLE, destination, format_, _print_row),
            hides_progress=hides_progress(destination, quiet=quiet),
        )
        if not quiet:
            say_summary(results, census, "doubt", out)
            _say_what_to_leave_out(census)
        return find_code(results, census, tells_rows=exit_code)


def _read_fields(names: str, run: "FinishedRun | None") -> frozenset[str]:
    """Return the names of fields. One may be named as in the sheet, "time windows". Raises
    ``ArgumentError`` for an unknown one.
    """
    from extractor.apps.sheets.doubts import label_field, list_field_names
    from extractor.schemas.arguments import refuse_unknown

    known = [*list_field_names(), *_find_own(run)]
    by_label = {label_field(name): name for name in known}
    fields = [by_label.get(name, name) for name in split_names(names)]
    refuse_unknown("field", fields, known)
    return frozenset(fields)


def _find_own(run: "FinishedRun | None") -> "dict[str, CustomField]":
    """Return the user's own fields of a run by name; none of a file of extractions."""
    from extractor.run.manifest import restore_fields

    if run is None:
        return {}
    return {own.name: own for own in restore_fields(run.manifest.settings)}


def _read_reasons(names: str, *, unread: bool) -> frozenset[str]:
    """Return the reasons that are wanted; empty for all. ``unread`` are those of what was not read.
    Raises ``ArgumentError`` for an unknown one, and ``ValueError`` if both are given.
    """
    from extractor.apps.sheets.doubts import REASONS, UNREAD_REASONS
    from extractor.schemas.arguments import refuse_unknown

    if names and unread:
        raise ValueError("--unread names reasons itself; drop it, or --reason")
    if unread:
        return frozenset(UNREAD_REASONS)
    reasons = split_names(names)
    refuse_unknown("reason", reasons, REASONS)
    return frozenset(reasons)


def _name_row(row: "DoubtRow") -> str:
    """Return the field under which a row is counted; its parts are counted with it."""
    field, _, _ = row.field.partition(": ")
    return field


def _say_what_to_leave_out(census: Census) -> None:
    """Say how many rows are about classes, which few readers need, and how to leave them out."""
    there = [name for name in _CLASSES if census.names[name]]
    number = sum(census.names[name] for name in there)
    if not number or number == census.rows:
        return
    verb = "is" if number == 1 else "are"
    say(
        f"{number:,} of these {verb} about classes: leave them out with --without "
        f"{','.join(there)}"
    )


def _print_row(row: "DoubtRow") -> None:
    """Print a doubt with its words and their place."""
    what = f"{row.item}, {row.field}"
    if row.value is not None:
        what = f"{what}: {row.value}"
    doubt = row.reason
    if row.confidence is not None:
        doubt = f"{percent(row.confidence)} sure"
    print(f"  {to_printable(what)} ({doubt})")
    if row.quote:
        print(f"    {to_printable(row.quote)}  [{row.place}]")
    elif row.place:
        print(f"    [{row.place}]")
