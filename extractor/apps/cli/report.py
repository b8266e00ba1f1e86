"""``extractor report``: a run as one page."""

from pathlib import Path
from typing import Annotated

import typer

from extractor.apps.cli.console import say, warn_incomplete
from extractor.apps.cli.options import RecordsOption, RunArgument, check_page, option
from extractor.options import FILES
from extractor.plurals import counted


def report(
    run: RunArgument,
    out: Annotated[
        Path | None,
        option(
            FILES,
            "Else RUN/report.html.",
            "--out",
            "-o",
            metavar="FILE",
            callback=check_page,
        ),
    ] = None,
    records: RecordsOption = None,
    limit: Annotated[
        int, option(FILES, "Most records that can be opened.", min=0, metavar="N")
    ] = 20_000,
    open_it: Annotated[
        bool, option(FILES, "Open it in the browser.", "--open")
    ] = False,
) -> None:
    """Write a run as one page of HTML: an overview, and each record's text beside its values.

    The page loads nothing and sends nothing. It has the text of the records:
    share it only with people who may read them.

    Example: extractor report results --open
    """
    from extractor.apps.report import write_report
    from extractor.run.files import naming_file

    path = out or run / "report.html"
    with naming_file(path):
        summary = write_report(run, path, records=records or (), limit=limit)
    print(path)
    warn_incomplete(run)
    number = counted(summary.records, "record")
    if summary.without_text:
        say(
            f"no text for {summary.without_text} of {number}: it is missing or has changed, and "
            "only quotes are shown (give the inputs with --records)"
        )
    if summary.shown < summary.records:
        say(f"{summary.shown} of {number} can be opened (--limit)")
    if open_it and typer.launch(path.resolve().as_uri()):
        say(f"no browser can be opened here; open {path}")
