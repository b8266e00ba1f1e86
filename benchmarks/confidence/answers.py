"""Count how often the rules and a model are right when they differ. These counts determine the
confidence of a model's answers: the section ``answers`` of ``extractor/confidence/table.toml``.

    python -m benchmarks.confidence.answers GOLD RECORDS... (--model SPEC [--keep DIR] | --replay DIR)
                                            [--write]

Prints the counts, then the shares: for each field, how often the answer was right when both agreed
and when the rules had no value, and which of the two was right when they differed, by the confidence
of the rules. ``--write`` writes the section. A prior is added to the counts, so that two or three
answers do not determine the share of a rarely requested field.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.confidence.tables import read_file
from benchmarks.confidence.writing import format_table
from benchmarks.data import ask_all, parse_options
from benchmarks.gold import read_pairs
from benchmarks.matching import is_right, list_values, match_items
from extractor.assembly.assemble import ModelResult, assemble_extraction
from extractor.assembly.regimens import covers
from extractor.assembly.resolve import ALONE, DOUBTFUL, agree, name_situation
from extractor.confidence import AGREE, ANSWERS
from extractor.confidence.table import FILE
from extractor.evidence.drafts import Draft, Reading
from extractor.evidence.parsed import ParsedRecord
from extractor.model.asking.querying import ask_record
from extractor.model.client import Model
from extractor.options import ExtractionOptions
from extractor.pipeline import ground_replies, plan
from extractor.schemas import TrialExtraction, TrialRecord

Counts = Counter[tuple[str, str, str]]
"""Counts by field (as in the section ``answers``), situation and outcome. If the rules and the model differ,
the outcome is which of them was right; if they agree or the rules have no value, it is ``right`` or
``wrong``.
"""
_OTHER = "other"
"""The name that stands for all fields that are not listed."""
_PRIORS: Mapping[str, tuple[float, float]] = {
    AGREE: (9.5, 0.5),
    ALONE: (4.5, 0.5),
    "doubtful": (4, 1),
    "likely": (3.5, 1.5),
    "certain": (2.5, 2.5),
    "silent": (3.5, 1.5),
    "silent_certain": (2.5, 2.5),
}
"""The situations in which a model answers, each with the prior counts of right and wrong answers.
"""
_ANSWERS = ("right", "wrong", "model", "rule", "neither")


def main() -> None:
    """Query the model, count the outcomes, and print and write the shares."""
    options: dict[str, Any] = {
        "model": str,
        "replay": Path,
        "keep": Path,
        "write": False,
    }
    chosen = parse_options(__doc__, "gold", "records+", **options)

    async def count(model: Model, record: TrialRecord, gold: TrialExtraction) -> Counts:
        options = ExtractionOptions()
        parsed, request = plan(record, options)
        if request is None:
            return Counts()
        replies = await ask_record(request, model)
        parsed, answers = ground_replies(parsed, options, request, replies)
        return Counter(list_situations(parsed, answers, gold))

    known = read_pairs(chosen.gold, chosen.records)
    pairs = [(record, gold) for record, _, gold in known]
    found = asyncio.run(ask_all(chosen, count, pairs))
    counts = sum(found, Counts())
    shares = find_shares(counts)
    for (field, situation, who), number in sorted(counts.items()):
        print(field, situation, who, number)
    for field, by_situation in shares.items():
        print(field, by_situation)
    if chosen.write:
        table = read_file()
        table[ANSWERS] = {"note": table[ANSWERS]["note"], **shares}
        Path(str(FILE)).write_text(format_table(table), "utf-8")


def list_situations(
    parsed: ParsedRecord, result: ModelResult, gold: TrialExtraction
) -> Iterator[tuple[str, str, str]]:
    """Yield the field, situation and outcome of each value that a model gave for the rules' items."""
    extraction = assemble_extraction(parsed, ModelResult())
    matches = list(match_items(parsed, extraction, gold))
    paired = {id(match.read) for match in matches}
    listed = _pair_regimens(parsed, result)
    for match in matches:
        said = listed.get(id(match.read), result.complete(match.read))
        if not said:
            continue
        for field, rule, label in list_values(match):
            name = field.rsplit(".", 1)[1]
            model = said.model.get(name)
            if model:
                rule_right = is_right(field, rule.value, label)
                model_right = is_right(field, model.value, label)
                outcome = judge(
                    rule, model, rule_right=rule_right, model_right=model_right
                )
                yield f"{field.split('.')[0]}.{name}", *outcome
    for regimen in parsed.regimens:
        # the model read its passage, and saw no such regimen
        if listed.get(id(regimen), regimen) is None:
            is_doubtful = regimen.rules["stands"].confidence < DOUBTFUL
            situation = "doubtful" if is_doubtful else "likely"
            who = "rule" if id(regimen) in paired else "model"
            yield "dosing.stands", situation, who
    for criterion in parsed.criteria:
        answer = result.complete(criterion).model.get("stands")
        # A line that is not a criterion in gold, or was merged into another one, is not a
        # criterion.
        if answer is not None:
            stands = criterion.rules.stands
            rule_right = stands.value == (id(criterion) in paired)
            outcome = judge(
                stands, answer, rule_right=rule_right, model_right=not rule_right
            )
            yield "eligibility.stands", *outcome


def _pair_regimens(
    parsed: ParsedRecord, result: ModelResult
) -> dict[int, Draft | None]:
    """Return, for each regimen of the rules (by ``id``), the model's regimen that covers it, or
    None if the model found no such regimen. Return an empty dictionary if the model listed no
    regimens.
    """
    if not result.answers_any_passage:
        return {}
    listed = result.list_regimens()
    return {
        id(regimen): next(
            (answer for answer in listed if covers(answer, regimen)), None
        )
        for regimen in parsed.regimens
    }


def judge(
    rule: Reading[Any], model: Reading[Any], *, rule_right: bool, model_right: bool
) -> tuple[str, str]:
    """Return the situation and the outcome."""
    situation = name_situation(rule)
    if situation == ALONE:
        return ALONE, "right" if model_right else "wrong"
    both_right = rule_right and model_right
    if both_right or agree(rule.value, model.value):
        return AGREE, "right" if rule_right or model_right else "wrong"
    if rule_right:
        return situation, "rule"
    return situation, "model" if model_right else "neither"


def find_share(counts: Counts, field: str, situation: str) -> float:
    """Return the share of right answers (0 to 1), including the prior counts.

    >>> counts = Counter({("dosing.route", "doubtful", "rule"): 15})
    >>> find_share(counts, "dosing.route", "doubtful")
    0.2
    """
    right, wrong = _PRIORS[situation]
    counted = {who: counts[field, situation, who] for who in _ANSWERS}
    answers = right + wrong + sum(counted.values())
    return round((right + counted["right"] + counted["model"]) / answers, 4)


def find_shares(counts: Counts) -> dict[str, dict[str, float]]:
    """Return the shares by field and situation, as the section ``answers`` has them."""
    asked = {(field, situation) for field, situation, _ in counts}
    asked |= {(_OTHER, situation) for situation in _PRIORS}
    shares: dict[str, dict[str, float]] = {}
    for field in (_OTHER, *sorted({field for field, _ in asked} - {_OTHER})):
        shares[field] = {
            situation: find_share(counts, field, situation)
            for situation in _PRIORS
            if (field, situation) in asked
        }
    return shares


if __name__ == "__main__":
    main()
