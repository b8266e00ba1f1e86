"""An evaluation as tables."""

from collections.abc import Iterable, Sequence

from extractor.evaluation.report import (
    Difference,
    FieldScore,
    GroupScore,
    Interval,
    LevelScore,
    ScoreReport,
    name_group,
)

from .console import Row, print_table, to_printable

__all__ = ["print_report"]

_SCORES = ("score", "stated", "exact", "normalised", "95 % interval", "relaxed", "precision", "recall")
_FIELDS = (*_SCORES, "missed", "invented", "paired", "empty", "left empty")
_WORTH = (
    *("normalised", "stated", "95 % interval", "missed", "invented", "precision", "recall"),
    *("exact", "relaxed", "paired", "left empty", "empty"),
)
_ERRORS = ("error", "count", "harm", "most often in", "worst example")
_ABSENCES = ("absence", "count", "gold empty", "gold has a value", "most often in")
_NAMED = 10
_DIFFERENCES = ("score", "predicted", "other", "difference", "95 % interval")


def print_report(report: ScoreReport) -> None:
    """Print all scores, the errors by harm, and the differences, if any, on standard output."""
    print(f"{report.records} records, {len(report.missing)} missing, {len(report.without_gold)} without gold")
    _list_records("missing", report.missing)
    _list_records("without gold", report.without_gold)
    rows = [_group_row(one) for one in report.groups] + [_field_row(one) for one in report.fields]
    print_table(_FIELDS, rows, _WORTH)
    if empty := report.empty.fields:
        share = _share(report.empty.specificity)
        print(f"\nleft empty: {report.empty.left_empty} of {empty} fields that gold leaves empty, {share}")
    if report.errors:
        print_table(_ERRORS, _error_rows(report), _ERRORS[1:], prose=_ERRORS[3:])
    if report.absences:
        print_table(_ABSENCES, _absence_rows(report), _ABSENCES[1:], prose=_ABSENCES[4:])
    if report.comparison:
        print(f"\npredicted less {report.comparison.other}, in normalised F1:")
        _list_records("missing in the other", report.comparison.missing)
        rows = [_difference_row(one) for one in report.comparison.differences]
        print_table(_DIFFERENCES, rows, ("difference", "95 % interval", "predicted", "other"))


def _list_records(title: str, record_ids: Sequence[str]) -> None:
    if record_ids:
        more = f" and {len(record_ids) - _NAMED} more" if len(record_ids) > _NAMED else ""
        print(f"{title}: {', '.join(map(to_printable, record_ids[:_NAMED]))}{more}")


def _group_row(one: GroupScore) -> Row:
    return (*_ladder(name_group(one.name, one.average), "", one), "", "", "", "", "")


def _field_row(one: FieldScore) -> Row:
    items = str(one.missed), str(one.invented), _share(one.f1_paired)
    return (*_ladder(one.name, str(one.stated), one), *items, str(one.empty.fields), _share(one.empty.specificity))


def _ladder(name: str, stated: str, one: GroupScore | FieldScore) -> Row:
    level: LevelScore = one.normalised
    scores = _share(one.exact.f1), _share(level.f1), _bounds(level.interval), _share(one.relaxed.f1)
    return name, stated, *scores, _share(level.precision), _share(level.recall)


def _error_rows(report: ScoreReport) -> Iterable[Row]:
    for one in report.errors:
        often = sorted(one.fields.items(), key=lambda pair: (-pair[1], pair[0]))[:2]
        worst = next(iter(one.examples), None)
        shown = f"{worst.record_id} {worst.gold_path or worst.predicted_path}" if worst else ""
        fields = ", ".join(f"{name} {count}" for name, count in often)
        yield one.kind.value, str(one.count), f"{one.harm:g}", fields, shown


def _absence_rows(report: ScoreReport) -> Iterable[Row]:
    for one in report.absences:
        often = ", ".join(f"{name} {count}" for name, count in list(one.fields.items())[:2])
        share = f"{one.right / one.count:.3f}"
        yield one.reason.value, str(one.count), share, str(one.false), often


def _difference_row(one: Difference) -> Row:
    difference = "" if one.difference is None else f"{one.difference:+.3f}"
    return one.name, _share(one.f1), _share(one.other), difference, _bounds(one.interval)


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _bounds(interval: Interval | None) -> str:
    return f"{interval.low:.3f} to {interval.high:.3f}" if interval else ""
