"""Write changes as an HTML file that shows the changes to each trial next to the texts of both
versions.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from extractor.apps.diff.changes import ComparedTrial, read_words
from extractor.apps.pages import Chunks, pack, render_page
from extractor.apps.pages.view import name_record, view
from extractor.run.files import write_page
from extractor.schemas import Citation
from extractor.schemas.base import JsonObject

_SIDES = ("old", "new")


def write_diff_page(
    path: Path, trials: Iterable[ComparedTrial], *, old: Path, new: Path
) -> None:
    """Write a page with the changed trials. ``old`` and ``new`` are the versions' paths. The page
    works offline. Raises ``OSError`` if the file cannot be written.
    """
    chunks = Chunks()
    rows: list[JsonObject] = []
    counts: Counter[tuple[str, str]] = Counter()
    for trial in trials:
        if not trial.changes:
            continue
        shown = show_changes(trial)
        changes = [[change.kind, change.field] for change in trial.changes]
        counts.update((change.field, change.kind) for change in trial.changes)
        row = {"id": trial.record_id, "title": shown["title"], "changes": changes}
        rows.append(row | {"place": chunks.add(shown)})
    values = {
        "old": old,
        "new": new,
        "fields": sorted({field for field, _ in counts}),
        "counts": counts,
        "shown": len(rows),
        "index": pack(rows),
        "chunks": chunks.close(),
    }
    styles = ("viewer.css", "page.css")
    scripts = ("viewer.js", "browse.js", "page.js")
    page = render_page("extractor.apps.diff", values, styles=styles, scripts=scripts)
    write_page(path, page)


def show_changes(trial: ComparedTrial) -> JsonObject:
    """Return the data of a trial for the page: its changes, and the sections and spans of the old
    version followed by those of the new version.
    """
    changes: list[JsonObject] = [
        {
            "kind": change.kind,
            "field": change.field,
            "old": read_words(change.old),
            "new": read_words(change.new),
            "spans": [],
        }
        for change in trial.changes
    ]
    sections: list[JsonObject] = []
    spans: list[Sequence[int | str]] = []
    for side in _SIDES:
        cited = []
        for number, change in enumerate(trial.changes):
            row = getattr(change, side)
            if row and row.section:
                place = {"section": row.section, "start": row.start, "end": row.end}
                cited.append((number, Citation(quote=row.quote, **place)))
        shown = view(getattr(trial, side), (), [place for _, place in cited])
        for (number, _), mark in zip(cited, shown["marks"], strict=True):
            if mark is not None:
                changes[number]["spans"].append(len(spans) + mark)
        first = len(sections)
        spans += [(first + section, *ends) for section, *ends in shown["spans"]]
        sections += [section | {"side": side} for section in shown["sections"]]
    record = trial.new or trial.old
    title = name_record(record) if record else ""
    return {
        "id": trial.record_id,
        "title": title,
        "sections": sections,
        "spans": spans,
        "changes": changes,
        "missing": [side for side in _SIDES if getattr(trial, side) is None],
    }
