"""What a review of many records costs: its start, the queue, a search, a record.

    python -m benchmarks.review_queue [--records 2000]

Prints times of one core and the memory that stays, measured in this process over a run of synthetic records.
"""

import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import psutil

from benchmarks.data import option_parser
from benchmarks.processes import run_command
from benchmarks.records import write_distinct_records
from extractor.review.changes import Review
from extractor.review.journal import Journal
from extractor.review.queue import RunRecords

_T = TypeVar("_T")


def main() -> None:
    """Print the figures."""
    parser = option_parser(__doc__)
    parser.add_argument("--records", type=int, default=2000)
    count = parser.parse_args().records
    with tempfile.TemporaryDirectory() as folder:
        run = make_run(Path(folder), count)
        print(f"{count:,} records, {(run / 'extractions.jsonl').stat().st_size / count / 1000:,.0f} kB of results each")
        before = psutil.Process().memory_info().rss
        records = timed("start", lambda: RunRecords(run))
        print(f"memory that stays: {(psutil.Process().memory_info().rss - before) / 1e6:,.0f} MB")
        with closing(Journal(Path(folder, "journal.sqlite"))) as journal:
            review = Review(records, Path(folder), journal, "nobody")
            first, second = (row["record"] for row in timed("page of the queue", review.list_queue)["records"][:2])
            timed("search", lambda: review.list_queue("part 19"))
            review.describe(first)  # the first record of a process loads the rules
            timed("record", lambda: review.describe(second))


def timed(name: str, make: Callable[[], _T]) -> _T:
    """Make something and print the time of one core that it takes."""
    begun = time.process_time()
    made = make()
    print(f"{name}: {1000 * (time.process_time() - begun):,.1f} ms")
    return made


def make_run(folder: Path, count: int) -> Path:
    """A run over ``count`` synthetic records by the rules alone, made in a process of its own."""
    records, run = folder / f"{count}.jsonl", folder / f"run-{count}"
    write_distinct_records(records, count)
    subprocess.run(run_command(records, "--assist", "never", "--out", run), check=True)
    return run


if __name__ == "__main__":
    main()
