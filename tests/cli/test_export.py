"""The command ``extractor export``."""

import json

import duckdb
import pytest

from tests.commands import extract, invoke, read_lines


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return extract("tests/records", tmp_path_factory.mktemp("exported") / "run")


def test_a_run_becomes_a_database(run, tmp_path):
    done = invoke("export", run, "--to", tmp_path / "t.duckdb")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "records: 12" in done.stderr.splitlines()
    with duckdb.connect(str(tmp_path / "t.duckdb"), read_only=True) as database:
        sql = "SELECT count(title) FROM records JOIN eligibility USING (record_id)"
        assert database.execute(sql).fetchone() == (12,)


def test_doubtful_values_are_left_out_as_in_a_run_and_counted(run, tmp_path):
    sure = extract("tests/records", tmp_path / "run", "--min-confidence", "0.9")
    found = []
    for name, source, least in (("then", sure, "0"), ("now", run, "0.9")):
        to = tmp_path / name
        words = ("--to", to, "--format", "jsonl", "--min-confidence", least)
        done = invoke("export", source, *words)
        assert done.exit_code == 0
        assert ("omitted below 0.9: " in done.stderr) is (name == "now")
        found.append({path.name: path.read_bytes() for path in to.iterdir()})
    assert found[0] == found[1]
    assert b"low_confidence" in found[1]["absences.jsonl"]


def test_corrected_records_replace_those_of_the_run(run, tmp_path):
    (gold := tmp_path / "gold").mkdir()
    first = read_lines(run / "extractions.jsonl")[0]["record_id"]
    corrected = {"record_id": first, "eligibility": {"sex": "male"}}
    (gold / f"{first}.json").write_text(json.dumps(corrected, indent=1), "utf-8")
    words = ("export", run, "--gold", gold, "--to", tmp_path / "t", "--format", "jsonl")
    assert "corrected: 1 of 12 records" in invoke(*words).stderr
    rows = {
        row["record_id"]: row
        for row in read_lines(tmp_path / "t" / "eligibility.jsonl")
    }
    assert rows[first]["sex"] == "male"
    assert len(rows) == 12
    (gold / f"{first}.json").write_text("{", "utf-8")
    done = invoke(*words, "--force")
    assert done.exit_code == 1
    assert "; run its command again, or correct it" in done.stderr


def test_the_results_alone_are_enough_and_tasks_choose_tables(run, tmp_path):
    results = tmp_path / "extractions.jsonl"
    results.write_bytes((run / "extractions.jsonl").read_bytes())
    words = ("--to", tmp_path / "t", "--format", "csv", "--tasks", "dosing")
    done = invoke("export", results, *words)
    assert done.exit_code == 0
    names = {path.stem for path in (tmp_path / "t").iterdir()}
    assert names >= {"records", "regimens", "amounts", "values", "tables"}
    assert not names & {"criteria", "endpoints", "eligibility"}
