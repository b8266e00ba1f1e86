"""The tables of a report, for the terminal and the page. A row is a dictionary of cells, keyed by
column.
"""

from collections import Counter
from typing import Any

from extractor.apps.evaluation.report import ScoreReport

Rows = list[dict[str, Any]]


def list_scores(report: ScoreReport) -> Rows:
    """Return a row for each score of a scored field or task. If there is another prediction, each
    row includes the paired difference from it.
    """
    rows: Rows = []
    for one in (*report.groups, *report.fields):
        if not one.records:
            continue
        row = {
            "score": one.name,
            "stated": one.stated,
            "exact": one.exact,
            "normalised": one.normalised,
            "95 % interval": one.interval,
            "precision": one.precision,
            "recall": one.recall,
            report.name("wrong"): one.wrong,
            report.name("missed"): one.missed,
            report.name("invented"): one.invented,
        }
        if report.other:
            row["other"] = one.other
            row["difference"] = one.difference
            row["its interval"] = one.difference_interval
        rows.append(row)
    return rows


def list_kinds(report: ScoreReport) -> Rows:
    """Return a row for each kind of error. If two annotators are compared, the harm is omitted."""
    rows: Rows = []
    for one in report.errors:
        ((field, number),) = Counter(one.fields).most_common(1)
        worst = [f"{error.record_id} {error.place}" for error in one.examples[:1]]
        row = {
            report.name("error"): report.name(one.kind),
            "count": one.count,
            "harm": f"{one.harm:g}",
            "most often in": f"{field} {number}",
            "worst example": "".join(worst),
        }
        if report.neutral:
            row.pop("harm")
        rows.append(row)
    return rows


def write_cell(value: Any) -> str:
    """Format a cell. Shares have three decimals, and the ends of an interval are separated by "to".

    >>> write_cell(0.5), write_cell((0.25, 1.0)), write_cell(12), write_cell(None)
    ('0.500', '0.250 to 1.000', '12', '')
    """
    if value is None:
        return ""
    if isinstance(value, tuple):
        return " to ".join(map(write_cell, value))
    return f"{value:.3f}" if isinstance(value, float) else str(value)
