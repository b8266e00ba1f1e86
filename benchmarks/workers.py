"""Runs with one process and with several, in pairs, on the same records: how many times as fast the several are.

    python -m benchmarks.workers --data DIR [--records 2500] [--pairs 3] [--workers 2]

Each pair is measured in both orders in turn, since what else the machine does slows both runs of a pair. The results of
both must be the same, byte by byte. Beside the ratio of elapsed time stands the ratio that processor time would allow
if each process had a core of its own: it shows what the split itself costs, also on a busy machine.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.data import option_parser
from benchmarks.processes import cpu_seconds, run_command

_RECORDS = ("records/ctgov_v2.jsonl.gz", "records/eligibility_general.jsonl.gz")


def main() -> None:
    """Print a line for each pair, and the median."""
    parser = option_parser(__doc__, data=True)
    parser.add_argument("--records", type=int, default=2500, help="records of each run")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2, help="processes to compare with one")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ratios = measure_pairs([chosen.data / name for name in _RECORDS], chosen, Path(folder))
    print(f"median ratio: {statistics.median(ratios):.2f} (lowest {min(ratios):.2f}, highest {max(ratios):.2f})")


def measure_pairs(sources: list[Path], chosen: argparse.Namespace, folder: Path) -> list[float]:
    """The seconds of one process over those of several, for each pair; printed as they come."""
    ratios = []
    for pair in range(chosen.pairs):
        elapsed, computed = {}, {}
        for count in (1, chosen.workers) if pair % 2 == 0 else (chosen.workers, 1):
            options = ("--assist", "never", "--limit", chosen.records, "--workers", count, "--fresh")
            begun = time.perf_counter()
            computed[count] = cpu_seconds(run_command(*sources, *options, "--out", folder / str(count)))
            elapsed[count] = time.perf_counter() - begun
        ratios.append(elapsed[1] / elapsed[chosen.workers])
        rates = ", ".join(f"{count}: {chosen.records / elapsed[count]:.0f} records/s" for count in sorted(elapsed))
        allowed = chosen.workers * computed[1] / computed[chosen.workers]
        cost = f"{computed[1]:.1f} and {computed[chosen.workers]:.1f} s computed, which allow {allowed:.2f}"
        print(f"{rates}; ratio {ratios[-1]:.2f}; {cost}; load {os.getloadavg()[0]:.1f}", flush=True)
        one, several = ((folder / str(count) / "extractions.jsonl").read_bytes() for count in (1, chosen.workers))
        if one != several:
            raise SystemExit("the results differ")
    return ratios


if __name__ == "__main__":
    main()
