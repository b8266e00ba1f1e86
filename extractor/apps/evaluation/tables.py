"""The tables of a report, for the terminal and the page: rows of cells by column."""

from collections import Counter
from typing import Any

from extractor.apps.evaluation.report import ScoreReport

Rows = list[dict[str, Any]]


def list_scores(report: ScoreReport) -> Rows:
    """Return a row for each score over fields that were scored."""
    return [
        {
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
        for one in (*report.groups, *report.fields)
        if one.records
    ]


def list_kinds(report: ScoreReport) -> Rows:
    """Return a row for each kind of error; of two annotators, without its harm."""
    rows: Rows = []
    for one in report.errors:
        ((field, number),) = Counter(one.fields).most_common(1)
        worst = [f"{error.record_id} {error.place}" for error in one.examples[:1]]
        row: dict[str, Any] = {report.name("error"): report.name(one.kind)}
        row["count"] = one.count
        if not report.neutral:
            row["harm"] = f"{one.harm:g}"
        row["most often in"] = f"{field} {number}"
        rows.append(row | {"worst example": "".join(worst)})
    return rows


def list_differences(report: ScoreReport) -> Rows:
    """Return a row for each paired difference."""
    return [
        {
            "score": one.name,
            "predicted": one.normalised,
            "other": one.other,
            "difference": one.difference,
            "95 % interval": one.difference_interval,
        }
        for one in (*report.groups, *report.fields)
        if one.difference is not None
    ]


def write_cell(value: Any) -> str:
    """Write a cell: shares with three decimals, an interval with "to".

    >>> write_cell(0.5), write_cell((0.25, 1.0)), write_cell(12), write_cell(None)
    ('0.500', '0.250 to 1.000', '12', '')
    """
    if value is None:
        return ""
    if isinstance(value, tuple):
        return " to ".join(map(write_cell, value))
    return f"{value:.3f}" if isinstance(value, float) else str(value)
