"""Weights of the learned scorers: makes the files in ``extractor/parse/scoring/weights``.

    OMP_NUM_THREADS=1 python -m benchmarks.training.scorers --data DIR [--out DIR [--leave-out FOLD]]

Prints how often each scorer is right on trials that it has not seen (five folds), how many answers are certain and
how often these are right, and how often it is right on what it has learned; by group of areas, and by area.
Confidences are calibrated on the same answers. With ``--out`` fits on all labels and writes the files; with
``--leave-out`` on all but those of one fold of the trials, so that it can be counted on that fold whom to believe,
these scorers or a model. No trial of the gold is learned from. Needs the extra `train`. The same labels and records
give the same files.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from benchmarks.label_files import FOLDS, Row, add_data_option, fold_of
from benchmarks.training.labelled import OTHERS, group_of, read_training_records, read_training_rows
from extractor.parse.scoring import Bag
from extractor.parse.scoring.classifier import Classifier
from extractor.parse.scoring.meanings import WordVectors
from extractor.parse.scoring.probabilities import Calibration

from .arrays import Array
from .criteria import NO_CRITERION, PLAN, find_lines
from .fitting import Plan, fit
from .held_out import calibrate, hold_out
from .outcomes import CATEGORIES, CONCEPTS, find_outcomes
from .tables import Judgement, format_groups
from .weight_files import as_stored, store_classifier, store_vectors
from .word_vectors import make_vectors, read_sentences


@dataclass(frozen=True)
class _Task:
    """What one scorer learns from: labelled bags, each with its row."""

    plan: Plan
    bags: Sequence[Bag]
    labels: Sequence[str]
    rows: Sequence[Row]
    vectors: WordVectors

    @cached_property
    def counts(self) -> list[float]:
        return [self.plan.others if group_of(row) == OTHERS else 1.0 for row in self.rows]

    def hold_out(self) -> tuple[tuple[str, ...], Array]:
        folds = [row["fold"] for row in self.rows]
        return hold_out(self.plan, self.bags, self.labels, folds, self.vectors, self.counts)

    def fit(self, left_out: int | None) -> Classifier:
        """Fit on all rows, or on those of trials that neither their file nor ``fold_of`` puts into one fold."""
        kept = [at for at, row in enumerate(self.rows) if left_out not in (row["fold"], fold_of(row["record"]))]
        bags, labels = [self.bags[at] for at in kept], [self.labels[at] for at in kept]
        return fit(self.plan, bags, labels, self.vectors, [self.counts[at] for at in kept])


def main() -> None:
    """Print held-out figures; write the files if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_data_option(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write the weights")
    parser.add_argument("--leave-out", type=int, choices=range(FOLDS), metavar="FOLD", help="fit without this fold")
    chosen = parser.parse_args()
    records = read_training_records(chosen.data)
    rows = read_training_rows(chosen.data, records)
    made = make_vectors(read_sentences(records.values()))
    vectors = as_stored(made)
    if chosen.out:
        chosen.out.mkdir(parents=True, exist_ok=True)
        store_vectors(made, chosen.out / "words.npz")
    lines = find_lines(rows.criteria, records)
    split = np.array([line.split for line in lines])
    found = [line.row for line in lines]
    criteria = _Task(PLAN, [line.bag for line in lines], [row["category"] for row in found], found, vectors)
    train_criteria(criteria, split, chosen)
    bags = find_outcomes(rows.outcomes, records)
    for plan, label in ((CONCEPTS, "concept"), (CATEGORIES, "category")):
        task = _Task(plan, bags, [row[label] for row in rows.outcomes], rows.outcomes, vectors)
        train_outcomes(task, f"outcome {label}", chosen)


def train_criteria(task: _Task, split: Array, chosen: argparse.Namespace) -> None:
    """The category of a criterion; and whether a line is one, judged on lines that the package takes for such."""
    classes, chances = task.hold_out()
    stated, right, refused = _judge_lines(task, classes, chances)
    is_none = np.array([label == NO_CRITERION for label in task.labels])
    calibrations = {
        "category": calibrate(stated[~is_none], right[~is_none]),
        "no_criterion": calibrate(refused[split], is_none[split]),
    }
    fitted = replace(task.fit(chosen.leave_out), calibrations=calibrations)
    _, seen, seen_refused = _judge_lines(task, fitted.classes, fitted.weigh(task.bags).chances)
    _report("criterion category", task, ~is_none, right, _confidences(calibrations["category"], stated), seen)
    stands, seen_stands = (1 - _confidences(calibrations["no_criterion"], doubts) for doubts in (refused, seen_refused))
    certain = np.maximum(stands, 1 - stands)
    _report("line is a criterion", task, split, is_none == (stands < _EVEN), certain, is_none == (seen_stands < _EVEN))
    _store(fitted, chosen)


def _judge_lines(task: _Task, classes: Sequence[str], chances: Array) -> tuple[Array, Array, Array]:
    """Of each line how probable its likeliest category is and whether it is right; and how probable it is that it is
    no criterion.
    """
    none = classes.index(NO_CRITERION)
    refused = chances[:, none].copy()
    kept = chances.copy()
    kept[:, none] = 0
    kept /= kept.sum(axis=1, keepdims=True)
    labels = np.array(task.labels)
    return kept.max(axis=1), np.array(classes)[kept.argmax(axis=1)] == labels, refused


def train_outcomes(task: _Task, name: str, chosen: argparse.Namespace) -> None:
    """The concept, or the category, of an outcome."""
    labels = np.array(task.labels)
    classes, chances = task.hold_out()
    stated, right = chances.max(axis=1), np.array(classes)[chances.argmax(axis=1)] == labels
    calibration = calibrate(stated, right)
    fitted = replace(task.fit(chosen.leave_out), calibrations={"class": calibration})
    seen = np.array(fitted.classes)[fitted.weigh(task.bags).chances.argmax(axis=1)] == labels
    _report(name, task, np.ones(len(labels), bool), right, _confidences(calibration, stated), seen)
    _store(fitted, chosen, task.plan.name)


def _report(name: str, task: _Task, kept: Array, right: Array, confidence: Array, seen: Array) -> None:
    rows = [row for row, keep in zip(task.rows, kept, strict=True) if keep]
    trials, groups, areas = (
        [row["record"] for row in rows],
        [group_of(row) for row in rows],
        [r["area"] for r in rows],
    )
    print(format_groups(name, Judgement(right[kept], confidence[kept], seen[kept], trials, groups, areas)), flush=True)


def _store(fitted: Classifier, chosen: argparse.Namespace, name: str = PLAN.name) -> None:
    if chosen.out:
        store_classifier(fitted, chosen.out / f"{name}.npz")


def _confidences(calibration: Calibration, stated: Array) -> Array:
    return np.array(calibration.confidences(stated))


_EVEN = 0.5


if __name__ == "__main__":
    main()
