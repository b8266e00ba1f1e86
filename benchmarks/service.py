"""Compare requests to the service with direct calls, over the same records.

    python -m benchmarks.service [--records 300] [--rounds 5] [--workers 1] [--together 8]

A service with ``--workers`` processes is started on loopback, and gets ``--together`` requests at once, all with
``effort=none``. Direct calls are ``Extractor.extract`` in one process, in sequence. Both take the same synthetic
records as bytes, in turns. The ratio of elapsed time depends on the machine's other load; the ratio of processor time,
of the service with all its processes and without the client, does not. Needs the extra `dev`.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from statistics import median

import httpx2
import psutil

from benchmarks.data import parse_options
from benchmarks.processes import list_tree
from benchmarks.records import write_distinct_records
from extractor.api import Extractor
from extractor.read import read_stream

_TOKEN = "benchmark-of-the-service"


def main() -> None:
    """Print the figures."""
    chosen = parse_options(__doc__, records=300, rounds=5, workers=1, together=8)
    direct, served = [], []
    with tempfile.TemporaryDirectory() as folder:
        write_distinct_records(Path(folder, "records.jsonl"), chosen.records)
        bodies = Path(folder, "records.jsonl").read_bytes().splitlines()
        with serve(Path(folder, "root"), chosen.workers) as (url, process):
            for _ in range(1 + chosen.rounds):
                direct.append(timed(lambda: call_directly(bodies), time.process_time))
                served.append(timed(lambda: asyncio.run(post_all(url, bodies, chosen.together)), process))
    pairs = list(zip(direct[1:], served[1:], strict=True))  # the first round loads what is loaded at first use
    requests = f"requests, {chosen.workers} processes, {chosen.together} together"
    for name, rounds in (("direct calls", direct[1:]), (requests, served[1:])):
        elapsed, computed = map(median, zip(*rounds, strict=True))
        rate = f"{len(bodies) / elapsed:.0f} records/s, {1000 * computed / len(bodies):.1f} ms of a processor each"
        print(f"{name}: {rate}")
    elapsed, computed = (median(one[n] / other[n] for other, one in pairs) for n in (0, 1))
    print(f"a request takes {elapsed:.2f} of the time of a direct call, {computed:.2f} of its processor time")


def timed(work: Callable[[], object], computed: Callable[[], float]) -> tuple[float, float]:
    """Measure the elapsed seconds and the processor seconds of a piece of work."""
    begun, before = time.monotonic(), computed()
    work()
    return time.monotonic() - begun, computed() - before


def call_directly(bodies: Sequence[bytes]) -> None:
    """Extract each body as the service would, including the JSON."""
    extractor = Extractor(effort="none")
    for body in bodies:
        extractor.extract(next(read_stream("record", BytesIO(body)))).model_dump_json()


async def post_all(url: str, bodies: Sequence[bytes], together: int) -> None:
    """Post each body, ``together`` at once. Raises ``httpx2.HTTPStatusError`` for an error."""
    waiting = list(bodies)
    headers = {"authorization": f"Bearer {_TOKEN}", "content-type": "application/json"}
    async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=60, trust_env=False) as client:

        async def post() -> None:
            while waiting:
                (await client.post("/v1/extractions?effort=none", content=waiting.pop())).raise_for_status()

        await asyncio.gather(*(post() for _ in range(together)))


@contextmanager
def serve(root: Path, workers: int) -> Iterator[tuple[str, Callable[[], float]]]:
    """Run a service during the block, and yield its address and a function for its processor seconds so far."""
    options = ("--port", "0", "--root", str(root), "--workers", str(workers))
    command = [sys.executable, "-m", "extractor", "serve", *options]
    environment = os.environ | {"EXTRACTOR_TOKEN": _TOKEN}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout
        tree = psutil.Process(process.pid)
        try:
            yield process.stdout.readline().strip(), lambda: sum(sum(p.cpu_times()[:2]) for p in list_tree(tree))
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
