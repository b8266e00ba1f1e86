"""A run that is still going, and the same one after ``kill -9``, as every command that reads runs tells of it."""

import json
import os
import signal
import subprocess
import sys
import time
from threading import Event

import pytest

from benchmarks.records import write_distinct_records
from extractor.report import write_report
from extractor.review.queue import RunRecords
from tests.commands import PATIENCE_S, extractor
from tests.llm.stub import completion, items, serve

RECORDS = 6
_COMMAND = "import extractor.cli.progress as progress; progress._COUNT_AFTER_S = 0; from extractor.cli import main; main()"
_EXPORT = ("--tables", "records", "--quiet")

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows kills in another way")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where a run with a relative input goes on: its server gives no more answers once a record is done."""
    folder = tmp_path_factory.mktemp("going")
    write_distinct_records(folder / "records.jsonl", RECORDS)
    ended, results = Event(), folder / "run" / "extractions.jsonl"

    def answer(_):
        if results.exists() and results.stat().st_size:
            ended.wait(PATIENCE_S)
        return completion(items())

    with serve(answer) as server:
        words = [
            "run",
            "records.jsonl",
            "--out",
            "run",
            "--quiet",
            "--assist",
            "always",
            "--concurrency",
            "1",
            "--workers",
            "1",
        ]
        command = [sys.executable, "-c", _COMMAND, *words, "--model", f"{server.url}#stub"]
        running = subprocess.Popen(command, cwd=folder)
        try:
            until = time.monotonic() + PATIENCE_S
            while not (results.exists() and results.stat().st_size and read_manifest(folder)["total"]):
                assert running.poll() is None
                assert time.monotonic() < until
                time.sleep(0.01)
            yield folder, running
        finally:
            ended.set()
            running.kill()
            running.wait()


@pytest.fixture(scope="module")
def going(folder):
    return folder[0]


@pytest.fixture(scope="module")
def killed(folder):
    """The same run after ``kill -9``: tests of the run that goes on stand before those of the killed one."""
    folder[1].send_signal(signal.SIGKILL)
    folder[1].wait()
    return folder[0]


def read_manifest(folder):
    return json.loads((folder / "run" / "run.json").read_text("utf-8"))


def check_told(folder, told):
    """Every command that reads a run tells how far it came, and finds its texts from another directory."""
    export = extractor("export", folder / "run", "--to", folder / "t.csv", *_EXPORT)
    assert export.returncode == 1
    assert f"1 of {RECORDS} records, {told}; let it finish" in export.stderr.decode()
    assert not (folder / "t.csv").exists()
    # Its results alone are refused, too; with --partial there is what was done.
    part = ("export", folder / "run" / "extractions.jsonl", "--to", folder / f"{told}.csv", *_EXPORT)
    assert extractor(*part).returncode == 1
    partial = extractor(*part, "--partial")
    assert partial.returncode == 0, partial.stderr
    assert f"1 of {RECORDS} records, {told}" in partial.stderr.decode()
    assert len((folder / f"{told}.csv").read_text("utf-8").splitlines()) == 2

    report = extractor("report", folder / "run")
    assert f"1 of {RECORDS} records, {told}" in report.stderr.decode()
    assert f"1 of {RECORDS} records, {told}" in (folder / "run" / "report.html").read_text("utf-8")
    assert write_report(folder / "run", folder / "report.html").without_text == 0

    records = RunRecords(folder / "run")
    assert (records.incomplete, records.count_without_text()) == (f"1 of {RECORDS} records, {told}", 0)

    evaluated = extractor("evaluate", folder / "run", folder / "run", "--resamples", "0")
    assert (evaluated.returncode, evaluated.stderr.decode().count(f"1 of {RECORDS} records, {told}")) == (0, 2)


def test_a_run_that_goes_on_says_from_its_beginning_what_it_reads(going):
    manifest = read_manifest(going)
    assert (manifest["state"], manifest["total"]) == ("running", RECORDS)
    assert manifest["inputs"] == ["records.jsonl"]
    assert manifest["input_paths"] == [str(going / "records.jsonl")]


def test_a_run_that_goes_on_is_told_as_still_running(going):
    check_told(going, "still running")


def test_a_run_that_was_killed_is_told_as_interrupted(killed):
    assert read_manifest(killed)["state"] == "running"
    check_told(killed, "interrupted")


def test_the_page_of_scores_finds_the_texts_from_another_directory(killed, tmp_path):
    gold = tmp_path / "gold.jsonl"
    extraction = json.loads((killed / "run" / "extractions.jsonl").read_text("utf-8").splitlines()[0])
    extraction["endpoints"] = []
    gold.write_text(json.dumps(extraction), "utf-8")
    for name, more in (("found.html", ()), ("given.html", ("--records", killed / "records.jsonl"))):
        page = ("--html", tmp_path / name, "--resamples", "0")
        assert extractor("evaluate", gold, killed / "run", *page, *more).returncode == 0
    assert (tmp_path / "found.html").read_bytes() == (tmp_path / "given.html").read_bytes()
