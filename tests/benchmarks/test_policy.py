"""Whom to believe: counted, written as a policy, and learnt from the other records."""

import tomllib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.comparison import Answered, assemble_held_out
from benchmarks.policy import add_situations, count_situations, write_counts
from extractor.assemble import ModelResult, assemble_extraction
from extractor.assemble.policy import ModelClass, combine_policy, load_policy
from extractor.ground.check import Answer, ground_answer
from extractor.parse import parse_record
from extractor.parse.parsed import Reading
from extractor.schemas import Category, Section, Source, Task, TrialRecord

SHIPPED = Path("extractor/assemble/policy.toml")
RULES, MODEL = Category.OTHER, Category.INFECTION
FIELD = "eligibility.category"


def record(name, model_class=ModelClass.SMALL):
    """A record with one criterion, of which rules and model think differently."""
    sections = (Section(name="eligibility", text="Exclusion Criteria:\n\n* Something rare"),)
    parsed = parse_record(TrialRecord(record_id=name, source=Source(path="x", format="flat"), sections=sections))
    (criterion,) = parsed.eligibility.criteria
    criterion = replace(criterion, stands=Reading(value=True, confidence=0.6), category=Reading(RULES, 0.6))
    parsed = replace(parsed, eligibility=replace(parsed.eligibility, criteria=(criterion,)))
    number = criterion.chunk.number
    answer = ground_answer(Answer(Task.ELIGIBILITY, number, {"category": MODEL, "stands": True}), parsed)
    asked = {number: frozenset({"category", "stands"})}
    return parsed, ModelResult(asked, {number: (answer,)}, policy=load_policy(model_class))


def gold_of(parsed, category):
    extraction = assemble_extraction(parsed, ModelResult())
    (criterion,) = extraction.eligibility.criteria
    criteria = (criterion.model_copy(update={"category": category}),)
    return extraction.model_copy(
        update={"eligibility": extraction.eligibility.model_copy(update={"criteria": criteria})}
    )


def asked(name, category, model_class=ModelClass.SMALL):
    parsed, result = record(name, model_class)
    return Answered(parsed, result, count_situations(parsed, result, gold_of(parsed, category)))


@pytest.mark.parametrize(("right", "who"), [(RULES, "rule"), (MODEL, "model"), (Category.AGE, "neither")])
@pytest.mark.parametrize("model_class", ModelClass)
def test_who_was_right_is_counted(model_class, right, who):
    counts = asked("A", right, model_class).situations
    assert counts[FIELD] == {"doubtful": {who: 1}}
    assert counts["eligibility.stands"] == {"agree": {"right": 1}}


def test_counts_are_written_beside_those_of_other_classes(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_bytes(SHIPPED.read_bytes())
    counts = add_situations([asked("A", MODEL).situations, asked("B", RULES).situations, asked("C", RULES).situations])
    write_counts(path, ModelClass.SMALL, counts)
    before, after = (tomllib.loads(one.read_text("utf-8")) for one in (SHIPPED, path))
    assert after["small"][FIELD] == {"doubtful": {"model": 1, "rule": 2}}
    assert after["capable"] == before["capable"]
    policy = combine_policy(ModelClass.SMALL, after["small"]).of(FIELD)
    assert policy.when_they_differ(0.6) != load_policy(ModelClass.SMALL).prior.when_they_differ(0.6)


def test_the_file_that_ships_is_as_the_command_writes_it(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_bytes(SHIPPED.read_bytes())
    counts = tomllib.loads(path.read_text("utf-8"))["capable"]
    write_counts(path, ModelClass.CAPABLE, counts)
    assert path.read_bytes() == SHIPPED.read_bytes()


def test_situations_that_are_unknown_are_not_written(tmp_path):
    path = tmp_path / "policy.toml"
    with pytest.raises(ValueError, match="doubtful_high"):
        write_counts(path, ModelClass.CAPABLE, {FIELD: {"doubtful_high": {"model": 1}}})
    assert not path.exists()


def test_a_held_out_policy_knows_the_other_records_alone():
    about_b = Answered(*record("B"), {FIELD: {"doubtful": Counter(model=20)}})
    about_a = Answered(*record("A"), {FIELD: {"doubtful": Counter(rule=20)}})
    held_out = assemble_held_out([about_b, about_a])
    assert [found.eligibility.criteria[0].category for found in held_out] == [RULES, MODEL]
