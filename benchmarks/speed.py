"""Measure the speed of reading and parsing records without a model, on one core.

    python -m benchmarks.speed --data DIR [--records N] [--against DIR]

Prints the number of records per second, over the first N records of the folder's
``records/ctgov_v2.jsonl.gz``: for reading and parsing, and for the whole command ``extractor run
--effort none``.

``--against`` names a checkout of another version (``git worktree add DIR COMMIT``). The two
versions then run in turn, each in its own process, and the median ratios of their processor times
are printed: for a record after the first, and for the first text of a process. Only ratios of
alternating runs mean anything on a machine that also does other work. At most ten records are
compared, so that a comparison takes a few minutes.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

import psutil

from benchmarks.data import parse_options

# one core for matrices too; must be set before numpy is imported
os.environ.setdefault("OMP_NUM_THREADS", "1")

from extractor.concepts.parse import parse_record
from extractor.formats import read_records


def run_command(*arguments: object) -> list[str]:
    """Return the command ``extractor run`` with these arguments, for this interpreter."""
    return [sys.executable, "-m", "extractor", "run", *map(str, arguments), "--quiet"]


def cpu_seconds(command: list[str]) -> float:
    """Return the user and system time of a command and its child processes."""
    before = psutil.Process().cpu_times()
    subprocess.run(command, check=True, capture_output=True)
    after = psutil.Process().cpu_times()
    return float(sum(after[2:4]) - sum(before[2:4]))


_PAIRS = 5
_COMPARED = 90
"""The largest number of records in a comparison."""
_PROGRAM = """
import itertools, json, sys, time
from extractor import Extractor, read_records
extractor = Extractor(effort="none")
extractor.extract_text("Inclusion criteria:\\n- Age 18 years or older\\n- Haemoglobin > 9 g/dL")
first = time.process_time()
modules = sum(name.partition(".")[0] == "extractor" for name in sys.modules)
records = list(itertools.islice(read_records(sys.argv[1]), int(sys.argv[2])))
for record in records[:10]:  # loads the rules
    extractor.extract(record)
begun = time.process_time()
for record in records[10:]:  # each is read once, as in a run
    extractor.extract(record).model_dump_json()
print(json.dumps([time.process_time() - begun, first, modules]))
"""
"""Prints the seconds for all records but the first ten, those for the first text, and the modules
that it loads."""


def main() -> None:
    """Print the figures."""
    chosen = parse_options(__doc__, data=..., records=1000, against=Path)
    path = chosen.data / "records" / "ctgov_v2.jsonl.gz"
    if chosen.against:
        limit = min(chosen.records, _COMPARED)
        for name, ratio in compare(path, limit, chosen.against).items():
            print(f"{name}: {ratio:.2f} of {chosen.against}")
        return
    for name, rate in measure_rates(path, chosen.records).items():
        print(f"{name}: {rate:.1f} records/s")


def measure_rates(path: Path, limit: int) -> dict[str, float]:
    """Return the number of records per second of processor time, for the first records of a file."""
    parse_record(next(read_records(path)))  # loads the rules
    begun = time.process_time()
    count = sum(1 for _ in map(parse_record, islice(read_records(path), limit)))
    seconds = time.process_time() - begun
    with tempfile.TemporaryDirectory() as folder:
        options = ("--out", folder, "--effort", "none", "--limit", limit)
        whole = cpu_seconds(run_command(path, *options))
    return {"read and parse": count / seconds, "extractor run": count / whole}


def compare(path: Path, limit: int, other: Path) -> dict[str, float]:
    """Return the median ratios of this version's processor times to those of the version in the
    checkout ``other``.
    """
    ours = Path(__file__).parents[1]
    with tempfile.TemporaryDirectory() as cache:
        for version in (ours, other):  # compiles the modules
            _run(version, path, 1, cache)
        pairs = [
            (_run(ours, path, limit, cache), _run(other, path, limit, cache))
            for _ in range(_PAIRS)
        ]
    names = ("a record", "the first text", "modules of the first text")
    return {
        name: statistics.median(mine[at] / theirs[at] for mine, theirs in pairs)
        for at, name in enumerate(names)
    }


def _run(version: Path, path: Path, limit: int, cache: str) -> list[float]:
    command = [sys.executable, "-c", _PROGRAM, str(path.resolve()), str(limit)]
    environment = os.environ | {
        "PYTHONPATH": str(version.resolve()),
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": cache,
    }
    done = subprocess.run(
        command, check=True, capture_output=True, cwd=version, env=environment
    )
    measured: list[float] = json.loads(done.stdout)
    return measured


if __name__ == "__main__":
    main()
