"""Kill a run again and again, resume it each time, and see whether anything is lost or asked twice.

    python -m benchmarks.soak [--kills 20] [--records 300] [--latency 0.2] [--seed 0]

A server on loopback answers the questions of synthetic records, each after ``--latency`` seconds; some of its answers
are broken or refused. The run is killed (SIGKILL) at random moments and started again, always with the same command.
At the end its results must be those of an undisturbed run byte for byte, no request that had a good answer may have
been sent again, and ``run.json`` must count the calls that were made. Exits with 1, and says why, if not.
"""

import argparse
import json
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.data import option_parser
from benchmarks.processes import run_command
from benchmarks.records import write_distinct_records
from benchmarks.servers import CountingServer, serve_counting
from extractor.llm.database import open_run_to_read

_CONCURRENCY = 8
_START_S, _IDLE_S = 2.0, 60.0


def main() -> None:
    """Print the figures."""
    parser = option_parser(__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--records", type=int, default=300)
    parser.add_argument("--latency", type=float, default=0.2, help="seconds that an answer takes")
    parser.add_argument("--seed", type=int, default=0, help="of the moments at which it is killed")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        raise SystemExit(soak(Path(folder), chosen))


def soak(folder: Path, chosen: argparse.Namespace) -> int:
    """Run undisturbed, run killed, compare; the exit code."""
    records = folder / "records.jsonl"
    write_distinct_records(records, chosen.records)
    options = (records, "--assist", "always", "--concurrency", _CONCURRENCY)
    with serve_counting(chosen.latency) as server:
        begun = time.monotonic()
        command = run_command(*options, "--out", folder / "undisturbed", "--model", f"{server.url}#stub")
        run_killed(command, server, kills=0, work=0)
        seconds, calls = time.monotonic() - begun, server.calls
    with serve_counting(chosen.latency) as server:
        command = run_command(*options, "--out", folder / "killed", "--model", f"{server.url}#stub")
        work = 2 * calls * chosen.latency / _CONCURRENCY / max(1, chosen.kills)
        killed = run_killed(command, server, kills=chosen.kills, work=work, seed=chosen.seed)
        soaked = measure_soaked(folder / "killed", folder / "undisturbed", server)
    print(f"undisturbed: {chosen.records} records, {calls} calls, {seconds:.0f} s")
    print(f"killed {killed} times: {soaked.asked} calls came to the server, {soaked.unanswered} in flight at a kill")
    print(f"answered requests sent again: {soaked.repeated}; same results: {'yes' if soaked.same_results else 'no'}")
    wrong = list(judge_soaked(soaked, killed, _CONCURRENCY))
    print("\n".join(wrong) or "all is well")
    return 1 if wrong else 0


def run_killed(command: list[str], server: CountingServer, *, kills: int, work: float, seed: int = 0) -> int:
    """Start the command and kill it so many times, each at most ``work`` seconds after the first request of a start.

    One start in five is killed before its first request. At last the command runs to its end. Returns how many kills
    found it alive. Raises ``RuntimeError`` if the last start fails.
    """
    lots = random.Random(seed)
    killed = 0
    for _ in range(kills):
        with subprocess.Popen(command, stdin=subprocess.DEVNULL) as running:
            if lots.random() < 0.2:
                time.sleep(lots.uniform(0, _START_S))
            else:
                _wait_for_request(running, server)
                time.sleep(lots.uniform(0, work))
            killed += running.poll() is None
            running.kill()
    ended = subprocess.run(command, check=False)
    if ended.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {ended.returncode}")
    return killed


def _wait_for_request(running: "subprocess.Popen[bytes]", server: CountingServer) -> None:
    before, until = server.calls, time.monotonic() + _IDLE_S
    while server.calls == before and running.poll() is None and time.monotonic() < until:
        time.sleep(0.005)


@dataclass(frozen=True)
class Soaked:
    """Figures of one run's folder, and of the server that it asked.

    ``calls`` are noted in the store, ``unanswered`` of them have no reply; ``asked`` came to the server. ``repeated``
    are requests that had a good answer already when they were sent. ``counted`` is what ``run.json`` says, ``summed``
    what the calls in the store add up to: calls, prompt tokens, output tokens.
    """

    same_results: bool
    calls: int
    unanswered: int
    asked: int
    repeated: int
    counted: tuple[int, int, int]
    summed: tuple[int, int, int]


def measure_soaked(folder: Path, undisturbed: Path, server: CountingServer) -> Soaked:
    """The figures of ``folder``, held against a run of the same records that nothing disturbed."""
    results = [(path / "extractions.jsonl").read_bytes() for path in (folder, undisturbed)]
    usage = json.loads((folder / "run.json").read_text("utf-8"))["usage"]
    with closing(open_run_to_read(folder)) as run:
        sums = "sum(exchanges), sum(prompt_tokens), sum(output_tokens)"
        summed = run.row(f"SELECT {sums} FROM calls") or (0, 0, 0)
        return Soaked(
            same_results=results[0] == results[1],
            calls=run.value("SELECT count(*) FROM calls"),
            unanswered=run.value("SELECT count(*) FROM calls WHERE status IS NULL"),
            asked=server.calls,
            repeated=run.value(
                "SELECT count(*) FROM calls AS later WHERE EXISTS (SELECT 1 FROM calls AS earlier JOIN chains"
                " ON chains.id = earlier.chain WHERE earlier.key = later.key AND earlier.id < later.id"
                " AND earlier.status = 200 AND verdict = 'valid')"
            ),
            counted=(usage["calls"], usage["prompt_tokens"], usage["output_tokens"]),
            summed=summed,
        )


def judge_soaked(soaked: Soaked, killed: int, concurrency: int) -> Iterator[str]:
    """What is wrong, in words; nothing if all is well."""
    if not soaked.same_results:
        yield "the results are not those of an undisturbed run"
    if soaked.repeated:
        yield f"{soaked.repeated} requests were sent again that had been answered"
    if soaked.unanswered > killed * concurrency:
        yield f"{soaked.unanswered} calls are without a reply, more than were in flight at {killed} kills"
    if not soaked.calls - soaked.unanswered <= soaked.asked <= soaked.calls:
        yield f"the server was asked {soaked.asked} times, the store knows of {soaked.calls}"
    if soaked.counted != soaked.summed:
        yield f"run.json counts {soaked.counted}, its calls add up to {soaked.summed}"


if __name__ == "__main__":
    main()
