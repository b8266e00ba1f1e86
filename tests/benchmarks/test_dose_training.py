"""What the scorers of doses learn from, and the files they write."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest

from benchmarks.gold.__main__ import read_gold
from benchmarks.gold.figures import GROUPS
from benchmarks.label_files import Row
from benchmarks.labels.dosing import LabelledDoses, build_record, read_dose_labels
from benchmarks.scores import Guess
from benchmarks.training import dose_roles
from benchmarks.training.dose_records import DoseRecord, format_folds, read_dose_record
from benchmarks.training.log_linear import Choice, Weights
from extractor.schemas import Role

ROW: Row = {
    "id": "d1",
    "record": "NCT90000001",
    "sections": {
        "arms[0]": "Arm A (EXPERIMENTAL)\nParticipants receive fictumab 5 mg orally once daily.",
        "interventions[0]": "DRUG: Fictumab",
    },
    "dosing": [
        {
            "agent": "Fictumab",
            "section": "arms[0]",
            "quote": "fictumab 5 mg orally once daily",
            "role": "investigational",
        }
    ],
}


def read_row(row: Row) -> DoseRecord:
    return read_dose_record(LabelledDoses(build_record(row), row["dosing"], GROUPS[0]))


def write_labels(folder: Path, name: str, *rows: Row) -> None:
    (folder / "labels").mkdir(exist_ok=True)
    (folder / "labels" / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def test_no_trial_of_the_gold_is_learned_from(tmp_path: Path) -> None:
    measured = next(iter(read_gold()))
    write_labels(tmp_path, "dosing", ROW, ROW | {"record": measured})
    assert [one.trial for one in read_dose_labels(tmp_path)] == [ROW["record"]]


def test_labels_of_other_areas_come_with_their_titles_and_their_group(tmp_path: Path) -> None:
    counted = {"value": 10, "unit": "session"}
    dose = ROW["dosing"][0] | {"duration": counted}
    other = ROW | {"record": "NCT90000002", "title": "Fictumab at home", "dosing": [dose]}
    write_labels(tmp_path, "dosing", ROW)
    write_labels(tmp_path, "all_areas_dosing", other)
    home, away = read_dose_labels(tmp_path)
    assert (home.group, away.group) == GROUPS
    title = away.record.section("title")
    assert title is not None
    assert title.text == "Fictumab at home"
    assert away.doses[0]["duration"] is None  # a unit that the schema does not know


def test_all_real_labels_are_apart_from_the_gold() -> None:
    data = Path(__file__).parents[3] / "shared" / "data"
    if not data.exists():
        pytest.skip("the labels are not part of the project")
    labelled = read_dose_labels(data)
    trials = [one.trial for one in labelled]
    assert read_gold().keys().isdisjoint(trials)
    assert len(set(trials)) == len(trials)
    assert {one.group for one in labelled} == set(GROUPS)


def test_figures_tell_seen_from_unseen_trials_of_each_group() -> None:
    choices = [Choice(f"NCT9{number:07}", ((0,), (1,)), 0) for number in range(20)]
    groups = {choice.trial: GROUPS[int(choice.trial[-1]) > 4] for choice in choices}

    def judge(choice: Choice, weights: Weights) -> Guess:
        return Guess(weights[0] == len(choices), 1.0)  # right with the weights of all alone

    lines = list(format_folds(choices, groups, lambda some: np.array([float(len(some))]), judge))
    heads = [line.splitlines()[0] for line in lines]
    assert [head.split(":")[0] for head in heads] == [
        f"{group}, {kind}" for group in GROUPS for kind in ("seen", "unseen")
    ]
    assert ["right 1.000" in head for head in heads] == [True, False, True, False]


def test_a_labelled_role_comes_with_what_is_true_of_the_agent() -> None:
    record = read_row(ROW)
    ((trial, features, role),) = dose_roles.read_labelled(record)
    assert (trial, role) == ("NCT90000001", Role.INVESTIGATIONAL)
    assert "in experimental of experimental" in features


def test_weights_are_written_as_data() -> None:
    weights = np.zeros(len(Role))
    weights[list(Role).index(Role.PLACEBO)] = 2.0
    assert tomllib.loads(dose_roles.format_weights(weights, {"always": 0}))["placebo"] == {"always": 2.0}
