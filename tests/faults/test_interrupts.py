"""Ctrl-C once and twice in the command, and the command that it prints."""

import json
import os
import shlex
import signal
import threading
import time
from contextlib import contextmanager

import pytest

from tests.commands import extractor, invoke, start_extractor

from .server import serve_faults

RECORDS = 24
BLOCK = b"\n" * 70_000
"""As many bytes as are read at a time; what comes after it waits for more."""
NOTED = b"under way; Ctrl-C again stops at once"
pytestmark = [
    pytest.mark.skipif(
        os.name == "nt", reason="Windows sends no SIGINT to one process"
    ),
    pytest.mark.slow,
]


def start(records, server, *options):
    command = ("run", records, "--effort", "all", "--concurrency", "4", "--quiet")
    return start_extractor(*command, "--model", f"{server.url}#stub", *options)


def interrupt(running):
    """Send Ctrl-C, and wait for the message."""
    running.send_signal(signal.SIGINT)
    running.wait_for(lambda: NOTED in running.stderr.read_bytes())


def count_lines(out):
    return len((out / "extractions.jsonl").read_text("utf-8").splitlines())


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
        message = b"waiting at most 25 s for 4 calls to the model under way"
        assert message in ended.stderr
        assert 0 < count_lines(run) < RECORDS
        assert server.calls == calls
        manifest = json.loads((run / "run.json").read_text("utf-8"))
        assert manifest["usage"]["calls"] == calls
        assert manifest["records"]["lacking"] == 0

        _, _, rest = ended.stderr.decode().partition("go on with: ")
        program, *words = shlex.split(rest.splitlines()[0])
        assert program == "extractor"
        assert extractor(*words).returncode == 0

    assert count_lines(run) == RECORDS
    assert not server.answered_twice
    assert server.calls == len(server.asked)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_calls_that_are_cut_off_count_at_what_they_may_cost(records, tmp_path, number):
    """The server never answers, and the second signal ends the run at once."""
    prices = tmp_path / "prices.toml"
    prices.write_text(
        "as_of = 2026-11-01\n[model.stub]\nprompt = 2\noutput = 10\n", "utf-8"
    )
    with serve_faults() as server:
        server.holds_after = 5
        with start(
            records, server, "--out", tmp_path / "run", "--prices", prices
        ) as running:
            running.wait_for(lambda: server.calls >= 9)
            running.send_signal(number)
            running.wait_for(lambda: NOTED in running.stderr.read_bytes())
            running.send_signal(number)
            ended = running.wait()
        server.holds_after = None
    assert ended.returncode == 130
    cost = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))["cost"]
    assert (cost["calls_without_reply"], server.calls) == (4, 9)
    assert (
        cost["usd_without_reply"] > 4 * 500 * 10e-6
    )  # each may have had hundreds of tokens of output


def test_the_second_ctrl_c_stops_at_once_and_loses_no_answer(records, tmp_path):
    with serve_faults() as server:
        server.holds_after = 8
        with start(records, server, "--out", tmp_path / "run") as running:
            running.wait_for(lambda: server.calls >= 12)
            interrupt(running)
            running.send_signal(signal.SIGINT)
            ended = running.wait()  # although the server never answers
        assert ended.returncode == 130
        assert b"go on with: extractor run" in ended.stderr
        assert b"Traceback" not in ended.stderr
        answered = set(server.answered)
        server.holds_after = None
        with start(records, server, "--out", tmp_path / "run") as resumed:
            assert resumed.wait().returncode == 0
    assert count_lines(tmp_path / "run") == RECORDS
    # Only answers that came while the connection was cut are asked again.
    assert len([name for name in answered if server.asked[name] > 1]) <= 4


def test_without_a_folder_the_message_names_out(records):
    with serve_faults() as server:
        server.holds_after = 14
        with start(records, server) as running:
            running.wait_for(lambda: server.calls >= 18)
            interrupt(running)
            server.holds_after = None
            ended = running.wait()
    assert ended.returncode == 130
    assert b"with --out DIR a run can go on" in ended.stderr
    ids = [
        json.loads(line)["record_id"] for line in ended.stdout.decode().split("\n")[:-1]
    ]
    assert 0 < len(ids) < RECORDS
    assert ids == [f"NCT{number:08d}" for number in range(len(ids))]


@contextmanager
def open_pipe(folder):
    """Make a named pipe that stays open. Yields its path and its writing end."""
    path = folder / "pipe"
    os.mkfifo(path)
    with os.fdopen(os.open(path, os.O_RDWR), "wb", buffering=0) as end:
        yield path, end


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("is_stdin", [True, False], ids=["stdin", "named"])
def test_a_signal_ends_a_run_that_waits_for_its_input(
    records, tmp_path, number, is_stdin
):
    """What had come is finished, and is in the folder while the run still waits for more."""
    lines = records.read_bytes().splitlines(keepends=True)
    run = tmp_path / "run"
    options = ("--effort", "none", "--out", run)
    with open_pipe(tmp_path) as (pipe, end):
        source = "-" if is_stdin else pipe
        stdin = pipe if is_stdin else None
        with start_extractor(
            "run", source, *options, "--workers", "1", stdin=stdin
        ) as running:
            end.write(b"".join(lines[:3]) + BLOCK + lines[3][:10])
            running.wait_for((run / "extractions.jsonl").exists)
            running.wait_for(lambda: count_lines(run) == 3)

            running.send_signal(number)
            ended = running.wait()  # although the pipe stays open

    assert ended.returncode == 130
    assert (
        b"interrupted; with the same input, go on with: extractor run" in ended.stderr
    )
    assert b"Traceback" not in ended.stderr
    assert b"Fatal" not in ended.stderr
    assert count_lines(run) == 3
    manifest = json.loads((run / "run.json").read_text("utf-8"))
    assert manifest["state"] == "interrupted"

    resumed = extractor("run", "-", *options, stdin=records.read_bytes())
    assert resumed.returncode == 0, resumed.stderr
    assert b"records done: 24 (21 new)" in resumed.stderr
    assert count_lines(run) == RECORDS


@pytest.mark.parametrize(
    "words",
    [("run", "-", "--effort", "none"), ("run", "-", "--dry-run"), ("parse", "-")],
    ids=["run", "forecast", "parse"],
)
def test_a_signal_ends_any_command_that_waits_for_standard_input(tmp_path, words):
    with (
        open_pipe(tmp_path) as (pipe, end),
        start_extractor(*words, stdin=pipe) as running,
    ):
        end.write(b" ")
        running.wait_for(lambda: is_asleep_in_read(running, pipe))

        running.send_signal(signal.SIGTERM)
        ended = running.wait()

    assert ended.returncode == 130
    assert b"Traceback" not in ended.stderr


def is_asleep_in_read(running, pipe):
    """Return whether the command has read what is in the pipe, and waits for more."""
    with os.fdopen(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), "rb") as other:
        return count_waiting(other) == 0


def count_waiting(pipe):
    """Return the bytes in a pipe that nobody has read."""
    fcntl = pytest.importorskip("fcntl")
    termios = pytest.importorskip("termios")
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), "little")


def test_records_are_written_as_they_come_and_not_when_the_next_one_has(
    records, tmp_path
):
    """The calls to the model go on while the input waits."""
    lines = records.read_bytes().splitlines(keepends=True)
    with (
        serve_faults() as server,
        open_pipe(tmp_path) as (pipe, end),
        start(pipe, server, "--out", tmp_path / "run") as running,
    ):
        end.write(b"".join(lines[:4]) + BLOCK)
        running.wait_for((tmp_path / "run" / "extractions.jsonl").exists)
        running.wait_for(lambda: count_lines(tmp_path / "run") == 4)
        running.send_signal(signal.SIGINT)
        assert running.wait().returncode == 130
    assert not server.answered_twice


def test_the_second_ctrl_c_breaks_off_a_record_that_holds_up_everything(
    records, tmp_path, monkeypatch
):
    """Nothing else can end it: the event loop does not get to its turn."""
    from extractor.apps.cli import progress  # noqa: PLC0415 - of this test alone

    def compute_for_ever(*_):
        threading.Timer(0.1, send_twice).start()
        while True:
            time.sleep(0.01)

    def send_twice():
        for _ in range(2):
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            time.sleep(0.1)

    monkeypatch.setattr(progress, "_TO_CANCEL_S", 0.5)
    monkeypatch.setattr("extractor.run.executor.to_line", compute_for_ever)
    done = invoke(
        "run", records, "--effort", "none", "--workers", "1", "--out", tmp_path / "run"
    )

    assert done.exit_code == 130
    assert "interrupted; go on with: extractor" in done.stderr


def test_the_records_of_a_pipe_are_not_read_a_second_time_to_count_them(
    records, tmp_path, monkeypatch
):
    """A second reader would take records from the first."""
    monkeypatch.setattr("extractor.run.progress._COUNT_AFTER_S", 0.0)
    content = records.read_bytes()

    with open_pipe(tmp_path) as (pipe, end):
        writing = threading.Thread(
            target=lambda: (time.sleep(0.2), end.write(content), end.close())
        )
        writing.start()
        done = invoke(
            "run", pipe, "--effort", "none", "--workers", "1", "--out", tmp_path / "run"
        )
        writing.join()

    assert done.exit_code == 0, done.stderr
    assert count_lines(tmp_path / "run") == RECORDS
