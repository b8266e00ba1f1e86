"""The score page: one self-contained HTML file that shows a report, with every error in its
text.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TypeVar

from extractor.apps.evaluation.comparers import ErrorKind
from extractor.apps.evaluation.errors import rank_error
from extractor.apps.evaluation.figures import LEAST_VALUES
from extractor.apps.evaluation.highlight import Marks, RecordText
from extractor.apps.evaluation.report import (
    Comparison,
    ErrorExample,
    ErrorSide,
    FieldScore,
    GroupScore,
    ScoreReport,
)
from extractor.apps.pages import escape_json, render_page
from extractor.apps.pages.view import Json, view
from extractor.apps.pages.words import say
from extractor.errors import RecordError
from extractor.evidence.drafts import Span
from extractor.formats import read_records
from extractor.plurals import percent
from extractor.schemas import TrialRecord

_SCRIPTS = ("list.js", "detail.js", "start.js")
_FEW_RECORDS = 20
"""With fewer records, the page warns that intervals over records are too narrow."""
_Score = TypeVar("_Score", GroupScore, FieldScore)


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
    errors = [error for kind in report.errors for error in kind.examples]
    errors.sort(key=rank_error)
    shown, views = export_errors(errors, records)
    with_errors = {error.record_id for error in errors}
    # Gold of the user's own fields alone has nothing to score in the guideline's.
    groups = _list_with_values(report.groups) or report.groups[:1]
    fields = _list_with_values(report.fields)
    scored = len(report.fields) - len(report.list_left())
    values: dict[str, object] = {
        "report": report,
        "groups": groups,
        "fields": fields,
        "without_values": scored - len(fields),
        "tasks": tuple(dict.fromkeys(field.task for field in fields)),
        "least_values": LEAST_VALUES,
        "few_records": _FEW_RECORDS,
        "kinds": {kind.value: kind for kind in ErrorKind},
        "count": sum(kind.count for kind in report.errors),
        "shown": len(shown),
        "records_with_errors": len(with_errors),
        "without_text": len(with_errors - views.keys()),
        "data": escape_json({"errors": shown, "views": views}),
    }
    if report.comparison:
        names = {score.figure for score in (*groups, *fields)}
        values["differences"] = [
            pair for pair in report.comparison.differences if pair.name in names
        ]
        values["widest"] = _find_widest(report.comparison)
    return render_page(
        "extractor.apps.evaluation", values, styles=("page.css",), scripts=_SCRIPTS
    )


def export_errors(
    errors: Sequence[ErrorExample], records: Sequence[str | PathLike[str]]
) -> tuple[list[Json], dict[str, Json]]:
    """Return errors in the form that the page's script reads, and the views of their texts, by
    record: only those of records that the inputs ``records`` have.
    """
    shown = [_export(error) for error in errors]
    _number(shown)
    return shown, _mark_texts(errors, shown, records)


def _list_with_values(scores: Sequence[_Score]) -> list[_Score]:
    """Return the scores over at least one value."""
    return [score for score in scores if score.normalised.f1 is not None]


def _find_widest(comparison: Comparison) -> float:
    """Return the greatest difference, or bound of one, for the width of the plots."""
    sizes = [0.01]
    for pair in comparison.differences:
        sizes.append(abs(pair.difference or 0))
        if pair.interval:
            sizes += [abs(pair.interval.low), abs(pair.interval.high)]
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
    """Return what gold or the prediction says, in the form that the page's script reads: the
    members of a list, or the only value, each in words; none for an empty value.
    """
    if side is None:
        return {"said": [], "quote": None, "path": None}
    members = [side.value]
    if isinstance(side.value, list):
        members = side.value
    # Numbers are shown as the quote writes them.
    quotes: list[str] = []
    shown_quote = None
    if side.quote:
        quotes = [side.quote]
        shown_quote = say(side.quote)
    said = [say(member, quotes) for member in members if member is not None]
    return {"said": said, "quote": shown_quote, "path": side.path}


def _say_provenance(side: ErrorSide | None) -> str | None:
    """Return who says a value, how the text bears it out, and how sure it is; else None."""
    if side is None:
        return None
    parts: list[str | None] = [side.origin, side.support]
    if side.confidence is not None:
        parts.append(f"{percent(side.confidence)} sure")
    return ", ".join(filter(None, parts)) or None


def _number(errors: Sequence[Json]) -> None:
    """Give each error an id that does not depend on other errors, so that links to it stay
    valid.
    """
    counts: Counter[str] = Counter()
    for error in errors:
        identity = [
            error["record"],
            error["field"],
            error["kind"],
            error["gold"]["said"],
            error["predicted"]["said"],
        ]
        written = json.dumps(identity, sort_keys=True)
        name = hashlib.sha256(written.encode()).hexdigest()[:10]
        counts[name] += 1
        # The second of two equal errors of a record has a number behind the name.
        if counts[name] > 1:
            error["id"] = f"{name}-{counts[name]}"
        else:
            error["id"] = name


def _mark_texts(
    errors: Sequence[ErrorExample],
    shown: Sequence[Json],
    inputs: Sequence[str | PathLike[str]],
) -> dict[str, Json]:
    """Add to each error in ``shown``, which is in the order of ``errors``, the sections of its text
    and the numbers of its marks there. Return the views of the texts, by record: only those of
    records that ``inputs`` have.
    """
    by_record = defaultdict[str, list[tuple[ErrorExample, Json]]](list)
    for error, exported in zip(errors, shown, strict=True):
        by_record[error.record_id].append((error, exported))
    views: dict[str, Json] = {}
    for record in _read_records(inputs, set(by_record)):
        text = RecordText(record)
        sections: dict[str, None] = {}
        spans: list[Span] = []
        marked: list[tuple[Marks, Json]] = []
        for error, exported in by_record[record.record_id]:
            marks = text.mark(error)
            marked.append((marks, exported))
            sections |= dict.fromkeys(marks.sections)
            spans += [*marks.gold, *marks.predicted]
        shown_text = view(record, (), spans, sections=sections)
        # The view has a number for each span; None for one that it does not show.
        numbers = dict(zip(spans, shown_text["marks"], strict=True))
        views[record.record_id] = {
            "sections": shown_text["sections"],
            "spans": shown_text["spans"],
        }
        for marks, exported in marked:
            exported["sections"] = marks.sections
            exported["marks"]["gold"] = _list_numbers(marks.gold, numbers)
            exported["marks"]["predicted"] = _list_numbers(marks.predicted, numbers)
    return views


def _list_numbers(spans: Sequence[Span], numbers: Mapping[Span, Json]) -> list[Json]:
    """Return the numbers of the spans that the view shows."""
    shown = [numbers[span] for span in spans]
    return [number for number in shown if number is not None]


def _read_records(
    inputs: Sequence[str | PathLike[str]], wanted: set[str]
) -> Iterator[TrialRecord]:
    """Yield the wanted records, one at a time, and remove their ids from ``wanted``. Reading ends
    with the last of them. Unreadable records are left out, and the page says so.
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
