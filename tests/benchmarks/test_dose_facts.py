"""Readers that are given the right text, and the table that says how well they do."""

import json

import pytest

from benchmarks.judging import tally_judged
from benchmarks.labels import dose_facts
from benchmarks.labels.dose_facts import FIELDS, judge_facts

DOSE = {
    "agent": "Fictumab",
    "section": "interventions[0]",
    "quote": "300 mg on day 1 of each 21-day cycle",
    "role": "investigational",
    "amounts": [{"low": 300, "high": 300, "unit": "mg"}],
    "route": "intravenous",
    "frequency": "Q3W",
    "cycle": {"value": 21, "unit": "day"},
    "duration": None,
    "timing": "on day 1 of each 21-day cycle",
}
ROW = {
    "id": "d1",
    "record": "NCT90000001",
    "sections": {
        "interventions[0]": "DRUG: Fictumab\nFictumab 300 mg on day 1 of each 21-day cycle.",
        "arms[0]": "Arm A (EXPERIMENTAL)\nFictumab is given intravenously.",
    },
    "dosing": [DOSE],
}


def rights(row):
    return {tally.field.removeprefix("fact "): tally.right for tally in tally_judged(judge_facts([row]))}


def test_what_stands_elsewhere_in_the_record_counts_as_read():
    assert rights(ROW) == dict.fromkeys(FIELDS, 1)


def test_what_no_section_holds_is_missed():
    row = ROW | {"sections": {"interventions[0]": ROW["sections"]["interventions[0]"]}}
    assert rights(row) == dict.fromkeys(FIELDS, 1) | {"route": 0}


def test_amounts_of_another_dose_do_not_count():
    quote = "300 mg with 20 mg of Examplinib on day 1 of each 21-day cycle"
    first = DOSE | {"quote": quote}
    other = DOSE | {
        "agent": "Examplinib",
        "quote": "20 mg of Examplinib",
        "amounts": [{"low": 20, "high": 20, "unit": "mg"}],
    }
    assert rights(ROW | {"dosing": [first]})["amounts"] == 0
    assert rights(ROW | {"dosing": [first, other]})["amounts"] == 2


def test_the_command_prints_a_line_for_each_field_and_the_errors(tmp_path, monkeypatch, capsys):
    file = tmp_path / "labels" / "dosing.jsonl"
    file.parent.mkdir()
    file.write_text(json.dumps(ROW | {"dosing": [DOSE | {"frequency": "QW"}]}) + "\n", "utf-8")
    monkeypatch.setattr("sys.argv", ["dose_facts", "--data", str(tmp_path), "--errors", "frequency"])
    dose_facts.main()
    printed = capsys.readouterr().out
    assert all(f"fact {field} " in printed for field in FIELDS)
    assert repr(DOSE["quote"]) in printed


@pytest.mark.parametrize("part", ["development", "held-out"])
def test_every_trial_is_in_one_part(part):
    trials = [f"NCT9{number:07}" for number in range(60)]
    assert 10 <= sum(dose_facts.is_held_out(trial) == (part == "held-out") for trial in trials) <= 50
