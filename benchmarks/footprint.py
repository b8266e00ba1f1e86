"""Start-up time and memory.

    python -m benchmarks.footprint [--records 100000] [--live]

- CPU time of ``extractor --help`` as a multiple of ``python -c 'import typer, pydantic'``, the median of several runs
  of each, taken in turns. - Peak memory of ``extractor run --assist never`` over synthetic records. - With ``--live``:
  peak memory of a run whose model is smollm2-135m on this machine (pull it first).

Peak memory is the largest sum of the resident sets of the process and its children. Needs the extra `dev`.
"""

import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.data import option_parser
from benchmarks.processes import cpu_seconds, run_command, watch
from benchmarks.records import write_distinct_records

_MEGABYTE = 1024**2
_LOCAL = "local:smollm2-135m"


def main() -> None:
    """Print the figures."""
    parser = option_parser(__doc__)
    parser.add_argument("--records", type=int, default=100_000, help="records of the memory run")
    parser.add_argument("--live", action="store_true", help="also run smollm2-135m")
    chosen = parser.parse_args()
    print(f"extractor --help / import typer, pydantic: {measure_start():.2f} x CPU time")
    with tempfile.TemporaryDirectory() as folder:
        runs = [(chosen.records, ("--assist", "never")), *([(2, ("--model", _LOCAL))] if chosen.live else [])]
        for count, options in runs:
            records, out = Path(folder, f"{count}.jsonl"), Path(folder, f"run-{count}")
            write_distinct_records(records, count)
            peak = watch(run_command(records, *options, "--out", out)).peak / _MEGABYTE
            print(f"{count} records, {' '.join(options)}: {peak:.0f} MB peak")


def measure_start(runs: int = 15) -> float:
    """Median CPU time of ``extractor --help`` over that of importing typer and pydantic."""
    ours, theirs = [], []
    for _ in range(runs):
        ours.append(cpu_seconds([sys.executable, "-m", "extractor", "--help"]))
        theirs.append(cpu_seconds([sys.executable, "-c", "import typer, pydantic"]))
    return statistics.median(ours) / statistics.median(theirs)


if __name__ == "__main__":
    main()
