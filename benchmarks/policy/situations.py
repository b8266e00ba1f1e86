"""Who was right, field by field, where a model was asked about items that gold annotates."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from benchmarks.judging import compare_values
from benchmarks.reliability.records import FIELDS_OF, Match, match_items
from extractor.assemble import ModelResult, assemble_extraction
from extractor.assemble.dosing import pair_reread
from extractor.assemble.policy import DOUBTFUL
from extractor.assemble.resolve import agree
from extractor.parse.parsed import CERTAIN, ParsedRecord, Reading
from extractor.schemas import TrialExtraction

__all__ = ["Situations", "add_situations", "count_situations", "judge_answer", "pair_stretches"]

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
    whole = pair_stretches(parsed, result)
    for match in matches:
        of_match = whole.get(id(match.read), result)
        for field, rule, model, label in _list_answers(match, of_match) if of_match else ():
            situation, who = judge_answer(f"{match.path}.{field}", rule, model, label)
            counts[f"{match.path.split('.')[0]}.{field}"][situation][who] += 1
    paired = {id(match.read) for match in matches}
    for regimen in parsed.dosing.regimens:
        if whole.get(id(regimen), result) is None:  # the model read its stretch, and saw no such regimen
            situation = "doubtful" if regimen.exists.confidence < DOUBTFUL else "likely"
            counts["dosing.regimens"][situation]["rule" if id(regimen) in paired else "model"] += 1
    for criterion in parsed.eligibility.criteria:
        answer = result.reading(criterion.chunk.number, "stands")
        # What is no criterion in gold either, or was merged into another one, does not stand.
        if answer is not None:
            rule_right = criterion.stands.value == (id(criterion) in paired)
            situation, who = _tell(criterion.stands, answer, rule_right=rule_right, model_right=not rule_right)
            counts["eligibility.stands"][situation][who] += 1
    return counts


def pair_stretches(parsed: ParsedRecord, result: ModelResult) -> dict[int, ModelResult | None]:
    """For each regimen (by identity) that was read anew, the result as it concerns it alone; None if the model did not
    see it.
    """
    reread = pair_reread(parsed, result)
    found: dict[int, ModelResult | None] = {id(regimen): None for regimen in reread.regimens}
    for place, other in reread.pairs.items():
        regimen, (_, answer) = reread.regimens[place], reread.answers[other]
        found[id(regimen)] = replace(result, answers={regimen.chunk.number: (answer,)})
    return found


def _list_answers(match: Match, result: ModelResult) -> Iterator[tuple[str, Reading[Any], Reading[Any], Any]]:
    for field in FIELDS_OF[match.path]:
        model = result.reading(match.read.chunk.number, field)
        if model is not None:
            yield field, getattr(match.read, field), model, getattr(match.gold, field)


def judge_answer(field: str, rule: Reading[Any], model: Reading[Any], label: Any) -> tuple[str, str]:
    """The situation, and who was right in it: the rules, the model, or neither.

    ``field`` is named as gold has it, such as ``eligibility.criteria.category``.
    """
    rule_right, model_right = (_is_right(field, reading.value, label) for reading in (rule, model))
    return _tell(rule, model, rule_right=rule_right, model_right=model_right)


def _is_right(field: str, value: Any, label: Any) -> bool:
    if field.endswith(".stands"):  # no field of an extraction: what does not stand is not in it
        return bool(value == label)
    return compare_values(field, value, label).right


def _tell(rule: Reading[Any], model: Reading[Any], *, rule_right: bool, model_right: bool) -> tuple[str, str]:
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
