"""Checking gold: each planted problem is named with its path."""

import json

import pytest

from extractor.apps.evaluation import check_gold
from extractor.apps.evaluation.gold_check import check_annotation
from extractor.concepts.own.models import read_fields
from extractor.formats import read_records
from extractor.schemas import Section, Source, TrialRecord

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
    limits = {"quantity": "ANC", "comparator": ">=", "value": 1500, "unit": "/mm3"}
    criterion = {
        "kind": "inclusion",
        "section": "eligibility",
        "quote": "ANC >= 1500/mm3",
    }
    criterion |= {"group": "g1", "constraints": [limits]}
    groups = [{"id": "g1", "rule": "any", "lead_in": "inclusion:"}]
    people = {"groups": groups, "criteria": [criterion]}
    dose = {"agent": "zinc", "section": "arms[0]", "quote": "zinc 5 mg", "arms": []}
    return {"record_id": "A", "eligibility": people, "dosing": [dose]}


def check(data, fields=()):
    return [(flaw.path, str(flaw)) for flaw in check_annotation(data, RECORD, fields)]


def test_gold_whose_quotes_differ_in_escapes_case_and_white_space_is_right():
    assert check(make()) == []


CRITERION = ("eligibility", "criteria", 0)
VALUE = (*CRITERION, "constraints", 0, "value")


@pytest.mark.parametrize(
    ("place", "value", "path", "problem"),
    [
        (("eligibility", "sex"), "men", "eligibility.sex", "Input should be"),
        (("dosing", 0, "unit"), "mg", "dosing[0].unit", "not permitted"),
        (("eligibility", "minimum_age"), {"unit": "year"}, "minimum_age.value", ""),
        (VALUE, "x", "[0].value", "valid number"),
        (VALUE, 777, "[0].constraints", "no number 777; write one of 1500"),
        ((*CRITERION, "quote"), "ANC >= 1600/mm3", "[0].quote", "not in eligibility"),
        ((*CRITERION, "lead_in"), "Adults:", "[0].lead_in", "not in eligibility"),
        ((*CRITERION, "section"), "title", "[0].section", "there is no place 'title'"),
        ((*CRITERION, "group"), "g2", "[0].group", "there is no group 'g2'"),
        (("eligibility", "groups", 0, "parent"), "g9", "parent", "no group 'g9'"),
        (("eligibility", "groups", 0, "lead_in"), "Any:", "lead_in", "not in"),
        (("dosing", 0, "arms"), ["Low"], "dosing[0].arms", "there is no arm 'low'"),
        (("custom",), {"mine": []}, "custom.mine", "no field has this name; specify"),
        (("dosing", 0, "agent"), "gold", "dosing[0].agent", "'gold' is not in"),
    ],
)
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
