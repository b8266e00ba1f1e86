"""``extractor import brat`` as a user sees it."""

import json

import pytest
from typer.testing import CliRunner

from extractor.cli.app import app

ANNOTATIONS = """\
T1\tPerson 0 3\tAge
T2\tValue 4 14\t> 18 years
R1\tHas_value Arg1:T1 Arg2:T2
T3\tCondition 33 37\tgout
T4\tQualifier 26 32\tsevere
R2\tHas_qualifier Arg1:T3 Arg2:T4
T5\tColour 15 19\tBlue
#1\tAnnotatorNotes T3\tsee line 2
"""


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "brat"
    place.mkdir()
    (place / "NCT90000001_inc.txt").write_text("Age > 18 years\nBlue eyes, severe gout\n", "utf-8")
    (place / "NCT90000001_inc.ann").write_text(ANNOTATIONS, "utf-8")
    return place


def _invoke(*arguments):
    return CliRunner().invoke(app, ["import", "brat", *map(str, arguments)])


def test_gold_records_and_a_list_of_problems_are_written(folder, tmp_path):
    result = _invoke(folder, "-o", tmp_path / "out")
    assert result.exit_code == 0
    assert result.stdout == ""
    gold = json.loads((tmp_path / "out" / "gold" / "NCT90000001.json").read_text("utf-8"))
    assert gold["eligibility"]["minimum_age"] == {"value": 18, "unit": "year"}
    assert (tmp_path / "out" / "records" / "NCT90000001.json").exists()
    assert "1 trials, 2 criteria, 0 of them without a category" in result.stderr
    assert "Has_qualifier 1" in result.stderr
    assert "note 1" in result.stderr
    assert "1  the entity type ... is not in the mapping" in result.stderr
    head, row = (tmp_path / "out" / "problems.tsv").read_text("utf-8").splitlines()
    assert head == "file\tplace\tproblem"
    assert row.split("\t")[1:] == ["T5", "the entity type 'Colour' is not in the mapping"]


def test_what_was_imported_can_be_run_and_evaluated(folder, tmp_path):
    out = tmp_path / "out"
    _invoke(folder, "-o", out)
    arguments = ["run", str(out / "records"), "--assist", "never", "--tasks", "eligibility", "--quiet"]
    assert CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "run")]).exit_code == 0
    result = CliRunner().invoke(app, ["evaluate", str(out / "gold"), str(tmp_path / "run"), "--resamples", "0"])
    assert result.exit_code == 0
    assert result.stdout.startswith("1 records, 0 missing, 0 without gold")


def test_gold_that_is_there_is_not_mixed_with_other_gold(folder, tmp_path):
    _invoke(folder, "-o", tmp_path / "out")
    again = _invoke(folder, "-o", tmp_path / "out")
    assert again.exit_code == 1
    assert "holds files already; name another folder" in again.stderr


def test_a_folder_without_annotations_is_a_failure(tmp_path):
    result = _invoke(tmp_path, "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "holds no .txt file" in result.stderr
