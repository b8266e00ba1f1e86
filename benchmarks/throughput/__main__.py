"""How fast a run asks, against a server on loopback that takes its time for each answer.

    python -m benchmarks.throughput [--records 5000] [--concurrency 64] [--latency 0.2] [--large 50000] [--compare]

Each record is small, has a text of its own and one open question, so that each costs one call. Printed are calls a
second from the first question to the last answer, their share of what latency and concurrency allow, CPU time a call
(without the start of the program) of all processes and of the one that asks, and the peak memory of all together.
With ``--large`` the same for so many records, and how much memory grew; with ``--compare`` the same for a plain loop
over instructor and for langextract (extra ``compare``), which get ``--peer-records`` of the same records in the same
run.

The figures are those of a quiet machine only: the load is printed beside them.
"""

import argparse
import os
import tempfile
from importlib.util import find_spec
from pathlib import Path

from .driving import Driven, Load, drive
from .records import write_open_records
from .server import serve_slowly

_PEERS = ("instructor", "langextract")


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--records", type=int, default=5000)
    arguments.add_argument("--concurrency", type=int, default=64)
    arguments.add_argument("--latency", type=float, default=0.2, help="seconds that an answer takes")
    arguments.add_argument("--large", type=int, help="so many records as well, for the growth of memory")
    arguments.add_argument("--compare", action="store_true", help="drive instructor and langextract, too")
    arguments.add_argument("--peer-records", type=int, default=1000)
    chosen = arguments.parse_args()
    if chosen.compare and not find_spec("langextract"):
        arguments.error("--compare needs the extra 'compare': pip install '.[compare]'")
    with tempfile.TemporaryDirectory() as folder, serve_slowly(chosen.latency) as server:
        measure(Path(folder), server, chosen)


def measure(folder: Path, server: str, chosen: argparse.Namespace) -> None:
    """Drive all that is asked for, one after the other, and print a line for each."""
    records = folder / "records.jsonl"
    write_open_records(records, max(chosen.records, chosen.large or 0))
    load = Load(records, chosen.records, chosen.concurrency, chosen.latency)
    print(f"{load.concurrency} at once, {load.latency:g} s each: at most {load.ideal:.0f} calls/s")
    print("program       calls  calls/s of ideal CPU ms/call that asks   MiB      s  load")
    usual = _show(drive("extractor", load, server, folder))
    if chosen.large:
        large = _show(drive("extractor", Load(records, chosen.large, load.concurrency, load.latency), server, folder))
        print(f"memory at {chosen.large} records is {large.memory / usual.memory - 1:+.1%} of that at {load.count}")
    for peer in _PEERS if chosen.compare else ():
        _show(drive(peer, Load(records, chosen.peer_records, load.concurrency, load.latency), server, folder))


def _show(driven: Driven) -> Driven:
    figures = f"{driven.calls:6} {driven.rate:8.1f} {driven.share:8.1%} {driven.cpu_ms:11.2f} {driven.asking_ms:9.2f}"
    beside = f"{driven.memory:5.0f} {driven.seconds:6.1f} {os.getloadavg()[0]:5.1f}"
    print(f"{driven.program:12} {figures} {beside}", flush=True)
    return driven


if __name__ == "__main__":
    main()
