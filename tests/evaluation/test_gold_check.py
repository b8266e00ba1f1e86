"""Checking gold: each planted problem is named with its path."""

import copy
import json

import pytest

from extractor.apps.evaluation import check_gold
from extractor.apps.evaluation.gold_check import check_annotation
from extractor.concepts.own.models import read_fields
from extractor.formats import read_records
from extractor.schemas import Section, Source, TrialRecord
from tests.tables import read_cases

CASES = read_cases(__file__)

TEXT = "Inclusion:\n* Age 18 to 75 years\n* ANC \\>= 1500/mm3\n* No fever"
ARM = "Label: High\nType: EXPERIMENTAL\nzinc 5 mg daily"
RECORD = TrialRecord(
    record_id="A",
    source=Source(path="a", format="ctgov_v2"),
    sections=(
        Section(name="eligibility", text=TEXT),
        Section(name="arms[0]", text=ARM),
    ),
)


def make():
    return copy.deepcopy(CASES["gold"][0])


def check(data, fields=()):
    return [(flaw.path, str(flaw)) for flaw in check_annotation(data, RECORD, fields)]


def test_gold_whose_quotes_differ_in_escapes_case_and_white_space_is_right():
    assert check(make()) == []


@pytest.mark.parametrize(("place", "value", "path", "problem"), CASES["planted"])
def test_a_planted_problem_is_named_with_its_path(place, value, path, problem):
    data = make()
    target = data
    for step in place[:-1]:
        target = target[step]
    target[place[-1]] = value
    found = check(data)
    assert any(where.endswith(path) and problem in text for where, text in found), found


def test_references_of_outcomes_and_of_fields_of_the_users_own():
    data = make()
    data["endpoints"] = [{"rank": "primary", "index": 0, "measure": "Pain"}]
    assert "there is no place 'primary_outcomes[0]'" in check(data)[0][1]
    data = make() | {"custom": {"blinding": [{"values": {"levels": "open"}}]}}
    (flaw,) = check(data, read_fields("extractor.catalogue:Blinding"))
    assert "A: custom.blinding[0].values" in flaw[1]


def test_all_files_are_checked_with_their_places(tmp_path):
    (tmp_path / "a.json").write_text("{", "utf-8")
    other = make() | {"record_id": "B"}
    lines = [json.dumps(other), "", json.dumps(make() | {"dosing": 5})]
    (tmp_path / "b.jsonl").write_text("\n".join(lines), "utf-8")
    flaws = check_gold(tmp_path, [RECORD])
    places = [str(flaw).split(": ")[0].rpartition("/")[2] for flaw in flaws]
    assert places == ["a.json", "b.jsonl, line 1", "b.jsonl, line 3"]
    assert "is not an extraction (JSON with a record_id)" in flaws[0].problem
    assert "no such record" in flaws[1].problem
    assert check_gold("seeds/gold", read_records("seeds/records")) == []
