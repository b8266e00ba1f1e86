"""Write the score page: one file with its style, its script and its data inside."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from extractor.evaluation.report import LEAST_VALUES, Difference, ScoreReport, name_group
from extractor.evaluation.shapes import HARM, MEANINGS
from extractor.pages import render_page
from extractor.schemas import Task

from .collect import WorstErrors
from .confusion import build_matrices
from .payload import Payload, build_payload, dump_json
from .texts import reread_records

__all__ = ["render_score_page", "write_score_page"]

_PACKAGE = "extractor.evaluation.page"
_SCRIPTS = ("difference.js", "state.js", "text.js", "list.js", "detail.js", "start.js")


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
    shown = errors.list_errors()
    payload = build_payload(shown, reread_records(shown, records))
    return _fill_template(report, errors.count, payload)


def _fill_template(report: ScoreReport, count: int, payload: Payload) -> str:
    values = {
        "report": report,
        "tasks": tuple(Task),
        "least_values": LEAST_VALUES,
        "harms": HARM,
        "meanings": MEANINGS,
        "matrices": build_matrices(report.choices),
        "differences": _sort_differences(report),
        "widest": _find_widest(report),
        "count": count,
        "shown": len(payload.errors),
        "records_with_errors": len({error["record"] for error in payload.errors}),
        "without_text": payload.without_text,
        "data": dump_json(payload),
    }
    return render_page(_PACKAGE, values, styles=("page.css",), scripts=_SCRIPTS)


def _sort_differences(report: ScoreReport) -> list[Difference]:
    """Differences in the order of the scores: all, tasks, fields."""
    names = [name_group(one.name, one.average) for one in report.groups] + [one.name for one in report.fields]
    found = {one.name: one for one in report.comparison.differences} if report.comparison else {}
    return [found[name] for name in names if name in found]


def _find_widest(report: ScoreReport) -> float:
    """The largest difference of a comparison or its interval: half of the width of its plot."""
    found = [0.01]
    for one in report.comparison.differences if report.comparison else ():
        bounds = (one.interval.low, one.interval.high) if one.interval else ()
        found += [abs(value) for value in (one.difference, *bounds) if value is not None]
    return max(found)
