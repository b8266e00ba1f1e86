"""Labels for training, which exclude trials of the gold, and the weights that are fitted."""

import gzip
import json
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from benchmarks.gold import GOLD, LABELS, read_gold
from benchmarks.training import dose_roles, labels, published
from benchmarks.training.fitting import Plan, fit, hold_out, make_vectors
from benchmarks.training.labels import read_training_rows
from extractor.schemas import Role

SHARED = Path(__file__).parents[3] / "shared" / "data"
PLAN = Plan("beasts", words=("w",), scales={}, freedom=30, most=500)
SENTENCES = [
    [pet, "likes", food, "on", day]
    for pet in ("cat", "dog", "bird")
    for food in ("milk", "meat")
    for day in "abc"
]
ITEMS = [[*(f"w {word}" for word in words), "m listed"] for words in SENTENCES]
LABELS_OF = [words[0] for words in SENTENCES]
TEXT = "Participants receive fictumab 5 mg orally once daily."
ROW = {
    "record": "NCT90000001",
    "dosing": [
        {
            "agent": "Fictumab",
            "section": "arms[0]",
            "quote": "fictumab 5 mg orally",
            "role": "investigational",
            "amounts": [{"low": 5, "high": 5, "unit": "mg"}],
            "route": "oral",
        }
    ],
}


def write_lines(path, rows):
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def test_a_scorer_is_judged_without_the_labels_of_a_fold_and_knows_unlabelled_words():
    vectors = make_vectors([*SENTENCES * 3, *[["kitten", "likes", "milk", "on"]] * 3])
    folds = [int(label == "bird") for label in LABELS_OF]
    counts = [1.0] * len(ITEMS)

    fitted = fit(PLAN, ITEMS, LABELS_OF, vectors, counts)
    labels_of = [*LABELS_OF[:-1], "fish"]
    classes, chances = hold_out(PLAN, ITEMS, labels_of, folds, vectors, counts)

    assert [choice.value for choice in fitted.choose(ITEMS)] == LABELS_OF
    assert fitted.weights[fitted.rows["w kitten"]].any()
    assert chances.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert not chances[np.array(LABELS_OF) == "bird", classes.index("bird")].any()


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run a command of training with the labels in a folder."""

    def start(module, out):
        monkeypatch.setattr(
            "sys.argv", ["x", "--data", str(tmp_path), "--out", str(out)]
        )
        module.main()

    return start


def test_doses_are_fitted_without_the_trials_that_measure_them(run, tmp_path):
    measured = next(name for name, line in read_gold().items() if line["fold"] > 2)
    trials = [*(f"NCT9000000{number}" for number in range(6)), measured]
    rows = [ROW | {"record": name} for name in trials]
    write_lines(tmp_path / "labels" / "dosing.jsonl", rows)
    arm = {"label": "Arm A", "type": "EXPERIMENTAL", "description": TEXT}
    interventions = [{"type": "DRUG", "name": "Fictumab"}]
    (tmp_path / "records").mkdir()
    with gzip.open(tmp_path / "records" / "ctgov_v2.jsonl.gz", "wt") as file:
        for name in trials:
            study = {
                "identificationModule": {"nctId": name, "briefTitle": "Fictumab"},
                "armsInterventionsModule": {
                    "armGroups": [arm],
                    "interventions": interventions,
                },
            }
            file.write(json.dumps({"protocolSection": study}) + "\n")

    run(dose_roles, tmp_path / "roles.toml")

    known = labels.read_dose_labels(tmp_path)
    assert [one.record.record_id for one in known] == trials[:-1]
    roles = tomllib.loads((tmp_path / "roles.toml").read_text("utf-8"))
    assert roles[Role.INVESTIGATIONAL]["in experimental of experimental"] > 0


def test_a_published_label_has_no_text_and_is_written_again(tmp_path):
    record = {
        "protocolSection": {
            "identificationModule": {"nctId": ROW["record"]},
            "armsInterventionsModule": {
                "armGroups": [{"label": "Fictumab", "description": TEXT}]
            },
        }
    }
    write_lines(tmp_path / "records.jsonl", [record])
    texts = published.Texts([tmp_path / "records.jsonl"])
    packed = published.pack_row("dosing", ROW, texts)
    assert "ictumab" not in json.dumps(packed)
    assert published.unpack_row(packed, texts)["dosing"] == ROW["dosing"]
    changed = ROW | {"dosing": [ROW["dosing"][0] | {"quote": "fictumab 6 mg"}]}
    assert published.pack_row("dosing", changed, texts) is None


def test_the_published_labels_hold_no_text():
    lines = gzip.decompress(published.FILE.read_bytes()).decode()
    # a text has blanks; of the other values, only units such as "SU/0.5 mL" have one
    assert set(re.findall('.{7}"[^"]* [^"]*"', lines)) == set(
        re.findall('"unit":"[^"]{1,16} [^"]{1,16}"', lines)
    )


@pytest.mark.skipif(not SHARED.exists(), reason="needs the shared labels")
def test_no_trial_of_the_gold_is_used_for_training():
    held_back = set(read_gold(GOLD))
    rows = [row for part in read_training_rows(SHARED, {}) for row in part]

    assert held_back
    trials = {row.get("record") for row in rows} | read_gold(LABELS).keys()
    assert not held_back & trials
