"""The score page: a self-contained HTML file that shows the scores and each error in context."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from extractor.apps.evaluation.report import ErrorSide, ScoreReport
from extractor.apps.evaluation.tables import (
    list_error_kinds,
    list_scores,
    write_cell,
)
from extractor.apps.pages import escape_json, render_page
from extractor.apps.pages.view import view
from extractor.apps.pages.words import say_value
from extractor.apps.values import find_section
from extractor.face import Span, read_records, verify_quote, write_page
from extractor.schemas import TrialRecord
from extractor.schemas.base import Inputs, JsonObject, StrPath


def write_score_page(path: StrPath, report: ScoreReport, records: Inputs = ()) -> None:
    """Write a report and its errors as an HTML page that works offline.

    The texts are read from ``records``, the inputs of the run. The page for a ``neutral`` report
    uses neutral wording. Raises ``StoreError`` if the file cannot be written.
    """
    errors = (error for kind in report.errors for error in kind.examples)
    sides_by_record = defaultdict[str, list[tuple[ErrorSide | None, list[int]]]](list)
    rows: list[JsonObject] = []
    for error in sorted(errors, key=lambda error: error.rank):
        # empty until _mark_text adds the numbers of the marks, once the record is read
        gold_marks: list[int] = []
        predicted_marks: list[int] = []
        sides_by_record[error.record_id] += [
            (error.gold, gold_marks),
            (error.predicted, predicted_marks),
        ]
        rows.append(
            {
                "id": str(len(rows)),
                "kind": report.name(error.kind),
                "field": error.field,
                "record": error.record_id,
                "marks": [gold_marks, predicted_marks],
                "gold": _export_side(error.gold),
                "predicted": _export_side(error.predicted),
            }
        )
    views: dict[str, JsonObject] = {}
    # the errors of a record that cannot be read are shown without its text
    for record in read_records(*records, on_error=lambda _: None):
        sides = sides_by_record.get(record.record_id)
        if sides:
            views[record.record_id] = _mark_text(record, sides)
    names = ("Gold", "Predicted")
    if report.neutral:
        names = (report.gold, report.predicted)
    values = {
        "report": report,
        "scores": list_scores(report),
        "kinds": list_error_kinds(report),
        "cell": write_cell,
        "names": names,
        "noun": report.name("error"),
        "count": sum(kind.count for kind in report.errors),
        "shown": len(rows),
        "without_text": len(sides_by_record.keys() - views.keys()),
        "data": escape_json({"errors": rows, "views": views, "names": names}),
    }
    page = render_page(
        "extractor.apps.evaluation",
        values,
        styles=("page.css",),
        scripts=("errors.js",),
    )
    write_page(Path(path), page)


def _export_side(side: ErrorSide | None) -> JsonObject | None:
    """Return one side of an error in the format used by the page's script."""
    if side is None:
        return None
    facts = side.path
    if side.confidence is not None:
        facts += f", confidence {side.confidence:.2f}"
    words = side.quote or ""
    quote = None
    if words:
        quote = say_value(words)
    return {"said": say_value(side.value, [words]), "quote": quote, "facts": facts}


def _mark_text(
    record: TrialRecord, sides: Sequence[tuple[ErrorSide | None, list[int]]]
) -> JsonObject:
    """Return the data for a record's text, with marks for the sides of its errors. The numbers of
    a side's marks are added to the side's list in ``sides``.
    """
    spans: list[Span] = []
    marks_of_spans: list[list[int]] = []
    for side, marks in sides:
        if side is None:
            continue
        for span in _find_spans(record, side):
            spans.append(span)
            marks_of_spans.append(marks)
    text = view(record, (), spans, sections={span.section for span in spans})
    for marks, number in zip(marks_of_spans, text["marks"], strict=True):
        if number is not None:
            marks.append(number)
    return {key: text[key] for key in ("sections", "spans")}


def _find_spans(record: TrialRecord, side: ErrorSide) -> Iterator[Span]:
    """Yield the location of the words of one side: its evidence, or else its quote in the section
    of its item.
    """
    if side.evidence:
        for evidence in side.evidence:
            yield Span(evidence.section, evidence.start, evidence.end)
        return
    section = find_section(record, side.section)
    if section is None:
        return
    check = verify_quote(side.quote or "", record.raw_text(section) or "")
    if check.start is None:
        return
    if check.end is None:
        return
    if check.conflicts:
        return
    yield Span(section, check.start, check.end)
