"""``extractor diff``: what changed between two versions of the same trials."""

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from extractor.apps.cli.console import (
    LISTED,
    NAMED,
    OK,
    USAGE,
    errors_are_usage,
    name_some,
    say,
    to_printable,
    warn_incomplete,
    warn_settings,
)
from extractor.apps.cli.options import ExitCodeOption, JsonOption, option
from extractor.options import FILES
from extractor.plurals import counted

if TYPE_CHECKING:
    from extractor.apps.diff.sides import Side

_INPUT = "The old version: a run's folder, a file of extractions, or records."


def diff(
    old: Annotated[Path, typer.Argument(help=_INPUT)],
    new: Annotated[
        Path, typer.Argument(help="The new version, in the same or another form.")
    ],
    as_json: JsonOption = False,
    to: Annotated[
        Path | None, option(FILES, "Write a sheet, .csv or .xlsx.", "--to", "-o")
    ] = None,
    html: Annotated[
        Path | None, option(FILES, "Write a page with both texts.", "--html")
    ] = None,
    exit_code: ExitCodeOption = False,
) -> int:
    """Show which values were added, removed or changed between two versions of trials.

    Each change quotes both versions. Items that moved are no change. Rules alone
    read records; to use a model, run both versions first, and give the folders.

    Exit codes: 0 done, 1 changes (with --exit-code), 2 usage or an error,
    130 interrupted.
    """
    with errors_are_usage():
        from extractor.apps.diff.changes import COLUMNS
        from extractor.apps.diff.page import write_diff_page
        from extractor.apps.diff.sides import Side, compare
        from extractor.apps.sheets import write_sheet

        before = Side(old)
        after = Side(new)
        warn_incomplete(old, new)
        if before.run and after.run:
            warn_settings(before.run, after.run)
        trials = list(compare(before, after))
        changes = [change for trial in trials for change in trial.changes]
        if html:
            write_diff_page(html, trials, old=old, new=new)
        rows = [change.cells for change in changes]
        if to:
            write_sheet(to, COLUMNS, (row.values() for row in rows))
        else:
            _print_changes(rows, as_json=as_json)
        counts = Counter(change.kind for change in changes)
        kinds = ", ".join(f"{number} {kind}" for kind, number in counts.items())
        say(f"{counted(len(trials), 'trial')} compared: {kinds or 'no change'}")
        _warn_alone(old, before, len(trials), after)
        _warn_alone(new, after, len(trials), before)
        if before.failed or after.failed:
            return USAGE
        return LISTED if exit_code and changes else OK


def _warn_alone(path: Path, side: "Side", compared: int, other: "Side") -> None:
    """Name the trials that only one version has, and the records that could not be read."""
    alone = [name for name in side.record_ids if name not in other.record_ids]
    # two single records are compared whatever their ids
    if alone and compared < len(side.record_ids):
        say(f"only in {path}: {name_some(alone, NAMED)}")
    for message in side.failed[:NAMED]:
        say(message)


def _print_changes(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    """Print changes as JSON lines, or with the values and quotes of both versions."""
    for cells in rows:
        if as_json:
            print(json.dumps(cells))
            continue
        print(f"{to_printable(cells['record_id'])} {cells['change']} {cells['field']}")
        for sign, side in (("-", "old"), ("+", "new")):
            value = cells[f"{side}_value"]
            quote = cells[f"{side}_quote"]
            if value is not None:
                print(f"  {sign} {to_printable(value)}")
            if quote and quote != value:
                print(f"    {to_printable(quote)}  [{cells[f'{side}_section']}]")
