"""Measure the memory and the disk that ``extractor serve`` takes.

    python -m benchmarks.service RECORDS [--workers 1,2]

For each number of workers a service starts in an empty folder, without a model. All records are sent as
one job, then one by one as extractions, as many at a time as there are workers. Prints the peak of
the resident memory of all processes of the service in MiB: when it is ready, with the extractions,
with the job; and the disk that the job has taken, in MiB for 1,000 records.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
import psutil

from benchmarks.processes import list_tree
from extractor.formats import read_records
from extractor.schemas import TrialRecord

_TOKEN = "operator-of-the-benchmark"
_MIB = 1 << 20
_SAMPLE_S = 0.1
_HEADERS = {"authorization": f"Bearer {_TOKEN}"}


class Peak:
    """Samples the resident memory of a process and its children, and keeps the highest sum."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._highest = 0
        self._ended = threading.Event()
        threading.Thread(target=self._sample, daemon=True).start()

    def _sample(self) -> None:
        while not self._ended.wait(_SAMPLE_S):
            resident = 0
            for each in list_tree(self._process):
                with suppress(psutil.Error):  # it may just have ended
                    resident += each.memory_info().rss
            self._highest = max(self._highest, resident)

    def take(self) -> int:
        """Return the peak since the last call, in MiB."""
        time.sleep(3 * _SAMPLE_S)
        peak = self._highest
        self._highest = 0
        return round(peak / _MIB)

    def end(self) -> None:
        """Sample no more."""
        self._ended.set()


@contextmanager
def serve(root: Path, workers: int) -> Iterator[tuple[httpx2.Client, psutil.Process]]:
    """Run a service without a model until the block ends."""
    command = [sys.executable, "-m", "extractor", "serve", "--root", str(root)]
    options = ["--port", "0", "--workers", str(workers)]
    environment = {**os.environ, "EXTRACTOR_TOKEN": _TOKEN}
    environment.pop("EXTRACTOR_MODEL", None)
    with subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout
        url = process.stdout.readline().strip()
        with httpx2.Client(
            base_url=url, headers=_HEADERS, timeout=600, trust_env=False
        ) as client:
            try:
                while client.get("/readyz").status_code != 200:
                    time.sleep(0.5)
                yield client, psutil.Process(process.pid)
            finally:
                process.terminate()
                process.wait(60)


def run_job(client: httpx2.Client, upload: bytes) -> str:
    """Send a job, wait for its end, and return its id."""
    job = client.post("/v1/jobs", content=upload).json()
    while job["state"] in ("queued", "running"):
        time.sleep(0.5)
        job = client.get(f"/v1/jobs/{job['id']}").json()
    if job["state"] != "done":
        raise RuntimeError(f"the job is {job['state']}: {job['reason']}")
    return str(job["id"])


def extract_all(
    client: httpx2.Client, records: list[TrialRecord], workers: int
) -> None:
    """Send the text of each record as an extraction, some at a time."""

    def extract(record: TrialRecord) -> None:
        text = "\n".join(section.text for section in record.sections if section.text)
        body = json.dumps({"text": text, "record_id": record.record_id}).encode()
        headers = {"content-type": "application/json"}
        answer = client.post("/v1/extractions", content=body, headers=headers)
        answer.raise_for_status()

    with ThreadPoolExecutor(workers) as threads:
        list(threads.map(extract, records))


def measure_disk(folder: Path) -> int:
    """Return the bytes of the blocks of all files below a folder."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*"))


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", type=Path)
    parser.add_argument("--workers", default="1,2")
    chosen = parser.parse_args()
    records = list(read_records(str(chosen.records)))
    print(f"{len(records)} records", flush=True)
    print("workers\tready\textractions\tjob\tdisk for 1,000 records")
    for workers in map(int, chosen.workers.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "service"
            with serve(root, workers) as (client, process):
                peak = Peak(process)
                ready = peak.take()
                extract_all(client, records, workers)
                with_extractions = peak.take()
                job_id = run_job(client, chosen.records.read_bytes())
                with_job = peak.take()
                peak.end()
                size = measure_disk(root / "jobs" / "operator" / job_id)
            per_thousand = size / _MIB / len(records) * 1000
            row = (workers, ready, with_extractions, with_job, f"{per_thousand:.1f}")
            print(*row, sep="\t", flush=True)


if __name__ == "__main__":
    main()
