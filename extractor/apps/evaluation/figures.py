"""Count judged values by record and field, and compute figures and their intervals from the
counts.
"""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from extractor.apps.evaluation.comparers import Level
from extractor.apps.evaluation.fields import Field
from extractor.apps.evaluation.judged import JudgedValue, Verdict

LEAST_VALUES = 10
"""Fewest values, stated or invented, for an interval: a bootstrap over fewer is meaningless."""
LEVELS = ("exact", "normalised", "relaxed")
"""The levels of agreement, the strictest first."""
NORMALISED = 1
F1 = 2
"""The places of a level in ``LEVELS``, and of a score among precision, recall and F1."""

Floats = NDArray[np.float64]
Counts = NDArray[np.uint32]
"""Counts of all records: an array of records, fields and columns, with records sorted by id."""


class Count(IntEnum):
    """Counts kept for each field. Each member of a list counts as one value."""

    EXACT = 0
    NORMALISED = 1
    RELAXED = 2
    GOLD = 3
    PREDICTED = 4
    MISSED = 5
    INVENTED = 6
    EMPTY = 7  # fields that gold leaves empty, of items that have a counterpart
    LEFT_EMPTY = 8  # of these, fields also empty in the prediction


def count_values(rows: Iterable[JudgedValue], fields: Sequence[Field]) -> Counts:
    """Count the rows of a record: an array of fields and columns. A field that gold leaves empty
    in a paired item counts once as EMPTY.
    """
    counts = np.zeros((len(fields), len(Count)), np.uint32)
    numbers = {field.name: number for number, field in enumerate(fields)}
    # The rows of one field in one item stand together.
    for (name, *_), run in groupby(rows, key=_name_place):
        rows_of_field = list(run)
        of_field = counts[numbers[name]]
        for row in rows_of_field:
            # Values of a list count one by one.
            for column in _list_columns(row):
                of_field[column] += 1
        is_empty_in_gold = all(row.gold is None for row in rows_of_field)
        if is_empty_in_gold and rows_of_field[0].is_paired:
            of_field[Count.EMPTY] += 1
    return counts


def _name_place(row: JudgedValue) -> tuple[str, str | None, str | None]:
    """Return the field of a row, and the paths of its item in gold and in the prediction."""
    return row.field.name, row.gold_path, row.predicted_path


def _list_columns(row: JudgedValue) -> Iterator[Count]:
    """Yield the columns in which a value counts. A level includes all lower ones."""
    if row.verdict is Verdict.EMPTY:
        yield Count.LEFT_EMPTY
        return
    if row.level >= Level.EXACT:
        yield Count.EXACT
    if row.level >= Level.NORMALISED:
        yield Count.NORMALISED
    if row.level >= Level.RELAXED:
        yield Count.RELAXED
    yield Count.INVENTED if row.gold is None else Count.GOLD
    yield Count.MISSED if row.predicted is None else Count.PREDICTED


class Figure(NamedTuple):
    """A score over the fields at ``rows``: over all of their values (micro), or the mean of
    their scores (macro).
    """

    name: str
    rows: list[int]
    is_mean: bool = False


def list_figures(fields: Sequence[Field]) -> tuple[Figure, ...]:
    """List all figures: of each field, of 'all' and of each task, and each of these again with
    '.micro'.

    >>> from .fields import FIELDS
    >>> [figure.name for figure in list_figures(FIELDS)][-4:]
    ['dosing', 'dosing.micro', 'endpoints', 'endpoints.micro']
    """
    figures = [Figure(field.name, [row]) for row, field in enumerate(fields)]
    tasks = dict.fromkeys(field.task for field in fields)
    for task in dict.fromkeys(["all", *tasks]):
        rows = []
        for row, field in enumerate(fields):
            # What guideline 1.5 added, and extents of quotes, have lines of their own.
            if not field.in_total:
                continue
            if task in ("all", field.task):
                rows.append(row)
        figures.append(Figure(task, rows, is_mean=True))
        figures.append(Figure(f"{task}.micro", rows))
    return tuple(figures)


def resample(counts: Sequence[Counts], resamples: int, seed: int) -> list[Floats]:
    """Sum over all records, then over records drawn with replacement, for each of ``counts``.

    Returns arrays of samples, fields and columns. All ``counts`` cover the same records and share
    the draws, so that differences are paired.
    """
    records = len(counts[0])
    generator = np.random.default_rng(seed)
    # How often each record is in each sample: in the first sample, once.
    weights = np.ones((1 + resamples, records))
    if records:
        for row in weights[1:]:
            drawn = generator.integers(records, size=records)
            row[:] = np.bincount(drawn, minlength=records)
    return [np.tensordot(weights, table.astype(np.float64), 1) for table in counts]


def measure(sums: Floats, figures: Sequence[Figure]) -> Floats:
    """Compute precision, recall and F1 (last axis) for each sample, figure and one of ``LEVELS``.

    NaN if there is nothing to score: F1 without any value, precision without a predicted value,
    recall without a gold value. Means leave such fields out.
    """
    scores = []
    with warnings.catch_warnings():
        # Figures without any value divide by 0, and are NaN.
        warnings.simplefilter("ignore", RuntimeWarning)
        of_fields = _score(sums)
        # A mean is one over fields; a micro score is one over the values of all fields together.
        for figure in figures:
            if figure.is_mean:
                scores.append(np.nanmean(of_fields[:, figure.rows], axis=1))
            else:
                scores.append(_score(sums[:, figure.rows].sum(axis=1)))
    return np.stack(scores, axis=1)


def _score(counts: Floats) -> Floats:
    """Return precision, recall and F1 (last axis) at each level, from columns of counts."""
    right = counts[..., [Count.EXACT, Count.NORMALISED, Count.RELAXED]]
    gold = counts[..., [Count.GOLD]]
    predicted = counts[..., [Count.PREDICTED]]
    precision = right / predicted
    recall = right / gold
    f1 = 2 * right / (gold + predicted)
    return np.stack((precision, recall, f1), axis=-1)


def find_intervals(
    samples: Floats, figures: Sequence[Figure], *counts: Counts
) -> Floats:
    """Compute the 2.5 and 97.5 percentiles (first axis) over samples, of figures on the first
    remaining axis.

    NaN if no sample has a value, and for figures over fewer than ``LEAST_VALUES`` values in any of
    ``counts``. Gold values count, and predicted ones without a counterpart.
    """
    if not len(samples):
        return np.full((2, *samples.shape[1:]), np.nan)
    with warnings.catch_warnings():
        # A figure without a value in any sample is NaN.
        warnings.simplefilter("ignore", RuntimeWarning)
        intervals: Floats = np.nanpercentile(samples, [2.5, 97.5], axis=0)
    # A difference has an interval only if both predictions have enough values.
    for table in counts:
        values = table[..., [Count.GOLD, Count.INVENTED]].sum(axis=(0, 2))
        are_few = [values[figure.rows].sum() < LEAST_VALUES for figure in figures]
        intervals[:, are_few] = np.nan
    return intervals
