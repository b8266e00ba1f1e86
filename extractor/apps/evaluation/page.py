"""The score page: one self-contained HTML file that shows a report, with every error in its
text.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from pathlib import Path

from extractor.apps.evaluation.comparers import ErrorKind
from extractor.apps.evaluation.highlight import RecordText, list_clues
from extractor.apps.evaluation.record_score import Disagreement, WorstErrors
from extractor.apps.evaluation.report import LEAST_VALUES, ScoreReport
from extractor.apps.pages import escape_json, render_page
from extractor.apps.pages.view import Json, view
from extractor.apps.pages.words import say
from extractor.errors import RecordError
from extractor.evidence.drafts import Span
from extractor.formats import read_records
from extractor.schemas import TrialRecord

__all__ = ["WorstErrors", "render_score_page", "write_score_page"]

_SCRIPTS = ("list.js", "detail.js", "start.js")


def write_score_page(
    path: str | PathLike[str],
    report: ScoreReport,
    errors: WorstErrors,
    records: Sequence[str | PathLike[str]] = (),
) -> None:
    """Write a report and its errors as one HTML page that needs no network.

    Fill ``errors`` by ``evaluate(..., on_record=errors.add)``. The texts come from ``records``, the
    inputs of the run, by default from the sources that the predictions name. The same input gives
    the same bytes. Raises ``OSError`` if the file cannot be written.
    """
    page = render_score_page(report, errors, records)
    Path(path).write_bytes(page.encode("utf-8", "replace"))


def render_score_page(
    report: ScoreReport, errors: WorstErrors, records: Sequence[str | PathLike[str]] = ()
) -> str:
    """Return the page as text; see ``write_score_page``."""
    found = errors.list_errors()
    shown = [_export(error) for error in found]
    _number(shown)
    views = _mark_texts(found, shown, _reread_records(found, records))
    with_errors = {error["record"] for error in shown}
    differences = (
        {one.name: one for one in report.comparison.differences} if report.comparison else {}
    )
    bounds = [one.interval for one in differences.values() if one.interval]
    numbers = [
        *(one.difference or 0 for one in differences.values()),
        *(side for one in bounds for _, side in one),
    ]
    # Gold of the user's own fields alone has nothing to score in the guideline's.
    groups = [one for one in report.groups if one.normalised.f1 is not None] or report.groups[:1]
    fields = [one for one in report.fields if one.normalised.f1 is not None]
    values = {
        "report": report,
        "groups": groups,
        "fields": fields,
        "tasks": tuple(dict.fromkeys(one.task for one in fields)),
        "least_values": LEAST_VALUES,
        "kinds": {kind.value: kind for kind in ErrorKind},
        "differences": [differences[one.figure] for one in (*groups, *fields) if differences],
        "widest": max([0.01, *map(abs, numbers)]),
        "count": errors.count,
        "shown": len(shown),
        "records_with_errors": len(with_errors),
        "without_text": len(with_errors - views.keys()),
        "data": escape_json({"errors": shown, "views": views}),
    }
    return render_page("extractor.apps.evaluation", values, styles=("page.css",), scripts=_SCRIPTS)


def _export(error: Disagreement) -> Json:
    """Return an error in the form that the page's script reads."""
    one = error.export()
    theirs = error.predicted_side.item
    confidence = (
        None
        if theirs is None or theirs.confidence is None
        else f"confidence {theirs.confidence:.2f}"
    )
    provenance = (getattr(theirs, "origin", None), getattr(theirs, "support", None), confidence)
    sides: Json = {}
    for side in ("gold", "predicted"):
        value = getattr(one, side)
        quote = getattr(one, f"{side}_quote")
        if isinstance(value, list):
            members = value
        elif value is None:
            members = []
        else:
            members = [value]
        sides[side] = {
            "said": [say(each, [quote] if quote else ()) for each in members],
            "quote": say(quote) if quote else None,
            "path": getattr(one, f"{side}_path"),
            "file": getattr(error.record, f"{side}_place"),
        }
    return sides | {
        "kind": one.kind.value,
        "harm": one.harm,
        "record": one.record_id,
        "field": one.field,
        "belongsTo": one.belongs_to,
        "provenance": ", ".join(filter(None, provenance)) or None,
    }


def _number(errors: Sequence[Json]) -> None:
    """Give each error an id that does not depend on other errors, so that links to it stay
    valid.
    """
    seen: Counter[str] = Counter()
    for error in errors:
        values = [error[side]["said"] for side in ("gold", "predicted")]
        identity = json.dumps(
            [error["record"], error["field"], error["kind"], *values], sort_keys=True
        )
        name = hashlib.sha256(identity.encode()).hexdigest()[:10]
        seen[name] += 1
        error["id"] = name if seen[name] == 1 else f"{name}-{seen[name]}"


def _mark_texts(
    found: Sequence[Disagreement], shown: Sequence[Json], records: Iterable[TrialRecord]
) -> dict[str, Json]:
    """Add to each error its sections and the spans of both sides. Return the views of their
    texts, by record.
    """
    views: dict[str, Json] = {}
    by_record: dict[str, list[tuple[Disagreement, Json]]] = defaultdict(list)
    for error, exported in zip(found, shown, strict=True):
        by_record[error.record.record_id].append((error, exported))
    for record in records:
        text = RecordText(record)
        spans = list[Span]()
        sections: dict[str, None] = {}
        for error, exported in by_record[record.record_id]:
            attribute = error.field.attribute
            gold = list_clues(error.gold_side.item, attribute, error.gold)
            predicted = list_clues(error.predicted_side.item, attribute, error.predicted)
            names, ours, theirs = text.highlight(gold, predicted)
            sections |= dict.fromkeys(names)
            exported.update(sections=names, marks={"gold": ours, "predicted": theirs})
            spans += [*ours, *theirs]
        seen = view(record, (), spans, sections=sections)
        numbers = dict(zip(spans, seen.pop("marks"), strict=True))
        views[record.record_id] = {name: seen[name] for name in ("sections", "spans")}
        for _, exported in by_record[record.record_id]:
            known = {
                side: [numbers[span] for span in marked]
                for side, marked in exported["marks"].items()
            }
            exported["marks"] = {
                side: [one for one in marked if one is not None] for side, marked in known.items()
            }
    return views


def _reread_records(
    found: Sequence[Disagreement], inputs: Sequence[str | PathLike[str]]
) -> Iterator[TrialRecord]:
    """Yield the records with errors, one at a time, from ``inputs``.

    Without inputs, read the files that the predictions name as their sources, if these still exist.
    Unreadable records are left out, and the page says so.
    """
    wanted: dict[Sequence[str | PathLike[str]], set[str]] = defaultdict(set)
    for source, record_id in ((error.record.source, error.record.record_id) for error in found):
        # Regular files only: a pipe or a device could block, or never end.
        if inputs or (source and Path(source).is_file()):
            wanted[tuple(inputs) or (source or "",)].add(record_id)
    problems: list[RecordError] = []
    for paths, left in sorted(wanted.items()):
        for record in read_records(*paths, on_error=problems.append):
            if record.record_id in left:
                left.remove(record.record_id)
                yield record
            if not left:
                break
