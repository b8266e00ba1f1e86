"""The score page: one self-contained HTML file with the scores and each error in its text."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path

from extractor.apps.evaluation.places import find_places
from extractor.apps.evaluation.report import ErrorExample, ErrorSide, ScoreReport
from extractor.apps.evaluation.tables import (
    list_differences,
    list_kinds,
    list_scores,
    write_cell,
)
from extractor.apps.pages import escape_json, render_page
from extractor.apps.pages.view import Json, view
from extractor.apps.pages.words import say
from extractor.evidence.drafts import Span
from extractor.evidence.quotes import verify_quote
from extractor.formats import read_records
from extractor.schemas import TrialRecord

Inputs = Sequence[str | PathLike[str]]


def write_score_page(
    path: str | PathLike[str], report: ScoreReport, records: Inputs = ()
) -> None:
    """Write a report and its errors as one HTML page that needs no network.

    The texts come from ``records``, the inputs of the run. The page of a ``neutral`` report has
    neutral words. Raises ``OSError`` if the file cannot be written.
    """
    page = render_score_page(report, records)
    Path(path).write_bytes(page.encode("utf-8", "replace"))


def render_score_page(report: ScoreReport, records: Inputs = ()) -> str:
    """Return the page as text; see ``write_score_page``."""
    errors = [error for kind in report.errors for error in kind.examples]
    errors.sort(key=lambda error: error.rank)
    names = ("Gold", "Predicted")
    if report.neutral:
        names = (report.gold, report.predicted)
    shown = [_export(error, report, number) for number, error in enumerate(errors)]
    views = _mark_texts(errors, shown, records)
    with_errors = {error.record_id for error in errors}
    values = {
        "report": report,
        "scores": list_scores(report),
        "kinds": list_kinds(report),
        "differences": list_differences(report),
        "cell": write_cell,
        "names": names,
        "noun": "difference" if report.neutral else "error",
        "count": sum(kind.count for kind in report.errors),
        "shown": len(shown),
        "without_text": len(with_errors - views.keys()),
        "data": escape_json({"errors": shown, "views": views, "names": names}),
    }
    return render_page(
        "extractor.apps.evaluation",
        values,
        styles=("page.css",),
        scripts=("errors.js",),
    )


def _export(error: ErrorExample, report: ScoreReport, number: int) -> Json:
    """Return an error in the form that the page's script reads."""
    return {
        "id": str(number),
        "kind": report.name(error.kind),
        "field": error.field,
        "record": error.record_id,
        "gold": _export_side(error.gold),
        "predicted": _export_side(error.predicted),
        "marks": [[], []],
    }


def _export_side(side: ErrorSide | None) -> Json | None:
    if side is None:
        return None
    quotes = [side.quote] if side.quote else []
    facts = side.path
    if side.confidence is not None:
        facts += f", confidence {side.confidence:.2f}"
    quote = say(side.quote) if side.quote else None
    return {"said": say(side.value, quotes), "quote": quote, "facts": facts}


def _mark_texts(
    errors: Sequence[ErrorExample], shown: Sequence[Json], inputs: Inputs
) -> dict[str, Json]:
    """Add to each error in ``shown`` the numbers of its marks. Return the views of the texts, by
    record: those of the readable records of the inputs.
    """
    by_record = defaultdict[str, list[tuple[ErrorSide | None, list[int]]]](list)
    for error, exported in zip(errors, shown, strict=True):
        sides = (error.gold, error.predicted)
        by_record[error.record_id] += zip(sides, exported["marks"], strict=True)
    views: dict[str, Json] = {}
    for record in read_records(*inputs, on_error=lambda _: None) if inputs else ():
        places = find_places(record)
        found = [
            (marks, span)
            for side, marks in by_record.pop(record.record_id, ())
            for span in _find_spans(record, places, side)
        ]
        spans = [span for _, span in found]
        text = view(record, (), spans, sections={span.section for span in spans})
        for (marks, _), number in zip(found, text["marks"], strict=True):
            if number is not None:
                marks.append(number)
        views[record.record_id] = {key: text[key] for key in ("sections", "spans")}
        if not by_record:
            break
    return views


def _find_spans(
    record: TrialRecord, places: Mapping[str, Span], side: ErrorSide | None
) -> list[Span]:
    """Return the words of one side: its evidence, else its quote in the place of its item."""
    if side is None:
        return []
    cited = [Span(one.section, one.start, one.end) for one in side.evidence]
    home = places.get(side.section or "")
    if cited or not home or not side.quote:
        return cited
    text = (record.raw_text(home.section) or "")[home.start : home.end]
    check = verify_quote(side.quote, text)
    if check.start is None or check.end is None or check.conflicts:
        return []
    return [Span(home.section, home.start + check.start, home.start + check.end)]
