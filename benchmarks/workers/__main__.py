"""Runs of the program with one process and with two, in pairs, on the same records; the ratio of each pair.

What else a machine does slows both runs of a pair, so that their ratio says more than two times apart do. Each pair
is measured in both orders in turn. The results of both must be the same, byte by byte. Beside the ratio of elapsed time
stands the one that processor time allows, if each process had a core of its own: it shows what the split itself costs,
also where other programs keep the cores busy.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

_RECORDS = ("records/ctgov_v2.jsonl.gz", "records/eligibility_general.jsonl.gz")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help=f"folder that holds {' and '.join(_RECORDS)}")
    parser.add_argument("--records", type=int, default=2500, help="records of each run")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2, help="processes to hold against one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        ratios = measure_pairs([options.data / name for name in _RECORDS], options, Path(scratch))
    print(f"median ratio: {statistics.median(ratios):.2f} (lowest {min(ratios):.2f}, highest {max(ratios):.2f})")


@dataclass(frozen=True, slots=True)
class Taken:
    """What a run took, in seconds: on the clock, and of all processors together."""

    elapsed: float
    computed: float


def measure_pairs(sources: list[Path], options: argparse.Namespace, scratch: Path) -> list[float]:
    """The seconds of one process over those of several, for each pair; printed as they come."""
    ratios = []
    for pair in range(options.pairs):
        order = (1, options.workers) if pair % 2 == 0 else (options.workers, 1)
        taken = {count: time_run(sources, options.records, count, scratch / str(count)) for count in order}
        one, many = taken[1], taken[options.workers]
        ratios.append(one.elapsed / many.elapsed)
        rates = ", ".join(f"{count}: {options.records / taken[count].elapsed:.0f} records/s" for count in sorted(taken))
        allowed = options.workers * one.computed / many.computed
        computed = f"{one.computed:.1f} and {many.computed:.1f} s computed, which allow {allowed:.2f}"
        print(f"{rates}; ratio {ratios[-1]:.2f}; {computed}; load {_load()}", flush=True)
        results = [(scratch / str(count) / "extractions.jsonl").read_bytes() for count in sorted(taken)]
        if results[0] != results[1]:
            raise SystemExit("the results differ")
    return ratios


def time_run(sources: list[Path], records: int, workers: int, out: Path) -> Taken:
    """What a whole run took, the start of Python included."""
    command = [
        sys.executable,
        "-m",
        "extractor",
        "run",
        *map(str, sources),
        "--assist",
        "never",
        "--limit",
        str(records),
    ]
    command += ["--workers", str(workers), "--out", str(out), "--fresh", "--quiet"]
    since, before = perf_counter(), _computed()
    subprocess.run(command, check=True)
    return Taken(perf_counter() - since, _computed() - before)


def _computed() -> float:
    """Processor seconds of all processes that were started from here and have ended."""
    times = os.times()
    return times.children_user + times.children_system


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


if __name__ == "__main__":
    main()
