"""Evaluate predictions against gold: judge each record, then compute figures, errors and intervals.

Criteria, regimens and endpoints are paired with those of gold; F1 is over values that gold states
or the prediction has. See ``docs/how-to/score.md`` for the rules.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from extractor.apps.evaluation.alignment import Side
from extractor.apps.evaluation.chosen import split_fields
from extractor.apps.evaluation.errors import group_errors, list_errors
from extractor.apps.evaluation.fields import (
    Field,
    Group,
    add_groups,
    choose_fields,
    list_scored_groups,
)
from extractor.apps.evaluation.figures import (
    F1,
    LEVELS,
    NORMALISED,
    Count,
    Counts,
    Figure,
    Floats,
    count_values,
    find_intervals,
    list_figures,
    measure,
    resample,
)
from extractor.apps.evaluation.gold_files import (
    Extractions,
    ExtractionSource,
    open_extractions,
    parse_own_values,
)
from extractor.apps.evaluation.judge import judge
from extractor.apps.evaluation.report import (
    Comparison,
    EmptyScore,
    ErrorExample,
    FieldScore,
    GroupScore,
    Interval,
    LevelScore,
    PairedScore,
    ScoreReport,
)
from extractor.concepts.own.declaration import CustomField, Declared
from extractor.concepts.own.models import read_fields
from extractor.errors import ArgumentError, GoldError
from extractor.schemas import TrialExtraction


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
            ``minimum_age``, ``constraints`` or ``dosing``: those with such a name in their path; by
            default all whose keys gold has.
        only_given: Score the criteria, regimens and endpoints that gold gives, and do not count
            other predicted ones as invented. For gold that has only some items of a record.

    Raises:
        GoldError: A source cannot be read.
        FieldError: A field is wrong.
        ArgumentError: ``examples`` or ``resamples`` is negative, or no field has such a name.

    >>> gold = {"record_id": "A", "eligibility": {"sex": "female"}}
    >>> report = evaluate(
    ...     [gold], [{"record_id": "A", "eligibility": {"sex": "all"}}], resamples=0
    ... )
    >>> report.figure("eligibility.sex"), [error.kind.value for error in report.errors]
    (0.0, ['wrong_category'])
    """
    if examples < 0 or resamples < 0:
        raise ArgumentError("examples and resamples are 0 or more")
    names, declared = split_fields(fields)
    own = read_fields(declared)
    chosen = None
    if names:
        chosen = choose_fields(names, add_groups(own))
    annotations = open_extractions(gold, "gold")
    predictions = open_extractions(predicted, "predicted")
    others = None
    if compare is not None:
        others = open_extractions(compare, "compare")
    judged = _judge_records(
        own, annotations, predictions, chosen, only_given=only_given
    )
    # Draws of a single record are all alike: an interval of them would seem certain.
    if len(annotations.record_ids) < 2:
        resamples = 0
    comparison = None
    if others is not None:
        judged_others = _judge_records(
            own, annotations, others, chosen, only_given=only_given
        )
        comparison = _compare(judged, judged_others, others.name, resamples, seed)
    errors = group_errors(judged.errors, examples)
    harm = sum(error.harm for error in errors)
    without_gold = set(predictions.record_ids).difference(annotations.record_ids)
    # By the same seed, scores and differences come from the same draws.
    groups, scores = _score(judged, resamples, seed)
    return ScoreReport(
        gold=annotations.name,
        predicted=predictions.name,
        records=len(annotations.record_ids),
        missing=judged.missing,
        without_gold=tuple(sorted(without_gold)),
        resamples=resamples,
        seed=seed,
        groups=groups,
        fields=scores,
        empty=_count_empty(judged.counts.sum(axis=(0, 1))),
        errors=errors,
        harm_per_record=harm / max(1, len(annotations.record_ids)),
        comparison=comparison,
        undeclared=judged.undeclared,
        chosen=names,
        beside=judged.beside,
    )


@dataclass(frozen=True, slots=True)
class _Judged:
    """The judged values of all gold records, counted.

    Attributes:
        fields: All fields that may be scored.
        counts: An array of records, fields and columns.
        scored: For each field, the number of records that were scored for it.
        errors: All errors, record by record.
        missing: The records without a prediction.
        undeclared: The user's fields in gold that have no declaration.
        beside: The number of predicted items that are not judged, since gold does not give them;
            None if all are judged.
    """

    fields: tuple[Field, ...]
    counts: Counts
    scored: Mapping[str, int]
    errors: list[ErrorExample]
    missing: tuple[str, ...]
    undeclared: tuple[str, ...]
    beside: int | None


def _judge_records(
    own: Sequence[CustomField],
    gold: Extractions,
    predicted: Extractions,
    chosen: Collection[str] | None,
    *,
    only_given: bool,
) -> _Judged:
    """Judge every gold record, and count its values. ``own`` are the declared fields of the user,
    ``chosen`` the names of the fields to score; None for all. ``only_given`` says whether predicted
    items that gold does not give are left out. Raises ``GoldError`` for gold that cannot be read.
    """
    groups = add_groups(own)
    fields = tuple(field for group in groups for field in group.fields)
    declared = {field.name for field in own}
    counts = np.zeros((len(gold.record_ids), len(fields), len(Count)), np.uint32)
    scored = Counter[str]()
    errors = list[ErrorExample]()
    missing = list[str]()
    undeclared = set[str]()
    beside: list[Side] | None = [] if only_given else None
    for number, record_id in enumerate(gold.record_ids):
        annotation = gold.read(record_id)
        undeclared |= annotation.custom.keys() - declared
        prediction = predicted.get(record_id)
        # Without a prediction, all values of gold count as missed.
        if prediction is None:
            missing.append(record_id)
        else:
            prediction = parse_own_values(prediction, own)
        annotation = parse_own_values(annotation, own)
        _refuse_unknown(annotation, groups, gold.place(record_id))
        scored_groups = tuple(list_scored_groups(groups, annotation, chosen))
        for group in scored_groups:
            scored.update(field.name for field in group.fields)
        rows = judge(annotation, prediction, scored_groups, beside)
        counts[number] = count_values(rows, fields)
        errors += list_errors(record_id, rows)
    return _Judged(
        fields,
        counts,
        scored,
        errors,
        tuple(missing),
        tuple(sorted(undeclared)),
        beside=None if beside is None else len(beside),
    )


def _refuse_unknown(
    annotation: TrialExtraction, groups: Sequence[Group], place: str | None
) -> None:
    """Raise ``GoldError`` for a name in ``scored`` that no field has."""
    try:
        choose_fields(annotation.scored, groups)
    except ArgumentError as error:
        raise GoldError(f"{place}: scored: {error}") from error


def _score(
    judged: _Judged, resamples: int, seed: int
) -> tuple[tuple[GroupScore, ...], tuple[FieldScore, ...]]:
    """Return the scores of all and of each task, and those of each field. The intervals come from
    ``resamples`` draws of the records, which begin with ``seed``.
    """
    figures = list_figures(judged.fields)
    (sums,) = resample([judged.counts], resamples, seed)
    samples = measure(sums, figures)
    # The first sample is the records as they are; the others are drawn for the intervals.
    intervals = find_intervals(samples[1:, ..., F1], figures, judged.counts)
    levels = {
        figure.name: _make_levels(samples[0, number], intervals[:, number])
        for number, figure in enumerate(figures)
    }
    # The figures of the fields come first.
    groups = [
        GroupScore(
            name=figure.name.removesuffix(".micro"),
            average="macro" if figure.is_mean else "micro",
            **levels[figure.name],
        )
        for figure in figures[len(judged.fields) :]
    ]
    scores = [
        FieldScore(
            name=field.name,
            task=field.task,
            stated=row[Count.GOLD],
            predicted=row[Count.PREDICTED],
            missed=row[Count.MISSED],
            invented=row[Count.INVENTED],
            empty=_count_empty(row),
            records=judged.scored[field.name],
            **levels[field.name],
        )
        for field, row in zip(judged.fields, judged.counts.sum(axis=0), strict=True)
    ]
    return tuple(groups), tuple(scores)


def _make_levels(shares: Floats, intervals: Floats) -> dict[str, LevelScore]:
    """Return the scores at each level, from precision, recall and F1, and the two bounds of F1."""
    levels = {}
    for level, scores, bounds in zip(LEVELS, shares, intervals.T, strict=True):
        precision, recall, f1 = scores
        levels[level] = LevelScore(
            precision=precision, recall=recall, f1=f1, interval=_make_interval(bounds)
        )
    return levels


def _compare(
    judged: _Judged, other: _Judged, name: str, resamples: int, seed: int
) -> Comparison:
    """Compute paired differences of normalised F1: the prediction's minus the other one's."""
    figures: Sequence[Figure] = list_figures(judged.fields)
    both = [judged.counts, other.counts]
    our_sums, their_sums = resample(both, resamples, seed)
    ours = measure(our_sums, figures)[..., NORMALISED, F1]
    theirs = measure(their_sums, figures)[..., NORMALISED, F1]
    # The first sample is the records as they are; the others are drawn for the intervals.
    intervals = find_intervals((ours - theirs)[1:], figures, *both)
    differences = [
        PairedScore(
            name=figure.name,
            f1=ours[0, number],
            other=theirs[0, number],
            difference=ours[0, number] - theirs[0, number],
            interval=_make_interval(intervals[:, number]),
        )
        for number, figure in enumerate(figures)
    ]
    return Comparison(other=name, missing=other.missing, differences=tuple(differences))


def _count_empty(row: Counts) -> EmptyScore:
    """Return how many fields gold leaves empty, and how many of these the prediction does, too."""
    empty = int(row[Count.EMPTY])
    left = int(row[Count.LEFT_EMPTY])
    specificity = None
    if empty:
        specificity = left / empty
    return EmptyScore(fields=empty, left_empty=left, specificity=specificity)


def _make_interval(bounds: Floats) -> Interval | None:
    """Return an interval from its two bounds; None if there is none, which is NaN in arrays."""
    if np.isnan(bounds).any():
        return None
    return Interval(low=bounds[0], high=bounds[1])
