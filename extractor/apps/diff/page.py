"""Write the changes of many trials as one page of HTML: the viewer with the texts of two
versions.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain, islice, product
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import get_args

from extractor.apps.diff.changes import (
    ChangeKind,
    ChangeSeverity,
    ItemName,
    StatedValue,
    TrialChange,
    TrialDiff,
)
from extractor.apps.pages import Chunks, name_label, pack, render_page
from extractor.apps.pages.view import Json, name_record, name_section, view
from extractor.apps.pages.words import say
from extractor.schemas import Citation, TrialRecord

Texts = tuple[TrialRecord | None, TrialRecord | None]
"""The old and the new record of a trial; None if the text is not at hand."""
_SIDES = ("old", "new")
_SCRIPTS = ("viewer.js", "browse.js", "page.js")


def write_diff_page(
    path: str | PathLike[str],
    diffs: Sequence[TrialDiff],
    *,
    old: str,
    new: str,
    compared: int,
    texts: Mapping[str, Texts] = MappingProxyType({}),
) -> None:
    """Write a page of the changes of ``compared`` trials, which lead to their places in the text of
    both versions.

    ``old`` and ``new`` name the two versions; ``texts`` are the records of a trial, by the id that
    its diff has. Without its text, a version is shown by its quotes. The page loads and sends
    nothing. Raises ``OSError`` if the file cannot be written.
    """
    chunks = Chunks()
    rows: list[Json] = []
    for diff in diffs:
        if not diff.changes:
            continue
        shown = show_diff(diff, texts.get(diff.record_id, (None, None)))
        changes = []
        for change in diff.changes:
            said = say(change.message)
            changes.append([change.item, change.kind, change.severity, said])
        row = {
            "id": diff.record_id,
            "title": shown["title"],
            "place": chunks.add(shown),
            "changes": changes,
        }
        rows.append(row)
    changed = 0
    totals: Counter[str] = Counter()
    for diff in diffs:
        if diff.differs and diff.only_in is None:
            changed += 1
        totals.update(change.severity.value for change in diff.changes)
    values = {
        "old": old,
        "new": new,
        "compared": compared,
        "changed": changed,
        "only": {side: _list_only_in(side, diffs) for side in _SIDES},
        "severities": [severity.value for severity in ChangeSeverity],
        "totals": totals,
        "kinds": _count_kinds(diffs),
        "shown": len(rows),
        "index": pack(rows),
        "chunks": chunks.close(),
    }
    page = render_page(
        "extractor.apps.diff",
        values,
        styles=("viewer.css", "page.css"),
        scripts=_SCRIPTS,
    )
    # Half a surrogate pair, as broken JSON brings it, cannot be written as UTF-8.
    Path(path).write_bytes(page.encode("utf-8", "replace"))


def _list_only_in(side: str, diffs: Sequence[TrialDiff]) -> list[str]:
    """List the ids of the trials that only the old or only the new version has."""
    return [diff.record_id for diff in diffs if diff.only_in == side]


def _count_kinds(
    diffs: Sequence[TrialDiff],
) -> list[tuple[ItemName, ChangeKind, list[int]]]:
    """Return the items and kinds of change that occur, each with its numbers of changes by
    severity, the most severe first.
    """
    counts: Counter[tuple[ItemName, ChangeKind, ChangeSeverity]] = Counter()
    for diff in diffs:
        for change in diff.changes:
            counts[change.item, change.kind, change.severity] += 1
    kinds = []
    for item, kind in product(get_args(ItemName), ChangeKind):
        numbers = [counts[item, kind, severity] for severity in ChangeSeverity]
        if any(numbers):
            kinds.append((item, kind, numbers))
    return kinds


def show_diff(diff: TrialDiff, texts: Texts) -> Json:
    """Return the page's data for a trial: the view of both versions, each section with its side,
    the changes with the numbers of their spans, and the sides without a text (``missing``).

    The view numbers marks, spans and sections of one version from 0. Those of the new version are
    counted on behind those of the old one.
    """
    changes = [_show_change(change) for change in diff.changes]
    sections: list[Json] = []
    spans: list[tuple[int, ...]] = []
    missing = []
    for side, record in zip(_SIDES, texts, strict=True):
        if record is None:
            missing.append(side)
        citations = [_list_citations(change, side) for change in diff.changes]
        shown = view(record, (), list(chain.from_iterable(citations)))
        marks = iter(shown["marks"])
        for change, cited in zip(changes, citations, strict=True):
            for mark in islice(marks, len(cited)):
                if mark is not None:
                    change["spans"].append(len(spans) + mark)
            change[side] = _show_citations(cited)
        first = len(sections)
        spans += [(first + section, *ends) for section, *ends in shown["spans"]]
        sections += [section | {"side": side} for section in shown["sections"]]
    old, new = texts
    record = new or old
    return {
        "id": diff.record_id,
        "title": name_record(record) if record else "",
        "sections": sections,
        "spans": spans,
        "changes": changes,
        "missing": missing,
    }


def _show_change(change: TrialChange) -> Json:
    """Return the page's data of a change, without its places in the texts."""
    shown = change.model_dump(mode="json", include={"item", "kind", "severity"})
    shown["field"] = change.field and name_label(change.field)
    shown["message"] = say(change.message)
    shown["spans"] = []
    return shown


def _list_citations(change: TrialChange, side: str) -> tuple[Citation, ...]:
    """Return the citations of the old or the new side of a change, none if it has no such side."""
    stated: StatedValue | None = getattr(change, side)
    if stated is None:
        return ()
    return stated.citations


def _show_citations(citations: Sequence[Citation]) -> Json:
    """Return the quotes of a side, each once, and where they stand."""
    quotes: list[str] = []
    places = []
    for cited in citations:
        quote = say(cited.quote)
        if quote not in quotes:
            quotes.append(quote)
        section = name_section(cited.section)
        places.append(f"{section}, characters {cited.start} to {cited.end}")
    return {"said": "\n".join(quotes), "places": places}
