"""How calls a second grow with the workers of a cluster, against a server on loopback that takes its time.

    python -m benchmarks.cluster [--workers 1 2 4] [--calls 16] [--latency 0.2] [--seconds 20]

For each number of workers a Ray cluster of so many nodes, with one core each, is started on this machine, and the real
command is run on it; each worker has ``--calls`` requests under way. Calls are counted for ``--seconds`` once all
workers are there, then the run is ended. Beside their rate stand its share of the ideal (calls over latency), the ratio
to as many times the first one (linear is 1), and how busy the cores of this machine were. Where they are all busy they
are the limit, not the cluster: take a longer ``--latency`` or more cores. Needs the extra ``dev``.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil

from benchmarks.throughput.records import write_open_records
from benchmarks.throughput.server import read_log, serve_slowly

_STORE_BYTES = 80 * 1024**2
_START_S, _LOOK_S = 120.0, 0.2
_NICENESS = "RAY_worker_niceness"


@dataclass(frozen=True)
class Measured:
    """Calls a second, and the share of this machine's cores that were busy meanwhile."""

    workers: int
    rate: float
    busy: float


def main() -> None:
    """Print a line for each number of workers."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    arguments.add_argument("--calls", type=int, default=16, help="requests under way of each worker")
    arguments.add_argument("--latency", type=float, default=0.2, help="seconds that an answer takes")
    arguments.add_argument("--seconds", type=float, default=20.0, help="for which calls are counted")
    chosen = arguments.parse_args()
    print("workers  calls/s  of ideal  of linear  cores busy")
    first: Measured | None = None
    for workers in chosen.workers:
        measured = measure(workers, chosen)
        first = first or measured
        ideal = workers * chosen.calls / chosen.latency
        linear = measured.rate / (first.rate * workers / first.workers)
        figures = f"{measured.rate:8.1f} {measured.rate / ideal:9.1%} {linear:10.2f} {measured.busy:11.0%}"
        print(f"{workers:7} {figures}", flush=True)


def measure(workers: int, chosen: argparse.Namespace) -> Measured:
    """One run on a cluster of its own."""
    count = int((chosen.seconds + _START_S / 2) * workers * chosen.calls / chosen.latency)
    with tempfile.TemporaryDirectory() as folder, serve_slowly(chosen.latency) as server, cluster_of(workers) as head:
        records, out = Path(folder, "records.jsonl"), Path(folder, "out")
        write_open_records(records, count)
        where = ("--engine", "ray", "--address", head, "--workers", str(workers), "--concurrency", str(chosen.calls))
        command = [sys.executable, "-m", "extractor", "run", str(records), "--out", str(out), "--quiet", *where]
        log = Path(folder, "log.jsonl")
        with subprocess.Popen([*command, "--model", f"{server}#stub", "--log-json", str(log)]) as running:
            try:
                _wait_for_workers(running, log, workers)
                _wait_for_calls(server, 3 * workers * chosen.calls)
                rate, busy = _count(server, chosen.seconds)
            finally:
                running.kill()
    return Measured(workers, rate, busy)


def _wait_for_workers(running: "subprocess.Popen[bytes]", log: Path, workers: int) -> None:
    until = time.monotonic() + _START_S
    while not log.exists() or log.read_text().count('"worker_started"') < workers:
        if running.poll() is not None or time.monotonic() > until:
            raise SystemExit(f"{workers} workers did not start")
        time.sleep(_LOOK_S)


def _wait_for_calls(server: str, calls: int) -> None:
    """Until all workers are warm."""
    made, until = 0, time.monotonic() + _START_S
    while made < calls and time.monotonic() < until:
        made += read_log(server)[0]
        time.sleep(_LOOK_S)


def _count(server: str, seconds: float) -> tuple[float, float]:
    """Calls a second, and how busy the cores were."""
    read_log(server)
    psutil.cpu_percent()
    since = time.monotonic()
    time.sleep(seconds)
    calls, _ = read_log(server)
    return calls / (time.monotonic() - since), psutil.cpu_percent() / 100


@contextmanager
def cluster_of(nodes: int) -> Iterator[str]:
    """The address of a cluster of so many nodes on this machine, until the block ends."""
    utils: Any = import_module("ray.cluster_utils")
    node = {"num_cpus": 1, "object_store_memory": _STORE_BYTES}
    os.environ[_NICENESS] = "0"  # else whatever runs beside it goes first
    cluster = utils.Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    try:
        for _ in range(nodes - 1):
            cluster.add_node(**node)
        yield str(cluster.address)
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main()
