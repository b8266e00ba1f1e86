"""Kill a run again and again, resume it each time, and see whether anything is lost or asked twice.

    python -m benchmarks.soak [--kills 20] [--records 300]

A server on loopback answers the questions of synthetic records, each after ``--latency`` seconds; some of its answers
are broken or refused. The run is killed (SIGKILL) at random moments and started again, always with the same command.
At the end its results must be those of an undisturbed run byte for byte, no request that had a good answer may have
been sent again, and ``run.json`` must count the calls that were made. Exits with 1, and says why, if not.
"""

import argparse
import tempfile
import time
from pathlib import Path

from .figures import judge_soaked, measure_soaked
from .killing import Killing, run_command, run_killed
from .records import write_distinct_records
from .server import serve_counting

_CONCURRENCY = 8


def main() -> None:
    """Print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--kills", type=int, default=20)
    arguments.add_argument("--records", type=int, default=300)
    arguments.add_argument("--latency", type=float, default=0.2, help="seconds that an answer takes")
    arguments.add_argument("--seed", type=int, default=0, help="of the moments at which it is killed")
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        raise SystemExit(soak(Path(folder), chosen))


def soak(folder: Path, chosen: argparse.Namespace) -> int:
    """Run undisturbed, run killed, compare; the exit code."""
    records = folder / "records.jsonl"
    write_distinct_records(records, chosen.records)
    options = ("--assist", "always", "--concurrency", str(_CONCURRENCY))
    with serve_counting(chosen.latency) as server:
        since = time.monotonic()
        run_killed(run_command(records, folder / "undisturbed", server, *options), server, Killing(0, 0))
        seconds, calls = time.monotonic() - since, server.calls
    with serve_counting(chosen.latency) as server:
        command = run_command(records, folder / "killed", server, *options)
        work = 2 * calls * chosen.latency / _CONCURRENCY / max(1, chosen.kills)
        killed = run_killed(command, server, Killing(chosen.kills, work, chosen.seed))
        soaked = measure_soaked(folder / "killed", folder / "undisturbed", server)
    print(f"undisturbed: {chosen.records} records, {calls} calls, {seconds:.0f} s")
    print(f"killed {killed} times: {soaked.asked} calls came to the server, {soaked.unanswered} in flight at a kill")
    print(f"answered requests sent again: {soaked.repeated}; same results: {'yes' if soaked.same_results else 'no'}")
    wrong = list(judge_soaked(soaked, killed, _CONCURRENCY))
    print("\n".join(wrong) or "all is well")
    return 1 if wrong else 0


if __name__ == "__main__":
    main()
