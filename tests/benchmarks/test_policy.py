"""Who is right when rules and a model differ, and the file of these counts."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.policy import count_situations, nest, write_counts
from extractor.assemble import ModelResult, assemble_extraction
from extractor.assemble.policy import ModelClass, combine_policy, load_policy
from extractor.ground.check import Answer, ground_answer
from extractor.parse import parse_record
from extractor.parse.drafts import Reading
from extractor.schemas import Category, Eligibility, Task, TrialExtraction
from tests.trust import trial

RULES, MODEL = Category.OTHER, Category.INFECTION
FIELD = "eligibility.category"
SHIPPED = Path(__file__).parents[2] / "extractor" / "assemble" / "policy.toml"


def ask_in_doubt(model_class):
    """A record with one criterion, whose category the rules doubt, and the answer of a model."""
    parsed = parse_record(trial(eligibility="Exclusion Criteria:\n\n* Something | rare"))
    (criterion,) = parsed.eligibility.criteria
    criterion = replace(criterion, stands=Reading(value=True, confidence=0.99), category=Reading(RULES, 0.6))
    parsed = replace(parsed, eligibility=replace(parsed.eligibility, criteria=(criterion,)))
    values = {"category": MODEL, "stands": True}
    number = criterion.chunk.number
    answer = ground_answer(Answer(Task.ELIGIBILITY, number, values), parsed)
    return parsed, ModelResult({number: frozenset(values)}, {number: (answer,)}, policy=load_policy(model_class))


@pytest.mark.parametrize(("right", "who"), [(RULES, "rule"), (MODEL, "model"), (Category.AGE, "neither")])
@pytest.mark.parametrize("model_class", ModelClass)
def test_who_was_right_is_counted(model_class, right, who):
    parsed, result = ask_in_doubt(model_class)
    criterion = (
        assemble_extraction(parsed, ModelResult()).eligibility.criteria[0].model_copy(update={"category": right})
    )
    gold = TrialExtraction(record_id="A", eligibility=Eligibility(criteria=(criterion,)))
    assert nest(count_situations(parsed, result, gold)) == {
        FIELD: {"doubtful": {who: 1}},
        "eligibility.stands": {"agree": {"right": 1}},
    }


def test_counts_are_written_beside_those_of_other_classes(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_bytes(SHIPPED.read_bytes())
    before = tomllib.loads(path.read_text("utf-8"))
    write_counts(path, ModelClass.CAPABLE, before["capable"])
    assert path.read_bytes() == SHIPPED.read_bytes()  # the shipped file is as the command writes it
    counts = {FIELD: {"doubtful": {"model": 1, "rule": 2}}}
    write_counts(path, ModelClass.SMALL, counts)
    assert tomllib.loads(path.read_text("utf-8")) == {"capable": before["capable"], "small": counts}
    policy = combine_policy(ModelClass.SMALL, counts).of(FIELD)
    assert policy.when_they_differ(0.6) != load_policy(ModelClass.SMALL).prior.when_they_differ(0.6)
    with pytest.raises(ValueError, match="doubtful_high"):
        write_counts(path, ModelClass.CAPABLE, {FIELD: {"doubtful_high": {"model": 1}}})
