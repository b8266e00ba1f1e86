"""``extractor report``: a run as a page that a browser opens."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from .console import OK, errors_for_people, warn_incomplete

_NAME = "report.html"


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder that extractor run --out wrote.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", dir_okay=False, help="RUN/report.html if left out.")
    ] = None,
    records: Annotated[
        list[Path] | None,
        typer.Option(metavar="INPUT", exists=True, help="The records; without it, from where run read them."),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="How many records can be opened in the page.")] = 5000,
    open_it: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Write a run as one page of HTML: an overview, and each record's text beside its values.

    The page loads nothing and sends nothing. It holds the text of the records:
    everybody who gets it can read them.
    """
    from extractor.report import write_report

    with errors_for_people():
        path = out or run / _NAME
        if not path.parent.is_dir():
            raise ValueError(f"{path}: the folder {path.parent} does not exist")
        summary = write_report(run, path, records=records or (), limit=limit)
        print(path)
        warn_incomplete(run)
    if summary.without_text:
        print(
            f"extractor: the texts of {summary.without_text} of {summary.records} records are not at hand, or others"
            " now; their quotes stand alone (--records names where they are)",
            file=sys.stderr,
        )
    if summary.shown < summary.records:
        print(f"extractor: {summary.shown} of {summary.records} records can be opened (--limit)", file=sys.stderr)
    if open_it:
        _show_in_browser(path)
    raise SystemExit(OK)


def plan_opening(wanted: bool, run: Path | None, *, dry_run: bool) -> Callable[[], None]:
    """What a run does at its end: write its report into its folder and open it, or nothing.

    Raises ``ValueError`` where nothing will be in a folder to be shown.
    """
    if not wanted:
        return lambda: None
    if run is None or dry_run:
        raise ValueError("--open shows what --out holds; name a folder with --out, and do not use --dry-run")
    return partial(_open_report_of, run)


def _open_report_of(run: Path) -> None:
    from extractor.report import write_report

    path = run / _NAME
    write_report(run, path)
    _show_in_browser(path)


def _show_in_browser(path: Path) -> None:
    """Open a file in the user's browser; say so where there is none."""
    import webbrowser

    if not webbrowser.open(path.resolve().as_uri()):
        print(f"extractor: no browser can be opened here; open {path}", file=sys.stderr)
