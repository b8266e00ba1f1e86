"""The score page: one self-contained HTML file that shows a report, with every error in its
text.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path

from extractor.apps.evaluation.comparers import ErrorKind
from extractor.apps.evaluation.errors import rank_error
from extractor.apps.evaluation.figures import LEAST_VALUES
from extractor.apps.evaluation.highlight import RecordText
from extractor.apps.evaluation.report import ErrorExample, ErrorSide, ScoreReport
from extractor.apps.pages import escape_json, render_page
from extractor.apps.pages.view import Json, view
from extractor.apps.pages.words import say
from extractor.errors import RecordError
from extractor.formats import read_records
from extractor.schemas import TrialRecord

_SCRIPTS = ("list.js", "detail.js", "start.js")


def write_score_page(
    path: str | PathLike[str],
    report: ScoreReport,
    records: Sequence[str | PathLike[str]] = (),
) -> None:
    """Write a report and its errors as one HTML page that needs no network.

    The page has the errors that the report holds (``evaluate(..., examples=N)``). Their texts come
    from ``records``, the inputs of the run. The same input gives the same bytes. Raises ``OSError``
    if the file cannot be written.
    """
    page = render_score_page(report, records)
    Path(path).write_bytes(page.encode("utf-8", "replace"))


def render_score_page(
    report: ScoreReport, records: Sequence[str | PathLike[str]] = ()
) -> str:
    """Return the page as text; see ``write_score_page``."""
    errors = sorted(
        (error for kind in report.errors for error in kind.examples), key=rank_error
    )
    shown = [_export(error) for error in errors]
    _number(shown)
    views = _mark_texts(errors, shown, records)
    with_errors = {error.record_id for error in errors}
    # Gold of the user's own fields alone has nothing to score in the guideline's.
    groups = [
        one for one in report.groups if one.normalised.f1 is not None
    ] or report.groups[:1]
    fields = [one for one in report.fields if one.normalised.f1 is not None]
    scored = len(report.fields) - len(report.list_left())
    values: dict[str, object] = {
        "report": report,
        "groups": groups,
        "fields": fields,
        "without_values": scored - len(fields),
        "tasks": tuple(dict.fromkeys(one.task for one in fields)),
        "least_values": LEAST_VALUES,
        "kinds": {kind.value: kind for kind in ErrorKind},
        "count": sum(kind.count for kind in report.errors),
        "shown": len(shown),
        "records_with_errors": len(with_errors),
        "without_text": len(with_errors - views.keys()),
        "data": escape_json({"errors": shown, "views": views}),
    }
    if report.comparison:
        names = {one.figure for one in (*groups, *fields)}
        values["differences"] = [
            one for one in report.comparison.differences if one.name in names
        ]
        values["widest"] = _find_widest(report)
    return render_page(
        "extractor.apps.evaluation", values, styles=("page.css",), scripts=_SCRIPTS
    )


def _find_widest(report: ScoreReport) -> float:
    """Return the greatest difference, or bound of one, for the width of the plots."""
    sizes = [0.01]
    for one in report.comparison.differences if report.comparison else ():
        sizes.append(abs(one.difference or 0))
        if one.interval:
            sizes += [abs(one.interval.low), abs(one.interval.high)]
    return max(sizes)


def _export(error: ErrorExample) -> Json:
    """Return an error in the form that the page's script reads."""
    exported = error.model_dump(mode="json", include={"kind", "harm", "field"})
    exported["record"] = error.record_id
    exported["belongsTo"] = error.belongs_to
    exported["gold"] = _export_side(error.gold)
    exported["predicted"] = _export_side(error.predicted)
    exported["provenance"] = _say_provenance(error.predicted)
    exported["sections"] = []
    exported["marks"] = {"gold": [], "predicted": []}
    return exported


def _export_side(side: ErrorSide | None) -> Json:
    if side is None:
        return {"said": [], "quote": None, "path": None}
    members = side.value if isinstance(side.value, list) else [side.value]
    quotes = [side.quote] if side.quote else []
    return {
        "said": [say(member, quotes) for member in members if member is not None],
        "quote": say(side.quote) if side.quote else None,
        "path": side.path,
    }


def _say_provenance(side: ErrorSide | None) -> str | None:
    if side is None:
        return None
    confidence = (
        None if side.confidence is None else f"confidence {side.confidence:.2f}"
    )
    return ", ".join(filter(None, (side.origin, side.support, confidence))) or None


def _number(errors: Sequence[Json]) -> None:
    """Give each error an id that does not depend on other errors, so that links to it stay
    valid.
    """
    seen: Counter[str] = Counter()
    for error in errors:
        said = [error[side]["said"] for side in ("gold", "predicted")]
        identity = json.dumps(
            [error["record"], error["field"], error["kind"], *said], sort_keys=True
        )
        name = hashlib.sha256(identity.encode()).hexdigest()[:10]
        seen[name] += 1
        error["id"] = name if seen[name] == 1 else f"{name}-{seen[name]}"


def _mark_texts(
    errors: Sequence[ErrorExample],
    shown: Sequence[Json],
    inputs: Sequence[str | PathLike[str]],
) -> dict[str, Json]:
    """Add to each error its sections and the spans of both sides. Return the views of their
    texts, by record.
    """
    by_record = defaultdict[str, list[tuple[ErrorExample, Json]]](list)
    for error, exported in zip(errors, shown, strict=True):
        by_record[error.record_id].append((error, exported))
    views: dict[str, Json] = {}
    for record in _read_records(inputs, set(by_record)):
        text = RecordText(record)
        found = [
            (text.mark(error), exported)
            for error, exported in by_record[record.record_id]
        ]
        sections = dict.fromkeys(name for marks, _ in found for name in marks.sections)
        spans = [span for marks, _ in found for span in (*marks.gold, *marks.predicted)]
        seen = view(record, (), spans, sections=sections)
        numbers = dict(zip(spans, seen["marks"], strict=True))
        views[record.record_id] = {"sections": seen["sections"], "spans": seen["spans"]}
        for marks, exported in found:
            exported["sections"] = marks.sections
            for name, side in (("gold", marks.gold), ("predicted", marks.predicted)):
                exported["marks"][name] = [
                    numbers[span] for span in side if numbers[span] is not None
                ]
    return views


def _read_records(
    inputs: Sequence[str | PathLike[str]], wanted: set[str]
) -> Iterator[TrialRecord]:
    """Yield the wanted records, one at a time. Unreadable ones are left out, and the page says
    so.
    """
    if not inputs or not wanted:
        return
    problems: list[RecordError] = []
    for record in read_records(*inputs, on_error=problems.append):
        if record.record_id in wanted:
            wanted.remove(record.record_id)
            yield record
        if not wanted:
            return
