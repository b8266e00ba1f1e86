"""Write the changes of many trials as one page of HTML: the viewer with the texts of two
versions.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import get_args

from extractor.apps.diff.changes import ChangeKind, ChangeSeverity, ItemName, TrialDiff
from extractor.apps.pages import Chunks, name_label, pack, render_page
from extractor.apps.pages.view import Json, name_record, name_section, view
from extractor.apps.pages.words import say
from extractor.schemas import TrialRecord

Texts = tuple[TrialRecord | None, TrialRecord | None]
"""The old and the new record of a trial; None if the text is not at hand."""
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
    counts = Counter(
        (change.item, change.kind, change.severity)
        for diff in diffs
        for change in diff.changes
    )
    chunks = Chunks()
    rows = list[Json]()
    for diff in (one for one in diffs if one.changes):
        shown = show_diff(diff, texts.get(diff.record_id, (None, None)))
        changes = [
            [one.item, one.kind, one.severity, say(one.message)] for one in diff.changes
        ]
        rows.append(
            {
                "id": diff.record_id,
                "title": shown["title"],
                "place": chunks.add(shown),
                "changes": changes,
            }
        )
    values = {
        "old": old,
        "new": new,
        "compared": compared,
        "changed": sum(diff.differs and diff.only_in is None for diff in diffs),
        "only": {
            side: [diff.record_id for diff in diffs if diff.only_in == side]
            for side in ("old", "new")
        },
        "severities": [severity.value for severity in ChangeSeverity],
        "totals": Counter(
            change.severity.value for diff in diffs for change in diff.changes
        ),
        "kinds": [
            (item, kind, numbers)
            for item in get_args(ItemName)
            for kind in ChangeKind
            if any(
                numbers := [counts[item, kind, severity] for severity in ChangeSeverity]
            )
        ],
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
    Path(path).write_bytes(page.encode("utf-8", "replace"))


def show_diff(diff: TrialDiff, texts: Texts) -> Json:
    """Return the page's data for a trial: the view of both versions, each section with its side,
    and the changes.
    """
    changes: list[Json] = [
        one.model_dump(mode="json", include={"item", "kind", "severity"})
        | {
            "field": one.field and name_label(one.field),
            "message": say(one.message),
            "spans": [],
        }
        for one in diff.changes
    ]
    sections = list[Json]()
    spans = list[tuple[int, ...]]()
    for name, record in zip(("old", "new"), texts, strict=True):
        sides = [getattr(change, name) for change in diff.changes]
        shown = view(
            record, (), [cited for side in sides if side for cited in side.citations]
        )
        marks = iter(shown["marks"])
        for side, change in zip(sides, changes, strict=True):
            cited = side.citations if side else ()
            change["spans"] += [
                len(spans) + mark
                for mark in islice(marks, len(cited))
                if mark is not None
            ]
            change[name] = {
                "said": "\n".join(dict.fromkeys(say(one.quote) for one in cited)),
                "places": [
                    f"{name_section(one.section)}, characters {one.start} to {one.end}"
                    for one in cited
                ],
            }
        spans += [(len(sections) + section, *ends) for section, *ends in shown["spans"]]
        sections += [one | {"side": name} for one in shown["sections"]]
    titles = (name_record(record) for record in reversed(texts) if record)
    return {
        "id": diff.record_id,
        "title": next(titles, ""),
        "sections": sections,
        "spans": spans,
        "changes": changes,
        "missing": [
            name
            for name, record in zip(("old", "new"), texts, strict=True)
            if record is None
        ],
    }
