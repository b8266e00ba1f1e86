import json

import pytest

from benchmarks.label_files import FOLDS, fold_of
from benchmarks.labels import __main__ as command
from benchmarks.labels.cells import judge_cells
from benchmarks.labels.criteria import judge_limits
from benchmarks.labels.matching import count_same, count_similar

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
LABELS = {
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
    rows = {line[:24].strip(): line[24:].split() for line in capsys.readouterr().out.splitlines()}
    for field in ("split all", "time points", "time kind", "concept", "end events", "methods", "criterion category"):
        assert rows[field][:2] == ["1", "1.000"], field
    assert rows["constraint"][:5] == ["1", "1.000", "1.000", "1.000", "1.000"]


def test_a_wrong_cut_is_counted_in_its_part():
    item = {"measure": "Overall survival, 2 years", "description": None, "time_frame": None}
    tallies = {tally.field: tally for tally in judge_cells([CELL | {"items": [item]}])}
    assert (tallies["split description"].right, tallies["split measure"].right, tallies["split all"].right) == (1, 0, 0)


def test_a_range_is_two_bounds():
    label = {"quantity": "Age", "comparator": "between", "value": 18, "value_high": 70, "unit": "years"}
    row = LIMIT | {"text": "Age 18-65 years", "constraints": [label]}
    constraint = judge_limits([row])[0]
    assert (constraint.found, constraint.wanted, constraint.matched, constraint.right) == (2, 2, 1, 0)


def test_matching():
    assert count_same([1, 1], [1]) == 1
    assert count_similar(["death", "relapse"], ["death of any cause", "relapse"]) == 1


def test_all_items_of_a_trial_are_in_one_fold():
    folds = {fold_of(f"NCT{number:08d}") for number in range(200)}
    assert folds == set(range(FOLDS))
