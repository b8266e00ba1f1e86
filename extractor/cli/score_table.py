"""An evaluation as tables."""

from collections.abc import Iterable

from extractor.evaluation.report import (
    Difference,
    FieldScore,
    GroupScore,
    Interval,
    LevelScore,
    ScoreReport,
    name_group,
)

from .tables import Row, print_table

__all__ = ["print_report"]

_SCORES = ("score", "support", "exact", "normalised", "95 % interval", "relaxed", "precision", "recall")
_FIELDS = (*_SCORES, "missed", "invented", "stated", "paired")
_WORTH = (
    *("normalised", "support", "95 % interval", "missed", "invented", "precision", "recall"),
    *("exact", "relaxed", "paired", "stated"),
)
_ERRORS = ("error", "count", "harm", "most often in", "worst example")
_DIFFERENCES = ("score", "predicted", "other", "difference", "95 % interval")


def print_report(report: ScoreReport) -> None:
    """Print all scores, the errors by harm, and the differences, if any, on standard output."""
    print(f"{report.records} records, {len(report.missing)} missing, {len(report.without_gold)} without gold")
    for title, record_ids in (("missing", report.missing), ("without gold", report.without_gold)):
        if record_ids:
            more = f" and {len(record_ids) - 10} more" if len(record_ids) > 10 else ""
            print(f"{title}: {', '.join(record_ids[:10])}{more}")
    rows = [_group_row(one) for one in report.groups] + [_field_row(one) for one in report.fields]
    print_table(_FIELDS, rows, _WORTH)
    if report.errors:
        print_table(_ERRORS, _error_rows(report), _ERRORS[1:], prose=_ERRORS[3:])
    if report.comparison:
        print(f"\npredicted less {report.comparison.other}, in normalised F1:")
        rows = [_difference_row(one) for one in report.comparison.differences]
        print_table(_DIFFERENCES, rows, ("difference", "95 % interval", "predicted", "other"))


def _group_row(one: GroupScore) -> Row:
    return (*_ladder(name_group(one.name, one.average), "", one), "", "", "", "")


def _field_row(one: FieldScore) -> Row:
    apart = str(one.missed), str(one.invented), _share(one.f1_stated), _share(one.f1_paired)
    return (*_ladder(one.name, str(one.support), one), *apart)


def _ladder(name: str, support: str, one: GroupScore | FieldScore) -> Row:
    level: LevelScore = one.normalised
    scores = one.exact.f1, level.f1, one.relaxed.f1
    exact, normalised, relaxed = map(_share, scores)
    rest = relaxed, _share(level.precision), _share(level.recall)
    return (name, support, exact, normalised, _bounds(level.interval), *rest)


def _error_rows(report: ScoreReport) -> Iterable[Row]:
    for one in report.errors:
        often = sorted(one.fields.items(), key=lambda pair: (-pair[1], pair[0]))[:2]
        worst = next(iter(one.examples), None)
        shown = f"{worst.record_id} {worst.gold_path or worst.predicted_path}" if worst else ""
        fields = ", ".join(f"{name} {count}" for name, count in often)
        yield one.kind.value, str(one.count), f"{one.harm:g}", fields, shown


def _difference_row(one: Difference) -> Row:
    difference = "" if one.difference is None else f"{one.difference:+.3f}"
    return one.name, _share(one.f1), _share(one.other), difference, _bounds(one.interval)


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _bounds(interval: Interval | None) -> str:
    return f"{interval.low:.3f} to {interval.high:.3f}" if interval else ""
