"""Evaluate predictions against gold: score each record, then compute figures, errors and intervals.

Criteria, regimens and endpoints are paired with those of gold; F1 is over values that gold states
or the prediction has. See ``docs/how-to/score.md`` for the rules.
"""

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extractor.apps.evaluation.comparers import ErrorKind
from extractor.apps.evaluation.fields import Field, add_groups
from extractor.apps.evaluation.gold_files import (
    Extractions,
    ExtractionSource,
    open_extractions,
    restore_values,
)
from extractor.apps.evaluation.record_score import (
    Count,
    Disagreement,
    ScoredRecord,
    WorstErrors,
    score_record,
)
from extractor.apps.evaluation.report import (
    LEAST_VALUES,
    Comparison,
    EmptyScore,
    ErrorScore,
    FieldScore,
    Figure,
    GroupScore,
    Interval,
    LevelScore,
    PairedScore,
    ScoreReport,
    list_figures,
)
from extractor.concepts.own.declaration import CustomField, Declared
from extractor.concepts.own.models import read_fields
from extractor.errors import ArgumentError

Floats = NDArray[np.float64]
Counts = NDArray[np.uint32]
"""Counts of all records: an array of records, fields and columns, with records sorted by id."""
_LEVELS = ("exact", "normalised", "relaxed")
_NORMALISED = 1
_F1 = 2


def evaluate(  # noqa: PLR0913 - each is a choice of its own
    gold: ExtractionSource,
    predicted: ExtractionSource,
    *,
    compare: ExtractionSource | None = None,
    examples: int = 10,
    resamples: int = 1000,
    seed: int = 0,
    on_record: Callable[[Sequence[Disagreement]], None] | None = None,
    fields: Iterable[Declared] | Declared = (),
) -> ScoreReport:
    """Score extractions against gold, with 95 % intervals and the worst errors.

    A source is a folder of JSON, a file of JSON lines, a run's folder, or extractions (dicts too).
    Records are joined by ``record_id`` and read one at a time. If a record is missing in
    ``predicted``, its values count as missed. A record without gold is listed and not scored.

    Args:
        gold: The annotations.
        predicted: The extractions to score.
        compare: Another prediction, for paired differences on the same records.
        examples: The number of errors kept for each kind.
        resamples: The number of bootstrap samples for the intervals; 0 for none.
        seed: The seed of the bootstrap.
        on_record: Is called with all errors of each record.
        fields: Fields of your own, scored beside the built-in ones: see
            ``docs/how-to/your-own-fields.md``.

    Raises:
        GoldError: A source cannot be read.
        FieldError: A field is wrong.
        ArgumentError: ``examples`` or ``resamples`` is negative.

    >>> gold = {"record_id": "A", "eligibility": {"sex": "female"}}
    >>> report = evaluate([gold], [{"record_id": "A", "eligibility": {"sex": "all"}}], resamples=0)
    >>> report.figure("eligibility.sex"), [error.kind.value for error in report.errors]
    (0.0, ['wrong_category'])
    """
    if examples < 0 or resamples < 0:
        raise ArgumentError("examples and resamples are 0 or more")
    own = read_fields(fields)
    ours = open_extractions(gold, "gold")
    theirs = open_extractions(predicted, "predicted")
    others = None if compare is None else open_extractions(compare, "compare")
    scored = _score_records(own, ours, theirs, examples, on_record)
    report = _compose_report(scored, ours, theirs, resamples, seed)
    if others is None:
        return report
    other = _score_records(own, ours, others)
    return report.model_copy(
        update={"comparison": _compare_scores(scored, other, others.name, resamples, seed)}
    )


@dataclass(frozen=True, slots=True)
class _Scored:
    """The scores of all gold records.

    ``missing`` are those without a prediction, ``undeclared`` the user's fields in gold that have
    no declaration.
    """

    fields: tuple[Field, ...]
    counts: Counts
    errors: tuple[ErrorScore, ...]
    missing: tuple[str, ...]
    undeclared: tuple[str, ...]


def _score_records(
    own: Sequence[CustomField],
    gold: Extractions,
    predicted: Extractions,
    examples: int = 0,
    on_record: Callable[[Sequence[Disagreement]], None] | None = None,
) -> _Scored:
    """Score every gold record, and keep up to ``examples`` errors of each kind. Raises
    ``GoldError``.
    """
    record_ids = gold.record_ids
    groups = add_groups(own)
    fields = tuple(field for group in groups for field in group.fields)
    missing = list[str]()
    undeclared = set[str]()
    worst = {kind: WorstErrors(examples) for kind in ErrorKind}
    table = np.zeros((len(record_ids), len(fields), len(Count)), np.uint32)
    for row, record_id in enumerate(record_ids):
        annotated = gold.get(record_id)
        extraction = predicted.get(record_id)
        assert annotated is not None
        if extraction is None:
            missing.append(record_id)
        undeclared |= annotated.custom.keys() - {field.name for field in own}
        source = extraction.source.path if extraction and extraction.source else None
        record = ScoredRecord(
            record_id, gold.place(record_id) or gold.name, predicted.place(record_id), source
        )
        found = extraction and restore_values(extraction, own)
        counts, errors = score_record(record, restore_values(annotated, own), found, groups)
        table[row] = [counts[one.name] for one in fields]
        for error in errors:
            worst[error.kind].add([error])
        if on_record:
            on_record(errors)
    kinds = (found.summarise(kind) for kind, found in worst.items() if found.count)
    by_harm = sorted(kinds, key=lambda one: -one.harm)
    return _Scored(fields, table, tuple(by_harm), tuple(missing), tuple(sorted(undeclared)))


def _compose_report(
    scored: _Scored, gold: Extractions, predicted: Extractions, resamples: int, seed: int
) -> ScoreReport:
    """Compose the report without a comparison."""
    expected = gold.record_ids
    figures = list_figures(scored.fields)
    (sums,) = _resample_counts((scored.counts,), resamples, seed)
    totals = sums[0]
    shares = _measure_figures(sums, figures)
    intervals = _compute_intervals(shares[1:, ..., _F1], figures, scored.counts)
    levels = {
        one.name: {
            level: LevelScore(
                **dict(zip(("precision", "recall", "f1"), shares[0, row, step], strict=True)),
                interval=_interval(intervals[:, row, step]),
            )
            for step, level in enumerate(_LEVELS)
        }
        for row, one in enumerate(figures)
    }
    averages = ((one, "macro" if one.is_mean else "micro") for one in figures[len(scored.fields) :])
    return ScoreReport(
        gold=gold.name,
        predicted=predicted.name,
        records=len(expected),
        missing=scored.missing,
        without_gold=tuple(sorted(set(predicted.record_ids).difference(expected))),
        resamples=resamples,
        seed=seed,
        groups=tuple(
            GroupScore(name=one.name.removesuffix(".micro"), average=average, **levels[one.name])
            for one, average in averages
        ),
        fields=tuple(
            FieldScore(
                name=one.name,
                task=one.task,
                stated=row[Count.GOLD],
                predicted=row[Count.PREDICTED],
                missed=row[Count.MISSED],
                invented=row[Count.INVENTED],
                empty=_compose_empty(row),
                **levels[one.name],
            )
            for one, row in zip(scored.fields, totals, strict=True)
        ),
        empty=_compose_empty(totals.sum(axis=0)),
        errors=scored.errors,
        harm_per_record=sum(one.harm for one in scored.errors) / max(1, len(expected)),
        undeclared=scored.undeclared,
    )


def _compare_scores(
    scored: _Scored, other: _Scored, name: str, resamples: int, seed: int
) -> Comparison:
    """Compute paired differences of normalised F1: the prediction's minus the other one's."""
    both = (scored.counts, other.counts)
    figures = list_figures(scored.fields)
    samples = (_measure_figures(sums, figures) for sums in _resample_counts(both, resamples, seed))
    ours, theirs = (shares[..., _NORMALISED, _F1] for shares in samples)
    bounds = _compute_intervals((ours - theirs)[1:], figures, *both).T
    differences = (
        PairedScore(
            name=figure.name,
            f1=one,
            other=another,
            difference=one - another,
            interval=_interval(interval),
        )
        for figure, one, another, interval in zip(figures, ours[0], theirs[0], bounds, strict=True)
    )
    return Comparison(other=name, missing=other.missing, differences=tuple(differences))


def _compose_empty(row: Floats) -> EmptyScore:
    empty = row[Count.EMPTY]
    left = row[Count.LEFT_EMPTY]
    return EmptyScore(fields=empty, left_empty=left, specificity=left / empty if empty else None)


def _interval(bounds: Floats) -> Interval | None:
    return None if np.isnan(bounds).any() else Interval(low=bounds[0], high=bounds[1])


def _resample_counts(counts: Sequence[Counts], resamples: int, seed: int) -> list[Floats]:
    """Sum over all records, then over records drawn with replacement, for each of ``counts``.

    Returns arrays of samples, fields and columns. All ``counts`` cover the same records and share
    the draws, so that differences are paired.
    """
    number = len(counts[0])
    generator = np.random.default_rng(seed)
    weights = np.ones((1 + resamples, number))
    for row in weights[1:] if number else ():
        row[:] = np.bincount(generator.integers(number, size=number), minlength=number)
    return [np.tensordot(weights, one.astype(np.float64), 1) for one in counts]


def _measure_figures(sums: Floats, figures: Sequence[Figure]) -> Floats:
    """Compute precision, recall and F1 (last axis) for each sample, figure and one of ``_LEVELS``.

    NaN if there is nothing to score: F1 without any value, precision without a predicted value,
    recall without a gold value. Macro averages leave such fields out.
    """

    def measure(counts: Floats) -> Floats:
        right = counts[..., [Count.EXACT, Count.NORMALISED, Count.RELAXED]]
        gold = counts[..., [Count.GOLD]]
        predicted = counts[..., [Count.PREDICTED]]
        return np.stack((right / predicted, right / gold, 2 * right / (gold + predicted)), axis=-1)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # figures without any value
        fields = measure(sums)
        each = [
            np.nanmean(fields[:, one.rows], axis=1)
            if one.is_mean
            else measure(sums[:, one.rows].sum(axis=1))
            for one in figures
        ]
    return np.stack(each, axis=1)


def _compute_intervals(samples: Floats, figures: Sequence[Figure], *counts: Counts) -> Floats:
    """Compute the 2.5 and 97.5 percentiles (first axis) over samples, of figures on the first
    remaining axis.

    NaN if no sample has a value, and for figures over fewer than ``LEAST_VALUES`` values in any of
    ``counts``. Gold values count, and predicted ones without a counterpart.
    """
    if not len(samples):
        return np.full((2, *samples.shape[1:]), np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # figures without any value
        intervals: Floats = np.nanpercentile(samples, [2.5, 97.5], axis=0)
    for one in counts:
        values = one[..., [Count.GOLD, Count.INVENTED]].sum(axis=(0, 2))
        intervals[:, [values[figure.rows].sum() < LEAST_VALUES for figure in figures]] = np.nan
    return intervals
