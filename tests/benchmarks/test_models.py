import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.models.asking import Asked, Round
from benchmarks.models.believing import assemble_held_out, assemble_shipped
from benchmarks.models.pairs import read_pairs
from benchmarks.models.tables import compare_with_rules, format_accuracy, format_costs, list_losses
from extractor.assemble import ModelResult, assemble_extraction
from extractor.assemble.policy import ModelClass, combine_policy
from extractor.evaluation.standoff import to_standoff
from extractor.ground.check import Answer, ground_answer
from extractor.parse import parse_record
from extractor.parse.parsed import Reading
from extractor.read import read_records
from extractor.schemas import Category, Section, Source, Task, TrialRecord, Usage

RULES, MODEL = Category.OTHER, Category.INFECTION
FIELD = "eligibility.category"


def record(name, **usage):
    """A record with one criterion, of which rules and model think differently."""
    sections = (Section(name="eligibility", text="Exclusion Criteria:\n\n* Something rare"),)
    parsed = parse_record(TrialRecord(record_id=name, source=Source(path="x", format="flat"), sections=sections))
    (criterion,) = parsed.eligibility.criteria
    criterion = replace(criterion, stands=Reading(value=True, confidence=0.99), category=Reading(RULES, 0.6))
    parsed = replace(parsed, eligibility=replace(parsed.eligibility, criteria=(criterion,)))
    number = criterion.chunk.number
    answer = ground_answer(Answer(Task.ELIGIBILITY, number, {"category": MODEL}), parsed)
    return parsed, ModelResult({number: frozenset({"category"})}, {number: (answer,)}, usage=Usage(**usage))


def asked(name, who, **usage):
    parsed, result = record(name, **usage)
    return Asked(parsed, result, {FIELD: {"doubtful": Counter({who: 20})}})


def categories(extractions):
    return [extraction.eligibility.criteria[0].category for extraction in extractions]


def test_held_out_means_that_a_record_does_not_tell_whom_to_believe_about_itself():
    both = Round((asked("A", "model"), asked("B", "rule")), 1.0)
    assert categories(assemble_held_out(both)) == [RULES, MODEL]


def test_the_shipped_policy_is_that_of_the_inquiry():
    counts = {FIELD: {"doubtful": {"rule": 20}}}
    one = asked("A", "model")
    believer = replace(one, result=replace(one.result, policy=combine_policy(ModelClass.CAPABLE, counts)))
    assert categories(assemble_shipped(Round((believer,), 1.0))) == [RULES]


def test_only_records_that_gold_has_are_read_and_no_more_than_wanted(tmp_path):
    gold, records = tmp_path / "gold.jsonl", Path("seeds/records")
    _, *annotated = [record.record_id for record in read_records(str(records))]
    labels = (f'{{"record_id": "{name}", "eligibility": {{}}}}\n' for name in reversed(annotated))
    gold.write_text("".join(labels), "utf-8")
    assert [label.record_id for _, label in read_pairs(gold, [records])] == annotated
    ((parsed, label),) = read_pairs(gold, [records], 1)
    assert parsed.record.record_id == label.record_id == annotated[0]


def test_gold_without_text_gets_its_words_from_the_records(tmp_path):
    seeds, gold = Path("seeds/records"), tmp_path / "gold.jsonl"
    record, *_ = read_records(str(seeds))
    label = {"record_id": record.record_id, "eligibility": {}, "dosing": []}
    outcome = {"rank": "primary", "index": 0, "measure": parse_record(record).outcomes[0].measure.value}
    gold.write_text(json.dumps(to_standoff(label | {"endpoints": [outcome]}, record)) + "\n", "utf-8")
    ((parsed, found),) = read_pairs(gold, [seeds, seeds])  # a trial that occurs twice counts once
    assert (parsed.record.record_id, found.endpoints[0].measure) == (record.record_id, outcome["measure"])


@pytest.mark.parametrize(("right", "lost"), [(MODEL, False), (RULES, True)])
def test_a_field_that_a_model_made_worse_is_named(right, lost):
    parsed, result = record("A")
    rules, found = assemble_extraction(parsed, ModelResult()), assemble_extraction(parsed, result)
    gold = found if right is MODEL else rules
    report = compare_with_rules([gold], [found], [rules], 0)
    assert ("eligibility.criteria.category" in list_losses(report)) is lost
    table = format_accuracy({"auto": report}).splitlines()
    (row,) = [line.split() for line in table if line.startswith("eligibility.criteria.category")]
    assert row[1:] == (["1", "0.000", "1.000", "+1.000"] if right is MODEL else ["1", "1.000", "0.000", "-1.000"])


def test_costs_are_totals_medians_and_shares():
    usages = [{"calls": 1, "prompt_tokens": n, "cached_tokens": n // 2, "output_tokens": 10} for n in (100, 200, 600)]
    rounds = {
        "auto": Round(tuple(asked(str(n), "rule", **usage) for n, usage in enumerate(usages)), 6.0),
        "always": Round((asked("A", "rule", calls=2, prompt_tokens=1800, output_tokens=60),), 6.0),
    }
    head, auto, always = (line.split() for line in format_costs(rounds).splitlines())
    assert head[:4] == ["asked", "calls", "prompt", "median"]
    assert auto == ["auto", "3", "900", "200", "50.0%", "30", "10", "50.0%", "2.00"]
    assert always[-2:] == ["100.0%", "6.00"]
