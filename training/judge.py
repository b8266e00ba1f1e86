"""Whom to believe, counted on the labels of trials from which the model has not learned.

    python -m training.judge --data DIR --model SPEC [--fold N] [--part K/N] [--record DIR | --replay DIR]
                             [--write extractor/assemble/policy.toml]

The labelled lines of the fold are asked as ``--assist auto`` would ask them: those of which the rules are not certain.
Where they and the model differ it is counted who was right, by how sure both were. The rules' scorers have learned
from these labels as well: for a fair count put scorers in place that were fitted without the fold
(``python -m benchmarks.training.scorers --leave-out N --out extractor/rulebook/weights``), and the shipped ones
back afterwards.
"""

import argparse
import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.label_files import FOLDS, add_data_option, fold_of
from benchmarks.policy.situations import judge_answer
from benchmarks.policy.writing import format_table, write_counts
from extractor.ask.call import Question
from extractor.ask.inquire import inquire_about
from extractor.ask.model import Model
from extractor.ask.opening import ModelChoice, open_model
from extractor.ask.plan.questions import plan_questions
from extractor.ask.wire import WIRE_ITEMS
from extractor.assemble.policy import ModelClass
from extractor.cli.environment import read_cache_folder, read_model_spec
from extractor.options import ExtractionOptions
from extractor.parse import parse_record
from extractor.parse.parsed import ParsedCriterion, ParsedOutcome, ParsedRecord, ParsedRegimen

from .exchange import Answered, TrialItems
from .sources import list_trials

Labels = Mapping[int, Mapping[str, Any]]
Counts = dict[str, dict[str, Counter[str]]]


class _All(Random):
    """Draws that ask every key of a line."""

    def random(self) -> float:
        return 0.1


def main() -> None:
    """Ask, count, print, write."""
    chosen = _read_arguments()
    counts = asyncio.run(_count(chosen))
    print(format_table(counts))
    if chosen.write:
        write_counts(chosen.write, ModelClass.TUNED, counts)


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_data_option(parser)
    parser.add_argument("--model", help="the tuned model, as everywhere")
    parser.add_argument("--fold", type=int, choices=range(FOLDS), default=0)
    parser.add_argument(
        "--part", default="1/1", metavar="K/N", help="each N-th trial from the K-th on, for several cores"
    )
    parser.add_argument("--record", type=Path, metavar="DIR", help="keep the answers there")
    parser.add_argument("--replay", type=Path, metavar="DIR", help="answers that were kept, in place of a model")
    parser.add_argument("--write", type=Path, metavar="FILE", help="the policy that gets the counts")
    return parser.parse_args()


async def _count(chosen: argparse.Namespace) -> Counts:
    spec = read_model_spec(chosen.model) if chosen.model else None
    choice = ModelChoice(spec, replay=chosen.replay, record=chosen.record, cache_dir=read_cache_folder())
    part, parts = map(int, chosen.part.split("/"))
    counts: Counts = defaultdict(lambda: defaultdict(Counter))
    trials = list_trials(chosen.data, _All(), lambda name: fold_of(name) == chosen.fold)
    async with open_model(choice) as model:
        if model is None:
            raise SystemExit("name a model with --model, or recorded answers with --replay")
        for trial in islice(trials, part - 1, None, parts):
            await _count_trial(trial, model, counts)
    return counts


async def _count_trial(trial: TrialItems, model: Model, counts: Counts) -> None:
    parsed = parse_record(trial.record)
    labels = _read_labels(trial.answered)
    questions = list(_labelled(plan_questions(parsed, ExtractionOptions(), ModelClass.TUNED), labels))
    if not questions:
        return
    inquiry = await inquire_about(parsed, questions, model)
    items = _items(parsed)
    for question in questions:
        number = question.chunk.number
        for field in question.fields:
            answer = inquiry.reading(number, field)
            if answer is not None:
                rule, label = getattr(items[number], field), labels[number][field]
                path = _PATHS[question.task.value]
                situation, who = judge_answer(f"{path}.{field}", rule, answer, label, ModelClass.TUNED)
                counts[f"{question.task}.{field}"][situation][who] += 1


_PATHS = {"eligibility": "eligibility.criteria", "dosing": "dosing", "endpoints": "endpoints"}


def _read_labels(answered: Iterable[Answered]) -> Labels:
    """The labelled values by the number of the line and the field, as the schemas have them."""
    found: dict[int, dict[str, Any]] = {}
    for one in answered:
        if one.kind not in ("regimens", "split"):
            (item,) = one.items
            read = WIRE_ITEMS[one.question.task].model_validate(item)
            found[one.question.chunk.number] = read.read(one.question)
    return found


def _labelled(questions: Iterable[Question], labels: Labels) -> Iterable[Question]:
    for question in questions:
        fields = tuple(field for field in question.fields if field in labels.get(question.chunk.number, {}))
        if fields:
            yield replace(question, fields=fields)


def _items(parsed: ParsedRecord) -> Mapping[int, Any]:
    """What the rules read, by the number of the line."""
    items: list[ParsedCriterion | ParsedRegimen | ParsedOutcome] = [
        *parsed.eligibility.criteria,
        *parsed.dosing.regimens,
        *parsed.outcomes,
    ]
    return {item.chunk.number: item for item in items}


if __name__ == "__main__":
    main()
