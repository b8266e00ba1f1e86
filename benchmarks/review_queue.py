"""Measure a review of many records: its start, the queue, a record.

    python -m benchmarks.review_queue [--records 2000]

Prints core times and retained memory, measured in this process over a run of synthetic records.
"""

import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil

from benchmarks.data import parse_options
from benchmarks.processes import time_work
from benchmarks.records import make_run
from extractor.review.changes import Review
from extractor.review.journal import Journal
from extractor.review.queue import RunRecords


def main() -> None:
    """Print the figures."""
    count = parse_options(__doc__, records=2000).records
    opened: list[RunRecords] = []

    def show(name: str, work: Callable[[], object]) -> None:
        print(f"{name}: {1000 * time_work(work):,.1f} ms")

    with tempfile.TemporaryDirectory() as folder, closing(Journal(Path(folder, "journal.sqlite"))) as journal:
        run = make_run(Path(folder), count)
        print(f"{count:,} records, {(run / 'extractions.jsonl').stat().st_size / count / 1000:,.0f} kB of results each")
        before = psutil.Process().memory_info().rss
        show("start", lambda: opened.append(RunRecords(run)))
        print(f"memory that stays: {(psutil.Process().memory_info().rss - before) / 1e6:,.0f} MB")
        review = Review(opened[0], Path(folder), journal, "nobody")
        show("queue", review.list_queue)
        first, second = list(opened[0].doubts)[:2]
        review.describe(first)  # the first record of a process loads the rules
        show("record", lambda: review.describe(second))


if __name__ == "__main__":
    main()
