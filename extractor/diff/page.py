"""Write the changes of many trials as one page of HTML."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from os import PathLike
from pathlib import Path
from typing import NamedTuple, get_args

from extractor.pages import render_page

from .changes import ChangeKind, ChangeSeverity, ItemName, StatedValue, TrialChange, TrialDiff

_WORD = re.compile(r"\d+(?:[.,]\d+)*|\w+|\s+|[^\w\s]")
_LONGEST = 4000
"""Longer quotes are shown without marks: comparing them word by word takes too long."""


class Piece(NamedTuple):
    """A part of a quote; ``differs`` marks words that the other side does not have."""

    text: str
    differs: bool


def mark_differences(old: str, new: str) -> tuple[list[Piece], list[Piece]]:
    """Cut two quotes into equal and different parts.

    >>> mark_differences("at least 18 years", "at least 21 years")[1]
    [Piece(text='at least ', differs=False), Piece(text='21', differs=True), Piece(text=' years', differs=False)]
    """
    if not old or not new or len(old) + len(new) > _LONGEST:
        return [Piece(old, differs=False)], [Piece(new, differs=False)]
    before, after = _WORD.findall(old), _WORD.findall(new)
    ours, theirs = list[Piece](), list[Piece]()
    for kind, first, end, start, stop in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        for pieces, words in ((ours, before[first:end]), (theirs, after[start:stop])):
            if words:
                pieces.append(Piece("".join(words), kind != "equal"))
    return ours, theirs


class ShownSide(NamedTuple):
    """One side of a change on the page."""

    pieces: Sequence[Piece]
    place: str


class ShownChange(NamedTuple):
    """A change on the page; a side is None if it has nothing to show."""

    change: TrialChange
    old: ShownSide | None
    new: ShownSide | None


def write_diff_page(
    path: str | PathLike[str], diffs: Sequence[TrialDiff], *, old: str, new: str, compared: int
) -> None:
    """Write a page of the changes of ``compared`` trials, with the words that differ marked.

    ``old`` and ``new`` name the two versions. The page loads and sends nothing. Raises ``OSError`` if the file cannot
    be written.
    """
    changes = [change for diff in diffs for change in diff.changes]
    counts = Counter((change.item, change.kind, change.severity) for change in changes)
    items: tuple[ItemName, ...] = get_args(ItemName)
    rows = [
        (item, kind, [counts[item, kind, severity] for severity in ChangeSeverity])
        for item in items
        for kind in ChangeKind
        if any(counts[item, kind, severity] for severity in ChangeSeverity)
    ]
    values = {
        "old": old,
        "new": new,
        "compared": compared,
        "changed": [diff for diff in diffs if diff.differs and diff.only_in is None],
        "only": {side: [diff.record_id for diff in diffs if diff.only_in == side] for side in ("old", "new")},
        "severities": [severity.value for severity in ChangeSeverity],
        "totals": Counter(change.severity.value for change in changes),
        "rows": rows,
        "trials": [(diff, [_show(change) for change in diff.changes]) for diff in diffs if diff.changes],
    }
    page = render_page("extractor.diff", values, styles=("page.css",), scripts=())
    Path(path).write_text(page, "utf-8")


def _show(change: TrialChange) -> ShownChange:
    old, new = (_read_quotes(side) for side in (change.old, change.new))
    marked = mark_differences(old, new)
    sides = (
        ShownSide(pieces, "; ".join(_list_places(side))) if side else None
        for side, pieces in zip((change.old, change.new), marked, strict=True)
    )
    return ShownChange(change, *sides)


def _read_quotes(side: StatedValue | None) -> str:
    """The quotes of one side, each once."""
    return "\n".join(dict.fromkeys(one.quote for one in side.citations)) if side else ""


def _list_places(side: StatedValue) -> Iterator[str]:
    for one in side.citations:
        yield f"{one.section} {one.start}-{one.end}"
