"""Kill runs and a service at random moments, and check that nothing is lost, sent again or left out
of the bill.

    python -m benchmarks.soak [--minutes 20] [--records 150] [--latency 1] [--seed 0]

A server on loopback counts its answers and what they cost. Rounds follow one another until the time
is over.

A round of ``extractor run``: with a limit of money, it is ended ten times at random moments, mostly
by ``kill -9``, else by Ctrl-C or SIGTERM, and goes on each time with the same command, until it
ends or its limit is reached. Then the limit is lifted. Checked are:

- what the server's answers cost is at most what ``run.json`` counts, calls without a reply
  included, and at most the limit and one call;
- in the end, the results are those of an undisturbed run byte for byte, no answered request was
  sent again, and ``run.json`` counts the calls in the store.

A round of ``extractor serve``: a job, with a limit of money over all starts; the service is ended
five times in the same ways. Checked is the same for its money, and with the limit lifted, the job
ends with all its results.

Prints a line for each round. If anything is wrong, exits with 1 and prints the reasons.
"""

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import httpx2

from benchmarks.data import parse_options
from benchmarks.processes import run_command
from benchmarks.records import write_distinct_records
from benchmarks.servers import CountingServer, serve_counting
from extractor.model.database import open_run_to_read

_ENDS = (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
_PRICES = "as_of = 2026-11-01\n[model.stub]\nprompt = 2\noutput = 10\n"
_CONCURRENCY = 8
_RUN_KILLS = 10
_JOB_KILLS = 5
_LONGEST_S = 120.0
_ONE_CALL_USD = 0.1
_TOKEN = "operator-of-the-soak"
_SUMS = "SELECT sum(exchanges), sum(prompt_tokens), sum(output_tokens) FROM calls"
_REPEATED = """
SELECT count(*) FROM calls AS later WHERE EXISTS (SELECT 1 FROM calls AS earlier
WHERE earlier.key = later.key AND earlier.id < later.id AND earlier.state = 'answered')
"""


@dataclass(frozen=True, slots=True)
class Round:
    """The records of a round, its server, its folder and its lots."""

    records: Path
    server: CountingServer
    folder: Path
    rng: random.Random

    @property
    def options(self) -> list[str]:
        """The model of the commands, and its prices."""
        prices = self.folder / "prices.toml"
        prices.write_text(_PRICES)
        model = ["--model", f"{self.server.url}#stub", "--prices", str(prices)]
        return [*model, "--concurrency", str(_CONCURRENCY)]

    @property
    def worth(self) -> float:
        """What all answers of the server cost, in dollars."""
        tokens = self.server.tokens
        return (2 * tokens["prompt_tokens"] + 10 * tokens["completion_tokens"]) / 1e6

    def end(self, running: subprocess.Popen[str]) -> str:
        """End a process some time after its next request, and return how; or return that it had
        ended by itself.
        """
        before = self.server.calls
        until = time.monotonic() + _LONGEST_S
        while (
            self.server.calls == before
            and running.poll() is None
            and time.monotonic() < until
        ):
            time.sleep(0.005)
        time.sleep(self.rng.uniform(0, 3))
        if running.poll() is not None:
            return "itself"
        number = self.rng.choice(_ENDS)
        running.send_signal(number)
        running.wait(_LONGEST_S)
        return number.name


def main() -> None:
    """Print the figures."""
    chosen = parse_options(__doc__, minutes=20.0, records=150, latency=1.0, seed=0)
    with tempfile.TemporaryDirectory() as folder:
        raise SystemExit(soak(Path(folder), chosen))


def soak(folder: Path, chosen: argparse.Namespace) -> int:
    """Compare rounds with an undisturbed run, and return the exit code."""
    # The server answers a part of the questions with nonsense, by design; that is no reason to end
    # with 1.
    os.environ["EXTRACTOR_MAX_LACKING"] = "1"
    records = folder / "records.jsonl"
    undisturbed = folder / "undisturbed"
    until = time.monotonic() + 60 * chosen.minutes
    faults = 0
    write_distinct_records(records, chosen.records)
    with serve_counting() as server:
        first = Round(records, server, folder, random.Random(0))
        subprocess.run(_command(first, undisturbed, None), check=True)
        full = first.worth
    for number, play in enumerate(cycle((play_run, play_job))):
        if time.monotonic() > until and number > 1:
            break
        rng = random.Random(f"{chosen.seed} {number}")
        place = folder / f"round-{number}"
        place.mkdir()
        with serve_counting(chosen.latency) as server:
            one = Round(records, server, place, rng)
            # by calls without a reply
            lost = rng.uniform(0.2, 1) * _RUN_KILLS * _CONCURRENCY * _ONE_CALL_USD / 2
            limit = rng.uniform(0.4, 1.2) * full + lost
            found = list(play(one, limit, undisturbed))
        faults += len(found)
        told = "; ".join(found) or "all is well"
        print(f"round {number}, {play.__name__[5:]}: {told}", flush=True)
    print(f"{number} rounds, {faults} faults")
    return 1 if faults else 0


def _command(one: Round, out: Path, limit: float | None) -> list[str]:
    options = [one.records, "--effort", "all", *one.options]
    if limit is not None:
        options += ["--max-usd", f"{limit:.4f}"]
    return run_command(*options, "--out", out)


def play_run(one: Round, limit: float, undisturbed: Path) -> Iterator[str]:
    """End a run again and again, and yield what is wrong."""
    out = one.folder / "run"
    command = _command(one, out, limit)
    ends = list[str]()
    for _ in range(_RUN_KILLS):
        quiet = subprocess.DEVNULL
        with subprocess.Popen(command, stderr=quiet, text=True) as running:
            ends.append(one.end(running))
        if running.returncode in (0, 3):
            break
    code = subprocess.run(command, check=False).returncode
    cost = json.loads((out / "run.json").read_text("utf-8"))["cost"]
    counted = cost["usd"] + cost["usd_without_reply"]
    _tell(ends, str(code), one.worth, counted, limit)
    if code not in (0, 3):
        yield f"the run ended with {code}"
    yield from _check_money(one.worth, counted, limit)
    subprocess.run(_command(one, out, None), check=True)
    yield from find_faults(out, undisturbed)


def _tell(
    ends: Sequence[str], last: str, worth: float, counted: float, limit: float
) -> None:
    money = f"the answers cost ${worth:.4f}, counted are ${counted:.4f}, the limit is ${limit:.4f}"
    print(f"  ended by {', '.join(ends)}, then {last}: {money}", flush=True)


def play_job(one: Round, limit: float, undisturbed: Path) -> Iterator[str]:
    """End a service again and again while it works on a job, and yield what is wrong."""
    root = one.folder / "root"
    job_id = ""
    ends = list[str]()
    for _ in range(_JOB_KILLS):
        with _serve(one, root, limit) as (client, running):
            if not job_id:
                kind = {"content-type": "application/x-ndjson"}
                body = one.records.read_bytes()
                made = client.post("/v1/jobs?effort=all", content=body, headers=kind)
                job_id = made.json()["id"]
            ends.append(one.end(running))
    with _serve(one, root, limit) as (client, running):
        state = _await_end(client, job_id)
        running.send_signal(signal.SIGTERM)
        running.wait(_LONGEST_S)
    with closing(sqlite3.connect(root / "service.sqlite")) as book:
        spent = book.execute("SELECT sum(dollars) FROM spending").fetchone()[0]
    _tell(ends, state, one.worth, spent, limit)
    if state not in ("done", "paused"):
        yield f"the job was {state}"
    yield from _check_money(one.worth, spent, limit)
    with _serve(one, root, limit + 1000) as (client, _):
        state = _await_end(client, job_id)
        found = _list_ids(client.get(f"/v1/jobs/{job_id}/results").text)
    wanted = _list_ids((undisturbed / "extractions.jsonl").read_text("utf-8"))
    if state != "done" or found != wanted:
        yield f"the job was {state} with {len(found)} of {len(wanted)} results"


def _list_ids(extractions: str) -> list[str]:
    return [json.loads(line)["record_id"] for line in extractions.splitlines()]


@contextmanager
def _serve(
    one: Round, root: Path, limit: float
) -> Iterator[tuple[httpx2.Client, subprocess.Popen[str]]]:
    """Start the service, and yield a client of it."""
    command = [sys.executable, "-m", "extractor", "serve", "--port", "0"]
    command += ["--root", str(root), "--workers", "1", *one.options]
    running = subprocess.Popen(
        [*command, "--max-usd", f"{limit:.4f}"],
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


def _await_end(client: httpx2.Client, job_id: str) -> str:
    while True:
        state = str(client.get(f"/v1/jobs/{job_id}").json()["state"])
        if state not in ("queued", "running"):
            return state
        time.sleep(0.1)


def _check_money(worth: float, counted: float, limit: float) -> Iterator[str]:
    if worth > counted + 1e-9:
        yield f"${worth - counted:.6f} are not counted"
    if worth > limit + _ONE_CALL_USD:
        yield f"the server's answers cost ${worth:.4f}, and the limit is ${limit:.4f}"


def find_faults(folder: Path, undisturbed: Path) -> Iterator[str]:
    """Describe what is wrong with a run that was ended and resumed. ``undisturbed`` is one of
    the same records.
    """
    usage = json.loads((folder / "run.json").read_text("utf-8"))["usage"]
    counted = tuple(usage[name] for name in ("calls", "prompt_tokens", "output_tokens"))
    with closing(open_run_to_read(folder)) as run:
        summed = run.row(_SUMS)
        repeated = run.value(_REPEATED)
    results = [path / "extractions.jsonl" for path in (folder, undisturbed)]
    if results[0].read_bytes() != results[1].read_bytes():
        yield "the results are not those of an undisturbed run"
    if repeated:
        yield f"{repeated} requests were sent again that had been answered"
    if counted != summed:
        yield f"run.json counts {counted}, its calls add up to {summed}"


if __name__ == "__main__":
    main()
