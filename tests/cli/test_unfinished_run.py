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
from tests.commands import PATIENCE_S, invoke
from tests.llm.stub import completion, items, serve

RECORDS = 6
_WORDS = "run records.jsonl --out run --quiet --effort all --concurrency 1 --workers 1"

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="Windows kills in another way"),
    pytest.mark.slow,
]


@pytest.fixture
def going(tmp_path):
    """The folder of a run in progress with a relative input: its server stops answering once a
    record is done.
    """
    write_distinct_records(tmp_path / "records.jsonl", RECORDS)
    ended = Event()
    results = tmp_path / "run" / "extractions.jsonl"

    def has_results():
        return results.exists() and results.stat().st_size > 0

    def answer(_):
        if has_results():
            ended.wait(PATIENCE_S)
        return completion(items())

    with serve(answer) as server:
        model = ("--model", f"{server.url}#stub")
        command = [sys.executable, "-m", "extractor", *_WORDS.split(), *model]
        with subprocess.Popen(command, cwd=tmp_path) as running:
            try:
                until = time.monotonic() + PATIENCE_S
                while not has_results():
                    assert running.poll() is None
                    assert time.monotonic() < until
                    time.sleep(0.01)
                yield tmp_path, running
            finally:
                ended.set()
                running.kill()


def read_manifest(folder):
    return json.loads((folder / "run" / "run.json").read_text("utf-8"))


def check_reports(folder, state):
    """Check that commands that read a run report its progress."""
    progress = f"1 record, {state}"
    run = folder / "run"
    export = ("export", run, "--to", folder / f"{state}.csv", "--tables", "records")
    refused = invoke(*export)
    assert (refused.exit_code, progress in refused.stderr) == (1, True)
    partial = invoke(*export, "--partial")
    assert (partial.exit_code, progress in partial.stderr) == (0, True)
    report = invoke("report", run)
    assert progress in report.stderr
    assert "no text for" not in report.stderr
    evaluated = invoke("evaluate", run, run, "--resamples", "0")
    assert evaluated.stderr.count(progress) == 2


def test_a_run_in_progress_is_running_and_a_killed_one_interrupted(going):
    folder, running = going
    manifest = read_manifest(folder)
    assert manifest["state"] == "running"
    assert manifest["inputs"] == [str(folder / "records.jsonl")]
    check_reports(folder, "still running")
    running.send_signal(signal.SIGKILL)
    running.wait()
    check_reports(folder, "interrupted")
