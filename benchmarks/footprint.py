"""Measure start-up time and memory.

    python -m benchmarks.footprint [--records 100000] [--live]

- CPU time of ``extractor --help`` as a multiple of ``python -c 'import typer, pydantic'``, the median of several runs
  of each, taken in turns.
- Peak memory of ``extractor run --assist never`` over synthetic records.
- With ``--live``: peak memory of a run whose model is smollm2-135m on this machine (pull it first).

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
    chosen = parse_options(__doc__, records=100_000, live=False)
    commands = ([sys.executable, "-m", "extractor", "--help"], [sys.executable, "-c", "import typer, pydantic"])
    ours, theirs = zip(*(map(cpu_seconds, commands) for _ in range(_TURNS)), strict=True)
    print(f"extractor --help / import typer, pydantic: {median(ours) / median(theirs):.2f} x CPU time")
    with tempfile.TemporaryDirectory() as folder:
        runs = [(chosen.records, ("--assist", "never")), (2, ("--model", "local:smollm2-135m"))]
        for count, options in runs if chosen.live else runs[:1]:
            records, out = Path(folder, f"{count}.jsonl"), Path(folder, f"run-{count}")
            write_distinct_records(records, count)
            peak = watch(run_command(records, *options, "--out", out)).peak / 2**20
            print(f"{count} records, {' '.join(options)}: {peak:.0f} MB peak")


if __name__ == "__main__":
    main()
