"""Measure the speed of reading and parsing records without a model, on one core.

    python -m benchmarks.speed --data DIR [--records N]

Prints the number of records per second, over the first N records of the folder's
``records/ctgov_v2.jsonl.gz``: for reading and parsing, and for the whole command ``extractor run
--effort none``.
"""

import os
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


def main() -> None:
    """Print the figures."""
    chosen = parse_options(__doc__, data=..., records=1000)
    path = chosen.data / "records" / "ctgov_v2.jsonl.gz"
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


if __name__ == "__main__":
    main()
