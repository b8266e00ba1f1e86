"""``extractor report``: show a run as an HTML page."""

from pathlib import Path
from typing import Annotated

from .console import say, warn_incomplete
from .options import FILES, RecordsOption, RunArgument, option

_NAME = "report.html"


def report(
    run: RunArgument,
    out: Annotated[
        Path | None, option(FILES, "RUN/report.html if left out.", "--out", "-o", metavar="FILE", dir_okay=False)
    ] = None,
    records: RecordsOption = None,
    limit: Annotated[int, option(FILES, "Most records that the page can open.", min=0, metavar="N")] = 20_000,
    open_it: Annotated[bool, option(FILES, "Open the page in the browser.", "--open")] = False,
) -> None:
    """Write a run as one page of HTML: an overview, and each record's text beside its values.

    The page loads nothing and sends nothing. It holds the text of the records;
    share it only with people who may read them.
    """
    from extractor.errors import StoreError
    from extractor.report import write_report

    path = out or run / _NAME
    if out and not out.parent.is_dir():
        raise ValueError(f"--out {out}: the folder {out.parent} does not exist")
    try:
        summary = write_report(run, path, records=records or (), limit=limit)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}; name a file in another place with --out") from error
    print(path)
    warn_incomplete(run)
    if summary.without_text:
        missing = f"the texts of {summary.without_text} of {summary.records} records"
        say(f"{missing} are missing or have changed; only their quotes are shown (give the inputs with --records)")
    if summary.shown < summary.records:
        say(f"{summary.shown} of {summary.records} records can be opened (--limit)")
    if open_it:
        import webbrowser

        if not webbrowser.open(path.resolve().as_uri()):
            say(f"no browser can be opened here; open {path}")
