"""A finished run can be read from a read-only disk and from a full one, by real commands."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from extractor.apps.cli.console import LATER
from tests.commands import extractor
from tests.mounting import UNSHARE, needs_mount
from tests.stand_ins import serve_counting, write_distinct_records

pytestmark = [needs_mount, pytest.mark.slow]
PYTHON = shlex.quote(sys.executable)
FULL = (
    "dd if=/dev/zero of=$DISK/filler bs=1k 2>/dev/null || df --output=avail $DISK | tail "
    "-1 | grep -qx ' *0'"
)
MOUNTS = {"read-only": "mount -o remount,ro $DISK", "full": FULL}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A finished run."""
    folder = tmp_path_factory.mktemp("runs")
    write_distinct_records(folder / "records.jsonl", 12)
    words = ("run", folder / "records.jsonl", "--effort", "full", "--concurrency", 2)
    with serve_counting() as server:
        model = ("--model", f"{server.url}#stub", "--out", folder / "finished")
        assert extractor(*words, *model).returncode == 0
    return folder


def on_disk(kind, runs, tmp_path, *commands):
    """Run commands in turn with the runs on such a disk, ``$DISK``. Yields each command, its exit
    code and what it said.
    """
    disk, to, source = (shlex.quote(str(at)) for at in (tmp_path / "d", tmp_path, runs))
    script = [
        "set -e",
        f"export DISK={disk} TO={to}",
        "mkdir -p $DISK; mount -t tmpfs -o size=8m tmpfs $DISK",
        f"cp -r {source}/finished $DISK; echo old >$DISK/asked.jsonl",
        MOUNTS[kind],
        "set +e",
    ]
    for n, command in enumerate(commands):
        said = f">$TO/{n}.out 2>&1; echo $? >$TO/{n}"
        script.append(f"{PYTHON} -P -m extractor {command} {said}")
    script.append("cp $DISK/asked.jsonl $TO")
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    shell = [*UNSHARE, "sh", "-c", "\n".join(script)]
    done = subprocess.run(shell, capture_output=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    for n, command in enumerate(commands):
        said = (tmp_path / f"{n}.out").read_text()
        assert "Traceback" not in said
        yield command, int((tmp_path / str(n)).read_text()), said


@pytest.mark.parametrize("kind", MOUNTS)
def test_every_reader_works(kind, runs, tmp_path):
    records = shlex.quote(str(runs / "records.jsonl"))
    commands = (
        "report $DISK/finished --out $TO/report.html",
        "export $DISK/finished --to $TO/tables --format csv",
        "evaluate $DISK/finished $DISK/finished --html $TO/errors.html",
        "diff $DISK/finished $DISK/finished",
        f"run {records} --replay $DISK/finished --effort full --out $TO/again",
    )
    for command, code, said in on_disk(kind, runs, tmp_path, *commands):
        assert code <= command.startswith("diff"), f"{command}: {said}"
        assert "--fresh" not in said
    again, finished = (
        at / "extractions.jsonl" for at in (tmp_path / "again", runs / "finished")
    )
    assert again.read_bytes() == finished.read_bytes()


@pytest.mark.parametrize("kind", MOUNTS)
def test_what_must_write_there_says_why_it_cannot(kind, runs, tmp_path):
    records = shlex.quote(str(runs / "records.jsonl"))
    # SQLite and the operating system name a full disk
    names = {
        "read-only": ("Read-only file system",),
        "full": ("No space left on device", "the disk is full"),
    }
    codes = {"read-only": 2, "full": LATER}
    commands = (
        f"run {records} --effort none --out $DISK/new",
        "report $DISK/finished",
        "evaluate $DISK/finished $DISK/finished --html $DISK/errors.html",
        "diff $DISK/finished $DISK/finished --html $DISK/changes.html",
        f"batch submit {records} --effort full --model m --requests $DISK/asked.jsonl",
    )
    for command, code, said in on_disk(kind, runs, tmp_path, *commands):
        assert code == codes[kind], f"{command}: {said}"
        assert any(name in said for name in names[kind]), said
        assert "another place" in said or "free some space" in said
        assert "None:" not in said
        assert "standard output:" not in said
    # neither removed nor replaced
    assert (tmp_path / "asked.jsonl").read_text() == "old\n"
