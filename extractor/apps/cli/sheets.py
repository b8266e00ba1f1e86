"""What ``findings`` and ``doubts`` share: options, where rows go, and what is said of them."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from extractor.apps.cli.console import (
    LISTED,
    OK,
    USAGE,
    name_some,
    say,
    to_printable,
    warn_failed,
    warn_incomplete,
)
from extractor.apps.cli.options import option
from extractor.options import FILES
from extractor.plurals import counted

if TYPE_CHECKING:
    from extractor.apps.export import Destination
    from extractor.apps.export.columns import Table
    from extractor.apps.report.record import RunRecord
    from extractor.apps.sheets.results import Results

_MOST_NAMES = 12
"""Most kinds and fields whose rows are counted in a message."""
_SUFFIXES = (".csv", ".xlsx")
_Row = TypeVar("_Row", bound=Any)

ResultsArgument = Annotated[
    Path,
    typer.Argument(metavar="RUN", help="A run's folder, or its extractions.jsonl."),
]
SheetOption = Annotated[
    Path | None,
    option(
        FILES,
        "Write a sheet, .csv or .xlsx, instead of a list.",
        "--out",
        "-o",
        metavar="FILE",
    ),
]
ListFormatOption = Annotated[
    Literal["text", "json"],
    option(FILES, "Form of the list; json: one object a row, a line each.", "--format"),
]
ForceOption = Annotated[bool, option(FILES, "Replace an earlier sheet.", "--force")]


@dataclass(slots=True)
class Census:
    """Counts of records as their rows are listed.

    Attributes:
        records: All records.
        with_rows: Those that have a row.
        without_title: Those whose text is not at hand.
        rows: All rows.
        names: Rows by the name under which the summary counts them.
    """

    records: int = 0
    with_rows: int = 0
    without_title: int = 0
    rows: int = 0
    names: Counter[str] = field(default_factory=Counter)

    def count(
        self,
        results: "Iterable[RunRecord]",
        list_rows: "Callable[[RunRecord], Iterable[_Row]]",
        name_row: Callable[[_Row], str],
    ) -> Iterator[_Row]:
        """Yield the rows of all records, and count them under the names of ``name_row``."""
        for result in results:
            rows_before = self.rows
            for row in list_rows(result):
                self.rows += 1
                self.names[name_row(row)] += 1
                yield row
            self.records += 1
            self.with_rows += self.rows > rows_before
            self.without_title += result.record is None

    def describe(self, thing: str) -> str:
        """Say how many rows there are of how many records, and which are the most frequent."""
        records = counted(self.records, "record")
        summary = f"{counted(self.rows, thing)} in {self.with_rows:,} of {records}"
        most = [f"{name} {count:,}" for name, count in self.names.most_common()]
        if not most:
            return summary
        return f"{summary}: {name_some(most, _MOST_NAMES)}"


def list_all(
    results: "Results",
    list_rows: "Callable[[RunRecord], Iterable[_Row]]",
    name_row: Callable[[_Row], str],
    print_rows: Callable[[Iterable[_Row]], None],
    *,
    hides_progress: bool,
) -> Census:
    """Print or write the rows of all results by ``print_rows``, with progress, and return their
    counts under the names of ``name_row``.
    """
    from extractor.run.progress import show_progress
    from extractor.run.tally import Tally

    census = Census()
    tally = Tally()

    def list_counted(result: "RunRecord") -> "Iterable[_Row]":
        tally.extracted += 1
        return list_rows(result)

    rows = census.count(results.read(), list_counted, name_row)
    with show_progress(tally, lambda: results.count, quiet=hides_progress):
        print_rows(rows)
    return census


def choose_sheet(out: Path | None, form: str, *, force: bool) -> "Destination | None":
    """Return where a sheet goes; None if the rows are printed. Raises ``ValueError`` for another
    kind of file, and for options that do not go together.
    """
    if out is None:
        if force:
            raise ValueError("--force replaces a sheet; name it with -o")
        return None
    from extractor.apps.export import Destination

    if form != "text":
        raise ValueError("--format is of the list that is printed; drop it, or -o")
    if out.suffix.lower() not in _SUFFIXES or out.is_dir():
        raise ValueError(f"-o {out}: name a file that ends with .csv or .xlsx")
    return Destination.choose(out, None, force=force)


def put_out(
    rows: Iterable[Any],
    table: "Table",
    destination: "Destination | None",
    form: str,
    print_row: Callable[[Any], None],
) -> None:
    """Write rows, whose fields are named as the columns of the table, to a sheet; without a
    ``destination`` print them, as JSON lines or below the id and title of their record.
    """
    names = [column.name for column in table.columns]
    if destination:
        from extractor.apps.export.export import write_tables

        cells = (
            (table.name, tuple(getattr(row, name) for name in names)) for row in rows
        )
        write_tables(destination, (table,), cells)
        return
    record_id = None
    for row in rows:
        if form == "json":
            print(json.dumps({name: getattr(row, name) for name in names}))
            continue
        if row.record_id != record_id:
            record_id = row.record_id
            title = to_printable(row.title or "")
            print(f"\n{to_printable(record_id)}: {title}".removesuffix(": "))
        print_row(row)
    sys.stdout.flush()  # the summary on standard error comes last


def hides_progress(destination: "Destination | None", *, quiet: bool) -> bool:
    """Return whether no progress is shown: it would stand between the lines of a list on the
    terminal.
    """
    return quiet or (destination is None and sys.stdout.isatty())


def choose_start(out: Path | None) -> Path:
    """Return the folder from which addresses lead: that of a sheet, else the current one."""
    return out.parent if out else Path()


def find_code(results: "Results", census: Census, *, tells_rows: bool) -> int:
    """Return the exit code of a command, and say which records are missing from its rows. With
    ``tells_rows`` it tells whether there are rows.
    """
    code = LISTED if tells_rows and census.rows else OK
    warn_incomplete(results.path)
    if results.run and results.run.incomplete:
        code = USAGE
    failed = results.failed
    if failed:
        warn_failed(failed, "rows")
        code = USAGE
    return code


def say_summary(
    results: "Results", census: Census, thing: str, out: Path | None
) -> None:
    """Say what the rows hold, and what is missing in them."""
    say(census.describe(thing))
    if not census.rows:
        return
    if census.without_title:
        records = counted(census.records, "record")
        say(
            f"no title for {census.without_title:,} of {records}: the text is missing or has "
            "changed (give the inputs with --records)"
        )
    if out is None or results.run is None:
        return
    folder = results.run.folder
    if not (folder / "report.html").exists():
        say(f"the addresses lead into the report: extractor report {folder}")
