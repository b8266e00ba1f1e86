"""Count how many high-confidence values of doses, conditions and windows are right.

    python -m benchmarks.sure_parts GOLD RECORDS... [--folds 3,4] [--sure 0.85]

GOLD is a file with folds, such as ``benchmarks/gold/gold.jsonl``. A value counts if its item is in
gold, and is right if it agrees at the normalised level. Prints a row for each field: the right
values among those with at least the confidence ``--sure``, and among the others.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.data import RULES, format_table, parse_options, read_folds
from benchmarks.gold import read_pairs
from extractor.apps.evaluation.comparers import Verdict
from extractor.apps.evaluation.fields import GROUPS, list_scored_groups
from extractor.apps.evaluation.judge import judge as judge_values
from extractor.pipeline import extract_by_rules
from extractor.schemas import FieldRef, TrialExtraction

_FIELDS = (
    "dosing.agent",
    "dosing.role",
    "dosing.amounts",
    "dosing.arms",
    "dosing.route",
    "dosing.frequency",
    "dosing.cycle",
    "dosing.duration",
    "dosing.timing",
    "eligibility.criteria.constraints.condition",
    "eligibility.criteria.time_windows",
    "eligibility.criteria.time_windows.of",
    "eligibility.criteria.time_windows.anchor",
)


def main() -> None:
    """Print the table."""
    chosen = parse_options(__doc__, "gold", "records+", folds="", sure=0.85)
    folds = read_folds(chosen.folds)
    counts = Counter[tuple[str, bool, bool]]()
    for record, line, gold in read_pairs(chosen.gold, list(map(Path, chosen.records))):
        if folds and line["fold"] not in folds:
            continue
        extraction = extract_by_rules(record, RULES)
        for name, confidence, is_right in judge(gold, extraction):
            counts[name, confidence >= chosen.sure, is_right] += 1
    rows: list[list[object]] = []
    for name in _FIELDS:
        row: list[object] = [name]
        for is_sure in (True, False):
            right = counts[name, is_sure, True]
            wrong = counts[name, is_sure, False]
            row.append(f"{right} of {right + wrong}")
        rows.append(row)
    print(format_table(["field", f"right at {chosen.sure}", "below"], rows))


def judge(
    gold: TrialExtraction, found: TrialExtraction
) -> Iterator[tuple[str, float, bool]]:
    """Yield the values of an extraction whose items gold has: the field, the confidence, and
    whether it is right.
    """
    for row in judge_values(gold, found, list_scored_groups(GROUPS, gold)):
        is_paired = row.gold_item.item is not None and row.predicted is not None
        if row.field.name not in _FIELDS or not is_paired:
            continue
        own = [
            piece
            for piece in row.predicted_item.item.evidence
            if FieldRef(piece.field).path == row.field.attribute
        ]
        # of several values, the words of this one
        words = getattr(row.predicted, "quote", row.predicted)
        same = [piece for piece in own if piece.quote == words]
        known = [piece.confidence or 0 for piece in same or own]
        if known:  # else gold and the extraction agree that nothing is stated
            yield row.field.name, max(known), row.verdict is Verdict.RIGHT


if __name__ == "__main__":
    main()
