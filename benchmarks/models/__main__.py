"""What a model adds to the rules, field by field, and what it costs.

    python -m benchmarks.models GOLD RECORDS [RECORDS ...] (--model SPEC [--model SPEC ...] | --replay DIR)
                                [--assist auto|always ...] [--record DIR] [--limit N] [--resamples N]

For each model: F1 of ``--assist never``, of ``auto``, of ``auto`` with a policy counted on the other records alone
(``held out``: whom to believe was learnt from nothing that is scored) and of ``always``, each with its paired
difference to ``never`` and a 95 % interval; the fields that a model made worse; calls, tokens (in all, the median of a
record, the share that the server had in its cache, the share of what was asked last), seconds a record by the clock.
"""

import argparse
import asyncio
from pathlib import Path

from extractor.assemble import ModelResult, assemble_extraction
from extractor.cli.environment import read_cache_folder, read_model_spec
from extractor.evaluation.report import ScoreReport
from extractor.llm.opening import ModelChoice
from extractor.options import Assist

from .asking import ask_all
from .believing import assemble_held_out, assemble_shipped
from .pairs import Pairs, read_pairs
from .tables import compare_with_rules, format_accuracy, format_costs, list_losses

__all__ = ["main"]


def main() -> None:
    """Ask, score, print."""
    chosen = _read_arguments()
    pairs = read_pairs(chosen.gold, chosen.records, chosen.limit)
    for spec in chosen.model or [None]:
        print(f"{spec or chosen.replay}, {len(pairs)} records", end="\n\n")
        _measure(pairs, spec, chosen)


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gold", type=Path)
    parser.add_argument("records", type=Path, nargs="+")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--model", metavar="SPEC", action="append")
    source.add_argument("--replay", type=Path, metavar="DIR")
    parser.add_argument("--record", type=Path, metavar="DIR")
    parser.add_argument("--assist", choices=("auto", "always"), action="append")
    parser.add_argument("--limit", type=int, metavar="N")
    parser.add_argument("--resamples", type=int, default=1000, metavar="N")
    return parser.parse_args()


def _measure(pairs: Pairs, spec: str | None, chosen: argparse.Namespace) -> None:
    gold = [label for _, label in pairs]
    rules = [assemble_extraction(parsed, ModelResult()) for parsed, _ in pairs]
    choice = ModelChoice(read_model_spec(spec) if spec else None, chosen.replay, chosen.record, read_cache_folder())
    rounds = {
        assist: asyncio.run(ask_all(pairs, choice, Assist(assist), concurrency=100))
        for assist in chosen.assist or ("auto", "always")
    }
    reports: dict[str, ScoreReport] = {}
    for assist, asked in rounds.items():
        found = {assist: assemble_shipped(asked), f"{assist}, held out": assemble_held_out(asked)}
        reports |= {name: compare_with_rules(gold, one, rules, chosen.resamples) for name, one in found.items()}
    print(format_accuracy(reports), end="\n\n")
    for name, report in reports.items():
        print(f"worse than the rules alone, {name}: {', '.join(list_losses(report)) or 'no field'}")
    print(f"\n{format_costs(rounds)}\n")


if __name__ == "__main__":
    main()
