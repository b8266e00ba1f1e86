"""Whether text that nothing was read from tells of what was missed: coverage against recall, record by record.

    python -m benchmarks.coverage GOLD RECORDS [--resamples 2000]

For each task: Spearman's correlation, over the records with gold for it, of the recall of the task's values with the
unclaimed share of the sections that the task reads, and with the number of findings of unread text; with 95 %
bootstrap intervals over records. The rules alone; no model. Needs the extra `evaluate`.
"""

import argparse
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import ConstantInputWarning, spearmanr  # type: ignore[import-untyped]

from extractor.assemble import ModelResult, assemble_extraction
from extractor.evaluation.fields import FIELDS
from extractor.evaluation.gold_files import open_extractions
from extractor.evaluation.record_score import Column, score_record
from extractor.parse import parse_record
from extractor.read import read_records
from extractor.schemas import FindingKind, Task, TrialExtraction

__all__ = ["Measured", "correlate", "main", "measure_record"]

SECTIONS = {
    Task.ELIGIBILITY: ("eligibility",),
    Task.DOSING: ("arms", "interventions"),
    Task.ENDPOINTS: ("primary_outcomes", "secondary_outcomes", "other_outcomes"),
}
UNREAD = {
    Task.ELIGIBILITY: (FindingKind.CRITERION_UNREAD, FindingKind.NUMBER_UNREAD),
    Task.DOSING: (FindingKind.DOSE_UNREAD,),
    Task.ENDPOINTS: (FindingKind.NUMBER_UNREAD,),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """One task of one record: recall of its values, unclaimed share of its text, findings of unread text."""

    task: Task
    recall: float
    unclaimed: float
    unread: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the correlations."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gold", type=Path)
    parser.add_argument("records", type=Path)
    parser.add_argument("--resamples", type=int, default=2000)
    chosen = parser.parse_args(arguments)
    gold = open_extractions(chosen.gold, "gold")
    measured: list[Measured] = []
    for record in read_records(chosen.records, on_error=lambda error: print(error, file=sys.stderr)):
        if annotated := gold.get(record.record_id):
            measured += measure_record(annotated, assemble_extraction(parse_record(record), ModelResult()))
    print("task          records  recall with unclaimed share     recall with unread findings    findings")
    for task in Task:
        of_task = [one for one in measured if one.task is task]
        share = _show(of_task, lambda one: one.unclaimed, chosen.resamples)
        told = _show(of_task, lambda one: one.unread, chosen.resamples)
        print(f"{task:13} {len(of_task):7}  {share:30}  {told:30} {sum(one.unread for one in of_task)}")


def measure_record(gold: TrialExtraction, predicted: TrialExtraction) -> list[Measured]:
    """Each task that gold states anything of, where the record has text for it."""
    counts = score_record(gold, predicted).counts
    found = []
    for task in Task:
        rows = [counts[row] for row, field in enumerate(FIELDS) if field.task is task]
        stated, right = (sum(row[column] for row in rows) for column in (Column.GOLD, Column.NORMALISED))
        sections = [
            one for one in (predicted.coverage.sections if predicted.coverage else ()) if one.kind in SECTIONS[task]
        ]
        characters = sum(one.characters for one in sections)
        if stated and characters:
            left = sum(one.characters - one.claimed - one.boilerplate for one in sections)
            unread = sum(f.kind in UNREAD[task] and f.field.startswith(task) for f in predicted.findings)
            found.append(Measured(task, right / stated, left / characters, unread))
    return found


def correlate(
    one: Sequence[float], other: Sequence[float], resamples: int, seed: int = 0
) -> tuple[float, float, float]:
    """Spearman's correlation with its 95 % bootstrap interval; NaN where one side does not vary.

    >>> tuple(round(float(value), 2) for value in correlate([1, 2, 3, 4], [4, 3, 2, 1], resamples=50))
    (-1.0, -1.0, -1.0)
    """
    ours, theirs = np.asarray(one, float), np.asarray(other, float)
    if len(ours) < 3:
        return float("nan"), float("nan"), float("nan")
    draw = np.random.default_rng(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantInputWarning)
        samples = (draw.integers(len(ours), size=len(ours)) for _ in range(resamples))
        values = np.array([spearmanr(ours[drawn], theirs[drawn]).statistic for drawn in samples])
        middle = float(spearmanr(ours, theirs).statistic)
    known = values[~np.isnan(values)]
    low, high = np.percentile(known, [2.5, 97.5]) if len(known) else (float("nan"),) * 2
    return middle, float(low), float(high)


def _show(measured: Sequence[Measured], other: Callable[[Measured], float], resamples: int) -> str:
    middle, low, high = correlate([one.recall for one in measured], list(map(other, measured)), resamples)
    return "does not vary" if np.isnan(middle) else f"{middle:+.2f} ({low:+.2f} to {high:+.2f})"


if __name__ == "__main__":
    main()
