"""Count whom to believe where rules and a model differ, and write it as the policy of a class of models.

    python -m benchmarks.policy GOLD RECORDS (--model SPEC | --replay DIR) [--record DIR] [--assist auto|always]
                                [--class capable|small --write extractor/assemble/policy.toml]

Prints for each field how often the answer was right where both said the same, where the rules said nothing, and
who was right where they differed, by how sure the rules were. ``--write`` puts the counts of ``--class`` into the
file, in the place of older ones.
"""

import argparse
import asyncio
import tomllib
from collections.abc import Iterable
from pathlib import Path

from extractor.ask.inquire import inquire
from extractor.ask.model import AskSettings, Model
from extractor.ask.opening import ModelChoice, open_model
from extractor.ask.plan.questions import Assist
from extractor.assemble import ALL_TASKS
from extractor.assemble.policy import ModelClass
from extractor.cli.environment import read_cache_folder, read_model_spec
from extractor.evaluation.load import Extractions, open_extractions
from extractor.parse import parse_record
from extractor.read import read_records
from extractor.schemas import TrialRecord

from .situations import Situations, add_situations, count_situations

_HEADER = "# Who was right, counted by `python -m benchmarks.policy`; see policy.py.\n"
_SITUATIONS = ("agree", "alone", "doubtful", "likely", "certain", "silent", "silent_certain")


def main() -> None:
    """Ask, count, print, write."""
    chosen = _read_arguments()
    counts = asyncio.run(_count(chosen))
    print(_format_table(counts))
    if chosen.write:
        _write(chosen.write, chosen.model_class, counts)


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gold", type=Path)
    parser.add_argument("records", type=Path, nargs="+")
    parser.add_argument("--model", metavar="SPEC")
    parser.add_argument("--replay", type=Path, metavar="DIR")
    parser.add_argument("--record", type=Path, metavar="DIR")
    parser.add_argument("--assist", choices=("auto", "always"), default="auto")
    parser.add_argument("--class", dest="model_class", choices=list(ModelClass), default=ModelClass.CAPABLE)
    parser.add_argument("--write", type=Path, metavar="FILE")
    return parser.parse_args()


async def _count(chosen: argparse.Namespace) -> Situations:
    spec = read_model_spec(chosen.model) if chosen.model else None
    choice = ModelChoice(spec, chosen.replay, chosen.record, read_cache_folder())
    gold = open_extractions(chosen.gold, "gold")
    async with open_model(choice, AskSettings(concurrency=100)) as model:
        records = read_records(*map(str, chosen.records))
        found = await asyncio.gather(*(_count_record(record, gold, model, chosen.assist) for record in records))
    return add_situations(found)


async def _count_record(record: TrialRecord, gold: Extractions, model: Model | None, assist: str) -> Situations:
    annotated = gold.get(record.record_id)
    if annotated is None:
        return {}
    parsed = parse_record(record)
    return count_situations(parsed, await inquire(parsed, model, ALL_TASKS, Assist(assist)), annotated)


def _format_table(counts: Situations) -> str:
    rows = [
        f"{'field':<30} {'agree':>9} {'alone':>9}   rule/model/neither: "
        "they differ, rules doubtful, likely, certain; rules silent, unsure, certain"
    ]
    for field, situations in sorted(counts.items()):
        sure = [f"{situations[name]['right']}/{situations[name].total()}" for name in _SITUATIONS[:2]]
        differ = ["/".join(str(situations[name][who]) for who in _DIFFERENT) for name in _SITUATIONS[2:]]
        rows.append(f"{field:<30} {sure[0]:>9} {sure[1]:>9}   {'  '.join(f'{one:>8}' for one in differ)}")
    return "\n".join(rows)


_DIFFERENT = ("rule", "model", "neither")


def _write(path: Path, model_class: str, counts: Situations) -> None:
    kept = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
    kept[model_class] = {field: {name: dict(who) for name, who in found.items()} for field, found in counts.items()}
    tables = (line for name in sorted(kept) for line in _format_class(name, kept[name].items()))
    path.write_text(_HEADER + "\n".join(tables) + "\n", "utf-8")


def _format_class(model_class: str, fields: Iterable[tuple[str, dict[str, dict[str, int]]]]) -> Iterable[str]:
    for field, situations in sorted(fields):
        yield f'\n[{model_class}."{field}"]'
        for name in _SITUATIONS:
            if found := situations.get(name):
                yield f"{name} = {{ {', '.join(f'{who} = {count}' for who, count in sorted(found.items()))} }}"


if __name__ == "__main__":
    main()
