"""Ctrl-C in the real command: once, twice, and the command that it prints."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time

import pytest

from benchmarks.soak.records import write_distinct_records

from .server import serve_faults

RECORDS = 24
PATIENCE_S = 300.0
"""After which something is taken to hang; nothing depends on how long it takes until then."""
pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    path = tmp_path_factory.mktemp("interrupts") / "records.jsonl"
    write_distinct_records(path, RECORDS)
    return path


def start(records, out, server, *options):
    command = [sys.executable, "-m", "extractor", "run", str(records), "--assist", "always", "--concurrency", "4"]
    command += ["--quiet", "--model", f"{server.url}#stub", "--out", str(out), *options]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def wait_for_calls(server, count, running):
    """Wait until the server holds so many requests, or has answered them."""
    until = time.monotonic() + PATIENCE_S
    while server.calls < count and running.poll() is None and time.monotonic() < until:
        time.sleep(0.005)
    assert running.poll() is None


def interrupt(running):
    """Press Ctrl-C, and wait until it is noted."""
    running.send_signal(signal.SIGINT)
    assert running.stderr.readline() == "\n"
    noted = running.stderr.readline()
    assert "finishing the records in flight; Ctrl-C again stops at once" in noted


def count_lines(out):
    return len((out / "extractions.jsonl").read_text("utf-8").splitlines())


def test_the_first_one_finishes_what_is_in_flight_and_prints_the_command_that_resumes(records, tmp_path):
    with serve_faults() as server:
        server.holds_after = 6
        running = start(records, tmp_path / "run", server)
        wait_for_calls(server, 10, running)
        interrupt(running)
        server.holds_after = None
        told = running.communicate(timeout=PATIENCE_S)[1]
        asked = server.calls
        assert running.returncode == 130
        line = next(line for line in told.splitlines() if "go on with: " in line)
        command = shlex.split(line.partition("go on with: ")[2])
        assert command[0] == "extractor"
        done = count_lines(tmp_path / "run")
        assert 0 < done < RECORDS
        manifest = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))
        assert manifest["usage"]["calls"] == asked
        assert manifest["records"]["lacking"] == 0
        resumed = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False)
        assert resumed.returncode == 0
    assert count_lines(tmp_path / "run") == RECORDS
    assert not server.answered_twice
    assert server.calls == len(server.asked)


def test_the_second_one_stops_at_once_and_loses_no_answer(records, tmp_path):
    with serve_faults() as server:
        server.holds_after = 8
        running = start(records, tmp_path / "run", server)
        wait_for_calls(server, 12, running)
        interrupt(running)
        running.send_signal(signal.SIGINT)
        told = running.communicate(timeout=PATIENCE_S)[1]  # the server would never answer
        assert running.returncode == 130
        assert "go on with: extractor run" in told
        assert "Traceback" not in told
        answered = set(server.answered)
        server.holds_after = None
        resumed = start(records, tmp_path / "run", server)
        resumed.communicate(timeout=PATIENCE_S)
        assert resumed.returncode == 0
    assert count_lines(tmp_path / "run") == RECORDS
    # What was under way is asked again; what was answered, not, but for answers that came as the connection was cut.
    assert len([name for name in answered if server.asked[name] > 1]) <= 4


def test_without_a_folder_it_says_how_a_run_could_be_resumed(records, tmp_path):
    results = tmp_path / "results.jsonl"
    command = [sys.executable, "-m", "extractor", "run", str(records), "--assist", "always", "--concurrency", "2"]
    with serve_faults() as server, results.open("w") as written:
        server.holds_after = 3
        command += ["--quiet", "--model", f"{server.url}#stub"]
        running = subprocess.Popen(command, stdout=written, stderr=subprocess.PIPE, text=True)
        wait_for_calls(server, 5, running)
        interrupt(running)
        server.holds_after = None
        told = running.communicate(timeout=PATIENCE_S)[1]
    assert running.returncode == 130
    assert "with --out DIR a run can go on" in told
    ids = [json.loads(line)["record_id"] for line in results.read_text("utf-8").split("\n")[:-1]]
    assert 0 < len(ids) < RECORDS
    assert ids == [f"NCT{number:08d}" for number in range(len(ids))]


def test_without_a_model_it_stops_in_order_too(records, tmp_path):
    many = tmp_path / "many.jsonl"
    write_distinct_records(many, 2000)
    command = [sys.executable, "-m", "extractor", "run", str(many), "--assist", "never", "--workers", "1"]
    command += ["--quiet", "--out", str(tmp_path / "run")]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    results = tmp_path / "run" / "extractions.jsonl"
    until = time.monotonic() + PATIENCE_S
    while not (results.exists() and results.stat().st_size) and time.monotonic() < until:
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    told = running.communicate(timeout=PATIENCE_S)[1]
    assert running.returncode == 130
    assert "go on with: extractor run" in told
    assert 0 < count_lines(tmp_path / "run") < 2000
