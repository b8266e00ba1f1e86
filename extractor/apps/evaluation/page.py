"""The score page: one self-contained HTML file with the scores and each error in its text."""

from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from extractor.apps.evaluation.errors import rank_error
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
from extractor.evidence.quotes import QuoteStatus, verify_quote
from extractor.formats import read_records
from extractor.schemas import TrialRecord

Inputs = Sequence[str | PathLike[str]]
_SIDES = ("gold", "predicted")


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
    errors.sort(key=rank_error)
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
        "kind": report.name_kind(error.kind),
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
    facts = [side.path, side.origin, side.support]
    if side.confidence is not None:
        facts.append(f"confidence {side.confidence:.2f}")
    return {
        "said": say(side.value, quotes),
        "quote": say(side.quote) if side.quote else None,
        "facts": ", ".join(filter(None, facts)),
    }


def _mark_texts(
    errors: Sequence[ErrorExample], shown: Sequence[Json], inputs: Inputs
) -> dict[str, Json]:
    """Add to each error in ``shown`` the numbers of its marks. Return the views of the texts, by
    record: those of records that the inputs have.
    """
    views: dict[str, Json] = {}
    for record in _read_records(inputs, {error.record_id for error in errors}):
        places = find_places(record).spans
        marked: list[tuple[list[Any], Span]] = []
        for error, exported in zip(errors, shown, strict=True):
            if error.record_id != record.record_id:
                continue
            predicted = _find_spans(record, places, error.predicted)
            gold = _find_spans(record, places, error.gold, predicted)
            of_gold, of_prediction = exported["marks"]
            marked += [(of_gold, span) for span in gold]
            marked += [(of_prediction, span) for span in predicted]
        spans = [span for _, span in marked]
        sections = {span.section for span in spans}
        shown_text = view(record, (), spans, sections=sections)
        for (marks, _), number in zip(marked, shown_text["marks"], strict=True):
            if number is not None:
                marks.append(number)
        views[record.record_id] = {
            "sections": shown_text["sections"],
            "spans": shown_text["spans"],
        }
    return views


def _find_spans(
    record: TrialRecord,
    places: Mapping[str, Span],
    side: ErrorSide | None,
    near: Sequence[Span] = (),
) -> list[Span]:
    """Return the words of one side: its evidence, else its quote in the place of its item. Of
    several places the one nearest to ``near`` counts.
    """
    if side is None:
        return []
    cited = [
        Span(citation.section, citation.start, citation.end)
        for citation in side.evidence
    ]
    home = places.get(side.section or "")
    if cited or not home or not side.quote:
        return cited
    text = (record.raw_text(home.section) or "")[home.start : home.end]
    starts = [span.start - home.start for span in near if span.section == home.section]
    check = verify_quote(side.quote, text, next(iter(starts), None))
    if check.start is None or check.end is None or check.status is QuoteStatus.CONFLICT:
        return []
    return [Span(home.section, home.start + check.start, home.start + check.end)]


def _read_records(inputs: Inputs, wanted: set[str]) -> Iterator[TrialRecord]:
    """Yield the wanted records until all are read; unreadable ones are left out."""
    if not inputs or not wanted:
        return
    for record in read_records(*inputs, on_error=lambda _: None):
        if record.record_id in wanted:
            wanted.remove(record.record_id)
            yield record
        if not wanted:
            return
