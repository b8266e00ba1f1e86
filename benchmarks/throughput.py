"""Measure the calls per second of a run, against a server on loopback that delays each answer.

    python -m benchmarks.throughput [--records 5000] [--concurrency 64] [--latency 0.2] [--large
    50000]

Each record is small, has its own text and one open question, and so costs one call. Prints calls
per second from the first request to the last answer, their share of the rate that latency and
concurrency allow, CPU time per call (without the start of the program) of all processes and of the
one that sends requests, and the peak memory of all together. ``--large`` adds the same for that
many records, and the growth of memory.

The figures are valid only on an idle machine: the load is printed beside them.
"""

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.data import parse_options
from benchmarks.processes import Taken, run_command, watch
from benchmarks.records import write_open_records
from benchmarks.servers import read_log, serve_slowly


def main() -> None:
    """Print the table."""
    options: dict[str, Any] = {
        "records": 5000,
        "concurrency": 64,
        "latency": 0.2,
        "large": int,
    }
    chosen = parse_options(__doc__, **options)
    with (
        tempfile.TemporaryDirectory() as folder,
        serve_slowly(chosen.latency) as server,
    ):
        measure(Path(folder), server, chosen)


def measure(folder: Path, server: str, chosen: argparse.Namespace) -> None:
    """Run once, or twice with ``--large``, and print a line for each run."""
    write_open_records(folder / "records.jsonl", max(chosen.records, chosen.large or 0))
    ideal = chosen.concurrency / chosen.latency
    print(
        f"{chosen.concurrency} at once, {chosen.latency:g} s each: at most {ideal:.0f} calls/s"
    )
    print(" calls  calls/s of ideal CPU ms/call that asks   MiB      s  load")

    def drive_and_print(count: int) -> float:
        calls, seconds, taken, idle = drive(folder, server, chosen.concurrency, count)
        rate = calls / seconds if seconds else 0.0
        cpu = 1000 * (taken.computed - idle.computed) / max(1, calls)
        asking = (
            1000 * (taken.computed_by_first - idle.computed_by_first) / max(1, calls)
        )
        figures = (
            f"{calls:6} {rate:8.1f} {rate / ideal:8.1%} {cpu:11.2f} {asking:9.2f} "
            f"{taken.peak / 2**20:5.0f}"
        )
        print(f"{figures} {taken.elapsed:6.1f} {os.getloadavg()[0]:5.1f}", flush=True)
        return taken.peak

    usual = drive_and_print(chosen.records)
    if chosen.large:
        large = drive_and_print(chosen.large)
        print(
            f"memory at {chosen.large} records is {large / usual - 1:+.1%} of that at "
            f"{chosen.records}"
        )


def drive(
    folder: Path, server: str, concurrency: int, count: int
) -> tuple[int, float, Taken, Taken]:
    """Run the first records of ``folder/records.jsonl``, and one record to know what a start takes.

    Returns the calls, the seconds from the first call to the last, and the resources of both runs.
    Raises ``RuntimeError`` if a run fails.
    """
    records = folder / "records.jsonl"
    at_once = ("--concurrency", str(concurrency))

    def command(some: int) -> list[str]:
        options = (
            "--out",
            folder / f"run-{some}",
            "--fresh",
            "--limit",
            some,
            "--model",
            f"{server}#stub",
        )
        return run_command(records, *at_once, *options)

    idle = watch(command(1))
    read_log(server)
    taken = watch(command(count))
    return (*read_log(server), taken, idle)


if __name__ == "__main__":
    main()
