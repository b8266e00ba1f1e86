"""Runs and services that are killed lose no result, repeat no request and count all costs."""

import subprocess
import sys

import pytest


@pytest.mark.slow
def test_a_killed_run_and_a_killed_service_have_no_faults():
    """One round of each; ``python -m benchmarks.soak`` plays more of them."""
    options = ["--minutes", "0", "--records", "20", "--latency", "0.1"]
    command = [sys.executable, "-m", "benchmarks.soak", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "2 rounds, 0 faults"
