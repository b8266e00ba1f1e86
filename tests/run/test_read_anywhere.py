"""A finished run, and a killed one, can be read from a read-only disk and from a full one, by
real commands.
"""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.records import write_distinct_records
from benchmarks.servers import serve_counting
from extractor.apps.cli.console import LATER
from tests.commands import extractor, invoke, start_extractor
from tests.faults.server import serve_faults
from tests.mounting import UNSHARE, needs_mount

pytestmark = [needs_mount, pytest.mark.slow]
PYTHON = shlex.quote(sys.executable)
CONCURRENCY = 2
MOUNTS = {
    "read-only": "mount -o remount,ro $DISK",
    "full": (
        "dd if=/dev/zero of=$DISK/filler bs=1k 2>/dev/null || df --output=avail $DISK | tail "
        "-1 | grep -qx ' *0'"
    ),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A finished run and a killed one, whose last answers are in the log of its store alone."""
    folder = tmp_path_factory.mktemp("runs")
    write_distinct_records(folder / "records.jsonl", 12)
    with serve_counting() as server:
        model = ("--effort", "all", "--model", f"{server.url}#stub")
        done = extractor(
            "run", folder / "records.jsonl", *model, "--out", folder / "finished"
        )
        assert done.returncode == 0, done.stderr
    with serve_faults() as server:
        server.holds_after = 8
        model = (
            "--effort",
            "all",
            "--model",
            f"{server.url}#stub",
            "--concurrency",
            str(CONCURRENCY),
        )
        with start_extractor(
            "run", folder / "records.jsonl", *model, "--out", folder / "killed"
        ) as running:
            running.wait_for(lambda: server.calls >= 10)
            running.send_signal(signal.SIGKILL)
            running.wait()
        server.holds_after = None
    assert (folder / "killed" / "run.sqlite-wal").stat().st_size
    (folder / "killed" / "run.sqlite-shm").unlink()  # a backup leaves it out
    return folder


def on_disk(kind, runs, tmp_path, *commands):
    """Run commands in turn with the runs on such a disk, ``$DISK``; their exit codes and what
    they said.
    """
    script = [
        "set -e",
        f"export DISK={shlex.quote(str(tmp_path / 'disk'))} TO={shlex.quote(str(tmp_path / 'to'))}",
        "mkdir -p $DISK $TO; mount -t tmpfs -o size=8m tmpfs $DISK",
        f"cp -r {shlex.quote(str(runs))}/finished {shlex.quote(str(runs))}/killed $DISK",
        MOUNTS[kind],
        "set +e",
        *(
            f"{PYTHON} -P -m extractor {command} >$TO/{n}.out 2>&1; echo $? >$TO/{n}"
            for n, command in enumerate(commands)
        ),
    ]
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(
        [*UNSHARE, "sh", "-c", "\n".join(script)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return [
        (
            int((tmp_path / "to" / f"{n}").read_text()),
            (tmp_path / "to" / f"{n}.out").read_text(),
        )
        for n in range(len(commands))
    ]


@pytest.mark.parametrize("kind", MOUNTS)
def test_every_reader_works(kind, runs, tmp_path):
    records = shlex.quote(str(runs / "records.jsonl"))
    commands = (
        "report $DISK/finished --out $TO/report.html",
        "export $DISK/finished --to $TO/tables --format csv",
        "evaluate $DISK/finished $DISK/finished --html $TO/errors.html",
        "diff $DISK/finished $DISK/finished",
        f"run {records} --replay $DISK/finished --effort all --out $TO/again",
    )
    for command, (code, said) in zip(
        commands, on_disk(kind, runs, tmp_path, *commands), strict=True
    ):
        assert code in ((0, 1) if command.startswith("diff") else (0,)), (
            f"{command}: {said}"
        )
        assert "Traceback" not in said
        assert "--fresh" not in said
    again, finished = (
        path / "extractions.jsonl"
        for path in (tmp_path / "to" / "again", runs / "finished")
    )

    assert again.read_bytes() == finished.read_bytes()


@pytest.mark.parametrize("kind", MOUNTS)
def test_a_killed_run_must_be_copied_before_it_is_read(kind, runs, tmp_path):
    command = "export $DISK/killed --partial --to $TO/some --format jsonl"
    ((code, said),) = on_disk(kind, runs, tmp_path, command)
    assert code == 1
    assert "copy the folder to another disk, and read it there" in said
    copied = shutil.copytree(runs / "killed", tmp_path / "copied")
    done = invoke(
        "export", copied, "--partial", "--to", tmp_path / "some", "--format", "jsonl"
    )
    assert done.exit_code == 0, done.stderr
    written, exported = (
        [json.loads(line)["record_id"] for line in path.read_text().split("\n")[:-1]]
        for path in (copied / "extractions.jsonl", tmp_path / "some" / "records.jsonl")
    )
    # the kill may come between a result's line and its row in the store
    unstored = len(written) - len(exported)
    assert exported
    assert {*exported} <= {*written}
    assert unstored in range(CONCURRENCY + 1)


@pytest.mark.parametrize("kind", MOUNTS)
def test_what_must_write_there_says_why_it_cannot(kind, runs, tmp_path):
    records = shlex.quote(str(runs / "records.jsonl"))
    names = {"read-only": "Read-only file system", "full": "No space left on device"}
    codes = {"read-only": 1, "full": LATER}
    commands = (f"run {records} --effort none --out $DISK/new", "report $DISK/finished")
    for command, (code, said) in zip(
        commands, on_disk(kind, runs, tmp_path, *commands), strict=True
    ):
        assert code == codes[kind], f"{command}: {said}"
        assert names[kind] in said
        assert "--out" in said or "free some space" in said
        assert "Traceback" not in said
        assert "None:" not in said

    assert (
        json.loads((runs / "finished" / "run.json").read_text())["state"] == "complete"
    )
