"""Whom to believe, counted by how sure a tuned model was, written as a policy, and learnt from the other records."""

import tomllib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.models.asking import Asked, Round
from benchmarks.models.believing import assemble_held_out, assemble_shipped
from benchmarks.policy import __main__ as command
from benchmarks.policy.situations import add_situations, count_situations
from benchmarks.policy.writing import format_table, write_counts
from extractor.ask.sureness import believe_as_told
from extractor.assemble import Inquiry, assemble_extraction
from extractor.assemble.policy import ModelClass, combine_policy, load_policy
from extractor.ground.answer import Answer
from extractor.ground.check import ground_answer
from extractor.parse import parse_record
from extractor.parse.parsed import Reading
from extractor.schemas import Category, Section, Source, Task, TrialRecord

SHIPPED = Path("extractor/assemble/policy.toml")
RULES, MODEL = Category.OTHER, Category.INFECTION
FIELD = "eligibility.category"


def record(name, sureness, model_class=ModelClass.TUNED, stands=0.6, read=RULES):
    """A record with one criterion, of which rules and model think differently, unless ``read`` says the same."""
    sections = (Section(name="eligibility", text="Exclusion Criteria:\n\n* Something rare"),)
    parsed = parse_record(TrialRecord(record_id=name, source=Source(path="x", format="flat"), sections=sections))
    (criterion,) = parsed.eligibility.criteria
    criterion = replace(criterion, stands=Reading(value=True, confidence=stands), category=Reading(read, 0.6))
    parsed = replace(parsed, eligibility=replace(parsed.eligibility, criteria=(criterion,)))
    number = criterion.chunk.number
    answer = ground_answer(Answer(Task.ELIGIBILITY, number, {"category": MODEL, "stands": True}), parsed)
    answer = believe_as_told(answer, {"category": sureness, "stands": sureness})
    asked = {number: frozenset({"category", "stands"})}
    return parsed, Inquiry(asked, {number: (answer,)}, policy=load_policy(model_class))


def gold_of(parsed, category):
    extraction = assemble_extraction(parsed, Inquiry())
    (criterion,) = extraction.eligibility.criteria
    criteria = (criterion.model_copy(update={"category": category}),)
    return extraction.model_copy(
        update={"eligibility": extraction.eligibility.model_copy(update={"criteria": criteria})}
    )


def asked(name, category, sureness, model_class=ModelClass.TUNED):
    parsed, inquiry = record(name, sureness, model_class)
    return Asked(parsed, inquiry, count_situations(parsed, inquiry, gold_of(parsed, category)))


@pytest.mark.parametrize(("sureness", "level"), [(0.3, "low"), (0.6, "mid"), (0.95, "high")])
@pytest.mark.parametrize(("right", "who"), [(RULES, "rule"), (MODEL, "model"), (Category.AGE, "neither")])
def test_who_was_right_is_counted_by_how_sure_a_tuned_model_was(sureness, level, right, who):
    counts = asked("A", right, sureness).situations
    assert counts[FIELD] == {f"doubtful_{level}": {who: 1}}
    assert counts["eligibility.stands"] == {f"agree_{level}": {"right": 1}}


@pytest.mark.parametrize("model_class", [ModelClass.SMALL, ModelClass.CAPABLE])
def test_of_other_models_it_is_counted_as_ever(model_class):
    assert asked("A", MODEL, 0.95, model_class).situations[FIELD] == {"doubtful": {"model": 1}}


def test_counts_are_written_beside_those_of_other_classes(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_bytes(SHIPPED.read_bytes())
    counts = add_situations(
        [asked("A", MODEL, 0.95).situations, asked("B", RULES, 0.95).situations, asked("C", RULES, 0.7).situations]
    )
    write_counts(path, ModelClass.TUNED, counts)
    before, after = (tomllib.loads(one.read_text("utf-8")) for one in (SHIPPED, path))
    assert after["tuned"][FIELD] == {"doubtful_mid": {"rule": 1}, "doubtful_high": {"model": 1, "rule": 1}}
    assert {name: found for name, found in after.items() if name != "tuned"} == {
        name: found for name, found in before.items() if name != "tuned"
    }
    policy = combine_policy(ModelClass.TUNED, after["tuned"]).of(FIELD)
    assert policy.when_they_differ(0.6, sureness=0.7) != load_policy(ModelClass.TUNED).prior.when_they_differ(
        0.6, sureness=0.7
    )


def test_the_file_that_ships_is_as_the_command_writes_it(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_bytes(SHIPPED.read_bytes())
    counts = tomllib.loads(path.read_text("utf-8"))["capable"]
    write_counts(path, ModelClass.CAPABLE, counts)
    assert path.read_bytes() == SHIPPED.read_bytes()


@pytest.mark.parametrize("model_class", ModelClass)
def test_the_table_has_a_column_for_each_situation_that_occurred(model_class):
    _, head, *rows = format_table(asked("A", MODEL, 0.95, model_class).situations).splitlines()
    level = "_high" if model_class is ModelClass.TUNED else ""
    assert head.split() == ["field", f"agree{level}", f"doubtful{level}"]
    assert [row.split() for row in rows] == [[FIELD, "0/0", "0/1/0"], ["eligibility.stands", "1/1", "0/0/0"]]


async def _answers_of_a_tuned_model(_):
    return asked("A", MODEL, 0.95).situations


def test_counts_of_one_class_are_not_written_as_those_of_another(tmp_path, monkeypatch):
    path = tmp_path / "policy.toml"
    monkeypatch.setattr(command, "_count", _answers_of_a_tuned_model)
    arguments = ["policy", "gold", "records", "--write", str(path)]
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(SystemExit, match=r"agree_high, doubtful_high; name the class of the model"):
        command.main()
    assert not path.exists()
    monkeypatch.setattr("sys.argv", [*arguments, "--class", "tuned"])
    command.main()
    assert tomllib.loads(path.read_text("utf-8"))["tuned"][FIELD] == {"doubtful_high": {"model": 1}}


def test_a_held_out_policy_knows_how_sure_the_model_was_of_the_other_records():
    one = record("A", 0.95)
    counts = {FIELD: {"doubtful_high": Counter(model=20), "doubtful_low": Counter(rule=20)}}
    teller = Asked(*record("B", 0.95), counts)
    sure, unsure_ = Asked(*one, {}), Asked(*record("C", 0.2), {})
    held_out = assemble_held_out(Round((teller, sure, unsure_), 1.0))
    assert [found.eligibility.criteria[0].category for found in held_out] == [RULES, MODEL, RULES]
    shipped = assemble_shipped(Round((replace(sure, inquiry=replace(sure.inquiry, policy=_learnt(counts))),), 1.0))
    assert shipped[0].eligibility.criteria[0].category is MODEL


def _learnt(counts):
    return combine_policy(ModelClass.TUNED, counts)
