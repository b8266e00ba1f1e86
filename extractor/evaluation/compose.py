"""Counts and errors of all records made into a report."""

import math
from collections import Counter
from collections.abc import Iterator

import numpy as np

from extractor.schemas import AbsenceReason, Task

from .absences import JudgedAbsence
from .counts import Column
from .fields import FIELDS
from .intervals import FIGURES, Counts, Floats, count_values, figure_intervals, measure_figures, resample_counts
from .load import Extractions
from .report import (
    LEAST_VALUES,
    AbsenceScore,
    Choice,
    Comparison,
    Difference,
    EmptyScore,
    FieldScore,
    GroupScore,
    Interval,
    LevelScore,
    ScoreReport,
    name_group,
)
from .scored import Scored

__all__ = ["compose_comparison", "compose_report"]

_LADDER = ("exact", "normalised", "relaxed")
_NORMALISED, _F1 = 1, 2


def compose_report(scored: Scored, sources: tuple[Extractions, Extractions], resamples: int, seed: int) -> ScoreReport:
    """The report without a comparison."""
    gold, predicted = sources
    expected = gold.record_ids
    totals = scored.counts.total()
    ladders = _compose_ladders(measure_figures(totals)[0], _sample_f1(scored.counts, resamples, seed))
    errors = scored.errors.report()
    return ScoreReport(
        gold=gold.name,
        predicted=predicted.name,
        records=len(expected),
        missing=scored.missing,
        without_gold=tuple(sorted(set(predicted.record_ids).difference(expected))),
        resamples=resamples,
        seed=seed,
        groups=tuple(
            GroupScore(name=name, average=average, **ladders[name_group(name, average)])
            for name in ("all", *Task)
            for average in ("macro", "micro")
        ),
        fields=_compose_fields(totals[0], ladders),
        empty=_compose_empty(totals[0].sum(axis=0)),
        errors=errors,
        harm_per_record=sum(one.harm for one in errors) / max(1, len(expected)),
        choices=tuple(
            Choice(field=name, gold=ours, predicted=theirs, count=number)
            for (name, ours, theirs), number in sorted(scored.choices.items(), key=repr)
        ),
        absences=tuple(_compose_absences(scored.absences)),
    )


def _compose_absences(absences: Counter[JudgedAbsence]) -> Iterator[AbsenceScore]:
    """The reasons that occur, in the order of their definition."""
    for reason in AbsenceReason:
        judged = {one: number for one, number in absences.items() if one.reason is reason}
        if judged:
            false = Counter({one.field: number for one, number in judged.items() if not one.right})
            count = sum(judged.values())
            yield AbsenceScore(
                reason=reason,
                count=count,
                right=count - false.total(),
                false=false.total(),
                fields=dict(false.most_common()),
            )


def compose_comparison(scored: Scored, other: Scored, name: str, resamples: int, seed: int) -> Comparison:
    """Paired differences of normalised F1: the prediction's less the other one's."""
    ours, theirs = (measure_figures(one.counts.total())[0, :, _NORMALISED, _F1] for one in (scored, other))
    intervals = np.full((2, len(FIGURES)), np.nan)
    if resamples:
        sums = resample_counts((scored.counts, other.counts), resamples, seed)
        first, second = (measure_figures(one)[:, :, _NORMALISED, _F1] for one in sums)
        intervals = _keep_known(figure_intervals(first - second), scored.counts, other.counts)
    return Comparison(
        other=name,
        missing=other.missing,
        differences=tuple(
            Difference(
                name=figure,
                f1=_number(ours[place]),
                other=_number(theirs[place]),
                difference=_number(ours[place] - theirs[place]),
                interval=_interval(intervals[:, place]),
            )
            for place, figure in enumerate(FIGURES)
        ),
    )


def _sample_f1(counts: Counts, resamples: int, seed: int) -> Floats:
    """Low and high (first axis) of each figure's F1 at each level."""
    if not resamples:
        return np.full((2, len(FIGURES), len(_LADDER)), np.nan)
    (sums,) = resample_counts((counts,), resamples, seed)
    return _keep_known(figure_intervals(measure_figures(sums)[..., _F1]), counts)


def _keep_known(intervals: Floats, *counts: Counts) -> Floats:
    """The intervals without those of scores that are over too few values in any of ``counts``."""
    for one in counts:
        intervals[:, count_values(one.total())[0] < LEAST_VALUES] = np.nan
    return intervals


def _compose_ladders(figures: Floats, intervals: Floats) -> dict[str, dict[str, LevelScore]]:
    return {
        name: {
            level: LevelScore(
                precision=_number(figures[place, step, 0]),
                recall=_number(figures[place, step, 1]),
                f1=_number(figures[place, step, 2]),
                interval=_interval(intervals[:, place, step]),
            )
            for step, level in enumerate(_LADDER)
        }
        for place, name in enumerate(FIGURES)
    }


def _compose_fields(totals: Floats, ladders: dict[str, dict[str, LevelScore]]) -> tuple[FieldScore, ...]:
    return tuple(
        FieldScore(
            name=one.name,
            task=one.task,
            stated=int(row[Column.GOLD]),
            predicted=int(row[Column.PREDICTED]),
            missed=int(row[Column.MISSED]),
            invented=int(row[Column.INVENTED]),
            f1_paired=_share(2 * row[Column.NORMALISED], row[Column.GOLD_PAIRED] + row[Column.PREDICTED_PAIRED]),
            empty=_compose_empty(row),
            **ladders[one.name],
        )
        for one, row in zip(FIELDS, totals, strict=True)
    )


def _compose_empty(row: Floats) -> EmptyScore:
    empty, left = row[Column.EMPTY], row[Column.LEFT_EMPTY]
    return EmptyScore(fields=int(empty), left_empty=int(left), specificity=_share(left, empty))


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _interval(bounds: Floats) -> Interval | None:
    low, high = float(bounds[0]), float(bounds[1])
    return None if math.isnan(low) else Interval(low=low, high=high)
