"""Measure how calls per second grow with the workers of a cluster, against a slow server on loopback.

    python -m benchmarks.cluster [--workers 1 2 4] [--calls 16] [--latency 0.2] [--seconds 20]

For each number of workers, a Ray cluster with as many one-core nodes is started on this machine, and the real command
runs on it with ``--calls`` requests at once for each worker. After three rounds of calls, calls are counted for
``--seconds``. Prints calls per second, their share of the ideal (calls over latency), the ratio to linear growth from
the first rate, and how busy the cores of this machine were. If all are busy, they are the limit, not the cluster: use a
longer ``--latency`` or more cores. Needs the extra ``dev``.
"""

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil

from benchmarks.data import parse_options
from benchmarks.processes import run_command
from benchmarks.records import write_open_records
from benchmarks.servers import read_log, serve_slowly

_STORE_BYTES = 80 * 1024**2
_START_S, _POLL_S = 120.0, 0.2


def main() -> None:
    """Print a line for each number of workers."""
    chosen = parse_options(__doc__, workers=[1, 2, 4], calls=16, latency=0.2, seconds=20.0)
    print("workers  calls/s  of ideal  of linear  cores busy")
    first = 0.0
    for workers in chosen.workers:
        rate, busy = measure(workers, chosen)
        first = first or rate / workers
        ideal = workers * chosen.calls / chosen.latency
        print(f"{workers:7} {rate:8.1f} {rate / ideal:9.1%} {rate / first / workers:10.2f} {busy:11.0%}", flush=True)


def measure(workers: int, chosen: argparse.Namespace) -> tuple[float, float]:
    """Measure calls per second of one run on a new cluster, and the share of this machine's cores that were busy."""
    count = int((chosen.seconds + _START_S / 2) * workers * chosen.calls / chosen.latency)
    with tempfile.TemporaryDirectory() as folder, serve_slowly(chosen.latency) as server, cluster_of(workers) as head:
        records = Path(folder, "records.jsonl")
        write_open_records(records, count)
        cluster = ("--engine", "ray", "--address", head, "--workers", workers, "--concurrency", workers * chosen.calls)
        options = (*cluster, "--out", Path(folder, "out"), "--model", f"{server}#stub")
        made = 0

        def is_warm() -> bool:
            nonlocal made
            made += read_log(server)[0]
            return made >= 3 * workers * int(chosen.calls)

        with subprocess.Popen(run_command(records, *options)) as running:
            try:
                _wait(is_warm, running)
                psutil.cpu_percent()
                begun = time.monotonic()
                time.sleep(chosen.seconds)
                return read_log(server)[0] / (time.monotonic() - begun), psutil.cpu_percent() / 100
            finally:
                running.kill()


def _wait(ready: Callable[[], bool], running: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + _START_S
    while not ready():
        if running.poll() is not None or time.monotonic() > until:
            raise SystemExit("the workers did not start")
        time.sleep(_POLL_S)


@contextmanager
def cluster_of(nodes: int) -> Iterator[str]:
    """Run a cluster with this many nodes on this machine during the block, and yield its address."""
    utils: Any = import_module("ray.cluster_utils")
    node = {"num_cpus": 1, "object_store_memory": _STORE_BYTES}
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 - Ray's own spelling; else other programs go first
    cluster = utils.Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    try:
        for _ in range(nodes - 1):
            cluster.add_node(**node)
        yield str(cluster.address)
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main()
