"""``extractor parse --stats`` as a user sees it."""

import json

import pytest
from typer.testing import CliRunner

from extractor.cli.app import app

CRITERIA = "Inclusion Criteria:\n\n* Age 18 to 65 years\n* Enrolled in Cohort {} of the registry"


@pytest.fixture
def records(tmp_path):
    lines = [
        {
            "protocolSection": {
                "identificationModule": {"nctId": f"NCT9000000{number}", "briefTitle": "A trial"},
                "eligibilityModule": {"eligibilityCriteria": CRITERIA.format(number)},
            }
        }
        for number in (7, 8)
    ]
    path = tmp_path / "studies.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    return str(path)


def _invoke(*arguments):
    return CliRunner().invoke(app, ["parse", "--stats", *arguments])


def test_each_part_has_a_share_and_its_unclaimed_shapes(records):
    result = _invoke(records)
    assert result.exit_code == 0
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert rows[0] == ["2 records"]
    assert ["criteria", "6", "4", "0.667", "constraints 4, minimum_age 4, maximum_age 4"] in rows
    assert ["time frames", "0", "0", "", ""] in rows
    assert rows[-2:] == [["unclaimed in criteria", "count"], ["cohort N of", "2"]]


def test_the_same_as_json(records):
    report = json.loads(_invoke(records, "--json", "--shapes", "1").stdout)
    assert report["records"] == 2
    assert report["parts"]["criteria"]["unclaimed"] == {"cohort N of": 2}
    assert report["parts"]["arms and interventions"]["share"] is None


def test_many_records_are_counted_by_many_processes_as_by_one(tmp_path, monkeypatch, forked_workers):
    study = {"identificationModule": {"briefTitle": "A trial"}, "eligibilityModule": {}}
    lines = []
    for number in range(80):
        study["identificationModule"]["nctId"] = f"NCT9{number:07}"
        study["eligibilityModule"]["eligibilityCriteria"] = CRITERIA.format(number % 7)
        lines.append(json.dumps({"protocolSection": study}))
    path = tmp_path / "studies.jsonl"
    path.write_text("\n".join(lines), "utf-8")
    shared = _invoke(str(path), "--json").stdout
    monkeypatch.setattr("extractor.run.workers.A_HANDFUL", 1000)
    assert _invoke(str(path), "--json").stdout == shared
    assert json.loads(shared)["records"] == 80


def test_no_shapes_on_demand(records):
    assert "unclaimed in" not in _invoke(records, "--shapes", "0").stdout


def test_a_bad_file_is_told_and_the_others_are_counted(records, tmp_path):
    (tmp_path / "bad.json").write_text("{", "utf-8")
    result = _invoke(records, str(tmp_path / "bad.json"))
    assert result.exit_code == 1
    assert "2 records" in result.stdout
    assert "bad.json" in result.stderr
