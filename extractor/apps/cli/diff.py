"""``extractor diff``: show what changed between two versions of the same trials."""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from extractor.apps.cli.console import (
    FAILED,
    MAX_LISTED,
    OK,
    USAGE,
    name_some,
    print_text,
    say,
)
from extractor.apps.cli.options import (
    ColumnsOption,
    ForceOption,
    HtmlOption,
    JsonOption,
    SheetOption,
    option,
)
from extractor.apps.cli.runs import warn_incomplete
from extractor.apps.diff.changes import COLUMNS, Side, compare
from extractor.apps.diff.page import write_diff_page
from extractor.apps.export import write_sheet
from extractor.options import FILES, read_columns
from extractor.plurals import counted

_INPUT = "The old version: a run's folder, a file of extractions, or records."


def diff(
    old: Annotated[Path, typer.Argument(help=_INPUT)],
    new: Annotated[
        Path, typer.Argument(help="The new version, in any of the same forms.")
    ],
    columns: ColumnsOption = None,
    as_json: JsonOption = False,
    to: SheetOption = None,
    force: ForceOption = False,
    html: HtmlOption = None,
    exit_code: Annotated[
        bool, option(FILES, "Exit with code 1 if anything changed.", "--exit-code")
    ] = False,
) -> int:
    """Show which values were added, removed or changed between two versions of the same trials.

    Both versions are quoted for each change. An item that was only moved is not reported. Records
    are read with the rules alone; to use a model, process both versions with `extractor run`
    first, and compare the folders.

    Exit codes: 0 done, 1 changes (with --exit-code), 2 wrong usage or an unreadable record, 130
    interrupted.
    """
    names = read_columns(columns)
    before = Side(old, names)
    after = Side(new, names)
    warn_incomplete(old, new)
    trials = list(compare(before, after))
    rows = [change.cells for trial in trials for change in trial.changes]
    if html:
        write_diff_page(html, trials, old=old, new=new)
    if to:
        write_sheet(to, COLUMNS, (tuple(row.values()) for row in rows), force=force)
    elif as_json:
        for row in rows:
            print(json.dumps(row))
    else:
        print_text("changes.txt", rows=rows)
    counts = Counter(row["change"] for row in rows)
    kinds = ", ".join(f"{number} {kind}" for kind, number in counts.items())
    say(f"{counted(len(trials), 'trial')} compared: {kinds or 'no change'}")
    _warn_unmatched(old, before, after, len(trials))
    _warn_unmatched(new, after, before, len(trials))
    if before.failed or after.failed:
        return USAGE
    # a trial in only one version also counts as a change
    all_compared = len(trials) == max(len(before.record_ids), len(after.record_ids))
    if exit_code and (rows or not all_compared):
        return FAILED
    return OK


def _warn_unmatched(path: Path, side: Side, opposite: Side, compared: int) -> None:
    """Print the trials in ``side`` that ``opposite`` does not contain, and the records in ``side``
    that could not be read. ``compared`` is the number of trials that were compared.
    """
    unmatched = [name for name in side.record_ids if name not in opposite.record_ids]
    # two single records are compared even if their ids differ
    if unmatched and compared < len(side.record_ids):
        say(f"only in {path}: {name_some(unmatched)}")
    for error in side.failed[:MAX_LISTED]:
        say(str(error))
