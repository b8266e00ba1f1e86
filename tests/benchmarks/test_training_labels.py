"""What the scorers learn from: labels old and new, each with its fold and area, and never a trial of the gold."""

import json

import pytest

from benchmarks.data import fold_of
from benchmarks.training import labelled
from benchmarks.training.labelled import HOME, group_of, read_training_rows
from extractor.evaluation.standoff import to_standoff
from extractor.schemas import Part, Section, Source, TrialRecord

CRITERION = {"list": "exclusion", "text": "Migraine with aura", "category": "comorbidity"}
OUTCOME = {"rank": "primary", "measure": "Pain", "description": None, "time_frame": "2 weeks"}
CLASSES = {"concept": "symptom_score", "category": "efficacy", "time_kind": "up_to"}
FILES = {
    "criteria": [CRITERION | {"id": "c1", "record": "NCT90000001"}, CRITERION | {"id": "g1", "record": "NCT90000002"}],
    "all_areas_criteria": [CRITERION | {"id": "k1", "record": "NCT90000003", "lead_in": "Any of:"}],
    "outcomes": [OUTCOME | CLASSES | {"id": "o1", "record": "NCT90000001"}],
    "all_areas_outcomes": [
        OUTCOME | CLASSES | {"id": "r1", "record": "NCT90000003"},
        OUTCOME | CLASSES | {"id": "r2", "record": "NCT90000009"},
    ],
    "time_frames": [{"id": "t1", "time_frame": "at 2 weeks", "time_kind": "at"}],
}


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A folder of labels, a record of which an item is labelled by place, and a gold of one trial."""
    for name, rows in FILES.items():
        path = tmp_path / "labels" / f"{name}.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "all_areas_more.tsv").write_text(
        "nct\tformat\tarea\nNCT90000003\tAPI v2\tNeurology\nNCT90000009\tAPI v2\tOncology\n", "utf-8"
    )
    item = {"rank": "primary", "index": 0, "measure": "Pain", "time_frame": "2 weeks"} | CLASSES
    line = to_standoff({"record_id": RECORD.record_id, "endpoints": [item]}, RECORD)
    files = {"labels": [line | {"area": "Cardiology", "fold": 3}], "gold": [{"record_id": "NCT90000009"}]}
    for name, lines in files.items():
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
        monkeypatch.setattr(labelled, name.upper(), path)
    monkeypatch.setattr(labelled, "INDEPENDENT", tmp_path / "none.jsonl")
    return tmp_path


TEXT = "Pain\n2 weeks"
RECORD = TrialRecord(
    record_id="NCT90000004",
    source=Source(path="x", format="flat"),
    sections=(
        Section(
            name="primary_outcomes[0]",
            text=TEXT,
            parts=(Part(name="measure", start=0, end=4), Part(name="time_frame", start=5, end=12)),
        ),
    ),
)


def test_rows_of_all_files_have_fold_and_area(data):
    rows = read_training_rows(data, {RECORD.record_id: RECORD})
    found = [(row["record"][-1], row["area"], row["fold"]) for row in (*rows.criteria, *rows.outcomes)]
    folds = {number: fold_of(f"NCT9000000{number}") for number in (1, 2, 3)}
    assert found == [
        ("1", HOME, folds[1]),
        ("2", "all areas", folds[2]),
        ("3", "Neurology", folds[3]),
        ("1", HOME, folds[1]),
        ("3", "Neurology", folds[3]),
        ("4", "Cardiology", 3),
    ]
    assert [(row["time_frame"], row["time_kind"]) for row in rows.time_frames] == [
        ("at 2 weeks", "at"),
        ("2 weeks", "up_to"),
        ("2 weeks", "up_to"),
    ]
    assert [group_of(row) for row in rows.criteria] == [HOME, "other areas", "other areas"]


def test_labels_of_a_changed_record_are_left_out(data):
    changed = RECORD.model_copy(update={"sections": (RECORD.sections[0].model_copy(update={"text": "Pain\n3 weeks"}),)})
    assert len(read_training_rows(data, {RECORD.record_id: changed}).outcomes) == 2
