"""Ctrl-C once and twice, SIGTERM, inputs that block, and the command that resumes."""

import os
import shlex
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from tests.commands import PATIENCE_S, extractor, start_extractor
from tests.failing import path_with_failures, write_failing_records

from .running import count_lines, read_manifest
from .server import serve_faults

RECORDS = 24
BLOCK = b"\n" * 70_000
"""As many bytes as are read at a time; what comes after it waits for more."""
NOTED = b"in progress; press Ctrl-C again to stop at once"
RULES = ("--effort", "none", "--workers", "1")
PRICES = "as_of = 2026-11-01\n[model.stub]\nprompt = 2\noutput = 10\n"
pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="it sends no SIGINT to one process"),
    pytest.mark.slow,
]


def start(records, server, *options):
    command = ("run", records, "--effort", "full", "--concurrency", "4", "--quiet")
    return start_extractor(*command, "--model", f"{server.url}#stub", *options)


def interrupt(running, number=signal.SIGINT):
    """Send a signal, and wait for the message."""
    running.send_signal(number)
    running.wait_for(lambda: NOTED in running.stderr.read_bytes())


def test_the_first_ctrl_c_begins_no_call_and_prints_the_command_to_resume(
    records, tmp_path
):
    run = tmp_path / "run"
    with serve_faults() as server:
        server.holds_after = 14
        with start(records, server, "--out", run) as running:
            running.wait_for(lambda: server.calls >= 18)
            interrupt(running)
            calls = server.calls
            server.holds_after = None
            ended = running.wait()
        assert ended.returncode == 130
        said = b"waiting up to 25 s for 4 calls to the model in progress"
        assert said in ended.stderr
        assert 0 < count_lines(run) < RECORDS
        manifest = read_manifest(run)
        assert server.calls == manifest["usage"]["calls"] == calls
        assert manifest["records"]["lacking"] == 0
        _, _, rest = ended.stderr.decode().partition("resume with: extractor ")
        assert extractor(*shlex.split(rest.splitlines()[0])).returncode == 0
    assert count_lines(run) == RECORDS
    assert not server.answered_twice
    assert server.calls == len(server.asked)


def test_the_second_signal_ends_at_once_and_what_is_cut_off_counts_as_paid(
    records, tmp_path
):
    """The server never answers."""
    (tmp_path / "prices.toml").write_text(PRICES, "utf-8")
    options = ("--out", tmp_path / "run", "--prices", tmp_path / "prices.toml")
    with serve_faults() as server:
        server.holds_after = 8
        with start(records, server, *options) as running:
            running.wait_for(lambda: server.calls >= 12)
            interrupt(running, signal.SIGTERM)
            running.send_signal(signal.SIGTERM)
            ended = running.wait()
        assert ended.returncode == 130
        assert b"resume with: extractor run" in ended.stderr
        assert b"Traceback" not in ended.stderr
        cost = read_manifest(tmp_path / "run")["cost"]
        assert (cost["calls_without_reply"], server.calls) == (4, 12)
        # each may have had hundreds of tokens of output
        assert cost["usd_without_reply"] > 4 * 500 * 10e-6
        answered = set(server.answered)
        server.holds_after = None
        with start(records, server, *options) as resumed:
            assert resumed.wait().returncode == 0
    assert count_lines(tmp_path / "run") == RECORDS
    # Only answers that came while the connection was cut are asked again.
    assert len([name for name in answered if server.asked[name] > 1]) <= 4


@contextmanager
def open_pipe(folder):
    """Make a named pipe that stays open. Yields its path and its writing end."""
    path = folder / "pipe"
    os.mkfifo(path)
    with os.fdopen(os.open(path, os.O_RDWR), "wb", buffering=0) as end:
        yield path, end


@pytest.mark.parametrize(
    ("number", "is_stdin"), [(signal.SIGINT, True), (signal.SIGTERM, False)]
)
def test_a_signal_ends_a_run_that_waits_for_its_input(
    records, tmp_path, number, is_stdin
):
    """What had come is finished, and is in the folder while the run still waits for more."""
    lines = records.read_bytes().splitlines(keepends=True)
    run = tmp_path / "run"
    with open_pipe(tmp_path) as (pipe, end):
        source = "-" if is_stdin else pipe
        stdin = pipe if is_stdin else None
        words = ("run", source, "--out", run, *RULES)
        with start_extractor(*words, stdin=stdin) as running:
            end.write(b"".join(lines[:3]) + BLOCK + lines[3][:10])
            running.wait_for(lambda: count_lines(run) == 3)
            running.send_signal(number)
            ended = running.wait()  # although the pipe stays open
    assert ended.returncode == 130
    said = b"interrupted; with the same input, resume with: extractor run"
    assert said in ended.stderr
    assert b"Traceback" not in ended.stderr
    assert count_lines(run) == 3
    assert read_manifest(run)["state"] == "interrupted"
    resumed = extractor("run", "-", "--out", run, *RULES, stdin=records.read_bytes())
    assert resumed.returncode == 0, resumed.stderr
    assert b"records done: 24 (21 new)" in resumed.stderr
    assert count_lines(run) == RECORDS


@pytest.mark.parametrize("words", ["run - --dry-run", "parse -"])
def test_a_signal_ends_any_command_that_waits_for_standard_input(tmp_path, words):
    fcntl = pytest.importorskip("fcntl")
    termios = pytest.importorskip("termios")

    def is_read():
        with os.fdopen(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), "rb") as other:
            return not any(fcntl.ioctl(other, termios.FIONREAD, bytes(4)))

    with (
        open_pipe(tmp_path) as (pipe, end),
        start_extractor(*words.split(), stdin=pipe) as running,
    ):
        end.write(b" ")
        running.wait_for(is_read)
        running.send_signal(signal.SIGTERM)
        ended = running.wait()
    assert ended.returncode == 130
    assert b"Traceback" not in ended.stderr


def test_the_second_ctrl_c_breaks_off_a_record_that_holds_up_everything(tmp_path):
    """Nothing else can end it: the event loop does not get to its turn."""
    write_failing_records(tmp_path / "in.jsonl", ["sleep"])
    words = ("run", tmp_path / "in.jsonl", *RULES, "--out", tmp_path / "run")
    command = [sys.executable, "-m", "extractor", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": path_with_failures()}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as running:
        while not count_lines(tmp_path / "run"):
            assert running.poll() is None
            time.sleep(0.02)
        for _ in range(2):
            running.send_signal(signal.SIGINT)
            time.sleep(0.2)
        _, stderr = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 130
    assert b"interrupted; resume with: extractor" in stderr
