"""What the program would lose with a perfect model: every question is answered from gold, the rest is real.

    python -m benchmarks.oracle GOLD RECORDS... [--assist auto|always] [--folds 0,1,2]
                                [--examples N [--field FIELD] [--cause CAUSE]]

GOLD is a folder of gold JSON, or a file without text such as benchmarks/gold/gold.jsonl. Prints macro-F1 of the rules
alone and with the oracle, and for each field the losses by cause (``benchmarks.oracle.answering.Cause``), with the
points of macro-F1 that they cost. ``--folds`` keeps the trials of these folds. ``--examples`` prints losses to read, of
folds 0 to 2 alone: 3 and 4 are for measuring.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.gold.__main__ import FOLDS, read_gold
from benchmarks.gold.figures import GROUPS, name_group
from benchmarks.models.pairs import read_pairs
from extractor.assemble import ModelResult, assemble_extraction
from extractor.evaluation.fields import FIELDS
from extractor.evaluation.scoring import evaluate
from extractor.options import Assist
from extractor.parse.parsed import ParsedRecord
from extractor.schemas import Task, TrialExtraction

from .answering import Cause, ask_oracle
from .losses import Loss, list_losses

__all__ = ["Trial", "format_examples", "format_figures", "format_losses", "judge_trial"]

_TO_READ = frozenset({0, 1, 2})
"""Folds whose errors whoever writes rules may read."""
_TOTALS = (*Task, "all")


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial of gold: what the rules alone find, what is found with the oracle, and every loss that is left."""

    gold: TrialExtraction
    rules: TrialExtraction
    oracle: TrialExtraction
    losses: tuple[Loss, ...]


def judge_trial(parsed: ParsedRecord, gold: TrialExtraction, assist: Assist) -> Trial:
    """Extract a record by the rules alone and with the oracle."""
    asked = ask_oracle(parsed, gold, assist)
    final = assemble_extraction(parsed, asked.result)
    rules = assemble_extraction(parsed, ModelResult())
    return Trial(gold, rules, final, tuple(list_losses(asked, gold, final)))


def format_figures(trials: Mapping[str, Sequence[Trial]]) -> str:
    """Macro-F1 by task, of the rules alone and with the oracle, a pair of columns for each group."""
    lines = ["task\t" + "\t".join(f"{group} ({len(found)}): rules\toracle" for group, found in trials.items())]
    scores = [_score(found, name) for found in trials.values() for name in ("rules", "oracle")]
    lines += ("\t".join([total, *(_show(score[total]) for score in scores)]) for total in _TOTALS)
    return "\n".join(lines)


def format_losses(trials: Sequence[Trial]) -> str:
    """One line a field: F1 of the rules and with the oracle, losses by cause, and the points of the macro-F1 of all
    that they cost. A point is a hundredth; together they are what the oracle lacks of 100.
    """
    rules, oracle = (_score(trials, name) for name in ("rules", "oracle"))
    fields = [one.name for one in FIELDS if oracle[one.name] is not None]
    losses = [loss for trial in trials for loss in trial.losses]
    counts = Counter((loss.field, loss.cause) for loss in losses)
    errors: Counter[str] = Counter()
    for loss in losses:
        errors[loss.field] += loss.errors
    points: dict[Any, float] = defaultdict(float)
    for loss in losses:
        lost = 100 * (1 - (oracle[loss.field] or 0.0)) / len(fields) * loss.errors / errors[loss.field]
        for key in (loss.field, loss.cause, None):
            points[key] += lost
    lines = ["\t".join(["field", "rules", "oracle", *Cause, "points"])]
    for name in fields:
        figures = (_show(rules[name]), _show(oracle[name]))
        told = (str(counts[name, cause] or "-") for cause in Cause)
        lines.append("\t".join([name, *figures, *told, f"{points[name]:.2f}"]))
    total = (str(sum(1 for loss in losses if loss.cause is cause)) for cause in Cause)
    lines.append("\t".join(["losses", "", "", *total, ""]))
    lines.append("\t".join(["points", "", "", *(f"{points[cause]:.2f}" for cause in Cause), f"{points[None]:.2f}"]))
    return "\n".join(lines)


def format_examples(losses: Iterable[Loss], folds: Mapping[str, int], number: int) -> str:
    """Losses to read, spread over the records; none of a trial whose fold is for measuring."""
    found = [loss for loss in losses if folds.get(loss.record_id, 0) in _TO_READ]
    step = max(1, len(found) // number) if number else 1
    return "\n\n".join(map(_describe, found[::step][:number]))


def _describe(loss: Loss) -> str:
    values = f"  gold:  {_tell(loss.gold)}\n  found: {_tell(loss.found)}"
    return f"{loss.record_id} {loss.field}: {loss.cause}\n  item:  {loss.item}\n{values}"


def _tell(value: Any) -> str:
    return value.model_dump_json() if hasattr(value, "model_dump_json") else str(value)


def _score(trials: Sequence[Trial], name: str) -> dict[str, float | None]:
    found = [getattr(trial, name) for trial in trials]
    return evaluate([trial.gold for trial in trials], found, resamples=0, examples=0).figures()


def _show(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:.3f}"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.oracle", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("gold", type=Path)
    parser.add_argument("records", type=Path, nargs="+")
    parser.add_argument("--assist", type=Assist, choices=(Assist.AUTO, Assist.ALWAYS), default=Assist.AUTO)
    parser.add_argument("--folds", type=_read_folds, default=frozenset(range(FOLDS)))
    parser.add_argument("--examples", type=int, default=0, metavar="N")
    parser.add_argument("--field", help="Only examples of this field.")
    parser.add_argument("--cause", type=Cause, choices=tuple(Cause), help="Only examples of this cause.")
    chosen = parser.parse_args()
    known = read_gold()
    folds = {record_id: int(line["fold"]) for record_id, line in known.items()}
    trials: dict[str, list[Trial]] = defaultdict(list)
    for parsed, gold in read_pairs(chosen.gold, chosen.records):
        if folds.get(gold.record_id, 0) in chosen.folds:
            area = known.get(gold.record_id, {}).get("area")
            trials[name_group(area) if area else "area unknown"].append(judge_trial(parsed, gold, chosen.assist))
    if not trials:
        raise SystemExit(f"{chosen.gold}: no trial whose record is at hand; name its records after it")
    groups = {group: trials[group] for group in (*GROUPS, "area unknown") if trials[group]}
    print(format_figures(groups))
    for group, found in groups.items():
        print(f"\n{group}\n{format_losses(found)}")
    wanted = (
        loss
        for found in groups.values()
        for trial in found
        for loss in trial.losses
        if chosen.field in (None, loss.field) and chosen.cause in (None, loss.cause)
    )
    if chosen.examples:
        print(f"\n{format_examples(wanted, folds, chosen.examples)}")


def _read_folds(text: str) -> frozenset[int]:
    return frozenset(map(int, text.split(",")))


if __name__ == "__main__":
    main()
