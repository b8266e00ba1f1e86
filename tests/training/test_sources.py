"""Which labelled items become questions, and what a perfect model answers."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchmarks.label_files import FOLDS, fold_of
from extractor.ask.wire import WIRE_ITEMS
from training.dialogues import make_dialogues
from training.exchange import Answered, TrialItems
from training.left_out import choose_trials
from training.sources import list_trials

from .labelled import CELL, HELD_OUT, OTHER, PARTS, TAUGHT, Keen, write_data


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def asked_of_all(data: Path) -> tuple[Answered, ...]:
    """Everything that can be asked of one trial."""
    (trial,) = list_trials(data, Keen(), lambda name: name == TAUGHT)
    return trial.answered


def items_of(answered: tuple[Answered, ...], kind: str) -> list[Mapping[str, Any]]:
    return [item for one in answered if one.kind == kind for item in one.items]


def without_numbers(items: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in item.items() if key != "n"} for item in items]


def test_criteria_are_answered_as_labelled(asked_of_all: tuple[Answered, ...]) -> None:
    stands = {"ok": True, "list": "in"}
    limit, window = "Absolute neutrophil count: >= 1.5 x 10^9 /L", "within 4 weeks before enrollment"
    assert without_numbers(items_of(asked_of_all, "criteria")) == [
        stands | {"cat": "age"},
        stands | {"cat": "organ", "limits": [limit]},
        stands | {"cat": "reproductive"},
        stands | {"cat": "prior", "window": window},
    ]


def test_a_sentence_that_is_no_criterion_is_answered_with_that_alone(asked_of_all: tuple[Answered, ...]) -> None:
    (sentence,) = (one for one in asked_of_all if one.kind == "stands")
    assert sentence.question.chunk.text == "Hay fever is a common disease"
    assert sentence.question.fields == ("stands", "category")
    assert without_numbers(list(sentence.items)) == [{"ok": False}]


def test_outcomes_are_answered_as_labelled(asked_of_all: tuple[Answered, ...]) -> None:
    survival, response, protein = without_numbers(items_of(asked_of_all, "outcomes"))
    assert survival == {
        "concept": "PFS",
        "domain": "efficacy",
        "times": ["2 year"],
        "span": "up_to",
        "start": "randomisation",
        "ends": ["progression", "death"],
    }
    assert (response["tool"], response["times"]) == ("RECIST | 1.1", ["6 week", "12 week"])
    assert (protein["specimens"], protein["methods"]) == (["serum"], ["ELISA"])


def test_what_a_label_leaves_empty_is_asked_and_not_answered(asked_of_all: tuple[Answered, ...]) -> None:
    response = next(one for one in asked_of_all if one.kind == "outcomes" and "tool" in one.items[0])
    assert {"specimens", "methods"} <= set(response.question.fields)
    assert not {"specimens", "methods"} & set(response.items[0])


def test_a_dose_is_asked_by_itself_and_with_all_others(asked_of_all: tuple[Answered, ...]) -> None:
    dose = {"role": "investigational", "dose": ["100 mg"], "route": "oral", "freq": "BID", "for": "12 week"}
    quote = "Drugamide 100 mg by mouth twice daily for 12 weeks"
    assert without_numbers(items_of(asked_of_all, "regimen")) == [dose]
    assert without_numbers(items_of(asked_of_all, "regimens")) == [{"quote": quote, "agent": "Drugamide", **dose}]
    placebo = next(one for one in asked_of_all if one.kind == "regimens" and "Placebo" in one.question.chunk.text)
    assert placebo.items == ()


def test_each_answer_bears_the_number_of_its_line(asked_of_all: tuple[Answered, ...]) -> None:
    assert {(one.question.chunk.number, item["n"]) for one in asked_of_all for item in one.items} == {
        (number, number) for number in range(1, 10)
    }


def test_a_cell_is_cut_where_its_parts_meet(data: Path) -> None:
    (trial,) = list_trials(data, Keen(), lambda name: name == CELL)
    assert len(trial.answered) == len(PARTS)
    for one, parts in zip(trial.answered, PARTS, strict=True):
        assert one.question.chunk.text == ", ".join(filter(None, parts))
        (item,) = one.items
        read = WIRE_ITEMS[one.question.task].model_validate(item).read(one.question)
        assert read == dict(zip(("measure", "description", "time_frame"), parts, strict=True))


def test_of_a_long_part_the_first_words_tell_where_it_begins(data: Path) -> None:
    (trial,) = list_trials(data, Keen(), lambda name: name == CELL)
    (first, *_) = items_of(trial.answered, "split")
    assert first["split"] == {"d": "Mean, of three readings that are", "t": "day 3, day 4"}
    assert PARTS[0][1] is not None
    assert len(PARTS[0][1]) > len(first["split"]["d"])


def test_a_trial_of_two_files_is_read_once(data: Path) -> None:
    read = Counter(trial.record.record_id for trial in list_trials(data, Keen(), lambda _: True))
    assert read == {TAUGHT: 1, OTHER: 1, HELD_OUT: 1, CELL: 1}


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    (tmp_path / "gold.json").write_text(json.dumps({"record_id": OTHER}), "utf-8")
    return tmp_path


def ids(trials: list[TrialItems]) -> set[str]:
    return {trial.record.record_id for trial in trials}


def test_neither_the_held_out_fold_nor_gold_is_learned_from(data: Path, gold: Path) -> None:
    def taught(may_teach: Callable[[str], bool]) -> set[str]:
        return ids(list(list_trials(data, Random(1), may_teach))) - {CELL}

    assert taught(choose_trials("0", gold)) == {TAUGHT}
    assert taught(choose_trials("0", None)) == {TAUGHT, OTHER}
    assert taught(choose_trials("none", gold)) == {TAUGHT, HELD_OUT}
    assert taught(choose_trials(str(fold_of(TAUGHT)), gold)) == {HELD_OUT}


@pytest.mark.parametrize("fold", range(FOLDS))
def test_a_cell_of_the_held_out_fold_is_left_out_too(data: Path, fold: int) -> None:
    trials = list(list_trials(data, Keen(), choose_trials(str(fold), None)))
    assert (CELL in ids(trials)) == (fold != fold_of(CELL))


def test_one_seed_gives_the_same_and_another_asks_otherwise(data: Path) -> None:
    def dialogues(seed: int) -> list[Any]:
        draw = Random(seed)
        return make_dialogues(list(list_trials(data, draw, choose_trials("0", None))), draw)

    assert dialogues(5) == dialogues(5)
    assert dialogues(5) != dialogues(6)
