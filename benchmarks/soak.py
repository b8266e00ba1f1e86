"""Kill a run repeatedly, resume it each time, and check that nothing is lost or asked twice.

    python -m benchmarks.soak [--kills 20] [--records 300] [--latency 0.2] [--seed 0]

A server on loopback answers the questions of synthetic records, each after ``--latency`` seconds; some of its answers
are broken or refused. The run is killed (SIGKILL) at random moments and started again, always with the same command.
At the end its results must equal those of an undisturbed run byte for byte, no request with a good answer may have been
sent again, and ``run.json`` must count the calls that were made. If not, exits with 1 and prints the reasons.
"""

import argparse
import json
import random
import subprocess
import tempfile
import time
from contextlib import closing
from pathlib import Path

from benchmarks.data import parse_options
from benchmarks.processes import run_command
from benchmarks.records import write_distinct_records
from benchmarks.servers import CountingServer, serve_counting
from extractor.llm.database import open_run_to_read

_CONCURRENCY = 8
_START_S, _IDLE_S = 2.0, 60.0


def main() -> None:
    """Print the figures."""
    chosen = parse_options(__doc__, kills=20, records=300, latency=0.2, seed=0)
    with tempfile.TemporaryDirectory() as folder:
        raise SystemExit(soak(Path(folder), chosen))


def soak(folder: Path, chosen: argparse.Namespace) -> int:
    """Compare an undisturbed run with a killed one, and return the exit code."""
    records, calls = folder / "records.jsonl", 0
    write_distinct_records(records, chosen.records)
    for name, kills in (("undisturbed", 0), ("killed", chosen.kills)):
        with serve_counting(chosen.latency) as server:
            options = ("--assist", "always", "--concurrency", _CONCURRENCY, "--model", f"{server.url}#stub")
            work = 2 * calls * chosen.latency / _CONCURRENCY / max(1, kills)
            command, begun = run_command(records, *options, "--out", folder / name), time.monotonic()
            killed = run_killed(command, server, kills=kills, work=work, seed=chosen.seed)
        calls = server.calls
        times = f" {killed} times" if kills else ""
        print(f"{name}{times}: {chosen.records} records, {calls} calls, {time.monotonic() - begun:.0f} s")
    faults = find_faults(folder / "killed", folder / "undisturbed", server, killed * _CONCURRENCY)
    print("\n".join(faults) or "all is well: no answered request was sent again, and the results are the same")
    return 1 if faults else 0


def run_killed(command: list[str], server: CountingServer, *, kills: int, work: float, seed: int = 0) -> int:
    """Start the command and kill it ``kills`` times, each at most ``work`` seconds after the first request of a start.

    One start in five is killed before its first request. Finally the command runs to its end. Returns the number of
    kills that found it alive. Raises ``RuntimeError`` if the last start fails.
    """
    rng = random.Random(seed)
    killed = 0
    for _ in range(kills):
        with subprocess.Popen(command, stdin=subprocess.DEVNULL) as running:
            if rng.random() < 0.2:
                time.sleep(rng.uniform(0, _START_S))
            else:
                before, until = server.calls, time.monotonic() + _IDLE_S
                while server.calls == before and running.poll() is None and time.monotonic() < until:
                    time.sleep(0.005)
                time.sleep(rng.uniform(0, work))
            killed += running.poll() is None
            running.kill()
    ended = subprocess.run(command, check=False)
    if ended.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {ended.returncode}")
    return killed


def find_faults(folder: Path, undisturbed: Path, server: CountingServer, in_flight: int) -> list[str]:
    """Describe the faults of a killed run; empty if there are none.

    ``undisturbed`` is the folder of a run of the same records, ``in_flight`` the most calls that kills may have cut.
    """
    usage = json.loads((folder / "run.json").read_text("utf-8"))["usage"]
    counted = tuple(usage[name] for name in ("calls", "prompt_tokens", "output_tokens"))
    with closing(open_run_to_read(folder)) as run:
        summed = run.row("SELECT sum(exchanges), sum(prompt_tokens), sum(output_tokens) FROM calls")
        answers = run.value("SELECT coalesce(sum(exchanges), 0) FROM calls")
        unanswered = run.value("SELECT count(*) FROM calls WHERE answer IS NULL")
        repeated = run.value(
            "SELECT count(*) FROM calls AS later WHERE EXISTS (SELECT 1 FROM calls AS earlier"
            " WHERE earlier.key = later.key AND earlier.id < later.id AND earlier.state = 'answered')"
        )
    results = {(path / "extractions.jsonl").read_bytes() for path in (folder, undisturbed)}
    # A call that a kill cut may have been asked once more, because its first answer broke the schema.
    most = answers + 2 * unanswered
    came = f"the server was asked {server.calls} times, the store knows of {answers} answers, {unanswered} are missing"
    faults = {
        "the results are not those of an undisturbed run": len(results) > 1,
        f"{repeated} requests were sent again that had been answered": repeated > 0,
        f"{unanswered} calls are without a reply, more than were in flight": unanswered > in_flight,
        came: not answers <= server.calls <= most,
        f"run.json counts {counted}, its calls add up to {summed}": counted != summed,
    }
    return [fault for fault, is_found in faults.items() if is_found]


if __name__ == "__main__":
    main()
