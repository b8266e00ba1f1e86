"""Write the changes of many trials as one page of HTML."""

from collections import Counter
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import get_args

from extractor.pages import render_page
from extractor.pages.words import say

from .changes import ChangeKind, ChangeSeverity, ItemName, TrialDiff


def write_diff_page(
    path: str | PathLike[str], diffs: Sequence[TrialDiff], *, old: str, new: str, compared: int
) -> None:
    """Write a page of the changes of ``compared`` trials, with the words that differ marked.

    ``old`` and ``new`` name the two versions. The page loads and sends nothing. Raises ``OSError`` if the file cannot
    be written.
    """
    counts = Counter((change.item, change.kind, change.severity) for diff in diffs for change in diff.changes)
    rows = [
        (item, kind, numbers)
        for item in get_args(ItemName)
        for kind in ChangeKind
        if any(numbers := [counts[item, kind, severity] for severity in ChangeSeverity])
    ]
    values = {
        "old": old,
        "new": new,
        "compared": compared,
        "changed": [diff for diff in diffs if diff.differs and diff.only_in is None],
        "only": {side: [diff.record_id for diff in diffs if diff.only_in == side] for side in ("old", "new")},
        "severities": [severity.value for severity in ChangeSeverity],
        "totals": Counter(change.severity.value for diff in diffs for change in diff.changes),
        "rows": rows,
        "trials": [diff for diff in diffs if diff.changes],
        "say": say,
    }
    page = render_page("extractor.results.diff", values, styles=("page.css",), scripts=("page.js",))
    Path(path).write_text(page, "utf-8")
