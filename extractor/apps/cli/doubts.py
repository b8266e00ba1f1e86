"""``extractor doubts``: the values of a run that may be wrong, and what was not read."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from extractor.apps.cli.console import errors_are_usage, say_first, to_printable
from extractor.apps.cli.options import QuietOption, RecordsOption, option
from extractor.apps.cli.sheets import (
    Census,
    ForceOption,
    ListFormatOption,
    ResultsArgument,
    SheetOption,
    choose_sheet,
    find_code,
    hides_progress,
    put_out,
    say_summary,
)
from extractor.options import WHAT, split_names

if TYPE_CHECKING:
    from extractor.apps.report.record import RunRecord
    from extractor.apps.sheets.doubts import DoubtRow, Wanted
    from extractor.run.finished import FinishedRun


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
    ] = 0.85,
    field: Annotated[
        str,
        option(WHAT, "Only these fields: time_windows,amounts.", metavar="NAME,..."),
    ] = "",
    reason: Annotated[
        str,
        option(WHAT, "Only these reasons: unread_number.", metavar="NAME,..."),
    ] = "",
) -> int:
    """List what is doubtful in a run: values that may be wrong, and fields that were not read.

    A row has the item and the field as the report names them, the value, its
    words in the record, how sure it is, and its address in the report. With -o it
    is a sheet. CSV is safe to open in a spreadsheet; .xlsx needs the extra excel.

    Reasons: doubtful_value, doubtful_item, and those of fields that were not read,
    such as unread_number: the text has a number that no field took.

    Exit codes: 0 no doubt, 1 doubts, 2 usage, an error, or records that were not
    extracted, 130 interrupted.
    """
    with errors_are_usage():
        destination = choose_sheet(out, format_, force=force)
        say_first(f"reading {run}", quiet=quiet)
        from extractor.apps.sheets.doubts import TABLE, list_doubts
        from extractor.apps.sheets.results import Results
        from extractor.run.progress import show_progress
        from extractor.run.tally import Tally

        results = Results(run, records or ())
        wanted = _read_wanted(below, field, reason, results.run)

        def list_rows(result: "RunRecord") -> "Iterator[DoubtRow]":
            tally.extracted += 1
            return list_doubts(result, wanted)

        census = Census()
        tally = Tally()
        rows = census.count(results.read(), list_rows, lambda row: row.field)
        with show_progress(
            tally,
            lambda: results.count,
            quiet=hides_progress(destination, quiet=quiet),
        ):
            put_out(rows, TABLE, destination, format_, _print_row)
        if not quiet:
            say_summary(results, census, "doubt", out)
        return find_code(results, census)


def _read_wanted(
    below: float, fields: str, reasons: str, run: "FinishedRun | None"
) -> "Wanted":
    """Return which doubts are wanted. A field may be named as in the sheet, "time windows". Raises
    ``ArgumentError`` for an unknown field or reason.
    """
    from extractor.apps.sheets.doubts import (
        REASONS,
        Wanted,
        label_field,
        list_field_names,
    )
    from extractor.run.manifest import restore_fields
    from extractor.schemas.arguments import refuse_unknown

    known = list_field_names()
    if run:
        known += [field.name for field in restore_fields(run.manifest.settings)]
    by_label = {label_field(name): name for name in known}
    names = [by_label.get(name, name) for name in split_names(fields)]
    refuse_unknown("field", names, known)
    wanted_reasons = split_names(reasons)
    refuse_unknown("reason", wanted_reasons, REASONS)
    return Wanted(below, frozenset(names), frozenset(wanted_reasons))


def _print_row(row: "DoubtRow") -> None:
    """Print a doubt with its words and their place."""
    what = f"{row.item}, {row.field}"
    if row.value is not None:
        what = f"{what}: {row.value}"
    doubt = row.reason
    if row.confidence is not None:
        doubt = f"{100 * row.confidence:.0f} % sure"
    print(f"  {to_printable(what)} ({doubt})")
    if row.quote:
        print(f"    {to_printable(row.quote)}  [{row.place}]")
    elif row.place:
        print(f"    [{row.place}]")
