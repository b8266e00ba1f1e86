"""Labels for training, which exclude trials of the gold, and the files of weights."""

import gzip
import json
import tomllib
from pathlib import Path

import numpy as np
import pytest

from benchmarks.data import fold_of
from benchmarks.gold import GOLD, LABELS, read_gold
from benchmarks.gold.standoff import to_standoff
from benchmarks.training import cut_weights, dose_roles, labelled
from benchmarks.training.fitting import Plan, fit, hold_out, make_vectors
from benchmarks.training.labelled import (
    HOME,
    group_of,
    read_training_rows,
)
from extractor.schemas import Part, Role, Section, Source, TrialRecord

SHARED = Path(__file__).parents[3] / "shared" / "data"
PLAN = Plan("beasts", words=("w",), scales={}, freedom=30, most=500)
PETS = ("cat", "dog", "bird")
FOODS = ("milk", "meat")
SENTENCES = [
    [pet, "likes", food, "on", day] for pet in PETS for food in FOODS for day in "abc"
]
ITEMS = [[*(f"w {word}" for word in words), "m listed"] for words in SENTENCES]
LABELS_OF = [words[0] for words in SENTENCES]
ITEM = {
    "measure": "Overall survival",
    "description": "From infusion to death.",
    "time_frame": "2 years",
}
CELL = {
    "id": "NCT90000001",
    "items": [ITEM, ITEM | {"description": None}, ITEM | {"time_frame": None}],
}
DOSE = {
    "agent": "Fictumab",
    "section": "arms[0]",
    "quote": "fictumab 5 mg orally",
    "role": "investigational",
}
ROW = {
    "record": "NCT90000001",
    "sections": {
        "arms[0]": "Arm A (EXPERIMENTAL)\nParticipants receive fictumab 5 mg orally once daily.",
        "interventions[0]": "DRUG: Fictumab",
    },
    "dosing": [DOSE],
}
CRITERION = {
    "list": "exclusion",
    "text": "Migraine with aura",
    "category": "comorbidity",
}
CLASSES = {"concept": "symptom_score", "category": "efficacy", "time_kind": "up_to"}
OUTCOME = {
    "rank": "primary",
    "measure": "Pain",
    "description": None,
    "time_frame": "2 weeks",
} | CLASSES
FILES = {
    "criteria": [
        CRITERION | {"id": "c1", "record": "NCT90000001"},
        CRITERION | {"id": "g1", "record": "NCT90000002"},
    ],
    "all_areas_criteria": [
        CRITERION | {"id": "k1", "record": "NCT90000003", "lead_in": "Any of:"}
    ],
    "outcomes": [OUTCOME | {"id": "o1", "record": "NCT90000001"}],
    "all_areas_outcomes": [
        OUTCOME | {"id": f"r{number}", "record": f"NCT9000000{number}"}
        for number in (3, 9)
    ],
    "time_frames": [{"id": "t1", "time_frame": "at 2 weeks", "time_kind": "at"}],
}
PARTS = (Part(name="measure", start=0, end=4), Part(name="time_frame", start=5, end=12))
SECTION = Section(name="primary_outcomes[0]", text="Pain\n2 weeks", parts=PARTS)
RECORD = TrialRecord(
    record_id="NCT90000004", source=Source(path="x", format="flat"), sections=(SECTION,)
)


def write_lines(path, rows):
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


@pytest.fixture(scope="module")
def vectors():
    return make_vectors([*SENTENCES * 3, *[["kitten", "likes", "milk", "on", "a"]] * 3])


@pytest.fixture(scope="module")
def fitted(vectors):
    return fit(PLAN, ITEMS, LABELS_OF, vectors, [1.0] * len(ITEMS))


def test_a_scorer_learns_the_word_that_decides_and_knows_unlabelled_words(fitted):
    assert [choice.value for choice in fitted.choose(ITEMS)] == LABELS_OF
    assert fitted.weights[fitted.rows["w kitten"]].any()


def test_a_fold_is_judged_without_its_own_labels(vectors):
    labels = [*LABELS_OF, "fish", "hen", "cow"]
    folds = [int(label in {"bird", "fish", "hen"}) for label in labels]

    classes, chances = hold_out(
        PLAN, [*ITEMS, *ITEMS[:3]], labels, folds, vectors, [1.0] * len(labels)
    )

    assert classes == ("bird", "cat", "cow", "dog", "fish", "hen")
    assert chances.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (chances[np.array(labels) == "bird", classes.index("bird")] == 0).all()


def test_true_cuts_are_candidates_except_inside_a_list_of_numbers():
    names = {}
    choices = list(cut_weights.describe_cell(CELL, names))
    assert [choice.right is not None for choice in choices] == [True, True, True]
    assert {"t:has moment", "n:none"} <= set(names)
    item = {
        "measure": "Score at week 4",
        "description": None,
        "time_frame": "8, 12 weeks",
    }
    assert [
        choice.right
        for choice in cut_weights.describe_cell({"id": "x", "items": [item]}, {})
    ] == [None]
    names["d:short form"] = len(names)
    by_hand = cut_weights.format_weights(cut_weights.train(choices, names), names)
    assert '"d:short form" = -2.5\n' in by_hand


def test_a_labelled_role_comes_with_features_of_the_agent_and_its_record(tmp_path):
    measured = next(
        name for name, line in read_gold().items() if line["fold"] in {3, 4}
    )
    write_lines(tmp_path / "labels" / "dosing.jsonl", [ROW, ROW | {"record": measured}])
    arms = {
        "armGroups": [
            {
                "label": "Arm A",
                "type": "EXPERIMENTAL",
                "description": "Participants receive fictumab 5 mg orally once daily.",
            }
        ],
        "interventions": [{"type": "DRUG", "name": "Fictumab"}],
    }
    studies = [
        {
            "protocolSection": {
                "identificationModule": {"nctId": name, "briefTitle": "Fictumab"},
                "armsInterventionsModule": arms,
            }
        }
        for name in (ROW["record"], measured)
    ]
    (tmp_path / "records").mkdir()
    with gzip.open(tmp_path / "records" / "ctgov_v2.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(study) + "\n" for study in studies)
    # trials of the folds that measure the result are no labels
    (doses,) = dose_roles.read_dose_labels(tmp_path)
    (agent,) = dose_roles.read_agents(doses)
    assert agent.trial == "NCT90000001"
    assert agent.role == Role.INVESTIGATIONAL
    assert {"in experimental of experimental", "arms 1"} <= {*agent.features}
    weights = np.zeros(len(Role))
    weights[list(Role).index(Role.PLACEBO)] = 2.0
    assert tomllib.loads(dose_roles.format_weights(weights, {"always": 0}))[
        "placebo"
    ] == {"always": 2.0}


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A folder of labels, a record with a standoff label, and a gold of one trial."""
    for name, rows in FILES.items():
        write_lines(tmp_path / "labels" / f"{name}.jsonl", rows)
    (tmp_path / "records").mkdir()
    areas = "nct\tformat\tarea\nNCT90000003\tAPI v2\tNeurology\nNCT90000009\tAPI v2\tOncology\n"
    (tmp_path / "records" / "all_areas_more.tsv").write_text(areas, "utf-8")
    item = {
        "rank": "primary",
        "index": 0,
        "measure": "Pain",
        "time_frame": "2 weeks",
    } | CLASSES
    line = to_standoff({"record_id": RECORD.record_id, "endpoints": [item]}, RECORD)
    files = {
        "LABELS": [line | {"area": "Cardiology", "fold": 3}],
        "GOLD": [{"record_id": "NCT90000009"}],
    }
    for name, lines in files.items():
        write_lines(tmp_path / f"{name}.jsonl", lines)
        monkeypatch.setattr(labelled, name, tmp_path / f"{name}.jsonl")
    return tmp_path


def test_rows_of_all_files_have_fold_and_area(data):
    rows = read_training_rows(data, {RECORD.record_id: RECORD})
    found = [
        (row["record"][-1], row["area"], row["fold"])
        for row in (*rows.criteria, *rows.outcomes)
    ]
    folds = {number: fold_of(f"NCT9000000{number}") for number in (1, 2, 3)}
    first = ("1", HOME, folds[1])
    third = ("3", "Neurology", folds[3])
    assert found == [
        first,
        ("2", "all areas", folds[2]),
        third,
        first,
        third,
        ("4", "Cardiology", 3),
    ]
    frames = [(row["time_frame"], row["time_kind"]) for row in rows.time_frames]
    assert frames == [("at 2 weeks", "at"), ("2 weeks", "up_to"), ("2 weeks", "up_to")]
    assert [group_of(row) for row in rows.criteria] == [
        HOME,
        "other areas",
        "other areas",
    ]


@pytest.mark.skipif(not SHARED.exists(), reason="needs the shared labels")
def test_no_trial_of_the_gold_is_used_for_training():
    held_back = set(read_gold(GOLD))
    trials = {
        row.get("record") for part in read_training_rows(SHARED, {}) for row in part
    }

    assert held_back
    assert not held_back & (trials | read_gold(LABELS).keys())
