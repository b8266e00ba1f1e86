"""``extractor export`` as a user starts it."""

import json
from pathlib import Path

import duckdb
import pytest

from tests.commands import extractor


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "run"
    done = extractor("run", "tests/records", "--assist", "never", "--out", folder, "--quiet")
    assert done.returncode == 0, done.stderr
    return folder


def test_a_run_becomes_a_database(run, tmp_path):
    done = extractor("export", run, "--to", tmp_path / "t.duckdb")
    assert done.returncode == 0, done.stderr
    assert done.stdout == b""
    assert b"records: 12" in done.stderr.splitlines()
    with duckdb.connect(str(tmp_path / "t.duckdb"), read_only=True) as database:
        told = database.execute("SELECT count(*) FROM criteria").fetchone()
    results = [json.loads(line) for line in (run / "extractions.jsonl").read_text("utf-8").splitlines()]
    assert told == (sum(len(result["eligibility"]["criteria"]) for result in results),)


def test_doubtful_values_are_left_out_as_a_run_leaves_them_out(run, tmp_path):
    sure = tmp_path / "run"
    done = extractor("run", "tests/records", "--assist", "never", "--min-confidence", "0.9", "--out", sure, "--quiet")
    assert done.returncode == 0, done.stderr
    for name, source, least in (("then", sure, "0"), ("now", run, "0.9"), ("whole", run, "0")):
        words = ("export", source, "--to", tmp_path / name, "--format", "jsonl", "--min-confidence", least, "--quiet")
        assert extractor(*words).returncode == 0
    then, now, whole = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("then", "now", "whole")
    )
    assert now == then != whole
    assert b"low_confidence" in now["absences.jsonl"]


def test_results_that_do_not_say_how_sure_they_are_are_refused(run, tmp_path):
    old = tmp_path / "extractions.jsonl"
    lines = (run / "extractions.jsonl").read_text("utf-8").splitlines()
    old.write_text(json.dumps(json.loads(lines[0], object_hook=forget_evidence_s_confidence)), "utf-8")
    words = ("export", old, "--to", tmp_path / "t.csv", "--tables", "criteria", "--quiet")
    assert extractor(*words).returncode == 0
    done = extractor(*words, "--force", "--min-confidence", "0.9")
    assert done.returncode == 1
    told = "line 1: does not say how sure its values are; make it anew with `extractor reparse`"
    assert told in done.stderr.decode()


def forget_evidence_s_confidence(value):
    """Evidence as earlier versions wrote it."""
    left_out = {"confidence"} if value.keys() >= {"field", "quote"} else set()
    return {name: held for name, held in value.items() if name not in left_out}


def test_the_results_alone_are_enough_and_tasks_choose_tables(run, tmp_path):
    done = extractor(
        "export", run / "extractions.jsonl", "--to", tmp_path / "t", "--format", "csv", "--tasks", "dosing", "-q"
    )
    assert (done.returncode, done.stderr) == (0, b"")
    names = {path.stem for path in (tmp_path / "t").iterdir()}
    assert names >= {"records", "regimens", "amounts", "evidence", "tables"}
    assert not names & {"criteria", "endpoints", "eligibility"}


def test_records_carry_what_the_inputs_register(run, tmp_path):
    assert extractor("export", run, "--to", tmp_path / "t.duckdb", "--quiet").returncode == 0
    with duckdb.connect(str(tmp_path / "t.duckdb"), read_only=True) as database:
        told = database.execute("SELECT count(title), count(enrolment), count(registered_sex) FROM records").fetchone()
    assert told[0] == 12
    assert min(told) > 0


def test_inputs_that_are_not_at_hand_are_told(run, tmp_path):
    results = tmp_path / "extractions.jsonl"
    results.write_bytes((run / "extractions.jsonl").read_bytes())
    done = extractor("export", results, "--to", tmp_path / "t.csv", "--tables", "records")
    assert done.returncode == 0
    assert b"no input at hand for all records" in done.stderr
    assert b",title," in (tmp_path / "t.csv").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--to", "t"], 2, "say --format"),
        (["--to", "t.csv"], 2, "holds one table"),
        (["--to", "t.csv", "--tables", "doses"], 2, "no such table"),
        (["--to", "t", "--format", "csv", "--tasks", "doses"], 2, "doses"),
    ],
)
def test_a_wrong_call_says_what_to_do(run, tmp_path, arguments, code, told):
    to = tmp_path / arguments[1]
    done = extractor("export", run, "--to", to, *arguments[2:])
    assert done.returncode == code
    assert told in done.stderr.decode()
    assert len(done.stderr.splitlines()) == 1
    assert not to.exists()


def test_what_is_there_is_not_replaced(run, tmp_path):
    to = tmp_path / "t.csv"
    to.write_text("mine")
    command = ("export", run, "--to", to, "--tables", "criteria", "--quiet")
    done = extractor(*command)
    assert (done.returncode, to.read_text()) == (1, "mine")
    assert b"--force" in done.stderr
    assert extractor(*command, "--force").returncode == 0
    assert to.read_text("utf-8").startswith("record_id,criterion_index,")
    assert Path(run / "extractions.jsonl").exists()
