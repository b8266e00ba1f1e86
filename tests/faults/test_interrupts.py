"""Ctrl-C once and twice in the command, and the command that it prints."""

import json
import os
import shlex
import signal

import pytest

from tests.commands import extractor, start_extractor

from .server import serve_faults

RECORDS = 24
NOTED = b"under way; Ctrl-C again stops at once"
pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")


def start(records, server, *options):
    command = ("run", records, "--effort", "1.0", "--concurrency", "4", "--quiet")
    return start_extractor(*command, "--model", f"{server.url}#stub", *options)


def interrupt(running):
    """Send Ctrl-C, and wait for the message."""
    running.send_signal(signal.SIGINT)
    running.wait_for(lambda: NOTED in running.stderr.read_bytes())


def count_lines(out):
    return len((out / "extractions.jsonl").read_text("utf-8").splitlines())


def test_the_first_ctrl_c_begins_no_call_and_prints_the_command_to_resume(records, tmp_path):
    with serve_faults() as server:
        server.holds_after = 14
        with start(records, server, "--out", tmp_path / "run") as running:
            running.wait_for(lambda: server.calls >= 18)
            interrupt(running)
            asked = server.calls
            server.holds_after = None
            ended = running.wait()
        assert ended.returncode == 130
        assert b"waiting at most 25 s for 4 calls to the model under way" in ended.stderr
        line = next(line for line in ended.stderr.decode().splitlines() if "go on with: " in line)
        command = shlex.split(line.partition("go on with: ")[2])
        assert command[0] == "extractor"
        assert 0 < count_lines(tmp_path / "run") < RECORDS
        manifest = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))
        assert manifest["usage"]["calls"] == asked == server.calls
        assert manifest["records"]["lacking"] == 0
        assert extractor(*command[1:]).returncode == 0
    assert count_lines(tmp_path / "run") == RECORDS
    assert not server.answered_twice
    assert server.calls == len(server.asked)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_calls_that_are_cut_off_count_at_what_they_may_cost(records, tmp_path, number):
    """The server never answers, and the second signal ends the run at once."""
    prices = tmp_path / "prices.toml"
    prices.write_text("as_of = 2026-11-01\n[model.stub]\nprompt = 2\noutput = 10\n", "utf-8")
    with serve_faults() as server:
        server.holds_after = 5
        with start(records, server, "--out", tmp_path / "run", "--prices", prices) as running:
            running.wait_for(lambda: server.calls >= 9)
            running.send_signal(number)
            running.wait_for(lambda: NOTED in running.stderr.read_bytes())
            running.send_signal(number)
            ended = running.wait()
        server.holds_after = None
    assert ended.returncode == 130
    cost = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))["cost"]
    assert (cost["calls_without_reply"], server.calls) == (4, 9)
    assert cost["usd_without_reply"] > 4 * 500 * 10e-6  # each may have had hundreds of tokens of output


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
    ids = [json.loads(line)["record_id"] for line in ended.stdout.decode().split("\n")[:-1]]
    assert 0 < len(ids) < RECORDS
    assert ids == [f"NCT{number:08d}" for number in range(len(ids))]
