"""Write changes as an HTML file that shows the changes to each trial next to the texts of both
versions.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from extractor.apps.diff.changes import ComparedTrial, read_row_words
from extractor.apps.diff.published import KINDS, ComparedPaper
from extractor.apps.pages import Chunks, pack, render_page
from extractor.apps.pages.view import name_record, view
from extractor.face import write_page
from extractor.schemas import Citation
from extractor.schemas.base import JsonObject

_SIDES = ("old", "new")
_KINDS = ("added", "removed", "changed")
_PAPER_SIDES = ("registered", "published")


def write_diff_page(
    path: Path,
    trials: Iterable[ComparedTrial | ComparedPaper],
    *,
    old: Path,
    new: Path,
    has_papers: bool = False,
) -> None:
    """Write a page with the changed trials. ``old`` and ``new`` are the versions' paths, of
    registered records and papers if ``has_papers``. The page works offline. Raises ``StoreError``
    if the file cannot be written.
    """
    chunks = Chunks()
    rows: list[JsonObject] = []
    counts: Counter[tuple[str, str]] = Counter()
    for trial in trials:
        if not trial.changes:
            continue
        shown = show_changes(trial)
        counts.update((change.field, change.kind) for change in trial.changes)
        rows.append(
            {
                "id": trial.record_id,
                "title": shown["title"],
                "changes": [[change.kind, change.field] for change in trial.changes],
                "place": chunks.add(shown),
            }
        )
    names = _SIDES
    kinds: Sequence[str] = _KINDS
    if has_papers:
        names = _PAPER_SIDES
        kinds = KINDS
    values = {
        "old": old,
        "new": new,
        "names": names,
        "kinds": kinds,
        "fields": sorted({field for field, _ in counts}),
        "counts": counts,
        "shown": len(rows),
        "index": pack(rows),
        "chunks": chunks.close(),
    }
    page = render_page(
        "extractor.apps.diff",
        values,
        styles=("viewer.css", "page.css"),
        scripts=("viewer.js", "browse.js", "page.js"),
    )
    write_page(path, page)


def show_changes(trial: ComparedTrial | ComparedPaper) -> JsonObject:
    """Return the data of a trial for the page: its changes, and the sections and spans of the old
    version followed by those of the new version.
    """
    changes: list[JsonObject] = [
        {
            "kind": change.kind,
            "field": change.field,
            "old": read_row_words(change.old),
            "new": read_row_words(change.new),
            "note": getattr(change, "doubt", None),
            "spans": [],
        }
        for change in trial.changes
    ]
    sections: list[JsonObject] = []
    spans: list[Sequence[int | str]] = []
    for side in _SIDES:
        cited_changes = []
        citations = []
        for described, change in zip(changes, trial.changes, strict=True):
            row = getattr(change, side)
            if row and row.section:
                place = {"section": row.section, "start": row.start, "end": row.end}
                cited_changes.append(described)
                citations.append(Citation(quote=row.quote, **place))
        shown = view(getattr(trial, side), (), citations)
        # the sections and spans of the new side are numbered after those of the old side
        for described, mark in zip(cited_changes, shown["marks"], strict=True):
            if mark is not None:
                described["spans"].append(len(spans) + mark)
        first = len(sections)
        spans += [(first + section, *ends) for section, *ends in shown["spans"]]
        sections += [section | {"side": side} for section in shown["sections"]]
    title = ""
    record = trial.new or trial.old
    if record:
        title = name_record(record)
    names = _SIDES
    if isinstance(trial, ComparedPaper):
        title = f"{trial.trial_id}: {title}"
        names = _PAPER_SIDES
    return {
        "id": trial.record_id,
        "title": title,
        "sections": sections,
        "spans": spans,
        "changes": changes,
        "names": names,
        "doubt": getattr(trial, "doubt", None),
        "missing": [side for side in _SIDES if getattr(trial, side) is None],
    }
