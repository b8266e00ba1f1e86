"""Commands that read an incomplete run report that it is incomplete."""

import json

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
