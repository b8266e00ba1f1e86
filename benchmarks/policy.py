"""Count whom to believe where rules and a model differ, and write it as the policy of a class of models.

    python -m benchmarks.policy GOLD RECORDS (--model SPEC | --replay DIR) [--record DIR] [--assist auto|always]
                                [--class capable|small --write extractor/assemble/policy.toml]

Prints for each field how often the answer was right where both said the same, where the rules said nothing, and
who was right where they differed, by how sure the rules were.
``--write`` puts the counts of ``--class`` into the file, in the place of older ones.
"""

import argparse
import asyncio
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.data import Pairs, format_table, option_parser, read_pairs
from benchmarks.matching import is_right, list_values, match_items
from extractor.assemble import ModelResult, assemble_extraction
from extractor.assemble.dosing import pair_reread
from extractor.assemble.policy import DOUBTFUL, ModelClass, list_situations
from extractor.assemble.resolve import agree
from extractor.cli.environment import read_cache_folder, read_model_spec
from extractor.llm.client import ClientSettings
from extractor.llm.dialogue import dialogue
from extractor.llm.opening import ModelChoice, open_model
from extractor.llm.querying import converse
from extractor.options import Assist, ExtractionOptions
from extractor.parse.parsed import CERTAIN, ParsedRecord, Reading
from extractor.schemas import TrialExtraction

Situations = Mapping[str, Mapping[str, Counter[str]]]
"""By field, as a policy names it, and situation: how often who was right."""


def add_situations(found: Iterable[Situations]) -> dict[str, dict[str, Counter[str]]]:
    """The counts of several records as one.

    >>> both = add_situations([{"f": {"agree": Counter(right=2)}}, {"f": {"agree": Counter(right=1, wrong=1)}}])
    >>> sorted(both["f"]["agree"].items())
    [('right', 3), ('wrong', 1)]
    """
    total: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for field, situations in (pair for counts in found for pair in counts.items()):
        for situation, who in situations.items():
            total[field][situation] += who
    return total


def count_situations(parsed: ParsedRecord, result: ModelResult, gold: TrialExtraction) -> Situations:
    """Count over one record. Items that the rules alone did not find are left out."""
    counts: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    extraction = assemble_extraction(parsed, ModelResult())
    matches = list(match_items(parsed, extraction, gold))
    whole = pair_passages(parsed, result)
    for match in matches:
        of_match = whole.get(id(match.read), result)
        for field, rule, label in list_values(match) if of_match else ():
            path, name = field.split(".")[0], field.rsplit(".", 1)[1]
            if of_match and (model := of_match.reading(match.read.chunk.number, name)):
                situation, who = judge_answer(field, rule, model, label)
                counts[f"{path}.{name}"][situation][who] += 1
    paired = {id(match.read) for match in matches}
    for regimen in parsed.dosing.regimens:
        if whole.get(id(regimen), result) is None:  # the model read its passage, and saw no such regimen
            situation = "doubtful" if regimen.exists.confidence < DOUBTFUL else "likely"
            counts["dosing.regimens"][situation]["rule" if id(regimen) in paired else "model"] += 1
    for criterion in parsed.eligibility.criteria:
        answer = result.reading(criterion.chunk.number, "stands")
        # What is no criterion in gold either, or was merged into another one, does not stand.
        if answer is not None:
            rule_right = criterion.stands.value == (id(criterion) in paired)
            situation, who = _judge(criterion.stands, answer, rule_right=rule_right, model_right=not rule_right)
            counts["eligibility.stands"][situation][who] += 1
    return counts


def pair_passages(parsed: ParsedRecord, result: ModelResult) -> dict[int, ModelResult | None]:
    """For each regimen (by identity) that was read anew, the result as it concerns it alone; None if the model did not
    see it.
    """
    reread = pair_reread(parsed, result)
    found: dict[int, ModelResult | None] = {id(regimen): None for regimen in reread.regimens}
    for place, other in reread.pairs.items():
        regimen, (_, answer) = reread.regimens[place], reread.answers[other]
        found[id(regimen)] = replace(result, answers={regimen.chunk.number: (answer,)})
    return found


def judge_answer(field: str, rule: Reading[Any], model: Reading[Any], label: Any) -> tuple[str, str]:
    """The situation, and who was right in it: the rules, the model, or neither.

    ``field`` is named as gold has it, such as ``eligibility.criteria.category``.
    """
    rights = [is_right(field, reading.value, label) for reading in (rule, model)]
    return _judge(rule, model, rule_right=rights[0], model_right=rights[1])


def _judge(rule: Reading[Any], model: Reading[Any], *, rule_right: bool, model_right: bool) -> tuple[str, str]:
    """The situation, and who was right in it."""
    if rule.is_open:
        return "alone", "right" if model_right else "wrong"
    if agree(rule.value, model.value):
        return "agree", "right" if rule_right or model_right else "wrong"
    if rule.value is None or rule.value == ():
        situation = "silent_certain" if rule.confidence >= CERTAIN else "silent"
    else:
        situation = "doubtful" if rule.confidence < DOUBTFUL else "likely" if rule.confidence < CERTAIN else "certain"
    return situation, "rule" if rule_right else "model" if model_right else "neither"


_HEADER = "# Who was right, counted by `python -m benchmarks.policy`; see policy.py.\n"


def write_counts(path: Path, model_class: ModelClass, counts: Mapping[str, Mapping[str, Mapping[str, int]]]) -> None:
    """Put the counts into the file, in the place of older ones of that class.

    Raises ``ValueError`` for situations that are not known for it.
    """
    occurred = {name for situations in counts.values() for name in situations}
    if strange := occurred - set(list_situations(model_class)):
        raise ValueError(f"no {model_class} model was counted: {', '.join(sorted(strange))}")
    kept = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
    kept[model_class] = {field: {name: dict(who) for name, who in found.items()} for field, found in counts.items()}
    tables = (line for name in sorted(kept) for line in _format_class(ModelClass(name), kept[name].items()))
    path.write_text(_HEADER + "\n".join(tables) + "\n", "utf-8")


def _format_class(model_class: ModelClass, fields: Iterable[tuple[str, dict[str, dict[str, int]]]]) -> Iterator[str]:
    for field, situations in sorted(fields):
        yield f'\n[{model_class}."{field}"]'
        for name in list_situations(model_class):
            if found := situations.get(name):
                yield f"{name} = {{ {', '.join(f'{who} = {count}' for who, count in sorted(found.items()))} }}"


def show_counts(counts: Situations) -> str:
    """For each field and situation that occurred how many were right of all, or where they differed who was.

    >>> print(show_counts({"dosing.role": {"alone": Counter(right=1, wrong=2), "doubtful": Counter(model=3)}}))
    right/all, and where they differ rule/model/neither
    field        alone  doubtful
    dosing.role    1/3     0/3/0
    """
    occurred = {name for situations in counts.values() for name in situations}
    known = dict.fromkeys(name for model_class in ModelClass for name in list_situations(model_class))
    columns = [name for name in known if name in occurred]
    rows = [
        (field, *(_show(name, situations.get(name, Counter())) for name in columns))
        for field, situations in sorted(counts.items())
    ]
    return f"right/all, and where they differ rule/model/neither\n{format_table(('field', *columns), rows)}"


def _show(situation: str, who: Counter[str]) -> str:
    if situation.startswith(("agree", "alone")):
        return f"{who['right']}/{who.total()}"
    return "/".join(str(who[one]) for one in ("rule", "model", "neither"))


def main() -> None:
    """Ask, count, print, write."""
    parser = option_parser(__doc__)
    parser.add_argument("gold", type=Path)
    parser.add_argument("records", type=Path, nargs="+")
    parser.add_argument("--model", metavar="SPEC")
    parser.add_argument("--replay", type=Path, metavar="DIR")
    parser.add_argument("--record", type=Path, metavar="DIR")
    parser.add_argument("--assist", type=Assist, choices=(Assist.AUTO, Assist.ALWAYS), default=Assist.AUTO)
    classes: dict[str, Any] = {"type": ModelClass, "choices": list(ModelClass), "default": ModelClass.CAPABLE}
    parser.add_argument("--class", dest="model_class", **classes)
    parser.add_argument("--write", type=Path, metavar="FILE")
    chosen = parser.parse_args()
    counts = asyncio.run(_count_all(read_pairs(chosen.gold, chosen.records), chosen))
    print(show_counts(counts))
    if chosen.write:
        try:
            write_counts(chosen.write, chosen.model_class, counts)
        except ValueError as error:
            raise SystemExit(f"{error}; name the class of the model with --class") from None


async def _count_all(pairs: Pairs, chosen: argparse.Namespace) -> Situations:
    spec = read_model_spec(chosen.model) if chosen.model else None
    choice = ModelChoice(spec, chosen.replay, chosen.record, read_cache_folder())
    options = ExtractionOptions(assist=chosen.assist)
    async with open_model(choice, ClientSettings(concurrency=100)) as model:

        async def count(parsed: ParsedRecord, gold: TrialExtraction) -> Situations:
            return count_situations(parsed, await converse(dialogue(parsed, options), model), gold)

        return add_situations(await asyncio.gather(*(count(parsed, gold) for parsed, gold in pairs)))


if __name__ == "__main__":
    main()
