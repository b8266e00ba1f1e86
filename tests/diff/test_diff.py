"""Changes between two versions of trials, and the command ``extractor diff``."""

import csv
import json
from pathlib import Path

import openpyxl
import pytest

from extractor import TrialExtraction, diff_trials
from extractor.apps.diff.changes import COLUMNS
from tests.commands import extract, invoke
from tests.pages.invented import make_extraction, make_run
from tests.report.test_report import read_records
from tests.snapshots import check_json
from tests.tables import read_cases

CASES = read_cases(__file__)

STUDY = Path("tests/records/study.json")
EDITS = {
    "18 to 75 years": "18 to 65 years",
    '"30 mg': '"25 mg',
    "peripheral blood": "blood",
}


def edit(path, edits=EDITS, source=STUDY):
    """Write a new version of a record."""
    text = source.read_text("utf-8")
    for old, new in edits.items():
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, "utf-8")
    return path


def change(path, value):
    """The changes after one value of the invented extraction was set, or removed."""
    old = make_extraction()
    new = json.loads(json.dumps(old))
    *steps, last = path
    place = new
    for step in steps:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    versions = map(TrialExtraction.model_validate, (old, new))
    return [
        [row.kind, row.field, row.cells["old_value"], row.cells["new_value"]]
        for row in diff_trials(*versions)
    ]


@pytest.mark.parametrize(
    ("path", "value", "expected"), CASES["a_changed_value_is_one_row"]
)
def test_a_changed_value_is_one_row(path, value, expected):
    assert change(path, value) == expected


def test_items_that_moved_are_no_change():
    old = make_extraction()
    new = json.loads(json.dumps(old))
    new["eligibility"]["criteria"].reverse()
    new["dosing"].reverse()
    versions = map(TrialExtraction.model_validate, (old, new))
    assert diff_trials(*versions) == []


def test_the_changes_of_a_trial_are_these(tmp_path):
    new = make_extraction()
    people = new["eligibility"]
    people["criteria"][0]["constraints"][1]["value"] = 10
    people["criteria"][4]["kind"] = "exclusion"
    people["groups"][0]["n"] = 3
    people["sex"] = "female"
    del people["criteria"][6], new["dosing"][2]
    new["dosing"][0]["amounts"][0]["unit"] = "g"
    folders = tmp_path / "old", tmp_path / "new"
    runs = []
    for folder, version in zip(folders, (make_extraction(), new), strict=True):
        folder.mkdir()
        runs.append(make_run(folder, version))
    rows = invoke("diff", *runs, "--json").stdout.splitlines()
    found = {"rows": [json.loads(row) for row in rows]}
    page = tmp_path / "changes.html"
    found["printed"] = invoke("diff", *runs, "--html", page).output.splitlines()
    found["page"] = read_records(page.read_text("utf-8"))
    check_json(Path(__file__).with_name("changes.json"), found)


REGISTERED = {'"maximumAge": "75 Years"': '"maximumAge": "65 Years"'}


def test_json_and_sheets_have_the_same_rows_with_registered_fields(tmp_path):
    edits = EDITS | REGISTERED | {"Fictucel": "=Fictucel"}
    new = edit(tmp_path / "new.json", edits)
    printed = invoke("diff", STUDY, new, "--json").stdout
    rows = [json.loads(line) for line in printed.splitlines()]
    assert {tuple(row) for row in rows} == {COLUMNS}
    assert "registry.maximum_age" in [row["field"] for row in rows]
    for suffix in (".csv", ".xlsx"):
        done = invoke("diff", STUDY, new, "--to", tmp_path / f"changes{suffix}")
        assert (done.exit_code, done.stdout) == (0, "")
    with (tmp_path / "changes.csv").open(encoding="utf-8", newline="") as file:
        sheet = [[*row.values()] for row in csv.DictReader(file)]
    written = [
        ["" if cell is None else str(cell) for cell in row.values()] for row in rows
    ]
    assert [[cell.removeprefix("'") for cell in row] for row in sheet] == written
    assert not any(cell.startswith("=") for row in sheet for cell in row)
    book = openpyxl.load_workbook(tmp_path / "changes.xlsx").active
    assert [*book.iter_rows(values_only=True)] == [
        COLUMNS,
        *(tuple(row.values()) for row in rows),
    ]


def test_a_version_is_a_run_a_file_of_extractions_or_records(tmp_path):
    new = edit(tmp_path / "new.json")
    old = extract(STUDY, tmp_path / "old")
    run = extract(new, tmp_path / "run")
    lines = tmp_path / "copied.jsonl"
    lines.write_bytes((run / "extractions.jsonl").read_bytes())
    for version in (run, lines, new):
        done = invoke("diff", old, version, "--exit-code")
        assert (done.exit_code, "6 changed, 1 added" in done.stderr) == (1, True)
        same = invoke("diff", run, version, "--exit-code")
        assert (same.exit_code, same.stdout) == (0, "")
        assert "1 trial compared: no change" in same.stderr


def test_trials_are_paired_by_id_and_single_records_whatever_their_ids(tmp_path):
    both = tmp_path / "both"
    both.mkdir()
    edit(both / "a.json", {})
    edit(both / "b.json", {"NCT90000001": "NCT90000009"})
    done = invoke("diff", both, STUDY, "--exit-code")
    assert done.exit_code == 1
    assert "1 trial compared: no change" in done.stderr
    assert f"only in {both}: NCT90000009" in done.stderr
    done = invoke("diff", STUDY, both / "b.json")
    assert "1 trial compared" in done.stderr
    assert "only in" not in done.stderr


def test_what_cannot_be_read_is_named(tmp_path):
    (tmp_path / "broken.json").write_text("{", "utf-8")
    edit(tmp_path / "whole.json", {})
    done = invoke("diff", tmp_path, STUDY)
    assert done.exit_code == 2
    assert "broken.json" in done.stderr
    assert "1 trial compared" in done.stderr
    done = invoke("diff", tmp_path / "broken.json", STUDY)
    assert done.exit_code == 2
    assert "no record could be read" in done.stderr
    assert invoke("diff", "nowhere", STUDY).exit_code == 2
