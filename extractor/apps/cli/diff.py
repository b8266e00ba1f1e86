"""``extractor diff``: show what changed between two versions of the same trials, or what was
registered and published differently.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
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
from extractor.apps.diff.changes import COLUMNS, ComparedTrial, Side, compare
from extractor.apps.diff.page import write_diff_page
from extractor.apps.diff.published import (
    NOT_STATED,
    PUBLISHED_COLUMNS,
    ComparedPaper,
    compare_papers,
    reads_papers,
)
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
    published: Annotated[
        bool,
        option(
            FILES,
            "Compare registered records with papers, even if those are texts or documents.",
            "--published",
        ),
    ] = False,
) -> int:
    """Show which values were added, removed or changed between two versions of the same trials.

    Both versions are quoted for each change. An item that was only moved is not reported. Records
    are read with the rules alone; to use a model, process both versions with `extractor run`
    first, and compare the folders.

    If OLD has registered records and NEW has papers, they are paired by registry number, and what
    was registered and published differently is shown.

    Exit codes: 0 done, 1 changes (with --exit-code), 2 wrong usage or an unreadable record, 130
    interrupted.
    """
    names = read_columns(columns)
    before = Side(old, names)
    after = Side(new, names)
    warn_incomplete(old, new)
    if published or reads_papers(before, after):
        papers = list(compare_papers(before, after))
        if html:
            write_diff_page(html, papers, old=old, new=new, has_papers=True)
        rows = _list_cells(papers)
        _write(rows, PUBLISHED_COLUMNS, "discrepancies.txt", to, as_json, force)
        return _tell_papers(papers, before, after, old, new, exit_code=exit_code)
    trials = list(compare(before, after))
    if html:
        write_diff_page(html, trials, old=old, new=new)
    rows = _list_cells(trials)
    _write(rows, COLUMNS, "changes.txt", to, as_json, force)
    kinds = _count_kinds(Counter(row["change"] for row in rows))
    say(f"{counted(len(trials), 'trial')} compared: {kinds or 'no change'}")
    _warn_unmatched(old, before, after, len(trials))
    _warn_unmatched(new, after, before, len(trials))
    if before.failed or after.failed:
        return USAGE
    if not exit_code:
        return OK
    # a trial in only one version also counts as a change
    all_compared = len(trials) == max(len(before.record_ids), len(after.record_ids))
    if rows or not all_compared:
        return FAILED
    return OK


def _list_cells(
    compared: Iterable[ComparedTrial | ComparedPaper],
) -> list[dict[str, object]]:
    """Return the rows of all changes or discrepancies."""
    rows: list[dict[str, object]] = []
    for one in compared:
        rows += [change.cells for change in one.changes]
    return rows


def _count_kinds(counts: Mapping[object, int]) -> str:
    """Return how many changes there are of each kind: "2 added, 1 removed"."""
    return ", ".join(f"{number} {kind}" for kind, number in counts.items())


def _write(
    rows: Sequence[Mapping[str, object]],
    columns: Sequence[str],
    template: str,
    to: Path | None,
    as_json: bool,
    force: bool,
) -> None:
    """Write rows as a sheet, as JSON lines, or as text with a template."""
    if to:
        write_sheet(to, columns, (tuple(row.values()) for row in rows), force=force)
    elif as_json:
        for row in rows:
            print(json.dumps(row))
    else:
        print_text(template, rows=rows)


def _tell_papers(
    papers: Sequence[ComparedPaper],
    registered: Side,
    published: Side,
    old: Path,
    new: Path,
    *,
    exit_code: bool,
) -> int:
    """Print the numbers of discrepancies, and the papers and records without a counterpart. Return
    the exit code.
    """
    kinds: Counter[object] = Counter()
    for paper in papers:
        kinds.update(found.kind for found in paper.changes)
    named = _count_kinds(kinds)
    say(f"{counted(len(papers), 'paper')} compared: {named or 'no discrepancy'}")
    _say_doubts(papers)
    paper_ids = {paper.record_id for paper in papers}
    trial_ids = {paper.trial_id for paper in papers}
    _say_alone(new, published, paper_ids, "papers without a registered record")
    _say_alone(old, registered, trial_ids, "records without a paper")
    if registered.failed or published.failed:
        return USAGE
    if not exit_code:
        return OK
    differs = kinds.total() > kinds[NOT_STATED]
    all_paired = len(papers) == len(published.record_ids)
    if differs or not all_paired:
        return FAILED
    return OK


def _say_doubts(papers: Sequence[ComparedPaper]) -> None:
    """Print why papers may not belong to their records."""
    for paper in papers:
        if paper.doubt:
            pair = f"{paper.record_id} as a paper of {paper.trial_id}"
            say(f"doubtful: {pair}: {paper.doubt}")


def _say_alone(path: Path, side: Side, paired: Collection[str], what: str) -> None:
    """Print what has no counterpart in a version, and what could not be read there."""
    alone = [name for name in side.record_ids if name not in paired]
    if alone:
        say(f"{what} in {path}: {name_some(alone)}")
    for error in side.failed[:MAX_LISTED]:
        say(str(error))


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
