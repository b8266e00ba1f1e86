"""Evaluate predictions against gold: judge each record, then compute all scores with numpy."""

import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from extractor.apps.evaluation.comparers import ErrorKind, Verdict
from extractor.apps.evaluation.fields import (
    Field,
    FieldGroup,
    add_groups,
    list_scored_groups,
)
from extractor.apps.evaluation.gold_files import (
    ExtractionSource,
    open_extractions,
)
from extractor.apps.evaluation.judge import JudgedValue, judge
from extractor.apps.evaluation.report import (
    ErrorExample,
    ErrorScore,
    Interval,
    Score,
    ScoreReport,
)
from extractor.apps.evaluation.steps import match_form
from extractor.errors import GoldError
from extractor.face import Declarations, Declared, group_pairs, read_fields

LEAST_VALUES = 10
"""Minimum number of values for an interval; a bootstrap over fewer values is meaningless.
"""
_COUNTS = (*Verdict, "exact", "records")
"""The counts for a field in a record: its values by verdict, its exactly matching values, and
whether the field is scored.
"""
_MEASURES = ("precision", "recall", "normalised", "exact")
"""The measures that ``_divide`` computes from counts. Each is also a field of ``Score``."""
_PLACE = re.compile(r":|\.py$")
"""Matches the location of custom fields, but not the name of a field."""
_F1 = _MEASURES.index("normalised")
Numbers = NDArray[Any]


def evaluate(  # noqa: PLR0913 - all but the sources are options
    gold: ExtractionSource,
    predicted: ExtractionSource,
    *,
    compare: ExtractionSource | None = None,
    examples: int = 10,
    resamples: int = 1000,
    fields: Declarations = (),
    only_given: bool = False,
    neutral: bool = False,
) -> ScoreReport:
    """Score extractions against gold, with 95% intervals and the worst errors.

    A source is a folder of JSON files, a JSON lines file, a run's folder, or extractions (or
    dicts). Records are matched by ``record_id`` and read one at a time. If a record is missing
    from ``predicted``, its values count as missed. A record without gold is listed but not scored.

    Args:
        gold: The annotations.
        predicted: The extractions to score.
        compare: Another prediction, for paired differences on the same records.
        examples: The maximum number of errors to keep for each kind.
        resamples: The number of bootstrap samples for the intervals; 0 omits the intervals. A
            single record never has an interval.
        fields: Custom fields to score in addition to the built-in ones (see
            ``docs/how-to/your-own-fields.md``), and the names of the fields to score, such as
            ``minimum_age``, ``constraints`` or ``dosing``. By default, all fields whose keys occur
            in gold are scored.
        only_given: Score only the criteria, regimens and endpoints in gold, and do not report
            other items as invented. Use this option if gold contains only some items of a record.
        neutral: Compare two annotators' gold for the records that both of them annotated. F1 does
            not depend on the order of the annotators, and neither annotator is treated as correct.

    Raises:
        GoldError: A source cannot be read.
        FieldError: A custom field is invalid.
        ArgumentError: A name does not match any field.

    >>> gold = {"record_id": "A", "eligibility": {"sex": "female"}}
    >>> report = evaluate(
    ...     [gold], [{"record_id": "A", "eligibility": {"sex": "all"}}], resamples=0
    ... )
    >>> report.figure("eligibility.sex"), [error.kind.value for error in report.errors]
    (0.0, ['wrong_category'])
    """
    names, declared = split_fields(fields)
    custom_fields = read_fields(declared)
    groups = add_groups(custom_fields)
    annotations = open_extractions(gold, "gold", custom_fields)
    sources = [open_extractions(predicted, "predicted", custom_fields)]
    if compare is not None:
        sources.append(open_extractions(compare, "compare", custom_fields))
    missing = sorted(annotations.keys() - sources[0].keys())
    record_ids = list(annotations)
    # a record that one annotator left out is no disagreement
    if neutral:
        record_ids = [known for known in annotations if known in sources[0]]
    if not record_ids:
        raise GoldError(
            f"{annotations.name} and {sources[0].name} have no records in common"
        )
    counts = []
    errors: list[ErrorExample] = []
    for record_id in record_ids:
        annotation = annotations[record_id]
        scored = list(list_scored_groups(groups, annotation, names))
        rows_by_source = [
            judge(
                annotation,
                match_form(annotation, source.get(record_id)),
                scored,
                only_given=only_given,
            )
            for source in sources
        ]
        counts.append([_count(groups, scored, rows) for rows in rows_by_source])
        # the errors of the other prediction are not listed
        errors += _list_errors(record_id, rows_by_source[0], examples)
    # All samples of a single record are alike, so their interval would seem certain.
    if len(record_ids) == 1:
        resamples = 0
    all_fields = _list_fields(groups)
    other = None
    if compare is not None:
        other = sources[1].name
    scores = list(_score(np.array(counts), all_fields, resamples))
    # the scores of the fields come last
    group_count = len(scores) - len(all_fields)
    return ScoreReport(
        gold=annotations.name,
        predicted=sources[0].name,
        neutral=neutral,
        records=len(record_ids),
        missing=tuple(missing),
        without_gold=tuple(sorted(sources[0].keys() - annotations.keys())),
        resamples=resamples,
        groups=tuple(scores[:group_count]),
        fields=tuple(scores[group_count:]),
        errors=tuple(_group_errors(errors, examples)),
        other=other,
    )


def _list_fields(groups: Iterable[FieldGroup]) -> list[Field]:
    return [field for group in groups for field in group.fields]


def _count(
    groups: Sequence[FieldGroup],
    scored: Iterable[FieldGroup],
    rows: Iterable[JudgedValue],
) -> list[list[int]]:
    """Return the counts for a record: a list for each field of ``groups``, with the counts in the
    order of ``_COUNTS``. ``rows`` are the judged values of the ``scored`` groups.
    """
    counts = {field.name: dict.fromkeys(_COUNTS, 0) for field in _list_fields(groups)}
    for field in _list_fields(scored):
        counts[field.name]["records"] = 1
    for row in rows:
        of_field = counts[row.field.name]
        of_field[row.verdict] += 1
        of_field["exact"] += row.gold == row.predicted
    return [list(of_field.values()) for of_field in counts.values()]


def split_fields(
    selection: Declarations,
) -> tuple[tuple[str, ...], tuple[Declared, ...]]:
    """Return (names of fields to score, locations of custom fields). A location contains a colon or
    ends with .py.

    >>> split_fields(["minimum_age,constraints", "extractor.catalogue:Washout"])
    (('minimum_age', 'constraints'), ('extractor.catalogue:Washout',))
    """
    entries: Any = selection
    if isinstance(selection, BaseModel | str | Path | type):
        entries = [selection]
    names: list[str] = []
    declared = []
    for entry in entries:
        is_name = isinstance(entry, str) and not _PLACE.search(entry)
        if is_name:
            names += entry.replace(",", " ").split()
        else:
            declared.append(entry)
    return tuple(names), tuple(declared)


def _score(counts: Numbers, fields: Sequence[Field], resamples: int) -> Iterator[Score]:
    """Yield the overall score and the scores of the tasks, each as a mean over fields and as a
    mean over values, followed by the scores of the fields. ``counts`` has the axes record, source
    (the prediction, then the other prediction), field and kind of count.
    """
    records = len(counts)
    chances = np.full(records, 1 / records)
    # with a fixed seed, the same extractions always have the same intervals
    drawn = np.random.default_rng(0).multinomial(records, chances, resamples)
    # How often each record occurs in each sample. In the first sample, each record occurs once, so
    # that it gives the score itself.
    sums = np.tensordot(np.vstack([np.ones(records), drawn]), counts, 1)
    with warnings.catch_warnings():
        # The mean over no values is NaN, which means that there is no score.
        warnings.simplefilter("ignore", RuntimeWarning)
        measures = _divide(sums)
        for task in dict.fromkeys(["all", *(field.task for field in fields)]):
            members = [
                number
                for number, field in enumerate(fields)
                if field.in_total and task in ("all", field.task)
            ]
            task_sums = sums[:, :, members].sum(axis=2)
            means = np.nanmean(measures[:, :, members], axis=2)
            yield _make_score(task, task_sums[0], means)
            yield _make_score(f"{task}.micro", task_sums[0], _divide(task_sums))
        for number, field in enumerate(fields):
            yield _make_score(field.name, sums[0, :, number], measures[:, :, number])


def _divide(counts: Numbers) -> Numbers:
    """Return the measures for an array of counts. The last axis of both arrays contains the
    different counts or measures, in the order of ``_COUNTS`` and ``_MEASURES``. A measure is NaN if
    nothing was counted.
    """
    right, wrong, missed, invented, exact, _ = np.moveaxis(counts, -1, 0)
    stated = right + wrong + missed
    found = right + wrong + invented
    mean = (stated + found) / 2
    return np.stack([right / found, right / stated, right / mean, exact / mean], -1)


def _make_score(name: str, counts: Numbers, samples: Numbers) -> Score:
    """Return a score, given its counts by source and its measures by sample and source. If there
    are two sources, the second source is the other prediction.
    """
    of_first = dict(zip(_COUNTS, map(int, counts[0]), strict=True))
    values = counts[:, : len(Verdict)].sum(axis=1)
    f1 = samples[:, :, _F1]
    score = {
        **of_first,
        **dict(zip(_MEASURES, map(_to_share, samples[0, 0]), strict=True)),
        "interval": _find_interval(f1[:, 0], values[0]),
    }
    if len(counts) > 1:
        differences = f1[:, 0] - f1[:, 1]
        score |= {
            "other": _to_share(f1[0, 1]),
            "difference": _to_share(differences[0]),
            "difference_interval": _find_interval(differences, values.min()),
        }
    return Score(name=name, **score)


def _to_share(value: float) -> float | None:
    """Return a measure, or None for NaN, which means that there is nothing to score."""
    if np.isnan(value):
        return None
    return float(value)


def _find_interval(samples: Numbers, values: float) -> Interval | None:
    """Return the 2.5th and 97.5th percentiles of the samples, excluding the first sample, which is
    the score itself. Return None if there are no other samples, or if there are too few values.
    """
    if values < LEAST_VALUES:
        return None
    if len(samples) == 1:
        return None
    low, high = np.nanpercentile(samples[1:], [2.5, 97.5])
    return float(low), float(high)


def _list_errors(
    record_id: str, rows: Iterable[JudgedValue], examples: int
) -> Iterator[ErrorExample]:
    """Yield the errors of a record, starting with the most harmful. Of each kind, only the first
    ``examples`` errors have their sides: with the evidence of all, the errors would grow with the
    square of the record.
    """
    counts = Counter[ErrorKind | None]()
    errors = (row for row in rows if row.error)
    for row in sorted(errors, key=lambda row: row.rank):
        counts[row.error] += 1
        yield row.describe_error(record_id, with_sides=counts[row.error] <= examples)


def _group_errors(errors: Iterable[ErrorExample], examples: int) -> list[ErrorScore]:
    """Return the errors by kind, starting with the most harmful kind, and for each kind at most
    ``examples`` of its most harmful errors. ``errors`` has the errors of a record in order.
    """
    ranked = sorted(errors, key=lambda error: error.rank[:3])
    by_kind = group_pairs((error.kind, error) for error in ranked)
    scores = [
        ErrorScore(
            kind=kind,
            count=len(of_kind),
            harm=sum(error.harm for error in of_kind),
            fields=Counter(error.field for error in of_kind),
            examples=tuple(of_kind[:examples]),
        )
        for kind, of_kind in by_kind.items()
    ]
    return sorted(scores, key=lambda score: -score.harm)
