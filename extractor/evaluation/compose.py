"""A report of scores: records scored, counted, resampled and put together."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extractor.schemas import AbsenceReason, Task

from .counts import Column, Confused, JudgedAbsence
from .disagreements import ErrorTally, RecordErrors
from .fields import FIELDS
from .load import Extractions
from .record_score import score_record
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
    list_figures,
    name_group,
)

__all__ = [
    "FIGURES",
    "LEVELS",
    "Counts",
    "Scored",
    "compose_comparison",
    "compose_report",
    "count_values",
    "figure_intervals",
    "measure_figures",
    "resample_counts",
    "score_records",
]

Floats = NDArray[np.float64]
LEVELS = (Column.EXACT, Column.NORMALISED, Column.RELAXED)
_TASKS = {task.value: [row for row, one in enumerate(FIELDS) if one.task is task] for task in Task}
_GROUPS: dict[str, list[int]] = {**_TASKS, "all": list(range(len(FIELDS)))}
FIGURES = list_figures()
"""Names of all figures, in the order of the arrays here."""
# Draws and records that are held at once, so that memory does not grow with their product.
_DRAWS, _RECORDS = 500_000, 4096


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of all records: an array of records, fields and columns. Records are in order of their ids."""

    table: NDArray[np.uint16]

    def total(self) -> Floats:
        """Sums over all records, as one sample."""
        total: Floats = self.table.sum(axis=0, dtype=np.float64)[np.newaxis]
        return total


def resample_counts(counts: Sequence[Counts], resamples: int, seed: int) -> list[Floats]:
    """Sums over records drawn with replacement: an array of resamples, fields and columns for each of ``counts``.

    All of ``counts`` are of the same records and see the same draws, so that differences are paired.
    """
    number = len(counts[0].table)
    draw = np.random.default_rng(seed)
    sums = [np.zeros((resamples, len(FIELDS) * len(Column))) for _ in counts]
    block = max(1, _DRAWS // max(1, number))
    for start in range(0, resamples if number else 0, block):
        size = min(block, resamples - start)
        drawn = draw.integers(number, size=(size, number))
        weights = np.stack([np.bincount(one, minlength=number) for one in drawn]).astype(np.float64)
        for first in range(0, number, _RECORDS):
            part = slice(first, first + _RECORDS)
            for total, one in zip(sums, counts, strict=True):
                flat = one.table[part].reshape(-1, total.shape[1]).astype(np.float64)
                total[start : start + size] += weights[:, part] @ flat
    return [total.reshape(resamples, len(FIELDS), len(Column)) for total in sums]


def measure_figures(sums: Floats) -> Floats:
    """Precision, recall and F1 (last axis) at each of ``LEVELS`` of each of ``FIGURES`` for each sample.

    NaN where there is nothing to score: no value for F1, no predicted one for precision, none of gold for recall.
    Macro averages leave such fields out.
    """
    fields = _measure(sums)
    parts = [fields]
    for rows in _GROUPS.values():
        parts += [_average(fields[:, rows])[:, np.newaxis], _measure(sums[:, rows].sum(axis=1, keepdims=True))]
    return np.concatenate(parts, axis=1)


def count_values(sums: Floats) -> Floats:
    """How many values each of ``FIGURES`` is about: those of gold, and predicted ones without a counterpart."""
    values = sums[..., Column.GOLD] + sums[..., Column.INVENTED]
    groups = [values[:, rows].sum(axis=1, keepdims=True) for rows in _GROUPS.values()]
    return np.concatenate([values, *(group for group in groups for _ in ("macro", "micro"))], axis=1)


def figure_intervals(samples: Floats) -> Floats:
    """The 2.5 and 97.5 percentiles over samples (first axis); NaN where no sample has a value."""
    low_high = np.full((2, *samples.shape[1:]), np.nan)
    flat, out = samples.reshape(len(samples), -1), low_high.reshape(2, -1)
    for place in range(flat.shape[1]):
        values = flat[~np.isnan(flat[:, place]), place]
        if len(values):
            out[:, place] = np.percentile(values, [2.5, 97.5])
    return low_high


def _measure(sums: Floats) -> Floats:
    right = sums[..., list(LEVELS)]
    gold, predicted = sums[..., [Column.GOLD]], sums[..., [Column.PREDICTED]]
    shares = (_divide(right, predicted), _divide(right, gold), _divide(2 * right, gold + predicted))
    return np.stack(shares, axis=-1)


def _average(fields: Floats) -> Floats:
    known = ~np.isnan(fields)
    total: Floats = np.where(known, fields, 0.0).sum(axis=1)
    return _divide(total, known.sum(axis=1).astype(np.float64))


def _divide(part: Floats, whole: Floats) -> Floats:
    whole = np.broadcast_to(whole, part.shape)
    shares: Floats = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return shares


@dataclass(frozen=True, slots=True)
class Scored:
    """All records of gold, scored. ``missing`` are those without a prediction; ``absences`` counts explained gaps."""

    counts: Counts
    errors: ErrorTally
    choices: Counter[Confused]
    missing: tuple[str, ...]
    absences: Counter[JudgedAbsence]


def score_records(
    gold: Extractions,
    predicted: Extractions,
    examples: int = 0,
    on_record: Callable[[RecordErrors], None] | None = None,
) -> Scored:
    """Score every record of gold; up to ``examples`` errors of each kind are kept. Raises ``GoldError``."""
    record_ids = gold.record_ids
    errors, choices, missing = ErrorTally(examples), Counter[Confused](), []
    absences = Counter[JudgedAbsence]()
    table = np.zeros((len(record_ids), len(FIELDS), len(Column)), np.uint16)
    for row, record_id in enumerate(record_ids):
        annotated, extraction = gold.get(record_id), predicted.get(record_id)
        assert annotated is not None
        if extraction is None:
            missing.append(record_id)
        score = score_record(annotated, extraction)
        table[row] = score.counts
        choices.update(score.choices)
        absences.update(score.absences)
        for error in score.errors:
            errors.add(error)
        if on_record:
            places = gold.place(record_id) or gold.name, predicted.place(record_id)
            on_record(RecordErrors(annotated, extraction, *places, tuple(score.errors)))
    return Scored(Counts(table), errors, choices, tuple(missing), absences)


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
