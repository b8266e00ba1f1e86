"""What the service costs: requests to it against direct calls, over the same records.

    python -m benchmarks.service [--records 300] [--workers 1] [--together 8]

A service with so many processes is started on loopback, and so many requests are under way together, all with
``assist=never``. Direct calls are ``Extractor.extract`` in one process, one after the other. Both take the same
synthetic records as bytes, in turns. Beside the ratio of elapsed time, which depends on what else the machine does and
how many cores there are, stands that of processor time: of the service with all its processes, without who asks. Needs
the extra `dev`.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path

import httpx2
import psutil

from benchmarks.soak.records import write_distinct_records
from extractor.api import Extractor
from extractor.read import read_stream

_TOKEN = "benchmark-of-the-service"


@dataclass(frozen=True, slots=True)
class Taken:
    """Seconds that something took: on the clock, and of the processors."""

    elapsed: float
    computed: float


@dataclass(frozen=True, slots=True)
class Service:
    """A service that runs."""

    url: str
    process: psutil.Process

    def computed(self) -> float:
        """Processor seconds of all its processes so far."""
        tree = (self.process, *self.process.children(recursive=True))
        return sum(sum(one.cpu_times()[:2]) for one in tree)


def main() -> None:
    """Print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--records", type=int, default=300)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--workers", type=int, default=1, help="processes of the service")
    arguments.add_argument("--together", type=int, default=8, help="requests under way at once")
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bodies = make_bodies(Path(folder), chosen.records)
        with serve(Path(folder, "root"), chosen.workers) as service:
            direct, served = measure(service, bodies, chosen)
    print(f"direct calls: {_rate(bodies, direct)}")
    print(f"requests, {chosen.workers} processes, {chosen.together} together: {_rate(bodies, served)}")
    pairs = list(zip(direct, served, strict=True))
    elapsed = statistics.median(one.elapsed / other.elapsed for one, other in pairs)
    computed = statistics.median(one.computed / other.computed for one, other in pairs)
    print(f"requests in the time of a direct call: {elapsed:.2f}; in its processor time: {computed:.2f}")


def measure(service: Service, bodies: Sequence[bytes], chosen: argparse.Namespace) -> tuple[list[Taken], list[Taken]]:
    """What direct calls and requests took, in each round."""

    def request() -> None:
        asyncio.run(post_all(service.url, bodies, chosen.together))

    call = partial(call_directly, bodies)
    for act in (request, call):
        act()  # what is loaded at first use is loaded
    direct, served = [], []
    for _ in range(chosen.rounds):
        direct.append(take(call, time.process_time))
        served.append(take(request, service.computed))
    return direct, served


def take(act: Callable[[], None], computed: Callable[[], float]) -> Taken:
    """What an act takes."""
    since, before = time.monotonic(), computed()
    act()
    return Taken(time.monotonic() - since, computed() - before)


def _rate(bodies: Sequence[bytes], rounds: Sequence[Taken]) -> str:
    elapsed = statistics.median(taken.elapsed for taken in rounds)
    computed = statistics.median(taken.computed for taken in rounds)
    return f"{len(bodies) / elapsed:.0f} records/s, {1000 * computed / len(bodies):.1f} ms of a processor each"


def make_bodies(folder: Path, count: int) -> list[bytes]:
    """Studies as JSON, of which no two are the same."""
    path = folder / "records.jsonl"
    write_distinct_records(path, count)
    return path.read_bytes().splitlines()


def call_directly(bodies: Sequence[bytes]) -> None:
    """Extract each body, up to the JSON that the service would send."""
    extractor = Extractor(assist="never")
    for body in bodies:
        extractor.extract(next(read_stream("record", BytesIO(body)))).model_dump_json()


async def post_all(url: str, bodies: Sequence[bytes], together: int) -> None:
    """Send each body, so many at once. Raises ``RuntimeError`` for an answer that is none."""
    waiting = list(bodies)
    headers = {"authorization": f"Bearer {_TOKEN}", "content-type": "application/json"}
    async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=60, trust_env=False) as client:

        async def post() -> None:
            while waiting:
                answer = await client.post("/v1/extractions?assist=never", content=waiting.pop())
                if answer.status_code != httpx2.codes.OK:
                    raise RuntimeError(answer.text)

        await asyncio.gather(*(post() for _ in range(together)))


@contextmanager
def serve(root: Path, workers: int) -> Iterator[Service]:
    """A service until the block ends."""
    command = [
        sys.executable,
        "-m",
        "extractor",
        "serve",
        "--port",
        "0",
        "--root",
        str(root),
        "--workers",
        str(workers),
    ]
    environment = os.environ | {"EXTRACTOR_TOKEN": _TOKEN}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout
        try:
            yield Service(process.stdout.readline().strip(), psutil.Process(process.pid))
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
