"""The tables of a report, for the terminal and the page. A row is a dictionary of cells, keyed by
column.
"""

from collections import Counter

from extractor.apps.evaluation.report import ScoreReport

Rows = list[dict[str, object]]


def list_scores(report: ScoreReport) -> Rows:
    """Return a row for each score of a scored field or task. If there is another prediction, each
    row includes the paired difference from it.
    """
    rows: Rows = []
    for score in (*report.groups, *report.fields):
        if not score.records:
            continue
        row = {
            "score": score.name,
            "stated": score.stated,
            "exact": score.exact,
            "normalised": score.normalised,
            "95 % interval": score.interval,
            "precision": score.precision,
            "recall": score.recall,
            report.name("wrong"): score.wrong,
            report.name("missed"): score.missed,
            report.name("invented"): score.invented,
        }
        if report.other:
            row["other"] = score.other
            row["difference"] = score.difference
            row["its interval"] = score.difference_interval
        rows.append(row)
    return rows


def list_error_kinds(report: ScoreReport) -> Rows:
    """Return a row for each kind of error. If two annotators are compared, the harm is omitted."""
    rows: Rows = []
    for kind in report.errors:
        field, number = Counter(kind.fields).most_common(1)[0]
        # The examples are empty if none were requested.
        worst = [f"{error.record_id} {error.place}" for error in kind.examples[:1]]
        row = {
            report.name("error"): report.name(kind.kind),
            "count": kind.count,
            "harm": f"{kind.harm:g}",
            "most often in": f"{field} {number}",
            "worst example": "".join(worst),
        }
        if report.neutral:
            row.pop("harm")
        rows.append(row)
    return rows


def write_cell(value: object) -> str:
    """Format a cell. Proportions are shown with three decimal places, and the ends of an interval
    are separated by "to".

    >>> write_cell(0.5), write_cell((0.25, 1.0)), write_cell(12), write_cell(None)
    ('0.500', '0.250 to 1.000', '12', '')
    """
    if value is None:
        return ""
    if isinstance(value, tuple):
        return " to ".join(map(write_cell, value))
    if isinstance(value, float):
        return f"{value:.3f}"
    return str(value)
