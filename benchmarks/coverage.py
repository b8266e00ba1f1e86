"""Correlate unread text with missed values: coverage against recall, record by record.

    python -m benchmarks.coverage GOLD RECORDS [--resamples 2000]

For each task, over the records with gold for it: Spearman's correlation of the recall of the task's values with the
unclaimed share of the sections that the task reads, and with the number of findings of unread text; with 95 %
bootstrap intervals over records. Only the rules run. Needs the extra `dev`.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import bootstrap, spearmanr

from benchmarks.data import format_table, parse_options, read_pairs
from extractor.assemble import ModelResult, assemble_extraction
from extractor.evaluation.fields import FIELDS
from extractor.evaluation.record_score import Count, score_record
from extractor.schemas import FindingKind, Task, TrialExtraction

_SECTIONS = {
    Task.ELIGIBILITY: ("eligibility",),
    Task.DOSING: ("arms", "interventions"),
    Task.ENDPOINTS: ("primary_outcomes", "secondary_outcomes", "other_outcomes"),
}
_UNREAD = {
    Task.ELIGIBILITY: (FindingKind.CRITERION_UNREAD, FindingKind.NUMBER_UNREAD),
    Task.DOSING: (FindingKind.DOSE_UNREAD,),
    Task.ENDPOINTS: (FindingKind.NUMBER_UNREAD,),
}


class Measured(NamedTuple):
    """One task of one record: recall of its values, unclaimed share of its text, findings of unread text."""

    task: Task
    recall: float
    unclaimed: float
    unread: int


def main(given: Sequence[str] | None = None) -> None:
    """Print the correlations."""
    chosen = parse_options(__doc__, "gold", "records", given=given, resamples=2000)
    pairs = read_pairs(chosen.gold, [chosen.records])
    measured = [
        one for parsed, gold in pairs for one in measure_record(gold, assemble_extraction(parsed, ModelResult()))
    ]
    rows = []
    for task in Task:
        of_task = [one for one in measured if one.task is task]
        recall, unread = [one.recall for one in of_task], [one.unread for one in of_task]
        shown = (correlate(recall, other, chosen.resamples) for other in ([one.unclaimed for one in of_task], unread))
        rows.append((task, len(recall), *shown, sum(unread)))
    print(format_table(("task", "records", "with unclaimed share", "with unread findings", "findings"), rows))


def measure_record(gold: TrialExtraction, predicted: TrialExtraction) -> list[Measured]:
    """Measure each task for which gold has a value and the record has text."""
    counts = score_record(gold, predicted).counts
    found = []
    for task in Task:
        rows = [counts[row] for row, field in enumerate(FIELDS) if field.task is task]
        stated, right = (sum(row[column] for row in rows) for column in (Count.GOLD, Count.NORMALISED))
        coverage = predicted.coverage.sections if predicted.coverage else ()
        sections = [section for section in coverage if section.kind in _SECTIONS[task]]
        characters = sum(section.characters for section in sections)
        if stated and characters:
            left = sum(section.characters - section.claimed - section.boilerplate for section in sections)
            unread = sum(f.kind in _UNREAD[task] and f.field.startswith(task) for f in predicted.findings)
            found.append(Measured(task, right / stated, left / characters, unread))
    return found


def correlate(one: Sequence[float], other: Sequence[float], resamples: int) -> str:
    """Format Spearman's correlation with its 95 % bootstrap interval, or report that a side does not vary.

    >>> correlate([1, 2, 3, 4], [4, 3, 2, 1], 50)[:5], correlate([1, 1, 1], [1, 2, 3], 50)
    ('-1.00', 'does not vary')
    """
    if len(one) < 3 or len(set(one)) == 1 or len(set(other)) == 1:
        return "does not vary"

    def correlation(*sample: Sequence[float]) -> float:
        # A sample in which a side is constant has no correlation.
        return float(spearmanr(*sample).statistic) if all(len(set(side)) > 1 for side in sample) else math.nan

    settings = {"paired": True, "vectorized": False, "n_resamples": resamples, "method": "percentile", "rng": 0}
    drawn = bootstrap((one, other), correlation, **settings).bootstrap_distribution
    low, high = np.nanquantile(drawn, (0.025, 0.975), method="closest_observation")
    return f"{correlation(one, other):+.2f} ({low:+.2f} to {high:+.2f})"


if __name__ == "__main__":
    main()
