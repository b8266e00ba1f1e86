"""The score page: one self-contained file of HTML that shows a report, with every error in its text."""

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from extractor.errors import RecordError
from extractor.pages import escape_json, render_page, to_utf16
from extractor.parse.parsed import Span
from extractor.read import read_records
from extractor.schemas import Task, TrialRecord

from .comparers import ErrorKind
from .highlight import Clues, RecordText, list_clues
from .record_score import Disagreement, RecordErrors, WorstFirst, export_error
from .report import LEAST_VALUES, Choice, ScoreReport, name_group

_SCRIPTS = ("difference.js", "state.js", "text.js", "list.js", "detail.js", "start.js")
_NUMBER = re.compile(r"(\d+)")
_MOST_LABELS = 12
"""A confusion matrix with more choices shows only those that were mistaken."""
_SHADES = 5

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _ShownError:
    """One error as JSON, the words it is about on either side, and the file that the prediction names as its source."""

    json: Json
    gold: Clues
    predicted: Clues
    source: str | None


class WorstErrors:
    """Keeps up to ``limit`` errors for a page, the worst of all: memory is bounded. ``count`` counts all errors.

    Its ``add`` is what ``evaluate`` takes as ``on_record``.
    """

    def __init__(self, limit: int) -> None:
        self.count = 0
        self._worst: WorstFirst[_ShownError] = WorstFirst(limit)

    def add(self, record: RecordErrors) -> None:
        """Take in the errors of one record."""
        self.count += len(record.found)
        for error in record.found:
            self._worst.add(error, lambda one: _show(record, one))

    def list_errors(self) -> tuple[_ShownError, ...]:
        """The errors kept, the worst first."""
        return self._worst.list_errors()


def write_score_page(
    path: str | PathLike[str],
    report: ScoreReport,
    errors: WorstErrors,
    records: Sequence[str | PathLike[str]] = (),
) -> None:
    """Write a report and its errors as one page of HTML that needs no network.

    ``errors`` was filled by ``evaluate(..., on_record=errors.add)``. ``records`` are what ``run`` was given:
    the texts that the page shows are read from there, without them from the sources named by the predictions.
    The same input gives the same bytes. Raises ``OSError`` if the file cannot be written, ``ExtractorError``
    without the extra ``evaluate``.
    """
    page = render_score_page(report, errors, records)
    Path(path).write_bytes(page.encode("utf-8", "replace"))


def render_score_page(report: ScoreReport, errors: WorstErrors, records: Sequence[str | PathLike[str]] = ()) -> str:
    """The page as text; see ``write_score_page``."""
    found = errors.list_errors()
    shown = [one.json for one in found]
    _number(shown)
    texts = _mark_texts(found, _reread_records(found, records))
    values = {
        "report": report,
        "tasks": tuple(Task),
        "least_values": LEAST_VALUES,
        "harms": {kind: kind.harm for kind in ErrorKind},
        "meanings": {kind: kind.meaning for kind in ErrorKind},
        "matrices": build_matrices(report.choices),
        **_compare(report),
        "count": errors.count,
        "shown": len(shown),
        "records_with_errors": len({error["record"] for error in shown}),
        "without_text": len({error["record"] for error in shown} - texts.keys()),
        "data": escape_json({"errors": shown, "texts": texts}),
    }
    return render_page("extractor.evaluation", values, styles=("page.css",), scripts=_SCRIPTS)


def _compare(report: ScoreReport) -> Json:
    """The differences in the order of the scores, and the largest one or its interval: half the width of a plot."""
    names = [name_group(one.name, one.average) for one in report.groups] + [one.name for one in report.fields]
    found = {one.name: one for one in report.comparison.differences} if report.comparison else {}
    numbers = [
        abs(value)
        for one in found.values()
        for value in (one.difference, *((one.interval.low, one.interval.high) if one.interval else ()))
        if value is not None
    ]
    return {"differences": [found[name] for name in names if name in found], "widest": max([0.01, *numbers])}


def _show(record: RecordErrors, error: Disagreement) -> _ShownError:
    one, attribute = export_error(error), error.field.attribute
    ours, theirs = error.gold_side.item, error.predicted_side.item
    confidence = None if theirs is None or theirs.confidence is None else f"confidence {theirs.confidence:.2f}"
    provenance = (getattr(theirs, "origin", None), getattr(theirs, "support", None), confidence)
    sides = {
        "gold": {"value": one.gold, "path": one.gold_path, "quote": one.gold_quote, "file": record.gold_place},
        "predicted": {
            "value": one.predicted,
            "path": one.predicted_path,
            "quote": one.predicted_quote,
            "file": record.predicted_place,
        },
    }
    exported = {
        "kind": one.kind.value,
        "harm": one.harm,
        "record": one.record_id,
        "field": one.field,
        **sides,
        "belongsTo": one.belongs_to,
        "provenance": ", ".join(filter(None, provenance)) or None,
    }
    source = record.predicted.source if record.predicted else None
    clues = list_clues(ours, attribute, error.gold), list_clues(theirs, attribute, error.predicted)
    return _ShownError(exported, *clues, source.path if source else None)


def _number(errors: Sequence[Json]) -> None:
    """Give each error an id that does not depend on the other errors: links to it go on working."""
    seen: Counter[str] = Counter()
    for error in errors:
        values = [error[side]["value"] for side in ("gold", "predicted")]
        identity = json.dumps([error["record"], error["field"], error["kind"], *values], sort_keys=True)
        name = hashlib.sha256(identity.encode()).hexdigest()[:10]
        seen[name] += 1
        error["id"] = name if seen[name] == 1 else f"{name}-{seen[name]}"


def _mark_texts(errors: Sequence[_ShownError], records: Iterable[TrialRecord]) -> dict[str, dict[str, str]]:
    """Add the marks to the errors. Returns the texts by record and section, of sections with an error alone."""
    texts: dict[str, dict[str, str]] = {}
    by_record: dict[str, list[_ShownError]] = defaultdict(list)
    for error in errors:
        by_record[error.json["record"]].append(error)
    for record in records:
        text, sections = RecordText(record), texts.setdefault(record.record_id, {})
        for error in by_record[record.record_id]:
            found = text.highlight(error.gold, error.predicted)
            sections |= {name: section.text for name in found.sections if (section := record.section(name))}
            marks = {"gold": _export_spans(found.gold, record), "predicted": _export_spans(found.predicted, record)}
            error.json.update(marks=marks, sections=list(found.sections))
    return texts


def _export_spans(spans: Sequence[Span], record: TrialRecord) -> list[list[str | int]]:
    """Section and offsets as JavaScript counts them, in units of UTF-16."""
    texts = {span.section: record.raw_text(span.section) or "" for span in spans}
    return [[span.section, *map(to_utf16(texts[span.section]), (span.start, span.end))] for span in spans]


def _reread_records(errors: Sequence[_ShownError], inputs: Sequence[str | PathLike[str]]) -> Iterator[TrialRecord]:
    """The records that have errors, one at a time, from ``inputs``.

    Without inputs, from the files that the predictions name as their sources, where these still exist.
    What cannot be read is left out: the page says so.
    """
    if inputs:
        yield from _pick({error.json["record"] for error in errors}, inputs)
        return
    wanted: dict[str, set[str]] = defaultdict(set)
    for error in errors:
        if error.source:
            wanted[error.source].add(error.json["record"])
    for path in sorted(wanted):
        # A regular file alone: a pipe or a device would block, or never end.
        if Path(path).is_file():
            yield from _pick(wanted[path], [path])


def _pick(wanted: set[str], inputs: Sequence[str | PathLike[str]]) -> Iterator[TrialRecord]:
    left = set(wanted)
    problems: list[RecordError] = []
    for record in read_records(*inputs, on_error=problems.append) if left else ():
        if record.record_id in left:
            left.remove(record.record_id)
            yield record
        if not left:
            return


@dataclass(frozen=True, slots=True)
class Cell:
    """How often gold's choice was predicted as another one. ``shade`` is 0 to 5, by the share of the row."""

    predicted: str | None
    count: int
    right: bool
    shade: int
    link: str


@dataclass(frozen=True, slots=True)
class Row:
    """One choice of gold, over all predicted ones."""

    gold: str | None
    cells: tuple[Cell, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Matrix:
    """The confusion matrix of one field. ``left_out`` counts the choices that a large one does not show."""

    field: str
    columns: tuple[str | None, ...]
    rows: tuple[Row, ...]
    wrong: int
    total: int
    left_out: int


def build_matrices(choices: Iterable[Choice]) -> list[Matrix]:
    """A confusion matrix for each field with a closed set of values, the one with most mistakes first.

    >>> cells = [("female", "female", 3), ("female", None, 1)]
    >>> found = [Choice(field="eligibility.sex", gold=a, predicted=b, count=n) for a, b, n in cells]
    >>> matrix = build_matrices(found)[0]
    >>> matrix.columns, [cell.count for cell in matrix.rows[0].cells], matrix.wrong
    (('female', None), [3, 1], 1)
    """
    counts: dict[str, dict[tuple[str | None, str | None], int]] = defaultdict(dict)
    for one in choices:
        counts[one.field][one.gold, one.predicted] = one.count
    matrices = [_build_matrix(name, cells) for name, cells in counts.items()]
    return sorted(matrices, key=lambda matrix: (-matrix.wrong, matrix.field))


def _build_matrix(name: str, counts: dict[tuple[str | None, str | None], int]) -> Matrix:
    golds = _sort_labels(gold for gold, _ in counts)
    is_large = len({label for pair in counts for label in pair}) > _MOST_LABELS
    shown = _sort_labels(gold for gold, predicted in counts if gold != predicted) if is_large else golds
    columns = _sort_labels(label for pair in counts if pair[0] in shown for label in pair)
    rows = []
    for gold in shown:
        numbers = [counts.get((gold, predicted), 0) for predicted in columns]
        links = [urlencode({"field": name, "gold": gold or "", "predicted": other or ""}) for other in columns]
        cells = (
            Cell(predicted, number, predicted == gold, -(-number * _SHADES // sum(numbers)), f"#{link}")
            for predicted, number, link in zip(columns, numbers, links, strict=True)
        )
        rows.append(Row(gold, tuple(cells), sum(numbers)))
    wrong = sum(number for (gold, predicted), number in counts.items() if gold != predicted)
    return Matrix(name, columns, tuple(rows), wrong, sum(counts.values()), len(golds) - len(shown))


def _sort_labels(labels: Iterable[str | None]) -> tuple[str | None, ...]:
    """By name, empty last. Numbers count as numbers: arms[10] follows arms[9]."""

    def split(label: str) -> list[tuple[int, str]]:
        return [(int(part), "") if part.isdecimal() else (-1, part) for part in _NUMBER.split(label)]

    return tuple(sorted(set(labels), key=lambda label: (label is None, split(label or ""))))
