import json
import sys
import tomllib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.comparison import (
    Answered,
    Comparison,
    Contestant,
    Measured,
    assemble_held_out,
    collect_figures,
    compare_models,
    count_costs,
    format_comparison,
    list_lower,
    main,
    read_contestant,
    read_contestants,
)
from benchmarks.data import read_pairs
from benchmarks.policy import add_situations, count_situations, write_counts
from extractor.assemble import ModelResult, assemble_extraction
from extractor.assemble.policy import ModelClass, combine_policy, load_policy
from extractor.evaluation import evaluate
from extractor.ground.check import Answer, ground_answer
from extractor.llm.cache import exchange_key
from extractor.llm.opening import ModelChoice
from extractor.llm.spec import ModelSpec
from extractor.parse import parse_record
from extractor.parse.parsed import Reading
from extractor.schemas import Category, Eligibility, Section, Source, Task, TrialExtraction, TrialRecord, Usage
from tests.llm.stub import completion, serve

ROOT = Path(__file__).parents[2]
GOLD, RECORDS, ANSWERS = ROOT / "seeds" / "gold", ROOT / "seeds" / "records", ROOT / "seeds" / "answers"
SMALL_ANSWERS = ROOT / "tests" / "small_answers"
RULES, MODEL = Category.OTHER, Category.INFECTION
FIELD = "eligibility.category"
SHIPPED = ROOT / "extractor" / "assemble" / "policy.toml"
LIVE = Contestant("mine", ModelChoice(ModelSpec.parse("mine", api_key="none")))
CAPABLE = f"capable=capable@{ANSWERS}"
SMALL = f"small=local:smollm2-135m@{SMALL_ANSWERS}"


@pytest.fixture(scope="module")
def seeds():
    return read_pairs(GOLD, [RECORDS])


def record(name):
    """A record with one criterion, in whose category the rules are in doubt."""
    sections = (Section(name="eligibility", text="Exclusion Criteria:\n\n* Something | rare"),)
    parsed = parse_record(TrialRecord(record_id=name, source=Source(path="x", format="flat"), sections=sections))
    (criterion,) = parsed.eligibility.criteria
    criterion = replace(criterion, stands=Reading(value=True, confidence=0.99), category=Reading(RULES, 0.6))
    return replace(parsed, eligibility=replace(parsed.eligibility, criteria=(criterion,)))


def answer(name, confidence=0.9, seconds=0.0, stands=None, model_class=ModelClass.CAPABLE, **usage):
    """The model's category of that criterion, and its confidence."""
    parsed = record(name)
    number = parsed.eligibility.criteria[0].chunk.number
    values = {"category": MODEL} | ({} if stands is None else {"stands": stands})
    answer = ground_answer(Answer(Task.ELIGIBILITY, number, values), parsed)
    sure = {field: replace(reading, confidence=confidence) for field, reading in answer.readings.items()}
    result = ModelResult(
        {number: frozenset(values)},
        {number: (replace(answer, readings=sure),)},
        usage=Usage(calls=1, **usage),
        policy=load_policy(model_class),
    )
    return Answered(parsed, result, {}, seconds)


def alone(one):
    return assemble_extraction(one.parsed, ModelResult())


def both(one):
    return assemble_extraction(one.parsed, one.result)


def compared(records, gold, resamples):
    """A comparison of one model, which answered so."""
    rules = [alone(one) for one in records]

    def score(found, resamples):
        return evaluate(gold, found, compare=rules, resamples=resamples, examples=0)

    costs = count_costs(records, None, is_live=True)
    measured = Measured(LIVE, costs, score([both(one) for one in records], resamples))
    return Comparison(len(records), score(rules, 0), (measured,))


def rows_of(text):
    """The cells of all tables by the first one; where two tables have it, those of the earlier one."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {first: cells for first, *cells in reversed(lines)}


def run(capsys, monkeypatch, *arguments):
    """What the command prints."""
    monkeypatch.setattr(sys, "argv", ["comparison", str(GOLD), str(RECORDS), *map(str, arguments)])
    main()
    return capsys.readouterr().out


def answer_as_recorded(folder):
    """A server that gives the recorded answer to each request."""
    kept = [json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")]
    replies = {exchange_key(exchange["request"]): exchange for exchange in kept}

    def reply(request):
        exchange = replies[exchange_key(request)]
        said = exchange["reply"]
        return completion(said["message"]["content"], said["finish_reason"], usage=exchange["usage"])

    return reply


@pytest.mark.parametrize(
    ("texts", "record", "message"),
    [
        (["capable"], None, "NAME=SPEC"),
        (["a/b=capable"], None, "NAME=SPEC"),
        (["mine=capable@absent"], None, "no folder absent"),
        (["mine=local:nonsense"], None, "known are"),
        (["mine=capable", "mine=other"], None, "its own"),
        ([f"mine=capable@{ANSWERS}"], Path("answers"), "no live model"),
    ],
)
def test_mistakes_on_the_command_line_are_named_before_anything_is_asked(texts, record, message):
    with pytest.raises(ValueError, match=message):
        read_contestants(texts, record)


def test_replayed_models_are_scored_side_by_side(capsys, monkeypatch, tmp_path, seeds):
    path = tmp_path / "new" / "figures.json"
    given = ["--model", CAPABLE, "--model", SMALL, "--held-out", "--resamples", 50, "--json", path]
    printed = run(capsys, monkeypatch, *given)
    figures = json.loads(path.read_text("utf-8"))
    assert list(figures["models"]) == ["capable", "small"]
    for found in figures["models"].values():
        assert found["costs"]["prompt_tokens"] > found["costs"]["output_tokens"] > 0
        assert found["costs"]["seconds_median"] is found["costs"]["cpu_seconds"] is None
        for report in (found["figures"], found["held_out"]):
            for name, one in report["differences"].items():
                assert one["other"] == figures["rules"]["f1"][name]
                assert one["difference"] is None or one["difference"] == pytest.approx(one["f1"] - one["other"])
    capable, small = (figures["models"][name]["figures"]["differences"]["all"] for name in ("capable", "small"))
    assert capable["difference"] > small["difference"] == 0
    head, shown = rows_of(printed)["field"], rows_of(printed)["all"]
    assert [cell for cell in head if ":" not in cell][2:] == [
        "capable",
        "capable, held out",
        "small",
        "small, held out",
    ]
    assert shown[2] == f"{capable['f1']:.3f}"
    assert shown[3].strip("*").split()[0] == f"{capable['difference']:+.3f}"


def test_a_model_that_is_not_at_hand_is_left_out_and_the_others_are_not(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("EXTRACTOR_CACHE", str(tmp_path))
    empty = tmp_path / "empty"
    empty.mkdir()
    models = ["absent=local:smollm2-135m", "away=http://127.0.0.1:9/v1#x", f"bare=capable@{empty}", CAPABLE]
    given = [part for model in models for part in ("--model", model)]
    printed = run(capsys, monkeypatch, *given, "--resamples", 0)
    left_out = [line for line in printed.splitlines() if line.startswith("Left out: ")]
    assert [line.split()[2] for line in left_out] == ["absent", "away", "bare"]
    for line, why in zip(left_out, ("extractor model pull smollm2-135m", "nothing listens", "empty"), strict=True):
        assert why in line
    assert rows_of(printed)["field"][2:] == ["capable", "capable: difference (95 %)"]


def test_a_live_model_is_timed_and_what_it_said_can_be_replayed(tmp_path, seeds):
    with serve(answer_as_recorded(ANSWERS)) as server:
        live = read_contestant(f"mine={server.url}#capable", tmp_path)
        (asked_live,) = compare_models(seeds, [live], resamples=0).measured
        assert len(server.requests) == asked_live.costs["calls"]
    replayed = read_contestant(f"mine={server.url}#capable@{tmp_path / 'mine'}")
    (asked_again,) = compare_models(seeds, [replayed], resamples=0).measured
    assert asked_live.shipped == asked_again.shipped
    costs, again = asked_live.costs, asked_again.costs
    assert costs["seconds_p90"] >= costs["seconds_median"]
    assert costs["cpu_seconds"] is None  # the server is no child of ours
    assert again["seconds_median"] is None
    assert [costs[name] for name in ("calls", "prompt_tokens")] == [again[name] for name in ("calls", "prompt_tokens")]


def test_costs_are_totals_medians_and_the_slowest_tenth():
    usages = [(100, 10, 1.0), (200, 20, 2.0), (600, 30, 12.0)]
    records = [
        answer(str(tokens), prompt_tokens=tokens, output_tokens=output, questions=1, seconds=seconds)
        for tokens, output, seconds in usages
    ]
    gold = [alone(one) for one in records]
    (cells,) = (rows_of(format_comparison(compared(records, gold, 0)))["mine"],)
    assert cells == ["3", "3", "0", "3", "900", "200", "0%", "60", "20", "2.00", "10.00", "-"]


@pytest.mark.parametrize("model_is_right", [True, False])
def test_a_difference_beyond_its_interval_is_marked(model_is_right):
    records = [answer(str(number)) for number in range(12)]  # fewer than ten get no interval
    gold = [both(one) if model_is_right else alone(one) for one in records]
    compared_models = compared(records, gold, 20)
    printed = format_comparison(compared_models)
    shown = rows_of(printed)["eligibility.criteria.category"]
    sign = "+" if model_is_right else "-"
    assert shown[-1] == f"**{sign}1.000 ({sign}1.000 to {sign}1.000)**"
    assert rows_of(printed)["eligibility.criteria.quote"][-1] == "+0.000 (+0.000 to +0.000)"
    lower = [one.name for one in list_lower(compared_models.measured[0].shipped)]
    assert lower == ([] if model_is_right else ["eligibility.criteria.category"])
    assert f"- mine: {len(lower)} of " in printed
    assert collect_figures(compared_models)["models"]["mine"]["figures"]["lower"] == lower


def test_a_difference_that_chance_may_have_made_is_not_marked():
    records = [answer(str(number)) for number in range(12)]  # fewer than ten get no interval
    gold = [alone(one) if number > 4 else both(one) for number, one in enumerate(records)]
    compared_models = compared(records, gold, 200)
    (difference,) = list_lower(compared_models.measured[0].shipped)
    assert difference.difference < 0 <= difference.interval.high
    printed = format_comparison(compared_models)
    assert "**" not in printed
    assert "1 of " in printed
    assert "0 of them beyond the interval (eligibility.criteria.category)" in printed


def judge(name, category, model_class=ModelClass.SMALL):
    """An answer with who was right, where this is the right category."""
    one = answer(name, stands=True, model_class=model_class)
    criterion = alone(one).eligibility.criteria[0].model_copy(update={"category": category})
    gold = TrialExtraction(record_id=name, eligibility=Eligibility(criteria=(criterion,)))
    return replace(one, situations=count_situations(one.parsed, one.result, gold))


@pytest.mark.parametrize(("right", "who"), [(RULES, "rule"), (MODEL, "model"), (Category.AGE, "neither")])
@pytest.mark.parametrize("model_class", ModelClass)
def test_who_was_right_is_counted(model_class, right, who):
    counts = judge("A", right, model_class).situations
    assert counts[FIELD] == {"doubtful": {who: 1}}
    assert counts["eligibility.stands"] == {"agree": {"right": 1}}


def test_counts_are_written_beside_those_of_other_classes(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_bytes(SHIPPED.read_bytes())
    counts = add_situations([judge("A", MODEL).situations, judge("B", RULES).situations, judge("C", RULES).situations])
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
    counted = {"B": {"model": 20}, "A": {"rule": 20}}
    answered = [
        replace(answer(name, stands=True, model_class=ModelClass.SMALL), situations={FIELD: {"doubtful": Counter(who)}})
        for name, who in counted.items()
    ]
    held_out = assemble_held_out(answered)
    assert [found.eligibility.criteria[0].category for found in held_out] == [RULES, MODEL]
