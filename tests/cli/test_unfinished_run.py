"""Every command that reads runs reports a run that is still going, or was killed by ``kill -9``."""

import json
import os
import signal
import subprocess
import sys
import time
from threading import Event

import pytest

from benchmarks.records import write_distinct_records
from extractor.apps.report import write_report
from extractor.apps.review.queue import RunRecords
from tests.commands import PATIENCE_S, invoke, read_lines
from tests.llm.stub import completion, items, serve

RECORDS = 6
_CODE = (
    "import extractor.run.progress as progress; progress._COUNT_AFTER_S = 0; from "
    "extractor.apps.cli import main; main()"
)
_WORDS = "run records.jsonl --out run --quiet --effort all --concurrency 1 --workers 1"

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="Windows kills in another way"),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def going(tmp_path_factory):
    """The folder of a run in progress with a relative input: its server stops answering once a
    record is done.
    """
    folder = tmp_path_factory.mktemp("going")
    write_distinct_records(folder / "records.jsonl", RECORDS)
    ended = Event()
    results = folder / "run" / "extractions.jsonl"

    def answer(_):
        if results.exists() and results.stat().st_size:
            ended.wait(PATIENCE_S)
        return completion(items())

    with serve(answer) as server:
        command = [
            sys.executable,
            "-c",
            _CODE,
            *_WORDS.split(),
            "--model",
            f"{server.url}#stub",
        ]
        with subprocess.Popen(command, cwd=folder) as running:
            try:
                until = time.monotonic() + PATIENCE_S
                while not (
                    results.exists()
                    and results.stat().st_size
                    and read_manifest(folder)["total"]
                ):
                    assert running.poll() is None
                    assert time.monotonic() < until
                    time.sleep(0.01)
                yield folder, running
            finally:
                ended.set()
                running.kill()


def read_manifest(folder):
    return json.loads((folder / "run" / "run.json").read_text("utf-8"))


def check_reports(folder, state):
    """Check that every command that reads a run reports its progress, and finds its texts from
    another directory.
    """
    progress = f"1 of {RECORDS} records, {state}"
    export = ("--to", folder / f"{state}.csv", "--tables", "records", "--quiet")
    for results in (folder / "run", folder / "run" / "extractions.jsonl"):
        refused = invoke("export", results, *export)
        assert refused.exit_code == 1
        assert f"{progress}; let it finish" in refused.stderr
        assert not (folder / f"{state}.csv").exists()
    partial = invoke("export", folder / "run", *export, "--partial")
    assert partial.exit_code == 0, partial.stderr
    assert progress in partial.stderr
    assert len((folder / f"{state}.csv").read_text("utf-8").splitlines()) == 2

    assert progress in invoke("report", folder / "run").stderr
    assert progress in (folder / "run" / "report.html").read_text("utf-8")
    assert write_report(folder / "run", folder / "report.html").without_text == 0

    records = RunRecords(folder / "run")
    assert len(records.titles) == len(records.doubts) == 1

    evaluated = invoke("evaluate", folder / "run", folder / "run", "--resamples", "0")
    assert (evaluated.exit_code, evaluated.stderr.count(progress)) == (0, 2)


def test_a_run_in_progress_is_reported_as_running_and_a_killed_one_as_interrupted(
    going,
):
    folder, running = going
    manifest = read_manifest(folder)
    assert (manifest["state"], manifest["total"]) == ("running", RECORDS)
    assert manifest["inputs"] == ["records.jsonl"]
    assert manifest["input_paths"] == [str(folder / "records.jsonl")]
    check_reports(folder, "still running")
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert read_manifest(folder)["state"] == "running"
    check_reports(folder, "interrupted")
    check_page_of_scores(folder)


def check_page_of_scores(folder):
    """Check that it finds the texts from another directory."""
    extraction = read_lines(folder / "run" / "extractions.jsonl")[0] | {"endpoints": []}
    (folder / "gold.jsonl").write_text(json.dumps(extraction), "utf-8")
    for name, more in (
        ("found.html", ()),
        ("given.html", ("--records", folder / "records.jsonl")),
    ):
        page = ("--html", folder / name, "--resamples", "0")
        assert (
            invoke(
                "evaluate", folder / "gold.jsonl", folder / "run", *page, *more
            ).exit_code
            == 0
        )
    assert (folder / "found.html").read_bytes() == (folder / "given.html").read_bytes()
