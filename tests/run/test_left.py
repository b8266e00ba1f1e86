"""A record that left the input is reported, and exported only on request."""

import json
import shutil

import pytest

from benchmarks.records import write_distinct_records
from tests.commands import extractor, invoke, read_lines

RECORDS = 12


@pytest.fixture
def records(tmp_path):
    """A folder with a file for each record."""
    folder = tmp_path / "records"
    folder.mkdir()
    write_distinct_records(tmp_path / "all.jsonl", RECORDS)
    for number, line in enumerate(
        (tmp_path / "all.jsonl").read_text("utf-8").splitlines()
    ):
        (folder / f"{number:02}.json").write_text(line, "utf-8")
    return folder


def run(records, out, *more):
    done = invoke(
        "run", records, "--effort", "none", "--workers", "1", "--out", out, *more
    )
    return done.exit_code, done.stderr


def manifest(out):
    read = json.loads((out / "run.json").read_text("utf-8"))
    return read["records"]["extracted"], read["records"]["left"], read["left_ids"]


def exported(out, to, *more):
    done = invoke(
        "export",
        out,
        "--to",
        to,
        "--format",
        "jsonl",
        "--tables",
        "records",
        "--force",
        *more,
    )
    assert done.exit_code == 0, done.output
    return [row["record_id"] for row in read_lines(to / "records.jsonl")], done.stderr


@pytest.mark.slow
def test_a_record_that_left_the_input_is_told_and_not_exported(records, tmp_path):
    out = tmp_path / "run"
    to = tmp_path / "tables"
    assert run(records, out)[0] == 0
    kept = (records / "05.json").read_text("utf-8")
    (records / "05.json").unlink()
    code, said = run(records, out)
    assert code == 0
    assert (
        "results whose records are not in the input now: 1 (NCT00000005); readers leave them out"
        in said
    )
    assert manifest(out) == (RECORDS, 1, ["NCT00000005"])
    assert len(read_lines(out / "extractions.jsonl")) == RECORDS
    ids, said = exported(out, to)
    assert len(ids) == RECORDS - 1
    assert "NCT00000005" not in ids
    assert "1 result of records that left its input" in said
    assert len(exported(out, to, "--removed")[0]) == RECORDS
    (records / "05.json").write_text(kept, "utf-8")
    assert "no longer in the input" not in run(records, out)[1]
    assert manifest(out) == (RECORDS, 0, [])
    assert len(exported(out, to)[0]) == RECORDS


@pytest.mark.slow
def test_only_inputs_that_were_read_to_their_end_tell_what_left(records, tmp_path):
    """Another input of the same folder, a limit, a file that cannot be read now, and a stream
    tell nothing.
    """
    out = tmp_path / "run"
    other = tmp_path / "other"
    assert run(records, out)[0] == 0
    other.mkdir()
    shutil.move(records / "07.json", other / "07.json")
    run(other, out)
    assert manifest(out)[1:] == (0, [])
    run(records, out, "--limit", "3")
    assert manifest(out)[1:] == (0, [])
    (records / "03.json").write_text("{broken", "utf-8")
    assert run(records, out)[0] == 1
    assert manifest(out)[1:] == (0, [])
    for line in (tmp_path / "all.jsonl").read_text("utf-8").splitlines()[:2]:
        done = extractor(
            "run",
            "-",
            "--effort",
            "none",
            "--out",
            tmp_path / "piped",
            stdin=line.encode(),
        )
        assert done.returncode == 0, done.stderr
    assert manifest(tmp_path / "piped") == (2, 0, [])


def test_a_record_whose_new_text_fails_is_not_taken_for_the_old_one(records, tmp_path):
    out = tmp_path / "run"
    assert run(records, out)[0] == 0
    text = (records / "02.json").read_text("utf-8")
    (records / "02.json").write_text(
        text.replace('"briefTitle": "', '"briefTitle": "' + "word " * 500_000), "utf-8"
    )
    assert run(records, out)[0] == 1
    assert manifest(out)[1:] == (1, ["NCT00000002"])
