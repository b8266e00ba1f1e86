"""Weights of the learned scorers: makes the files in ``extractor/parse/scoring/weights``.

    OMP_NUM_THREADS=1 python -m benchmarks.training.scorers --data DIR [--out DIR [--leave-out FOLD]]

Prints how often each scorer is right on trials that it has not seen (five folds), how many answers are certain and
how often these are right; measured on the same answers, the confidences are calibrated. With ``--out`` fits on all
labels and writes the files; with ``--leave-out`` on all but those of one fold of the trials, so that it can be counted
on that fold whom to believe, these scorers or a model. Needs the extra `train`. The same labels and records give the
same files.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.label_files import FOLDS, add_data_option, fold_of, read_labels
from extractor.parse.scoring import Bag
from extractor.parse.scoring.meanings import WordVectors
from extractor.parse.scoring.probabilities import Calibration
from extractor.read import read_records
from extractor.schemas import TrialRecord

from .arrays import Array
from .criteria import NO_CRITERION, PLAN, LabelledLine, find_lines
from .fitting import Plan, fit
from .held_out import calibrate, hold_out
from .outcomes import CATEGORIES, CONCEPTS, find_outcomes
from .tables import Judgement, format_groups
from .weight_files import as_stored, store_classifier, store_vectors
from .word_vectors import make_vectors, read_sentences

_FILES = ("ctgov_v2.jsonl.gz", "ctgov_xml", "eligibility_general.jsonl.gz", "ctgov_leukaemia.csv")


def main() -> None:
    """Print held-out figures; write the files if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_data_option(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write the weights")
    parser.add_argument("--leave-out", type=int, choices=range(FOLDS), metavar="FOLD", help="fit without this fold")
    chosen = parser.parse_args()
    records = _read_records(chosen.data)
    made = make_vectors(read_sentences(records.values()))
    vectors = as_stored(made)
    if chosen.out:
        chosen.out.mkdir(parents=True, exist_ok=True)
        store_vectors(made, chosen.out / "words.npz")
    train_criteria(chosen.data, records, vectors, chosen)
    for plan, label in ((CONCEPTS, "concept"), (CATEGORIES, "category")):
        train_outcomes(plan, label, chosen.data, vectors, chosen)


def train_criteria(
    data: Path, records: Mapping[str, TrialRecord], vectors: WordVectors, chosen: argparse.Namespace
) -> None:
    """The category of a criterion; and whether a line is one, judged on lines that the package takes for such."""
    lines = find_lines(read_labels(data, "criteria"), records)
    bags, labels = [line.bag for line in lines], [line.row["category"] for line in lines]
    classes, chances = hold_out(PLAN, bags, labels, [fold_of(line.row["record"]) for line in lines], vectors)
    none = classes.index(NO_CRITERION)
    refused = chances[:, none].copy()
    chances[:, none] = 0
    chances /= chances.sum(axis=1, keepdims=True)
    is_none = np.array([label == NO_CRITERION for label in labels])
    split = np.array([line.split for line in lines])
    stated, right = chances.max(axis=1), np.array(classes)[chances.argmax(axis=1)] == np.array(labels)
    calibrations = {
        "category": calibrate(stated[~is_none], right[~is_none]),
        "no_criterion": calibrate(refused[split], is_none[split]),
    }
    _report("criterion category", lines, ~is_none, right, _confidences(calibrations["category"], stated))
    stands = 1 - _confidences(calibrations["no_criterion"], refused)
    _report("line is a criterion", lines, split, is_none == (stands < _EVEN), np.maximum(stands, 1 - stands))
    trials = [line.row["record"] for line in lines]
    _store(PLAN, bags, labels, trials, vectors, calibrations, chosen)


def _report(name: str, lines: list[LabelledLine], kept: Array, right: Array, confidence: Array) -> None:
    rows = [line.row for line, keep in zip(lines, kept, strict=True) if keep]
    groups = ["oncology, allergy (c)" if row["id"][0] == "c" else "all areas (g, h)" for row in rows]
    print(format_groups(name, Judgement(right[kept], confidence[kept], [row["record"] for row in rows], groups)))


def train_outcomes(plan: Plan, label: str, data: Path, vectors: WordVectors, chosen: argparse.Namespace) -> None:
    """The concept, or the category, of an outcome."""
    rows = read_labels(data, "outcomes")
    bags, labels, trials = find_outcomes(rows), [row[label] for row in rows], [row["record"] for row in rows]
    classes, chances = hold_out(plan, bags, labels, [fold_of(trial) for trial in trials], vectors)
    stated, right = chances.max(axis=1), np.array(classes)[chances.argmax(axis=1)] == np.array(labels)
    calibration = calibrate(stated, right)
    groups = ["flattened (q)" if row["id"][0] == "q" else "three parts (o, p)" for row in rows]
    print(format_groups(f"outcome {label}", Judgement(right, _confidences(calibration, stated), trials, groups)))
    _store(plan, bags, labels, trials, vectors, {"class": calibration}, chosen)


def _store(
    plan: Plan,
    bags: Sequence[Bag],
    labels: Sequence[str],
    trials: Sequence[str],
    vectors: WordVectors,
    calibrations: Mapping[str, Calibration],
    chosen: argparse.Namespace,
) -> None:
    if not chosen.out:
        return
    kept = [at for at, trial in enumerate(trials) if fold_of(trial) != chosen.leave_out]
    classifier = fit(plan, [bags[at] for at in kept], [labels[at] for at in kept], vectors)
    store_classifier(replace(classifier, calibrations=dict(calibrations)), chosen.out / f"{plan.name}.npz")


def _confidences(calibration: Calibration, stated: Array) -> Array:
    return np.array(calibration.confidences(stated))


def _read_records(data: Path) -> dict[str, TrialRecord]:
    """The records by trial; of several with one number, the first that has criteria."""
    records: dict[str, TrialRecord] = {}
    for name in _FILES:
        if (data / "records" / name).exists():
            for record in read_records(str(data / "records" / name)):
                known = records.get(record.record_id)
                if not known or not known.section("eligibility"):
                    records[record.record_id] = record
    return records


_EVEN = 0.5


if __name__ == "__main__":
    main()
