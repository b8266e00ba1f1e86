"""Dialogues are the product's own calls, and their answers such as it takes."""

import doctest
import importlib
import json
import re
from pathlib import Path
from random import Random

import pytest

from extractor.ask.call import Call, Question
from extractor.ask.plan.request_sizes import LINE
from extractor.ask.prompting.lines import estimate_tokens, render_line
from extractor.ask.prompting.prompt import render_tuned
from extractor.ask.wire.line_grammar import describe_line
from extractor.read import read_records
from extractor.schemas import TrialRecord
from training.dialogues import Dialogue, make_dialogues
from training.hostile import spoil_text
from training.left_out import choose_trials
from training.sources import list_trials

from .labelled import CELL, HELD_OUT, PARTS, TAUGHT, Keen, write_data

SEEDS = range(12)
Made = list[tuple[Call, Dialogue]]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


def talk(data: Path, draw: Random, tokens: int = 220) -> Made:
    """The dialogues about one trial and the cell, and the calls that they are made of."""
    calls: list[Call] = []

    def render(record: TrialRecord, questions: list[Question]) -> Call:
        calls.append(render_tuned(record, questions))
        return calls[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.dialogues.render_tuned", render)
        trials = list(list_trials(data, draw, lambda name: name in {TAUGHT, CELL}))
        return list(zip(calls, make_dialogues(trials, draw, tokens), strict=True))


@pytest.fixture(scope="module")
def made(data: Path) -> Made:
    draws = [*map(Random, SEEDS), Keen()]
    return [pair for draw in draws for pair in talk(data, draw)]


def test_every_kind_of_line_is_talked_about(made: Made) -> None:
    asked = {field for call, _ in made for question in call.questions for field in question.fields}
    assert {"stands", "category", "constraints", "time_window"} <= asked
    assert {"concept", "time_points", "instrument", "start_event", "split"} <= asked
    assert {"role", "amounts", "regimens"} <= asked


def test_a_dialogue_says_what_the_product_would_send(data: Path, made: Made) -> None:
    """Of the whole record it sends no more than of the narrow one that is rendered."""
    record = next(read_records(data / "records" / "again.json"))
    of_trial = [(call, dialogue) for call, dialogue in made if "split" not in call.questions[0].fields]
    assert of_trial
    for call, dialogue in of_trial:
        sent = render_tuned(record, call.questions)
        assert (dialogue.system, dialogue.user) == (sent.system, sent.user)


def test_answers_are_taken_by_the_reply_model(made: Made) -> None:
    for call, dialogue in made:
        reply = call.reply_model.model_validate_json(dialogue.answer, context=dict(call.context))
        numbers = [item["n"] for item in json.loads(dialogue.answer)["items"]]
        assert [item.n for item in reply.items] == numbers


def test_answers_are_in_order_and_have_the_keys_that_were_asked_in_theirs(made: Made) -> None:
    for call, dialogue in made:
        lines = {int(number): keys.split() for number, keys in LINE.findall(dialogue.user)}
        schemas = {question.chunk.number: describe_line(question) for question in call.questions}
        items = json.loads(dialogue.answer)["items"]
        numbers = [item["n"] for item in items]
        assert numbers == [number for number in lines if number in numbers]
        for item in items:
            keys = [key for key in item if key != "n"]
            assert ["n", *keys] == [key for key in schemas[item["n"]]["properties"] if key in item]
            assert set(schemas[item["n"]]["required"]) <= set(item)
            if lines[item["n"]] != ["regimens"]:
                assert keys == [key for key in lines[item["n"]] if key in keys]


def test_lines_that_ask_for_no_list_are_answered_once_each(made: Made) -> None:
    for call, dialogue in made:
        wanted = [question.chunk.number for question in call.questions if "regimens" not in question.fields]
        numbers = [item["n"] for item in json.loads(dialogue.answer)["items"]]
        assert [number for number in numbers if number in wanted] == wanted


def test_answers_can_be_written_under_the_grammar(made: Made) -> None:
    """What the server forbids, nobody should learn to write."""
    llguidance = pytest.importorskip("llguidance", reason="comes with the extra `dev`")
    tokens = llguidance.LLTokenizer("byte")
    for call, dialogue in made:
        assert call.line_grammar
        _, rules = call.line_grammar().split("\n", 1)
        matcher = llguidance.LLMatcher(tokens, llguidance.LLMatcher.grammar_from_lark(rules))
        written = dialogue.answer.encode()
        taken = matcher.try_consume_tokens(list(written))
        assert written[taken:] == b""
        assert matcher.is_accepting()


def test_answers_are_compact_json_with_the_letters_of_the_text(made: Made) -> None:
    for _, dialogue in made:
        told = json.loads(dialogue.answer)
        assert dialogue.answer == json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def test_a_call_has_no_more_lines_and_tokens_than_a_tuned_model_gets(made: Made) -> None:
    for call, _ in made:
        sizes = [estimate_tokens(render_line(question)) for question in call.questions]
        assert len(sizes) <= 8
        if "regimens" not in call.questions[0].fields:
            assert len(sizes) == 1 or sum(sizes) <= 220


def test_lines_are_packed_in_many_ways(made: Made) -> None:
    packs = {tuple(question.chunk.number for question in call.questions) for call, _ in made}
    assert {len(pack) for pack in packs} > {1, 2, 3}
    assert any(list(pack) != sorted(pack) for pack in packs)


def test_little_room_makes_more_calls(data: Path) -> None:
    assert len(talk(data, Random(1), tokens=20)) > len(talk(data, Random(1), tokens=220))


def test_orders_and_garbage_in_a_line_change_no_answer(data: Path) -> None:
    """With ``Keen`` every line is spoiled, but for those that ask where to cut."""
    (trial,) = list_trials(data, Keen(), lambda name: name == TAUGHT)
    right = {one.question.chunk.number: one for one in trial.answered if one.kind != "regimens"}
    seen = set()
    for call, dialogue in talk(data, Keen()):
        if {"regimens", "split"} & set(call.questions[0].fields):
            continue
        for question, item in zip(call.questions, json.loads(dialogue.answer)["items"], strict=True):
            known = right[question.chunk.number]
            assert known.question.chunk.text in question.chunk.text
            assert len(question.chunk.text) > len(known.question.chunk.text)
            assert (item,) == known.items
            seen.add(question.chunk.number)
    assert seen == set(right)


def test_a_line_that_asks_where_to_cut_is_left_as_it_is(data: Path) -> None:
    """What is put around it would be a part of it."""
    texts = [q.chunk.text for call, _ in talk(data, Keen()) for q in call.questions if "split" in q.fields]
    assert sorted(texts) == sorted(", ".join(filter(None, parts)) for parts in PARTS)


@pytest.mark.parametrize("seed", range(40))
def test_spoiled_text_keeps_its_words_and_gets_others(seed: int) -> None:
    line = "Platelets >= 50 x 10^9/L within 7 days"
    spoiled = spoil_text(line, Random(seed))
    before, found, after = spoiled.partition(line)
    assert found
    assert len((before + after).strip()) >= 5
    assert not before or before.endswith(" ")
    assert not after or after.startswith(" ")


def test_spoiling_adds_orders_and_garbage_before_and_behind() -> None:
    spoiled = [spoil_text("Adults", Random(seed)) for seed in range(60)]
    assert any(text.startswith("Adults ") for text in spoiled)
    assert any(text.endswith(" Adults") for text in spoiled)
    orders = [text for text in spoiled if re.search(r"\b(?:[Aa]nswer|Ignore|items|key|keys)\b", text)]
    assert 0 < len(orders) < len(spoiled)


def test_no_word_of_a_trial_that_is_left_out_is_talked_of(data: Path, tmp_path: Path) -> None:
    """The trials differ by their numbers alone, so their text is changed here."""
    path = data / "records" / "all.jsonl"
    studies = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for study in studies:
        named = study["protocolSection"]["identificationModule"]
        named["briefTitle"] += f" {named['nctId']}"
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "all.json").write_text(json.dumps(studies), "utf-8")
    for name in ("labels", "outcome_split"):
        (tmp_path / name).symlink_to(data / name)
    draw = Random(3)
    talked = make_dialogues(list(list_trials(tmp_path, draw, choose_trials("0", None))), draw)
    users = " ".join(dialogue.user for dialogue in talked)
    assert TAUGHT in users
    assert HELD_OUT not in users


@pytest.mark.parametrize("name", ["hostile", "left_out", "written"])
def test_examples_are_true(name: str) -> None:
    tried = doctest.testmod(importlib.import_module(f"training.{name}"))
    assert tried.attempted
    assert not tried.failed
