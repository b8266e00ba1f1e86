"""``kill -9`` at each step of a record and of a run's end: the same command resumes, no record is
lost or duplicated, and no stored answer is requested again.
"""

import os
import signal
import sys
from importlib import import_module
from itertools import count

import pytest

from extractor.apps.cli import main
from tests.commands import FORKS, PATIENCE_S, invoke, read_lines

from .running import count_paid_twice, read_manifest, read_store
from .server import serve_faults

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL"),
    pytest.mark.slow,
]
RECORDS = 8
IDS = ()
"""Makes the records of ``conftest`` have one question each."""
FOLDER = "extractor.run.folder"
CALLS = "extractor.model.store"
POINTS = [
    # module, function, when, which call of it
    (CALLS, "CallStore.begin", "after", 4),
    (CALLS, "CallStore.end", "before", 4),
    (FOLDER, "RunFolder.write", "before", 3),
    (FOLDER, "RunStore.add", "before", 3),
    (FOLDER, "RunStore.add", "after", 3),
    (FOLDER, "write_atomically", "before", 1),
    (FOLDER, "write_atomically", "before", 2),
    (FOLDER, "write_atomically", "after", 2),
    (FOLDER, "Manifest.end", "before", 1),
    (FOLDER, "write_atomically", "after", 4),
]


@pytest.fixture(scope="module")
def whole(records, tmp_path_factory):
    """The results of a run that nothing disturbs."""
    out = tmp_path_factory.mktemp("whole") / "run"
    with serve_faults() as server:
        assert invoke(*command(records, server, out)).exit_code == 0
    return (out / "extractions.jsonl").read_bytes()


def command(records, server, out):
    model = ("--model", f"{server.url}#stub", "--effort", "full", "--workers", "1")
    return ("run", records, "--out", out, "--quiet", "--concurrency", "2", *model)


def run_until(point, words):
    """In a forked process: run the command until this point, at which the process is killed."""
    module, name, when, number = point
    owner = import_module(module)
    *parents, last = name.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    function = getattr(owner, last)
    calls = count(1)

    def call(*arguments, **named):
        is_last = next(calls) == number
        if is_last and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*arguments, **named)
        if is_last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, last, call)
    sys.argv = words
    main()


@pytest.mark.parametrize(
    "point", POINTS, ids=lambda point: "-".join(map(str, point[1:]))
)
def test_a_run_goes_on_after_a_kill_at_any_step(point, records, whole, tmp_path):
    out = tmp_path / "run"
    with serve_faults() as server:
        words = ["extractor", *map(str, command(records, server, out))]
        killed = FORKS.Process(target=run_until, args=(point, words))
        killed.start()
        killed.join(PATIENCE_S)
        assert killed.exitcode == -signal.SIGKILL
        stored = 0
        if (out / "run.sqlite").exists():
            stored = read_store(
                out, "SELECT count(*) FROM calls WHERE state = 'answered'"
            )
        before = server.calls
        assert invoke(*command(records, server, out)).exit_code == 0
        asked_again = server.calls - before
    assert (out / "extractions.jsonl").read_bytes() == whole
    assert asked_again == RECORDS - stored
    assert count_paid_twice(out) == 0
    assert read_lines(out / "failures.jsonl") == []
    manifest = read_manifest(out)
    ended = (manifest["state"], manifest["records"]["extracted"])
    assert ended == ("complete", RECORDS)
