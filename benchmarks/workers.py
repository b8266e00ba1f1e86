"""Compare runs with one process and with several, in pairs, on the same records.

    python -m benchmarks.workers --data DIR [--records 2500] [--pairs 3] [--workers 2]

The order within pairs alternates; other load on the machine slows both runs of a pair. The results of both must be the
same, byte by byte. The second ratio is the one that processor time would allow if each process had its own core: it
shows the cost of the split itself, also on a busy machine.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.data import parse_options
from benchmarks.processes import cpu_seconds, run_command

_RECORDS = ("records/ctgov_v2.jsonl.gz", "records/eligibility_general.jsonl.gz")


def main() -> None:
    """Print a line for each pair, and the median."""
    chosen = parse_options(__doc__, data=..., records=2500, pairs=3, workers=2)
    with tempfile.TemporaryDirectory() as folder:
        ratios = measure_pairs([chosen.data / name for name in _RECORDS], chosen, Path(folder))
    print(f"median ratio: {median(ratios):.2f} (lowest {min(ratios):.2f}, highest {max(ratios):.2f})")


def measure_pairs(sources: list[Path], chosen: argparse.Namespace, folder: Path) -> list[float]:
    """Measure each pair's seconds of one process over those of several, and print them as they come."""
    ratios, several = [], chosen.workers
    for pair in range(chosen.pairs):
        elapsed, computed = {}, {}
        for count in (1, several)[:: -1 if pair % 2 else 1]:
            options = ("--effort", "none", "--limit", chosen.records, "--workers", count, "--fresh")
            begun = time.perf_counter()
            computed[count] = cpu_seconds(run_command(*sources, *options, "--out", folder / str(count)))
            elapsed[count] = time.perf_counter() - begun
        ratios.append(elapsed[1] / elapsed[several])
        rates = ", ".join(f"{count}: {chosen.records / elapsed[count]:.0f} records/s" for count in sorted(elapsed))
        allowed = several * computed[1] / computed[several]
        cost = f"{computed[1]:.1f} and {computed[several]:.1f} s computed, which allow {allowed:.2f}"
        print(f"{rates}; ratio {ratios[-1]:.2f}; {cost}; load {os.getloadavg()[0]:.1f}", flush=True)
        if len({(folder / str(count) / "extractions.jsonl").read_bytes() for count in elapsed}) > 1:
            raise SystemExit("the results differ")
    return ratios


if __name__ == "__main__":
    main()
