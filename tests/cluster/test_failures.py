"""A cluster of this machine and records that the program fails at: each is a line of failures, and the others go on."""

import json
import os
import subprocess
import sys

import pytest

from tests.failing import RAISED, path_with_failures
from tests.serve.running import one, study

pytest.importorskip("ray")

HOW = (*RAISED, "kill")


def test_records_that_fail_in_any_way_fail_alone(tmp_path):
    lines = [json.dumps(study(50 + number, f"It fails by {how}.")) for number, how in enumerate(HOW)]
    records = tmp_path / "records.jsonl"
    records.write_text("\n".join([one(1).decode(), *lines, one(2).decode()]))
    options = ("--assist", "never", "--engine", "ray", "--workers", "1", "--out", str(tmp_path / "out"), "--quiet")
    done = subprocess.run(
        [sys.executable, "-m", "extractor", "run", str(records), *options],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path_with_failures(), "HOME": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 1, done.stderr
    extracted = [json.loads(line)["record_id"] for line in read(tmp_path, "extractions")]
    assert extracted == ["NCT00000001", "NCT00000002"]
    failures = {failure["record_id"]: failure for failure in map(json.loads, read(tmp_path, "failures"))}
    assert sorted(failures) == [f"NCT{50 + number:08d}" for number in range(len(HOW))]
    for number, how in enumerate(HOW):
        told = failures[f"NCT{50 + number:08d}"]["message"]
        assert (how if how != "kill" else "3 workers were lost") in told
    assert "Traceback" not in done.stderr


def read(folder, name):
    return (folder / "out" / f"{name}.jsonl").read_text("utf-8").splitlines()
