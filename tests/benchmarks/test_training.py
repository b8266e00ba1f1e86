"""What the scorers learn from, and the files they write."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest

from benchmarks.data import FOLDS, fold_of
from benchmarks.gold import GOLD, INDEPENDENT, LABELS, read_gold
from benchmarks.training import cut_weights, dose_roles
from benchmarks.training.fitting import Plan, fit, hold_out, make_vectors, store_scorer
from benchmarks.training.labelled import read_training_records, read_training_rows
from benchmarks.training.log_linear import Choice, cross_validate
from benchmarks.training.scorers import format_groups
from extractor.parse.scoring import read_scorer
from extractor.schemas import Role

SHARED = Path(__file__).parents[3] / "shared" / "data"
PLAN = Plan("beasts", words=("w",), scales={}, freedom=30, most=500)
SENTENCES = [
    f"{pet} likes {food} on {day}".split()
    for pet in ("cat", "dog", "bird")
    for food in ("milk", "meat")
    for day in "abc"
]
ITEMS = [[*(f"w {word}" for word in words), "m listed"] for words in SENTENCES]
LABELS_OF = [words[0] for words in SENTENCES]
ONCE = [1.0] * len(ITEMS)
ITEM = {"measure": "Overall survival", "description": "From infusion to death.", "time_frame": "2 years"}
CELL = {"id": "NCT90000001", "items": [ITEM, ITEM | {"description": None}, ITEM | {"time_frame": None}]}
DOSE = {
    "agent": "Fictumab",
    "section": "arms[0]",
    "quote": "fictumab 5 mg orally once daily",
    "role": "investigational",
}
ROW = {
    "id": "d1",
    "record": "NCT90000001",
    "sections": {
        "arms[0]": "Arm A (EXPERIMENTAL)\nParticipants receive fictumab 5 mg orally once daily.",
        "interventions[0]": "DRUG: Fictumab",
    },
    "dosing": [DOSE],
}


def write_labels(folder, name, *rows):
    (folder / "labels").mkdir(exist_ok=True)
    (folder / "labels" / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


@pytest.fixture(scope="module")
def vectors():
    return make_vectors([*SENTENCES * 3, *[["kitten", "likes", "milk", "on", "a"]] * 3])


@pytest.fixture(scope="module")
def fitted(vectors):
    return fit(PLAN, ITEMS, LABELS_OF, vectors, ONCE)


def test_a_scorer_learns_the_word_that_decides_and_knows_unlabelled_words(fitted):
    assert [choice.value for choice in fitted.choose(ITEMS)] == LABELS_OF
    assert {fitted.find_reason(item, label) for item, label in zip(ITEMS, LABELS_OF, strict=True)} == {0}
    assert fitted.weights[fitted.rows["w kitten"]].any()


def test_a_stored_scorer_is_read_again(fitted, tmp_path):
    store_scorer(fitted, tmp_path / "beasts.npz")
    read = read_scorer(tmp_path / "beasts.npz")
    assert (read.classes, read.rows, read.damped) == (fitted.classes, fitted.rows, fitted.damped)
    assert read.predict(ITEMS) == pytest.approx(fitted.predict(ITEMS), abs=0.02)


def test_a_fold_is_judged_without_its_own_labels(vectors):
    labels = [*LABELS_OF, "fish", "hen", "cow"]
    folds = [int(label in {"bird", "fish", "hen"}) for label in labels]
    classes, chances = hold_out(PLAN, [*ITEMS, *ITEMS[:3]], labels, folds, vectors, [1.0] * len(labels))
    assert classes == ("bird", "cat", "cow", "dog", "fish", "hen")
    assert chances.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (chances[np.array(labels) == "bird", classes.index("bird")] == 0).all()


def test_groups_and_areas_are_shown_apart():
    right = np.array([True, False] * 50)
    areas = [area for _ in range(50) for area in ("Oncology", "Urology")]
    rows = [{"record": f"NCT{number}", "area": area} for number, area in enumerate(areas)] + [
        {"record": "NCT100", "area": "Rare"}
    ]
    shown = format_groups("category", rows, np.append(right, True), np.full(101, 0.99), np.ones(101, bool))
    assert [line.rsplit(maxsplit=6)[:3] for line in shown.splitlines()[1:]] == [
        ["  all", "101", "0.505"],
        ["  home areas", "50", "1.000"],
        ["  other areas", "51", "0.020"],
        ["  Oncology", "50", "1.000"],
        ["  Urology", "50", "0.000"],
    ]


def test_true_cuts_are_candidates_except_inside_a_list_of_numbers():
    names = {}
    assert [choice.right is not None for choice in cut_weights.describe_cell(CELL, names)] == [True, True, True]
    assert {"t:has moment", "n:none"} <= set(names)
    item = {"measure": "Score at week 4", "description": None, "time_frame": "8, 12 weeks"}
    assert [choice.right for choice in cut_weights.describe_cell({"id": "x", "items": [item]}, {})] == [None]


def test_weights_set_by_hand_are_kept():
    names = {"d:two abbreviations in measure": 0}
    weights = cut_weights.train(list(cut_weights.describe_cell(CELL, names)), names)
    assert '"d:two abbreviations in measure" = -1.2\n' in cut_weights.format_weights(weights, names)


def test_choices_are_judged_by_weights_of_other_folds():
    choices = [Choice(f"NCT9{number:07}", ((0,), (1,)), 0) for number in range(40)]
    assert {fold_of(choice.trial) for choice in choices} == set(range(FOLDS))
    seen = []

    def train(some):
        seen.append({fold_of(choice.trial) for choice in some})
        return np.array([1.0, 0.0])

    guesses = cross_validate(choices, train)
    assert len(guesses) == len(choices)
    assert all(guess.right for guess in guesses)
    assert seen == [set(range(FOLDS)) - {fold} for fold in range(FOLDS)]


def test_no_trial_of_the_gold_has_labelled_doses(tmp_path):
    write_labels(tmp_path, "dosing", ROW, ROW | {"record": next(iter(read_gold()))})
    assert [one.record.record_id for one in dose_roles.read_dose_labels(tmp_path)] == [ROW["record"]]


def test_a_labelled_role_comes_with_features_of_the_agent(tmp_path):
    write_labels(tmp_path, "dosing", ROW)
    ((labelled),) = dose_roles.read_dose_labels(tmp_path)
    (agent,) = dose_roles.read_agents(labelled)
    assert (agent.trial, agent.role) == ("NCT90000001", Role.INVESTIGATIONAL)
    assert "in experimental of experimental" in agent.features
    weights = np.zeros(len(Role))
    weights[list(Role).index(Role.PLACEBO)] = 2.0
    assert tomllib.loads(dose_roles.format_weights(weights, {"always": 0}))["placebo"] == {"always": 2.0}


@pytest.mark.skipif(not SHARED.exists(), reason="needs the shared labels")
def test_no_trial_of_the_gold_is_learned_from():
    held_back = set(read_gold(GOLD)) | set(read_gold(INDEPENDENT))
    records = read_training_records(SHARED)
    rows = read_training_rows(SHARED, records)
    trials = {row.get("record") for part in (rows.criteria, rows.outcomes, rows.time_frames) for row in part}
    assert held_back
    assert not held_back & (trials | records.keys() | read_gold(LABELS).keys())
    doses = [one.record.record_id for one in dose_roles.read_dose_labels(SHARED)]
    assert len(set(doses)) == len(doses)
    assert not held_back & set(doses) - set(read_gold(INDEPENDENT))
