"""Precision, recall and F1 from counts, with bootstrap intervals over records."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extractor.schemas import Task

from .counts import Column
from .fields import FIELDS
from .report import list_figures

__all__ = ["FIGURES", "LEVELS", "Counts", "count_values", "figure_intervals", "measure_figures", "resample_counts"]

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
