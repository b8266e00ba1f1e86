"""Measure start-up time and memory.

    python -m benchmarks.footprint [--records 100000]

- CPU time of ``extractor --help`` as a multiple of ``python -c 'import typer, pydantic'``, the median of several runs
  of each, taken in turns.
- Peak memory of ``extractor run --effort none`` over synthetic records.

Peak memory is the largest sum of the resident sets of the process and its children. Needs the extra `dev`.
"""

import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.data import parse_options
from benchmarks.processes import cpu_seconds, run_command, watch
from benchmarks.records import write_distinct_records

_TURNS = 15


def main() -> None:
    """Print the figures."""
    chosen = parse_options(__doc__, records=100_000)
    commands = ([sys.executable, "-m", "extractor", "--help"], [sys.executable, "-c", "import typer, pydantic"])
    ours, theirs = zip(*(map(cpu_seconds, commands) for _ in range(_TURNS)), strict=True)
    print(f"extractor --help / import typer, pydantic: {median(ours) / median(theirs):.2f} x CPU time")
    with tempfile.TemporaryDirectory() as folder:
        records = Path(folder, "records.jsonl")
        write_distinct_records(records, chosen.records)
        peak = watch(run_command(records, "--effort", "none", "--out", Path(folder, "run"))).peak / 2**20
        print(f"{chosen.records} records, --effort none: {peak:.0f} MB peak")


if __name__ == "__main__":
    main()
