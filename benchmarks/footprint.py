"""What it costs to be there: start-up time and memory.

    python -m benchmarks.footprint [--records 100000] [--live]

- CPU time of ``extractor --help`` as a multiple of ``python -c 'import typer, pydantic'``, the median of
  several runs of each, taken in turns.
- Peak memory of ``extractor run --assist never`` over synthetic records.
- With ``--live``: peak memory of a run whose model, smollm2-135m, runs in the same process (pull it first).

Peak memory is the largest sum of the resident sets of the process and its children. Needs the extra `dev`.
"""

import argparse
import contextlib
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "tests" / "records" / "study.json"
MEGABYTE = 1024**2


def main() -> None:
    """Print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--records", type=int, default=100_000, help="records of the memory run")
    arguments.add_argument("--live", action="store_true", help="also run smollm2-135m")
    chosen = arguments.parse_args()
    print(f"extractor --help / import typer, pydantic: {measure_start():.2f} x CPU time")
    with tempfile.TemporaryDirectory() as folder:
        records = Path(folder, "records.jsonl")
        write_records(records, chosen.records)
        peak = measure_memory(str(records), "--assist", "never", "--out", str(Path(folder, "never")))
        print(f"{chosen.records} records, --assist never: {peak / MEGABYTE:.0f} MB peak")
        if chosen.live:
            few = Path(folder, "few.jsonl")
            write_records(few, 2)
            peak = measure_memory(str(few), "--model", "local:smollm2-135m", "--out", str(Path(folder, "live")))
            print(f"2 records, --model local:smollm2-135m: {peak / MEGABYTE:.0f} MB peak, model included")


def measure_start(runs: int = 15) -> float:
    """Median CPU time of ``extractor --help`` over that of importing typer and pydantic."""
    ours, theirs = [], []
    for _ in range(runs):
        ours.append(cpu_seconds([sys.executable, "-m", "extractor", "--help"]))
        theirs.append(cpu_seconds([sys.executable, "-c", "import typer, pydantic"]))
    return statistics.median(ours) / statistics.median(theirs)


def cpu_seconds(command: list[str]) -> float:
    """User and system time of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure_memory(*arguments: str) -> int:
    """Peak resident set of ``extractor run`` and its children together, in bytes, sampled twenty times a second."""
    command = [sys.executable, "-m", "extractor", "run", *arguments, "--quiet"]
    with subprocess.Popen(command) as running:
        peak = 0
        while running.poll() is None:
            peak = max(peak, resident_bytes(psutil.Process(running.pid)))
            time.sleep(0.05)
    if running.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {running.returncode}")
    return peak


def resident_bytes(process: psutil.Process) -> int:
    """Resident set of a process and its children now; 0 for one that has just ended."""
    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        for one in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += one.memory_info().rss
    return total


def write_records(path: Path, count: int) -> None:
    """A file of ``count`` records that differ in their id alone."""
    record = json.loads(RECORD.read_text("utf-8"))
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            record["protocolSection"]["identificationModule"]["nctId"] = f"NCT{number:08d}"
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
