"""A run of the command is killed (SIGKILL) at random moments and restarted until it ends."""

import sqlite3
from contextlib import closing

import pytest

from benchmarks.processes import run_command
from benchmarks.records import write_distinct_records
from benchmarks.servers import serve_counting
from benchmarks.soak import find_faults, run_killed

RECORDS, CONCURRENCY = 24, 4
OPTIONS = ("--assist", "always", "--concurrency", str(CONCURRENCY))


@pytest.fixture(scope="module")
def killed_run(tmp_path_factory):
    """The folders of the killed run and of an undisturbed one, the first one's server, and the number of kills."""
    folder = tmp_path_factory.mktemp("killed")
    records = folder / "records.jsonl"
    write_distinct_records(records, RECORDS)
    with serve_counting(0.02) as server:
        whole = run_command(records, *OPTIONS, "--out", folder / "whole", "--model", f"{server.url}#stub")
        run_killed(whole, server, kills=0, work=0)
    with serve_counting(0.02) as server:
        # The two runs differ only in the address of the model, which is one of their settings.
        command = run_command(records, *OPTIONS, "--out", folder / "killed", "--model", f"{server.url}#stub")
        kills = run_killed(command, server, kills=3, work=0.4, seed=1)
        yield folder, server, kills


def test_nothing_is_lost_and_nothing_answered_is_asked_again(killed_run):
    folder, server, kills = killed_run
    assert kills
    assert find_faults(folder / "killed", folder / "whole", server, kills * CONCURRENCY) == []


def test_every_record_is_there_once_in_input_order(killed_run):
    folder, _, _ = killed_run
    with closing(sqlite3.connect(folder / "killed" / "run.sqlite")) as run:
        rows = run.execute("SELECT record_id, length FROM records ORDER BY start").fetchall()
    assert [record_id for record_id, _ in rows] == [f"NCT{number:08d}" for number in range(RECORDS)]
    assert sum(length for _, length in rows) == (folder / "killed" / "extractions.jsonl").stat().st_size
