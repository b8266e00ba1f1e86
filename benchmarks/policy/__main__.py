"""Count whom to believe where rules and a model differ, and write it as the policy of a class of models.

    python -m benchmarks.policy GOLD RECORDS (--model SPEC | --replay DIR) [--record DIR] [--assist auto|always]
                                [--class capable|small --write extractor/assemble/policy.toml]

Prints for each field how often the answer was right where both said the same, where the rules said nothing, and
who was right where they differed, by how sure the rules were.
``--write`` puts the counts of ``--class`` into the file, in the place of older ones.
"""

import argparse
import asyncio
from pathlib import Path

from extractor.assemble.policy import ModelClass
from extractor.cli.environment import read_cache_folder, read_model_spec
from extractor.evaluation.gold_files import Extractions, open_extractions
from extractor.llm.client import ClientSettings, Model
from extractor.llm.opening import ModelChoice, open_model
from extractor.llm.querying import query_model
from extractor.options import Assist, ExtractionOptions
from extractor.parse import parse_record
from extractor.read import read_records
from extractor.schemas import TrialRecord

from .situations import Situations, add_situations, count_situations
from .writing import format_table, write_counts


def main() -> None:
    """Ask, count, print, write."""
    chosen = _read_arguments()
    counts = asyncio.run(_count(chosen))
    print(format_table(counts))
    if chosen.write:
        try:
            write_counts(chosen.write, chosen.model_class, counts)
        except ValueError as error:
            raise SystemExit(f"{error}; name the class of the model with --class") from None


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gold", type=Path)
    parser.add_argument("records", type=Path, nargs="+")
    parser.add_argument("--model", metavar="SPEC")
    parser.add_argument("--replay", type=Path, metavar="DIR")
    parser.add_argument("--record", type=Path, metavar="DIR")
    parser.add_argument("--assist", choices=("auto", "always"), default="auto")
    parser.add_argument(
        "--class", dest="model_class", type=ModelClass, choices=list(ModelClass), default=ModelClass.CAPABLE
    )
    parser.add_argument("--write", type=Path, metavar="FILE")
    return parser.parse_args()


async def _count(chosen: argparse.Namespace) -> Situations:
    spec = read_model_spec(chosen.model) if chosen.model else None
    choice = ModelChoice(spec, chosen.replay, chosen.record, read_cache_folder())
    gold = open_extractions(chosen.gold, "gold")
    async with open_model(choice, ClientSettings(concurrency=100)) as model:
        records = read_records(*map(str, chosen.records))
        found = await asyncio.gather(*(_count_record(record, gold, model, chosen.assist) for record in records))
    return add_situations(found)


async def _count_record(record: TrialRecord, gold: Extractions, model: Model | None, assist: str) -> Situations:
    annotated = gold.get(record.record_id)
    if annotated is None:
        return {}
    parsed = parse_record(record)
    return count_situations(
        parsed, await query_model(parsed, model, ExtractionOptions(assist=Assist(assist))), annotated
    )


if __name__ == "__main__":
    main()
