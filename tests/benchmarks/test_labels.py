import json
import re

import pytest

from benchmarks.judging import tally_judged
from benchmarks.label_files import FOLDS, fold_of
from benchmarks.labels import __main__ as command
from benchmarks.labels.cells import judge_cells
from benchmarks.labels.criteria import judge_limits
from benchmarks.labels.dosing import LabelledDoses, build_record, choose_labelled
from benchmarks.labels.matching import count_similar

OUTCOME = {
    "record": "NCT90000001",
    "measure": "Overall survival",
    "description": "Time from randomization to death from any cause.",
    "time_frame": "2 years",
    "concept": "overall_survival",
    "category": "efficacy",
    "start_event": "randomization",
    "end_events": ["death from any cause"],
}
LIMIT = {
    "record": "NCT90000001",
    "list": "inclusion",
    "text": "Platelets >= 50 x 10^9/L",
    "constraints": [{"quantity": "Platelets", "comparator": ">=", "value": 5e10, "value_high": None, "unit": "/L"}],
    "time_window": None,
}
CELL = {
    "id": "NCT90000001",
    "flat": "Overall survival, 2 years",
    "items": [{"measure": "Overall survival", "description": None, "time_frame": "2 years"}],
}
ARM = {
    "id": "d1",
    "record": "NCT90000001",
    "sections": {"arms[0]": "Arm A (EXPERIMENTAL)\nFictumab 5 mg orally", "interventions[0]": "DRUG: Fictumab"},
    "dosing": [
        {
            "agent": "Fictumab",
            "section": "arms[0]",
            "quote": "Fictumab 5 mg orally",
            "role": "investigational",
            "amounts": [{"low": 5, "high": 5, "unit": "mg"}],
            "route": "oral",
        }
    ],
}
LABELS = {
    "dosing": ARM,
    "outcomes": OUTCOME,
    "time_frames": {
        "time_frame": "week 4",
        "time_kind": "at",
        "time_points": [{"value": 4, "unit": "week"}],
    },
    "instruments": OUTCOME | {"instrument": None, "specimens": [], "methods": []},
    "criteria": {"record": "NCT90000001", "list": "exclusion", "text": "Pregnant women", "category": "reproductive"},
    "limits": LIMIT,
}


@pytest.fixture
def data(tmp_path):
    for path, row in [("outcome_split/dev", CELL), *((f"labels/{name}", row) for name, row in LABELS.items())]:
        file = tmp_path / f"{path}.jsonl"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(row) + "\n", "utf-8")
    return tmp_path


def test_the_command_prints_a_line_for_each_field(data, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["labels", "--data", str(data)])
    command.main()
    lines = [re.split(r"\s{2,}", line) for line in capsys.readouterr().out.splitlines()]
    rows = {name: figures for name, *figures in lines}
    criteria = [f"eligibility.criteria.{name}" for name in ("category", "constraints", "time_window")]
    outcomes = [f"endpoints.{name}" for name in ("time_points", "time_kind", "concept", "end_events", "methods")]
    for field in ("split all", "limit bound", *criteria, *outcomes):
        assert rows[field][:2] == ["1", "1.000"], field
    assert rows["dosing.route"][1:4] == ["1.000"] * 3


def test_a_wrong_cut_is_counted_in_its_part():
    item = {"measure": "Overall survival, 2 years", "description": None, "time_frame": None}
    tallies = {tally.field: tally for tally in tally_judged(judge_cells([CELL | {"items": [item]}]))}
    rights = [tallies[name].right for name in ("endpoints.description", "endpoints.measure", "split all")]
    assert rights == [1, 0, 0]


def test_a_range_is_two_bounds():
    label = {"quantity": "Age", "comparator": "between", "value": 18, "value_high": 70, "unit": "years"}
    row = LIMIT | {"text": "Age 18-65 years", "constraints": [label]}
    constraint = tally_judged(judge_limits([row]))[0]
    assert (constraint.found, constraint.wanted, constraint.matched, constraint.right) == (2, 2, 1, 0)


def test_matching():
    assert count_similar(["death", "relapse"], ["death of any cause", "relapse"]) == 1


def test_all_items_of_a_trial_are_in_one_fold():
    folds = {fold_of(f"NCT{number:08d}") for number in range(200)}
    assert folds == set(range(FOLDS))


def test_dosing_alone_lists_what_was_read_wrongly(data, monkeypatch, capsys):
    path = data / "labels" / "dosing.jsonl"
    path.write_text(path.read_text("utf-8").replace('"oral"', '"intravenous"'), "utf-8")
    monkeypatch.setattr("sys.argv", ["labels", "--data", str(data), "--only", "dosing", "--errors", "1"])
    command.main()
    printed = capsys.readouterr().out
    assert "'intravenous'\t'oral'" in printed
    assert "concept" not in printed


def test_every_trial_is_either_developed_on_or_held_out():
    records = [build_record({"record": f"NCT9{number:07}", "sections": {}}) for number in range(60)]
    rows = [LabelledDoses(record, [], "other areas") for record in records]
    developed, held_out = choose_labelled(rows, "development"), choose_labelled(rows, "held-out")
    assert len(developed) + len(held_out) == len(rows)
    assert 10 <= len(held_out) <= 30
