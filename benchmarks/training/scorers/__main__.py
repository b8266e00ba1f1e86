"""Weights of the learned scorers: makes the files ``extractor/rulebook/weights/*.npz``.

    OMP_NUM_THREADS=1 python -m benchmarks.training.scorers --data DIR [--out DIR [--leave-out FOLD]] [--only NAME...]

Prints how often each scorer is right on trials that it has not seen (five folds), how many answers are certain and
how often these are right, and how often it is right on what it has learned; by group of areas, and by area.
With ``--out`` fits on all labels and writes the files; with ``--leave-out`` on all but those of one fold of the trials,
so that it can be counted on that fold whom to believe, these scorers or a model. No trial of the gold is learned from.
Needs the extra `train`. The same labels and records give the same files.
"""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from benchmarks.label_files import FOLDS, Row, add_data_option, fold_of
from benchmarks.training.labelled import OTHERS, TrainingRows, group_of, read_training_records, read_training_rows
from extractor.parse.scoring import Array, Features, Scorer
from extractor.schemas import TimeKind, TrialRecord

from .fitting import Plan, fit, hold_out, store_scorer
from .items import describe_outcomes, describe_time_frame, find_lines
from .tables import Judgement, format_groups
from .word_vectors import WordVectors, make_vectors, read_sentences

_OUTCOMES = {"d": 0.5, "e": 0.3, "t": 0.3, "a": 0.3, "v": 4, "u": 1.6, "m": 0.4, "s": 0.4}
CRITERIA = Plan("criteria", words=("w", "^", "e"), scales={"v": 2}, freedom=0.7, most=80_000)
CONCEPTS = Plan("concepts", words=("w", "^", "d", "a"), scales=_OUTCOMES, freedom=1, most=80_000, others=2)
CATEGORIES = replace(CONCEPTS, name="endpoint_categories")
TIME_KINDS = Plan("time_kinds", words=(), scales={}, freedom=2, most=4_000)
_NO_CRITERION = "none"
_EVEN = 0.5
_SPANS = ("From {} days to 2 years", "From week {} to week 52", "From month {} to month 24 after surgery")
"""What the guideline says outright, and the labels have too seldom: both ends of a span are points of time."""


@dataclass(frozen=True)
class _Task:
    """What one scorer learns from: the features of labelled items, each with its row."""

    plan: Plan
    items: Sequence[Features]
    labels: Sequence[str]
    rows: Sequence[Row]
    vectors: WordVectors

    @cached_property
    def counts(self) -> list[float]:
        return [self.plan.others if group_of(row) == OTHERS else 1.0 for row in self.rows]

    def hold_out(self) -> tuple[tuple[str, ...], Array]:
        folds = [row["fold"] for row in self.rows]
        return hold_out(self.plan, self.items, self.labels, folds, self.vectors, self.counts)

    def fit(self, left_out: int | None) -> Scorer:
        """Fit on all rows, or on those of trials that neither their file nor ``fold_of`` puts into one fold."""
        kept = [at for at, row in enumerate(self.rows) if left_out not in (row["fold"], fold_of(_trial(row)))]
        items, labels = [self.items[at] for at in kept], [self.labels[at] for at in kept]
        return fit(self.plan, items, labels, self.vectors, [self.counts[at] for at in kept])


def _trial(row: Row) -> str:
    """Labelled time frames name no trial: the text stands for it."""
    trial: str = row.get("record") or row["time_frame"].lower()
    return trial


def main() -> None:
    """Print held-out figures; write the files if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_data_option(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write the weights")
    parser.add_argument("--leave-out", type=int, choices=range(FOLDS), metavar="FOLD", help="fit without this fold")
    names = [plan.name for plan in (CRITERIA, CONCEPTS, CATEGORIES, TIME_KINDS)]
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME", help="only these scorers")
    chosen = parser.parse_args()
    records = read_training_records(chosen.data)
    rows = read_training_rows(chosen.data, records)
    vectors = make_vectors(read_sentences(records.values()))
    if chosen.out:
        chosen.out.mkdir(parents=True, exist_ok=True)
    if CRITERIA.name in chosen.only:
        _train_criteria(rows, records, vectors, chosen)
    for task, name in _list_tasks(rows, records, vectors, chosen.only):
        classes, chances = task.hold_out()
        fitted = task.fit(chosen.leave_out)
        seen = np.array(fitted.classes)[fitted.predict(task.items).argmax(axis=1)] == np.array(task.labels)
        right = np.array(classes)[chances.argmax(axis=1)] == np.array(task.labels)
        _report(name, task, np.ones(len(right), bool), right, chances.max(axis=1), seen)
        _store(fitted, chosen, task.plan)


def _list_tasks(
    rows: TrainingRows, records: dict[str, TrialRecord], vectors: WordVectors, names: Sequence[str]
) -> Iterable[tuple[_Task, str]]:
    outcomes = [(CONCEPTS, "concept"), (CATEGORIES, "category")]
    if any(plan.name in names for plan, _ in outcomes):
        items = describe_outcomes(rows.outcomes, records)
        for plan, label in outcomes:
            if plan.name in names:
                labels = [row[label] for row in rows.outcomes]
                yield _Task(plan, items, labels, rows.outcomes, vectors), f"outcome {label}"
    if TIME_KINDS.name in names:
        taught = [
            {"time_frame": text.format(day), "time_kind": TimeKind.FROM_TO, "area": OTHERS, "fold": FOLDS}
            for text in _SPANS
            for day in range(3, 15)
        ]
        frames = [*rows.time_frames, *taught]
        items = [describe_time_frame(row["time_frame"]) for row in frames]
        yield _Task(TIME_KINDS, items, [str(row["time_kind"]) for row in frames], frames, vectors), "kind of time frame"


def _train_criteria(
    rows: TrainingRows, records: dict[str, TrialRecord], vectors: WordVectors, chosen: argparse.Namespace
) -> None:
    """The category of a criterion; and whether a line is one, judged on lines that the package takes for such."""
    lines = find_lines(rows.criteria, records)
    found = [line.row for line in lines]
    task = _Task(CRITERIA, [line.features for line in lines], [row["category"] for row in found], found, vectors)
    fitted = task.fit(chosen.leave_out)
    is_none = np.array([label == _NO_CRITERION for label in task.labels])
    stated, right, refused = _judge_lines(task, *task.hold_out())
    _, seen, seen_refused = _judge_lines(task, fitted.classes, fitted.predict(task.items))
    _report("criterion category", task, ~is_none, right, stated, seen)
    split, certain = np.array([line.split for line in lines]), np.maximum(refused, 1 - refused)
    judged = (is_none == (doubts > _EVEN) for doubts in (refused, seen_refused))
    _report("line is a criterion", task, split, next(judged), certain, next(judged))
    _store(fitted, chosen, CRITERIA)


def _judge_lines(task: _Task, classes: Sequence[str], chances: Array) -> tuple[Array, Array, Array]:
    """Of each line how probable its likeliest category is and whether it is right; and how probable it is that it is
    no criterion.
    """
    none = classes.index(_NO_CRITERION)
    refused = chances[:, none].copy()
    kept = chances.copy()
    kept[:, none] = 0
    kept /= kept.sum(axis=1, keepdims=True)
    return kept.max(axis=1), np.array(classes)[kept.argmax(axis=1)] == np.array(task.labels), refused


def _report(name: str, task: _Task, kept: Array, right: Array, confidence: Array, seen: Array) -> None:
    rows = [row for row, keep in zip(task.rows, kept, strict=True) if keep]
    trials, groups, areas = (list(map(of, rows)) for of in (_trial, group_of, lambda row: row["area"]))
    print(format_groups(name, Judgement(right[kept], confidence[kept], seen[kept], trials, groups, areas)), flush=True)


def _store(fitted: Scorer, chosen: argparse.Namespace, plan: Plan) -> None:
    if chosen.out:
        store_scorer(fitted, chosen.out / f"{plan.name}.npz")


if __name__ == "__main__":
    main()
