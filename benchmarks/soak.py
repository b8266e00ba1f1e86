"""Kill runs and a service at random moments, and check that no result is lost, no request is
repeated, and all costs are counted.

    python -m benchmarks.soak [--minutes 20] [--records 150] [--latency 1] [--seed 0]

A server on loopback counts its answers and their cost. Rounds of ``extractor run`` and of
``extractor serve`` alternate until the time is over, but there are at least two rounds. Each round
has a budget. Its command is killed at random moments, usually by ``kill -9`` and otherwise by
Ctrl-C or SIGTERM, and restarted until it ends or its budget is spent. Then it is run without a
budget. The checks are:

- the server's answers cost no more than the run or the service counts, including calls without a
  reply, and no more than the budget plus one call;
- in the end, the results of a run are identical to those of an undisturbed run, no answered request
  was repeated, and ``run.json`` counts the calls in the store; a job has all its results.

Prints a line for each round. If anything is wrong, exits with 1 and prints the reasons.
"""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

import httpx2

from benchmarks.data import parse_options
from benchmarks.speed import run_command
from extractor.model.database import open_run_to_read
from tests.stand_ins import CountingServer, serve_counting, write_distinct_records

_SIGNALS = (*[signal.SIGKILL] * 3, signal.SIGINT, signal.SIGTERM)
_PRICES = "as_of = 2026-11-01\n[model.stub]\nprompt = 2\noutput = 10\n"
_CONCURRENCY = 8
_KILLS_OF_RUN = 10
_KILLS_OF_JOB = 5
_LONGEST_S = 120.0
_ONE_CALL_USD = 0.1
_TOKEN = "operator-of-the-soak"
_SUMS = "SELECT sum(exchanges), sum(prompt_tokens), sum(output_tokens) FROM calls"
_REPEATED = """
SELECT count(*) FROM calls AS later WHERE EXISTS (SELECT 1 FROM calls AS earlier
WHERE earlier.key = later.key AND earlier.id < later.id AND earlier.state = 'answered')
"""


class Round(NamedTuple):
    """The records of a round, its server, its folder, its random generator and its limit."""

    records: Path
    server: CountingServer
    folder: Path
    rng: random.Random
    limit: float

    def list_options(self, limit: float | None) -> list[str]:
        """Return the options of the commands: the model, its prices, and the limit in dollars."""
        prices = self.folder / "prices.toml"
        prices.write_text(_PRICES)
        options = ["--model", f"{self.server.url}#stub", "--prices", str(prices)]
        options += ["--concurrency", str(_CONCURRENCY)]
        return options if limit is None else [*options, "--max-usd", f"{limit:.4f}"]

    def run(self, out: Path, limit: float | None) -> list[str]:
        """Return the command of a run."""
        options = self.list_options(limit)
        return run_command(self.records, "--effort", "full", *options, "--out", out)

    def kill(self, running: subprocess.Popen[str]) -> None:
        """Kill a process up to three seconds after its next request, unless it ends by itself."""
        before = self.server.calls
        until = time.monotonic() + _LONGEST_S
        while self.server.calls == before and time.monotonic() < until:
            if running.poll() is not None:
                return
            time.sleep(0.005)
        time.sleep(self.rng.uniform(0, 3))
        if running.poll() is None:
            running.send_signal(self.rng.choice(_SIGNALS))
            running.wait(_LONGEST_S)

    def count_cost(self) -> float:
        """Return the cost of all the server's answers in dollars."""
        tokens = self.server.tokens
        return (2 * tokens["prompt_tokens"] + 10 * tokens["completion_tokens"]) / 1e6

    def check_money(self, counted: float) -> Iterator[str]:
        """Yield the faults in the counted dollars."""
        cost = self.count_cost()
        money = f"the answers cost ${cost:.4f}, counted are ${counted:.4f}"
        print(f"  {money}, the limit is ${self.limit:.4f}", flush=True)
        if cost > counted + 1e-9:
            yield f"${cost - counted:.6f} are not counted"
        if cost > self.limit + _ONE_CALL_USD:
            yield f"the answers cost ${cost:.4f}, more than the limit and one call"


def main() -> None:
    """Print the figures."""
    chosen = parse_options(__doc__, minutes=20.0, records=150, latency=1.0, seed=0)
    # Some of the server's answers are nonsense by design, which must not make the command fail.
    os.environ["EXTRACTOR_MAX_LACKING"] = "1"
    until = time.monotonic() + 60 * chosen.minutes
    faults = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        records = folder / "records.jsonl"
        write_distinct_records(records, chosen.records)
        undisturbed = folder / "undisturbed"
        with serve_counting() as server:
            first = Round(records, server, folder, random.Random(0), 0)
            subprocess.run(first.run(undisturbed, None), check=True)
            full = first.count_cost()
        for number, play in enumerate(cycle((play_run, play_job))):
            if time.monotonic() > until and number > 1:
                break
            rng = random.Random(f"{chosen.seed} {number}")
            place = folder / f"round-{number}"
            place.mkdir()
            # Each kill may lose the replies of all calls under way.
            most_lost = _KILLS_OF_RUN * _CONCURRENCY * _ONE_CALL_USD / 2
            lost = rng.uniform(0.2, 1) * most_lost
            limit = rng.uniform(0.4, 1.2) * full + lost
            with serve_counting(chosen.latency) as server:
                current = Round(records, server, place, rng, limit)
                found = list(play(current, undisturbed))
            faults += len(found)
            verdict = "; ".join(found) or "no faults"
            print(f"round {number}, {play.__name__[5:]}: {verdict}", flush=True)
    print(f"{number} rounds, {faults} faults")
    raise SystemExit(1 if faults else 0)


def play_run(current: Round, undisturbed: Path) -> Iterator[str]:
    """Kill a run repeatedly, and yield the faults."""
    out = current.folder / "run"
    command = current.run(out, current.limit)
    for _ in range(_KILLS_OF_RUN):
        quiet = subprocess.DEVNULL
        with subprocess.Popen(command, stderr=quiet, text=True) as running:
            current.kill(running)
        if running.returncode in (0, 3):
            break
    code = subprocess.run(command, check=False).returncode
    if code not in (0, 3):
        yield f"the run ended with {code}"
    cost = _read_run(out)["cost"]
    yield from current.check_money(cost["usd"] + cost["usd_without_reply"])
    subprocess.run(current.run(out, None), check=True)
    results = [path / "extractions.jsonl" for path in (out, undisturbed)]
    if results[0].read_bytes() != results[1].read_bytes():
        yield "the results are not those of an undisturbed run"
    yield from check_store(out)


def _read_run(folder: Path) -> Any:
    return json.loads((folder / "run.json").read_text("utf-8"))


def check_store(folder: Path) -> Iterator[str]:
    """Yield the faults in the calls of a run that was killed and resumed."""
    usage = _read_run(folder)["usage"]
    counted = tuple(usage[name] for name in ("calls", "prompt_tokens", "output_tokens"))
    with closing(open_run_to_read(folder)) as run:
        summed = run.row(_SUMS)
        repeated = run.value(_REPEATED)
    if repeated:
        yield f"{repeated} requests were sent again that had been answered"
    if counted != summed:
        yield f"run.json counts {counted}, its calls add up to {summed}"


def play_job(current: Round, undisturbed: Path) -> Iterator[str]:
    """Kill a service repeatedly while it processes a job, and yield the faults."""
    job = ""
    for _ in range(_KILLS_OF_JOB):
        with _serve(current, current.limit) as (client, running):
            if not job:
                kind = {"content-type": "application/x-ndjson"}
                body = current.records.read_bytes()
                made = client.post("/v1/jobs?effort=full", content=body, headers=kind)
                job = f"/v1/jobs/{made.json()['id']}"
            current.kill(running)
    with _serve(current, current.limit) as (client, running):
        ended = _await_end(client, job)
        running.send_signal(signal.SIGTERM)
        running.wait(_LONGEST_S)
    if ended["state"] not in ("done", "paused"):
        yield f"the job was {ended['state']}: {ended['reason']}"
    with closing(sqlite3.connect(current.folder / "root" / "service.sqlite")) as book:
        spent = book.execute("SELECT sum(dollars) FROM spending").fetchone()[0]
    yield from current.check_money(spent)
    with _serve(current, current.limit + 1000) as (client, _):
        ended = _await_end(client, job)
        found = client.get(f"{job}/results").text.splitlines()
    wanted = (undisturbed / "extractions.jsonl").read_text("utf-8").splitlines()
    ids = [
        [json.loads(line)["record_id"] for line in lines] for lines in (found, wanted)
    ]
    if ended["state"] != "done" or ids[0] != ids[1]:
        state = f"{ended['state']} ({ended['reason']})"
        yield f"the job was {state} with {len(found)} of {len(wanted)} results"


@contextmanager
def _serve(
    current: Round, limit: float
) -> Iterator[tuple[httpx2.Client, subprocess.Popen[str]]]:
    """Start the service, and yield a client and the process."""
    command = [sys.executable, "-m", "extractor", "serve", "--port", "0"]
    command += ["--workers", "1", "--root", str(current.folder / "root")]
    command += current.list_options(limit)
    running = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"EXTRACTOR_TOKEN": _TOKEN},
    )
    with running:
        try:
            assert running.stdout
            url = running.stdout.readline().strip()
            key = {"authorization": f"Bearer {_TOKEN}"}
            with httpx2.Client(
                base_url=url, headers=key, timeout=60, trust_env=False
            ) as client:
                yield client, running
        finally:
            running.kill()


def _await_end(client: httpx2.Client, job: str) -> Any:
    """Wait until a job ends, and return its state."""
    while True:
        found = client.get(job).json()
        if found["state"] not in ("queued", "running"):
            return found
        time.sleep(0.1)


if __name__ == "__main__":
    main()
