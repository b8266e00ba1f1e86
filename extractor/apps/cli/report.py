"""``extractor report``: write runs as one HTML page."""

from pathlib import Path
from typing import Annotated

import typer

from extractor.apps.cli.console import (
    say,
)
from extractor.apps.cli.options import (
    RecordsOption,
    RunsArgument,
    check_page,
    option,
)
from extractor.apps.cli.runs import open_runs, warn_incomplete
from extractor.apps.report import write_report
from extractor.options import FILES
from extractor.plurals import counted
from extractor.run.files import refuse_link


def report(
    runs: RunsArgument,
    out: Annotated[
        Path | None,
        option(
            FILES,
            "Output file (default: RUN/report.html; required for several runs or a file).",
            "--out",
            "-o",
            metavar="FILE",
            callback=check_page,
        ),
    ] = None,
    records: RecordsOption = None,
    limit: Annotated[
        int,
        option(
            FILES, "Maximum number of records that can be opened.", min=0, metavar="N"
        ),
    ] = 20_000,
    open_it: Annotated[
        bool, option(FILES, "Open the page in a browser.", "--open")
    ] = False,
) -> None:
    """Write runs as one HTML page: an overview, and each record's text next to its values.

    The page works offline and sends no data. It contains the text of the records: share it only
    with people who are allowed to read the records.


    Example: extractor report results --open
    """
    path = out or runs[0] / "report.html"
    if out is None and (len(runs) > 1 or runs[0].is_file()):
        raise ValueError(
            "specify the output file with --out, such as --out report.html"
        )
    joined = open_runs(runs)
    if out is None:
        refuse_link(path)
    summary = write_report(joined, path, records=records or (), limit=limit)
    print(path)
    warn_incomplete(*runs)
    number = counted(summary.records, "record")
    if summary.without_text:
        say(
            f"the text of {summary.without_text} of {number} is missing or has changed, so only "
            "quotes are shown (specify the inputs with --records)"
        )
    if summary.shown < summary.records:
        say(f"{summary.shown} of {number} can be opened (--limit)")
    if open_it:
        typer.launch(path.resolve().as_uri())
