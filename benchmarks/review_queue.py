"""What a review of many records costs: its start, the queue, a search, a record.

    python -m benchmarks.review_queue [--records 2000]

Prints times of one core and the memory that stays, measured in this process over a run of synthetic records.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import psutil

from benchmarks.soak.records import write_distinct_records
from extractor.review.changes import Review
from extractor.review.journal import Journal
from extractor.review.queue import RunRecords

MEGA = 1000**2
Made = TypeVar("Made")


def main() -> None:
    """Print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--records", type=int, default=2000)
    count = arguments.parse_args().records
    with tempfile.TemporaryDirectory() as folder:
        measure(make_run(Path(folder), count), Path(folder), count)


def measure(run: Path, gold: Path, count: int) -> None:
    """Print what each thing costs that a reviewer does first."""
    size = (run / "extractions.jsonl").stat().st_size
    print(f"{count:,} records, {size / count / 1000:,.0f} kB of results each")
    before = psutil.Process().memory_info().rss
    records = tell("start", lambda: RunRecords(run))
    print(f"memory that stays: {(psutil.Process().memory_info().rss - before) / MEGA:,.0f} MB")
    with closing(Journal(gold / "journal.sqlite")) as journal:
        desk = Review(records, gold, journal, "nobody")
        first, second = (row["record"] for row in tell("page of the queue", desk.list_queue)["records"][:2])
        tell("search", lambda: desk.list_queue("part 19"))
        desk.describe(first)  # the first record of a process loads the rules
        tell("record", lambda: desk.describe(second))


def tell(name: str, make: Callable[[], Made]) -> Made:
    """Make something and print the time of one core that it takes."""
    since = time.process_time()
    made = make()
    print(f"{name}: {1000 * (time.process_time() - since):,.1f} ms")
    return made


def make_run(folder: Path, count: int) -> Path:
    """A run over synthetic records, made in a process of its own."""
    records, run = folder / "records.jsonl", folder / "run"
    write_distinct_records(records, count)
    words = [sys.executable, "-m", "extractor", "run", str(records), "--assist", "never", "--out", str(run), "-q"]
    subprocess.run(words, check=True)
    return run


if __name__ == "__main__":
    main()
