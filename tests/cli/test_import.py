"""The command ``extractor import brat``."""

import json

import pytest

from tests.commands import extract, invoke

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


def test_gold_records_and_a_list_of_problems_can_be_run_and_evaluated(folder, tmp_path):
    out = tmp_path / "out"
    result = invoke("import", "brat", folder, "-o", out)
    assert (result.exit_code, result.stdout) == (0, "")
    gold = json.loads((out / "gold" / "NCT90000001.json").read_text("utf-8"))
    assert gold["eligibility"]["minimum_age"] == {"value": 18, "unit": "year"}
    for said in (
        "1 trials, 2 criteria, 0 of them without a category",
        "Has_qualifier 1",
        "note 1",
        "1  the entity type ... is not in the mapping",
    ):
        assert said in result.stderr
    head, row = (out / "problems.tsv").read_text("utf-8").splitlines()
    assert head == "file\tplace\tproblem"
    assert row.split("\t")[1:] == ["T5", "the entity type 'Colour' is not in the mapping"]
    run = extract(out / "records", tmp_path / "run", "--tasks", "eligibility")
    scores = invoke("evaluate", out / "gold", run, "--resamples", "0")
    assert scores.stdout.startswith("1 records, 0 missing, 0 without gold")


@pytest.mark.parametrize(
    ("source", "out", "problem"),
    [("brat", "used", "already holds files; name another folder"), (".", "out", "holds no .txt file")],
)
def test_folders_that_cannot_be_used_are_refused(folder, tmp_path, source, out, problem):
    (tmp_path / "used" / "gold").mkdir(parents=True)
    (tmp_path / "used" / "gold" / "mine.json").write_text("{}")
    result = invoke("import", "brat", folder.parent / source, "-o", tmp_path / out)
    assert result.exit_code == 1
    assert problem in result.stderr
