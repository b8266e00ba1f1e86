"""Evaluate predictions against gold: judge each record, then group the rows with numpy."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from extractor.apps.evaluation.alignment import Side
from extractor.apps.evaluation.comparers import ErrorKind, Level
from extractor.apps.evaluation.errors import list_errors, rank_error
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
_COLUMNS = [*Verdict, Level.EXACT]
"""What is counted for each record and field."""
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
    judge_own = partial(_judge, own, names, only_given=only_given)
    annotations = open_extractions(gold, "gold")
    predictions = open_extractions(predicted, "predicted")
    missing = set(annotations.record_ids).difference(predictions.record_ids)
    without_gold = set(predictions.record_ids).difference(annotations.record_ids)
    record_ids = annotations.record_ids
    if neutral:
        record_ids = [one for one in record_ids if one not in missing]
    if not record_ids:
        raise GoldError(
            f"{annotations.name} and {predictions.name} have no record in common"
        )
    judged = judge_own(annotations, predictions, record_ids)
    # Samples of a single record are all alike: their interval would seem certain.
    if len(record_ids) < 2:
        resamples = 0
    weights = _draw(len(record_ids), resamples, seed)
    other = None
    missing_in_other = set[str]()
    if compare is not None:
        others = open_extractions(compare, "compare")
        missing_in_other = set(record_ids).difference(others.record_ids)
        other = judge_own(annotations, others, record_ids)
    scores = _score(judged, weights, other)
    return ScoreReport(
        gold=annotations.name,
        predicted=predictions.name,
        neutral=neutral,
        records=len(record_ids),
        missing=tuple(sorted(missing)),
        without_gold=tuple(sorted(without_gold)),
        resamples=resamples,
        groups=tuple(scores[len(judged.fields) :]),
        fields=tuple(scores[: len(judged.fields)]),
        errors=tuple(_group_errors(judged.errors, examples)),
        other=None if compare is None else others.name,
        missing_in_other=tuple(sorted(missing_in_other)),
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
    """The judged values of some records: counts by record, field and column, errors, and for each
    field the number of records that were scored.
    """

    def __init__(self, fields: Sequence[Field], records: int) -> None:
        self.fields = fields
        self.counts: Numbers = np.zeros((records, len(fields), len(_COLUMNS)))
        self.scored = Counter[str]()
        self.errors: list[ErrorExample] = []
        self.undeclared: set[str] = set()
        self.beside: list[Side] = []

    def count(self, fields: list[int]) -> dict[str, int]:
        """Return the number of values in some fields by verdict."""
        totals = self.counts[:, fields].sum(axis=(0, 1)).astype(int).tolist()
        return dict(zip(Verdict, totals, strict=False))


def _judge(
    own: Sequence[CustomField],
    names: Sequence[str],
    gold: Extractions,
    predicted: Extractions,
    record_ids: Sequence[str],
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
        annotation = parse_own_values(gold.read(record_id), own)
        prediction = predicted.get(record_id)
        if prediction:
            prediction = parse_own_values(prediction, own)
        judged.undeclared |= annotation.custom.keys() - {field.name for field in own}
        try:
            choose_fields(annotation.scored, groups)
        except ArgumentError as error:
            raise GoldError(f"{gold.name}: {record_id}: scored: {error}") from error
        scored = tuple(list_scored_groups(groups, annotation, chosen))
        judged.scored.update(field.name for group in scored for field in group.fields)
        rows = judge(annotation, prediction, scored, beside)
        for row in rows:
            counts[numbers[row.field.name]] += [
                row.verdict == column or row.level is column for column in _COLUMNS
            ]
        judged.errors += list_errors(record_id, rows)
    return judged


class _Figure(NamedTuple):
    """A score over the fields with these numbers: over their values, or the mean of theirs."""

    name: str
    fields: list[int]
    is_mean: bool = False


def list_figures(fields: Sequence[Field]) -> list[_Figure]:
    """List the scores: of each field, then of all and of each task, as a mean over fields and with
    ``.micro`` over values.

    >>> from .fields import FIELDS
    >>> [figure.name for figure in list_figures(FIELDS)][-4:]
    ['dosing', 'dosing.micro', 'endpoints', 'endpoints.micro']
    """
    figures = [_Figure(field.name, [number]) for number, field in enumerate(fields)]
    for task in dict.fromkeys(["all", *(field.task for field in fields)]):
        members = [
            number
            for number, field in enumerate(fields)
            if field.in_total and task in ("all", field.task)
        ]
        figures.append(_Figure(task, members, is_mean=True))
        figures.append(_Figure(f"{task}.micro", members))
    return figures


def _draw(records: int, resamples: int, seed: int) -> Numbers:
    """Return how often each record is in each sample; in the first, which is the score, once."""
    generator = np.random.default_rng(seed)
    weights = np.ones((1 + resamples, records))
    for sample in weights[1:]:
        drawn = generator.integers(records, size=records)
        sample[:] = np.bincount(drawn, minlength=records)
    return weights


def _measure(weights: Numbers, judged: _Judged) -> Numbers:
    """Return an array of samples, figures, levels (exact, normalised) and precision, recall, F1;
    NaN if there is nothing to score.
    """
    sums = np.tensordot(weights, judged.counts, 1)
    scores = []
    with np.errstate(all="ignore"):
        of_fields = _divide(sums)
        for figure in list_figures(judged.fields):
            members = of_fields[:, figure.fields]
            known = ~np.isnan(members)
            score = np.nansum(members, axis=1) / known.sum(axis=1)
            if not figure.is_mean:
                score = _divide(sums[:, figure.fields].sum(axis=1))
            scores.append(score)
    return np.stack(scores, axis=1)


def _divide(counts: Numbers) -> Numbers:
    """Return precision, recall and F1 (last axis) at both levels."""
    right, wrong, missed, invented, exact = np.moveaxis(counts, -1, 0)
    stated = (right + wrong + missed)[..., None]
    predicted = (right + wrong + invented)[..., None]
    agreeing = np.stack((exact, right), axis=-1)
    shares = (
        agreeing / predicted,
        agreeing / stated,
        2 * agreeing / (stated + predicted),
    )
    return np.stack(shares, axis=-1)


def _to_share(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _find_interval(samples: Numbers, values: float) -> Interval | None:
    """Return the 2.5 and 97.5 percentiles of drawn samples, unless there are too few values."""
    if values < LEAST_VALUES or np.isnan(samples).all():
        return None
    low, high = np.nanpercentile(samples, [2.5, 97.5])
    return float(low), float(high)


def _score(
    judged: _Judged, weights: Numbers, other: _Judged | None = None
) -> list[Score]:
    """Return the scores of all figures, with the paired differences from another prediction."""
    samples = _measure(weights, judged)
    f1 = samples[:, :, 1, 2]
    other_f1 = np.full_like(f1, np.nan)
    if other:
        other_f1 = _measure(weights, other)[:, :, 1, 2]
    scores = []
    for number, figure in enumerate(list_figures(judged.fields)):
        counts = judged.count(figure.fields)
        values = sum(counts.values())
        levels = []
        for level in (0, 1):
            precision, recall, of_level = map(_to_share, samples[0, number, level])
            interval = _find_interval(samples[1:, number, level, 2], values)
            levels.append(
                LevelScore(
                    precision=precision, recall=recall, f1=of_level, interval=interval
                )
            )
        if other:
            values = min(values, sum(other.count(figure.fields).values()))
        differences = f1[:, number] - other_f1[:, number]
        scores.append(
            Score(
                name=figure.name,
                exact=levels[0],
                normalised=levels[1],
                records=judged.scored[figure.name],
                other=_to_share(other_f1[0, number]),
                difference=_to_share(differences[0]),
                difference_interval=_find_interval(differences[1:], values),
                **counts,
            )
        )
    return scores


def _group_errors(errors: Iterable[ErrorExample], examples: int) -> list[ErrorScore]:
    scores = []
    ranked = sorted(errors, key=rank_error)
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
