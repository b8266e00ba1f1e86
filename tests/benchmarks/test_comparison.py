"""Models compared with the rules, and who is right when they differ."""

import json
import sys
import tomllib
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.comparison import (
    Answered,
    Comparison,
    assemble_held_out,
    compare_models,
    count_costs,
    format_comparison,
    list_lower,
    main,
    read_models,
)
from benchmarks.data import read_pairs
from benchmarks.policy import count_situations, nest, write_counts
from extractor.assemble import ModelResult, assemble_extraction
from extractor.assemble.policy import ModelClass, combine_policy, load_policy
from extractor.evaluation import evaluate
from extractor.ground.check import Answer, ground_answer
from extractor.llm.database import open_run, open_run_to_read
from extractor.llm.store import unpack
from extractor.parse import parse_record
from extractor.parse.parsed import Reading
from extractor.schemas import Category, Eligibility, Section, Source, Task, TrialExtraction, TrialRecord, Usage
from tests.llm.stub import completion, serve

ROOT = Path(__file__).parents[2]
GOLD, RECORDS, ANSWERS = ROOT / "seeds" / "gold", ROOT / "seeds" / "records", ROOT / "seeds" / "answers"
RULES, MODEL = Category.OTHER, Category.INFECTION
FIELD = "eligibility.category"
SHIPPED = ROOT / "extractor" / "assemble" / "policy.toml"
CAPABLE = f"capable=capable@{ANSWERS}"
SMALL = f"small=smollm2-135m@{ROOT / 'tests' / 'small_answers'}"


def answer(name, seconds=0.0, counts=(), stands=None, model_class=ModelClass.CAPABLE, **usage):
    """A record with one criterion, whose category the rules doubt, and the model's answer for it."""
    sections = (Section(name="eligibility", text="Exclusion Criteria:\n\n* Something | rare"),)
    parsed = parse_record(TrialRecord(record_id=name, source=Source(path="x", format="flat"), sections=sections))
    (criterion,) = parsed.eligibility.criteria
    criterion = replace(criterion, stands=Reading(value=True, confidence=0.99), category=Reading(RULES, 0.6))
    parsed = replace(parsed, eligibility=replace(parsed.eligibility, criteria=(criterion,)))
    values = {"category": MODEL} | ({} if stands is None else {"stands": stands})
    number = criterion.chunk.number
    grounded = ground_answer(Answer(Task.ELIGIBILITY, number, values), parsed)
    readings = {field: replace(reading, confidence=0.9) for field, reading in grounded.readings.items()}
    result = ModelResult(
        {number: frozenset(values)},
        {number: (replace(grounded, readings=readings),)},
        usage=Usage(calls=1, **usage),
        policy=load_policy(model_class),
    )
    return Answered(parsed, result, Counter(counts), seconds)


def alone(one):
    return assemble_extraction(one.parsed, ModelResult())


def both(one):
    return assemble_extraction(one.parsed, one.result)


def compare_answers(records, gold, resamples):
    """Compare one model with these answers."""
    rules = [alone(one) for one in records]
    report = evaluate(gold, [both(one) for one in records], compare=rules, resamples=resamples, examples=0)
    rules_report = evaluate(gold, rules, compare=rules, resamples=0, examples=0)
    costs = count_costs(records, is_live=True)
    return Comparison(len(records), rules_report, {"mine": report}, {"mine": costs})


def rows_of(text):
    """Return the cells of all table rows by their first cell; the first table takes precedence."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {first: cells for first, *cells in reversed(lines)}


def run(capsys, monkeypatch, *arguments):
    """Return the command's output."""
    monkeypatch.setattr(sys, "argv", ["comparison", str(GOLD), str(RECORDS), *map(str, arguments)])
    main()
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model", "capable"], "NAME=SPEC"),
        (["--model", "a/b=capable"], "NAME=SPEC"),
        (["--model", "mine=capable@absent"], "no folder absent"),
        (["--model", "mine=local:nonsense"], "runs no model"),
        (["--model", "mine=capable", "--model", "mine=other"], "its own"),
        (["--model", f"mine=capable@{ANSWERS}", "--keep", "answers"], "no live model"),
    ],
)
def test_mistakes_on_the_command_line_are_named_before_anything_is_asked(capsys, monkeypatch, words, message):
    with pytest.raises(SystemExit):
        run(capsys, monkeypatch, *words)
    assert message in capsys.readouterr().err


def test_replayed_models_are_scored_side_by_side(capsys, monkeypatch, tmp_path):
    path = tmp_path / "new" / "figures.json"
    given = ["--model", CAPABLE, "--model", SMALL, "--held-out", "--resamples", 50, "--json", path]
    shown = rows_of(run(capsys, monkeypatch, *given))
    figures = json.loads(path.read_text("utf-8"))
    names = ["capable", "capable, held out", "small", "small, held out"]
    assert list(figures["scores"]) == [cell for cell in shown["field"] if ":" not in cell][2:] == names
    for costs in figures["costs"].values():
        assert costs["prompt tokens"] > costs["output tokens"] > 0
        assert costs["s a record, median"] is None
    for report in figures["scores"].values():
        for name, one in report.items():
            assert one["other"] == figures["rules"][name]
    capable, small = (figures["scores"][name]["all"] for name in ("capable", "small"))
    assert capable["difference"] > small["difference"] == 0
    assert shown["all"][2] == f"{capable['f1']:.3f}"
    assert shown["all"][3].strip("*").split()[0] == f"{capable['difference']:+.3f}"


def test_only_unavailable_models_are_left_out(capsys, monkeypatch, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    open_run(empty).close()
    models = ["away=http://127.0.0.1:9/v1#x", f"bare=capable@{empty}", CAPABLE]
    given = [part for model in models for part in ("--model", model)]
    printed = run(capsys, monkeypatch, *given, "--resamples", 0)
    left_out = [line for line in printed.splitlines() if line.startswith("Left out: ")]
    assert [line.split()[2] for line in left_out] == ["away", "bare"]
    for line, why in zip(left_out, ("nothing listens", "empty"), strict=True):
        assert why in line
    assert rows_of(printed)["field"][2:] == ["capable", "capable: difference (95 %)"]


def test_a_live_model_is_timed_and_its_answers_can_be_replayed(tmp_path):
    with closing(open_run_to_read(ANSWERS)) as run:
        sql = "SELECT user, answer, prompt_tokens, output_tokens FROM calls"
        replies = {unpack(user): (unpack(answer), *tokens) for user, answer, *tokens in run.execute(sql)}

    def reply(request):
        content, *tokens = replies[request["messages"][1]["content"]]
        usage = dict(zip(("prompt_tokens", "completion_tokens"), tokens, strict=True))
        return completion(content, usage=usage)

    pairs = read_pairs(GOLD, [RECORDS])
    with serve(reply) as server:
        live = compare_models(pairs, read_models([f"mine={server.url}#capable"]), resamples=0, keep=tmp_path)
        assert len(server.requests) == live.costs["mine"]["calls"]
    again = compare_models(pairs, read_models([f"mine={server.url}#capable@{tmp_path / 'mine'}"]), resamples=0)
    assert live.scores == again.scores
    costs, replayed = live.costs["mine"], again.costs["mine"]
    assert costs["s, 90th percentile"] >= costs["s a record, median"]
    assert replayed["s a record, median"] is None
    assert costs["prompt tokens"] == replayed["prompt tokens"]


def test_costs_are_totals_medians_and_the_slowest_tenth():
    usages = [(100, 10, 1.0), (200, 20, 2.0), (600, 30, 12.0)]
    records = [
        answer(str(tokens), seconds, prompt_tokens=tokens, output_tokens=output, questions=1)
        for tokens, output, seconds in usages
    ]
    cells = rows_of(format_comparison(compare_answers(records, [alone(one) for one in records], 0)))["mine"]
    assert cells == ["3", "3", "0", "3", "900", "200", "0", "60", "20", "2", "10"]


@pytest.mark.parametrize(
    ("right", "difference"),
    [(12, "**+1.000 (+1.000 to +1.000)**"), (0, "**-1.000 (-1.000 to -1.000)**"), (5, "-0.167 (")],
)
def test_a_significant_difference_is_marked(right, difference):
    records = [answer(str(number)) for number in range(12)]  # fewer than ten get no interval
    gold = [both(one) if number < right else alone(one) for number, one in enumerate(records)]
    comparison = compare_answers(records, gold, 200)
    printed = format_comparison(comparison)
    shown = rows_of(printed)
    assert shown["eligibility.criteria.category"][-1].startswith(difference)
    assert shown["eligibility.criteria.quote"][-1] == "+0.000 (+0.000 to +0.000)"
    lower = ["eligibility.criteria.category"] if right < 6 else []
    assert [one.name for one in list_lower(comparison.scores["mine"])] == lower
    losses = next(line for line in printed.splitlines() if line.startswith("- mine: "))
    assert losses.startswith(f"- mine: {len(lower)} of ")
    assert ("**" in losses, "beyond" in losses) == (right == 0, right < 6)


@pytest.mark.parametrize(("right", "who"), [(RULES, "rule"), (MODEL, "model"), (Category.AGE, "neither")])
@pytest.mark.parametrize("model_class", ModelClass)
def test_who_was_right_is_counted(model_class, right, who):
    one = answer("A", stands=True, model_class=model_class)
    criterion = alone(one).eligibility.criteria[0].model_copy(update={"category": right})
    gold = TrialExtraction(record_id="A", eligibility=Eligibility(criteria=(criterion,)))
    assert nest(count_situations(one.parsed, one.result, gold)) == {
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


def test_a_held_out_policy_uses_only_the_other_records():
    counted = {"B": {(FIELD, "doubtful", "model"): 20}, "A": {(FIELD, "doubtful", "rule"): 20}}
    answered = [
        answer(name, counts=counts, stands=True, model_class=ModelClass.SMALL) for name, counts in counted.items()
    ]
    held_out = assemble_held_out(answered)
    assert [found.eligibility.criteria[0].category for found in held_out] == [RULES, MODEL]
