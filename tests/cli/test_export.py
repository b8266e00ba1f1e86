"""The command ``extractor export``."""

import json
import re

import duckdb
import pytest

from tests.commands import extract, invoke, read_lines


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return extract("tests/records", tmp_path_factory.mktemp("exported") / "run")


def test_a_run_becomes_a_database_with_the_registered_fields_of_its_inputs(
    run, tmp_path
):
    done = invoke("export", run, "--to", tmp_path / "t.duckdb")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "records: 12" in done.stderr.splitlines()
    with duckdb.connect(str(tmp_path / "t.duckdb"), read_only=True) as database:
        criteria = database.execute("SELECT count(*) FROM criteria").fetchone()
        known = database.execute(
            "SELECT count(title), count(enrolment), count(registered_sex) FROM records"
        ).fetchone()
    results = read_lines(run / "extractions.jsonl")
    assert criteria == (
        sum(len(result["eligibility"]["criteria"]) for result in results),
    )
    assert known[0] == 12
    assert min(known) > 0


def test_doubtful_values_are_left_out_as_in_a_run(run, tmp_path):
    sure = extract("tests/records", tmp_path / "run", "--min-confidence", "0.9")
    found = []
    for name, source, least in (
        ("then", sure, "0"),
        ("now", run, "0.9"),
        ("whole", run, "0"),
    ):
        words = (
            "export",
            source,
            "--to",
            tmp_path / name,
            "--format",
            "jsonl",
            "--min-confidence",
            least,
            "--quiet",
        )
        assert invoke(*words).exit_code == 0
        found.append(
            {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        )
    then, now, whole = found
    assert now == then != whole
    assert b"low_confidence" in now["absences.jsonl"]


@pytest.mark.parametrize(
    "gold",
    ["{", '{"record_id": "A", "eligibility": {"sex": "x"}}'],
    ids=["broken", "wrong"],
)
def test_a_corrected_record_that_cannot_be_read_is_named(run, tmp_path, gold):
    path = tmp_path / f"{read_lines(run / 'extractions.jsonl')[0]['record_id']}.json"
    path.write_text(gold, "utf-8")
    done = invoke(
        "export", run, "--gold", tmp_path, "--to", tmp_path / "t", "--format", "jsonl"
    )
    assert done.exit_code == 1
    assert f"{path}: is " in done.stderr
    assert "correct it, or finish its record again" in done.stderr


def test_corrected_records_replace_those_of_the_run(run, tmp_path):
    (gold := tmp_path / "gold").mkdir()
    first = read_lines(run / "extractions.jsonl")[0]
    corrected = {"record_id": first["record_id"], "eligibility": {"sex": "male"}}
    (gold / f"{first['record_id']}.json").write_text(
        json.dumps(corrected, indent=1), "utf-8"
    )
    done = invoke(
        "export", run, "--gold", gold, "--to", tmp_path / "t", "--format", "jsonl"
    )
    assert "corrected: 1 of 12 records" in done.stderr
    rows = read_lines(tmp_path / "t" / "eligibility.jsonl")
    assert [row["sex"] for row in rows if row["record_id"] == first["record_id"]] == [
        "male"
    ]
    assert len(rows) == 12


def test_a_gold_folder_without_finished_records_is_refused(run, tmp_path):
    done = invoke(
        "export", run, "--gold", tmp_path, "--to", tmp_path / "t", "--format", "csv"
    )
    assert done.exit_code == 2
    assert "holds no finished record of this run" in done.stderr


def list_quoted(result):
    """The items that go with their quote; no quote is fully certain, unlike the name of an
    outcome.
    """
    return result["eligibility"]["criteria"], result["dosing"]


def test_what_is_left_out_is_counted(run, tmp_path):
    words = (
        "export",
        run,
        "--to",
        tmp_path / "t",
        "--format",
        "csv",
        "--min-confidence",
    )
    results = read_lines(run / "extractions.jsonl")
    criteria, regimens = (
        sum(map(len, found)) for found in zip(*map(list_quoted, results), strict=True)
    )
    said = f" values, {criteria} of {criteria} criteria, {regimens} of {regimens} regimens, 0 of "
    assert said in invoke(*words, "1").stderr
    told = re.search(
        r"left out below 0.8: ([\d,]+) of ([\d,]+) values",
        invoke(*words, "0.8", "--force").stderr,
    )
    left_out, values = (int(number.replace(",", "")) for number in told.groups())
    items = [
        item
        for found in results
        for kind in (*list_quoted(found), found["endpoints"])
        for item in kind
    ]
    items += [found["eligibility"] for found in results]
    assert (
        0
        < left_out
        < values
        == sum(len({piece["field"] for piece in item["evidence"]}) for item in items)
    )
    assert "left out" not in invoke(*words, "0", "--force").stderr


def test_results_without_confidence_are_refused_if_it_is_needed(run, tmp_path):
    def forget_confidence(value):
        left_out = {"confidence"} if value.keys() >= {"field", "quote"} else set()
        return {name: held for name, held in value.items() if name not in left_out}

    old = tmp_path / "extractions.jsonl"
    line = (run / "extractions.jsonl").read_text("utf-8").splitlines()[0]
    old.write_text(json.dumps(json.loads(line, object_hook=forget_confidence)), "utf-8")
    words = (
        "export",
        old,
        "--to",
        tmp_path / "t.csv",
        "--tables",
        "criteria",
        "--quiet",
    )
    assert invoke(*words).exit_code == 0
    done = invoke(*words, "--force", "--min-confidence", "0.9")
    assert done.exit_code == 1
    assert (
        "line 1: has values without a confidence; recreate it with `extractor run --replay`"
        in done.stderr
    )


def test_a_changed_input_is_not_called_missing(tmp_path):
    record = tmp_path / "a.txt"
    record.write_text("A Trial\nInclusion criteria:\n- Adults\n", "utf-8")
    run = extract(record, tmp_path / "run")
    record.write_text("A Trial\nInclusion criteria:\n- Children\n", "utf-8")

    done = invoke("export", run, "--to", tmp_path / "t.csv", "--tables", "records")

    assert "the inputs of 1 of 1 record have changed since the run" in done.stderr
    assert "missing" not in done.stderr


def test_the_results_alone_are_enough_and_tasks_choose_tables(run, tmp_path):
    results = tmp_path / "extractions.jsonl"
    results.write_bytes((run / "extractions.jsonl").read_bytes())
    done = invoke(
        "export",
        results,
        "--to",
        tmp_path / "t",
        "--format",
        "csv",
        "--tasks",
        "dosing",
    )
    assert done.exit_code == 0
    assert "the inputs are missing for all records" in done.stderr
    names = {path.stem for path in (tmp_path / "t").iterdir()}
    assert names >= {"records", "regimens", "amounts", "evidence", "tables"}
    assert not names & {"criteria", "endpoints", "eligibility"}
