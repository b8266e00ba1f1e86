"""Commands that read an incomplete run report that it is incomplete."""

import json
from pathlib import Path

import pytest

from extractor.run.files import lock_folder
from tests.commands import extract, invoke


@pytest.fixture
def run(tmp_path):
    """A run whose process has not ended it."""
    folder = extract("tests/records/studies.jsonl", tmp_path / "run")
    manifest = json.loads((folder / "run.json").read_text("utf-8"))
    (folder / "run.json").write_text(json.dumps(manifest | {"state": "running"}))
    return folder


def check_reports(run, state):
    progress = f"2 records, {state}"
    export = ("export", run, "--to", run / f"{state}.csv", "--tables", "records")
    refused = invoke(*export)
    assert (refused.exit_code, progress in refused.stderr) == (1, True), refused.stderr
    partial = invoke(*export, "--partial")
    assert (partial.exit_code, progress in partial.stderr) == (0, True)
    assert progress in invoke("report", run).stderr
    evaluated = invoke("evaluate", run, run, "--resamples", "0")
    assert evaluated.stderr.count(progress) == 2


def test_a_run_in_progress_is_running_and_without_its_process_interrupted(run):
    with lock_folder(run):
        check_reports(run, "still running")
    check_reports(run, "interrupted")
    refused = invoke("export", run, "--to", run / "all.csv", "--tables", "records")
    records = Path("tests/records/studies.jsonl").absolute()
    resume = f"resume with the same options: extractor run {records} --out {run}; or"
    assert resume in refused.stderr


def test_an_export_or_a_log_that_cannot_be_written_names_its_place_and_a_remedy(run):
    file = run / "run.json"
    to = ("--to", file / "all.csv", "--tables", "records", "--partial")
    refused = invoke("export", run, *to)
    assert f"{file}: File exists; fix this, or choose another place" in refused.stderr
    logged = invoke("run", "tests/records", "--log-json", file / "log")
    assert f"--log-json {file / 'log'}: Not a directory; specify" in logged.stderr
    assert (refused.exit_code, logged.exit_code, logged.stdout) == (2, 2, "")
