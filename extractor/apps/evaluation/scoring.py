"""Evaluate predictions against gold: judge each record, then group the rows with numpy."""

import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from extractor.apps.evaluation.alignment import Side
from extractor.apps.evaluation.comparers import ErrorKind, Level
from extractor.apps.evaluation.fields import (
    Field,
    add_groups,
    choose_fields,
    list_scored_groups,
)
from extractor.apps.evaluation.gold_files import (
    Extractions,
    ExtractionSource,
    open_extractions,
    parse_own_values,
)
from extractor.apps.evaluation.judge import judge
from extractor.apps.evaluation.judged import Verdict
from extractor.apps.evaluation.report import (
    ErrorExample,
    ErrorScore,
    Interval,
    LevelScore,
    Score,
    ScoreReport,
)
from extractor.concepts.own.declaration import CustomField, Declared
from extractor.concepts.own.models import read_fields
from extractor.errors import ArgumentError, GoldError

LEAST_VALUES = 10
"""Fewest values for an interval: a bootstrap over fewer means nothing."""
Numbers = NDArray[Any]


def evaluate(  # noqa: PLR0913 - all but the sources are options
    gold: ExtractionSource,
    predicted: ExtractionSource,
    *,
    compare: ExtractionSource | None = None,
    examples: int = 10,
    resamples: int = 1000,
    seed: int = 0,
    fields: Iterable[Declared] | Declared = (),
    only_given: bool = False,
    neutral: bool = False,
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
        resamples: The number of bootstrap samples for the intervals; 0 for none. A single record
            has none.
        seed: The seed of the bootstrap.
        fields: Fields of your own, scored beside the built-in ones: see
            ``docs/how-to/your-own-fields.md``. And the names of the fields to score, such as
            ``minimum_age``, ``constraints`` or ``dosing``; by default all whose keys gold has.
        only_given: Score the criteria, regimens and endpoints that gold gives, and do not count
            other predicted ones as invented. For gold that has only some items of a record.
        neutral: Compare the golds of two annotators in the records that both have. F1 is the same
            in either order; the words of the report take neither for right.

    Raises:
        GoldError: A source cannot be read.
        FieldError: A field is wrong.
        ArgumentError: No field has such a name.

    >>> gold = {"record_id": "A", "eligibility": {"sex": "female"}}
    >>> report = evaluate(
    ...     [gold], [{"record_id": "A", "eligibility": {"sex": "all"}}], resamples=0
    ... )
    >>> report.figure("eligibility.sex"), [error.kind.value for error in report.errors]
    (0.0, ['wrong_category'])
    """
    names, declared = split_fields(fields)
    own = read_fields(declared)
    annotations = open_extractions(gold, "gold")
    predictions = open_extractions(predicted, "predicted")
    missing = annotations.keys() - predictions.keys()
    record_ids = [one for one in annotations if not (neutral and one in missing)]
    if not record_ids:
        raise GoldError(
            f"{annotations.name} and {predictions.name} have no record in common"
        )
    # Samples of a single record are all alike: their interval would seem certain.
    resamples = resamples if len(record_ids) > 1 else 0
    weights = _draw(len(record_ids), resamples, seed)
    judge_own = partial(
        _judge,
        annotations,
        record_ids=record_ids,
        own=own,
        names=names,
        only_given=only_given,
    )
    judged = judge_own(predictions)
    other = None
    others = None
    if compare is not None:
        others = open_extractions(compare, "compare")
        other = judge_own(others)
    scores = _score(judged, weights, other)
    tasks = len(scores) - len(judged.fields)
    return ScoreReport(
        gold=annotations.name,
        predicted=predictions.name,
        neutral=neutral,
        records=len(record_ids),
        missing=tuple(sorted(missing)),
        without_gold=tuple(sorted(predictions.keys() - annotations.keys())),
        resamples=resamples,
        groups=tuple(scores[:tasks]),
        fields=tuple(scores[tasks:]),
        errors=tuple(_group_errors(judged.errors, examples)),
        other=others.name if others else None,
        missing_in_other=tuple(
            sorted(set(record_ids).difference(others or record_ids))
        ),
        undeclared=tuple(sorted(judged.undeclared)),
        chosen=names,
        beside=len(judged.beside) if only_given else None,
    )


def split_fields(
    given: Iterable[Declared] | Declared,
) -> tuple[tuple[str, ...], tuple[Declared, ...]]:
    """Separate the names of fields to score from the places of a user's own fields, which have a
    colon or end with .py.

    >>> split_fields(["minimum_age,constraints", "extractor.catalogue:Washout"])
    (('minimum_age', 'constraints'), ('extractor.catalogue:Washout',))
    """
    entries = [given] if isinstance(given, BaseModel | str | Path | type) else given
    names: list[str] = []
    declared: list[Declared] = []
    for entry in entries:
        if isinstance(entry, str) and ":" not in entry and not entry.endswith(".py"):
            names += entry.replace(",", " ").split()
        else:
            declared.append(entry)
    return tuple(names), tuple(declared)


class _Judged:
    """The judged values of some records: counts by record, field and verdict (and of exact values),
    errors, and for each field the number of records that were scored.
    """

    def __init__(self, fields: Sequence[Field], records: int) -> None:
        self.fields = fields
        self.counts: Numbers = np.zeros((records, len(fields), 5))
        self.scored = Counter[str]()
        self.errors: list[ErrorExample] = []
        self.undeclared: set[str] = set()
        self.beside: list[Side] = []


def _judge(
    gold: Extractions,
    predicted: Extractions,
    record_ids: Sequence[str],
    own: Sequence[CustomField],
    names: Sequence[str],
    *,
    only_given: bool,
) -> _Judged:
    groups = add_groups(own)
    chosen = choose_fields(names, groups) if names else None
    fields = [field for group in groups for field in group.fields]
    numbers = {field.name: number for number, field in enumerate(fields)}
    judged = _Judged(fields, len(record_ids))
    beside = judged.beside if only_given else None
    for counts, record_id in zip(judged.counts, record_ids, strict=True):
        annotation = parse_own_values(gold[record_id], own)
        prediction = predicted.get(record_id)
        if prediction:
            prediction = parse_own_values(prediction, own)
        judged.undeclared |= annotation.custom.keys() - {field.name for field in own}
        try:
            choose_fields(annotation.scored, groups)
        except ArgumentError as error:
            raise GoldError(f"{gold.name}: {record_id}: scored: {error}") from error
        scored = list(list_scored_groups(groups, annotation, chosen))
        judged.scored.update(field.name for group in scored for field in group.fields)
        for row in judge(annotation, prediction, scored, beside):
            number = numbers[row.field.name]
            counts[number] += [
                *(row.verdict is one for one in Verdict),
                row.level is Level.EXACT,
            ]
            if row.error:
                judged.errors.append(row.describe_error(record_id))
    return judged


def list_tasks(fields: Sequence[Field]) -> dict[str, list[int]]:
    """Return the numbers of the fields that are part of the means: of all, and of each task.

    >>> from .fields import FIELDS
    >>> list(list_tasks(FIELDS))
    ['all', 'eligibility', 'dosing', 'endpoints']
    """
    tasks: dict[str, list[int]] = {"all": []}
    for number, field in enumerate(fields):
        task = tasks.setdefault(field.task, [])
        if field.in_total:
            task.append(number)
            tasks["all"].append(number)
    return tasks


def _draw(records: int, resamples: int, seed: int) -> Numbers:
    """Return how often each record is in each sample; in the first, which is the score, once."""
    generator = np.random.default_rng(seed)
    weights = np.ones((1 + resamples, records))
    for sample in weights[1:]:
        drawn = generator.integers(records, size=records)
        sample[:] = np.bincount(drawn, minlength=records)
    return weights


def _measure(weights: Numbers, judged: _Judged) -> tuple[Numbers, Numbers]:
    """Return the counts of each task as a mean over fields and as one over values, and of each
    field; and their scores by sample, as ``_divide`` returns them.
    """
    sums = np.tensordot(weights, judged.counts, 1)
    counts = []
    scores = []
    with warnings.catch_warnings():
        # A score of no values is NaN.
        warnings.simplefilter("ignore", RuntimeWarning)
        of_fields = _divide(sums)
        for members in list_tasks(judged.fields).values():
            whole = sums[:, members].sum(axis=1)
            counts += [whole[0], whole[0]]
            scores += [np.nanmean(of_fields[:, members], axis=1), _divide(whole)]
    both = np.concatenate([np.stack(scores, axis=1), of_fields], axis=1)
    return np.concatenate([counts, sums[0]]).astype(int), both


def _divide(counts: Numbers) -> Numbers:
    """Return precision, recall and F1 (last axis) at both levels, exact and normalised."""
    right, wrong, missed, invented, exact = np.moveaxis(counts, -1, 0)
    stated = right + wrong + missed
    found = right + wrong + invented
    levels = [
        np.stack([same / found, same / stated, 2 * same / (stated + found)], axis=-1)
        for same in (exact, right)
    ]
    return np.stack(levels, axis=-2)


def _to_share(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _find_interval(samples: Numbers, values: int) -> Interval | None:
    """Return the 2.5 and 97.5 percentiles of drawn samples, unless there are too few values."""
    if values < LEAST_VALUES or np.isnan(samples).all():
        return None
    low, high = np.nanpercentile(samples, [2.5, 97.5])
    return float(low), float(high)


def _score_level(samples: Numbers, values: int) -> LevelScore:
    precision, recall, f1 = map(_to_share, samples[0])
    interval = _find_interval(samples[1:, 2], values)
    return LevelScore(precision=precision, recall=recall, f1=f1, interval=interval)


def _score(judged: _Judged, weights: Numbers, other: _Judged | None) -> list[Score]:
    """Return the scores of the tasks, then of the fields, with the paired differences from another
    prediction.
    """
    counts, samples = _measure(weights, judged)
    other_counts = counts
    other_samples = np.full_like(samples, np.nan)
    if other:
        other_counts, other_samples = _measure(weights, other)
    names = [name + end for name in list_tasks(judged.fields) for end in ("", ".micro")]
    names += [field.name for field in judged.fields]
    scores = []
    for number, name in enumerate(names):
        *verdicts, _ = counts[number].tolist()
        values = sum(verdicts)
        other_f1 = other_samples[:, number, 1, 2]
        differences = samples[:, number, 1, 2] - other_f1
        least = min(values, int(other_counts[number, :-1].sum()))
        scores.append(
            Score(
                name=name,
                exact=_score_level(samples[:, number, 0], values),
                normalised=_score_level(samples[:, number, 1], values),
                records=judged.scored[name],
                other=_to_share(other_f1[0]),
                difference=_to_share(differences[0]),
                difference_interval=_find_interval(differences[1:], least),
                **dict(zip(Verdict, verdicts, strict=True)),
            )
        )
    return scores


def _group_errors(errors: Iterable[ErrorExample], examples: int) -> list[ErrorScore]:
    scores = []
    ranked = sorted(errors, key=lambda error: error.rank)
    for kind in ErrorKind:
        of_kind = [error for error in ranked if error.kind is kind]
        if of_kind:
            scores.append(
                ErrorScore(
                    kind=kind,
                    count=len(of_kind),
                    harm=sum(error.harm for error in of_kind),
                    fields=Counter(error.field for error in of_kind),
                    examples=tuple(of_kind[:examples]),
                )
            )
    return sorted(scores, key=lambda score: -score.harm)
