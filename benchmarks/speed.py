"""Measure how fast records are read, parsed, assembled, audited and written without a model, on one
core.

    python -m benchmarks.speed --data DIR [--records N]

Prints the CPU time of each stage over the first N records of the folder's
``records/ctgov_v2.jsonl.gz``, and of the whole command ``extractor run --effort none``.
"""

import os
import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.data import format_table, parse_options

# one core, also for matrices: before anything loads them
os.environ.setdefault("OMP_NUM_THREADS", "1")

from benchmarks.processes import cpu_seconds, run_command, time_work
from extractor.assembly.assemble import ModelResult, assemble_extraction
from extractor.audit import audit_extraction
from extractor.concepts.parse import parse_record
from extractor.formats import read_records


def main() -> None:
    """Print the table."""
    chosen = parse_options(__doc__, data=..., records=int)
    path = chosen.data / "records" / "ctgov_v2.jsonl.gz"
    print(
        format_table(
            ("stage", "records/s", "ms/record"), measure_stages(path, chosen.records)
        )
    )


def measure_stages(path: Path, limit: int | None = None) -> list[tuple[str, str, str]]:
    """Measure records per second and CPU milliseconds per record of each stage, over a file's
    first records.
    """
    records = list[Any]()
    parsed = list[Any]()
    extractions = list[Any]()
    parse_record(next(read_records(path)))  # loads the rules
    stages: dict[str, Callable[[], object]] = {
        "read": lambda: records.extend(islice(read_records(path), limit)),
        "parse": lambda: parsed.extend(map(parse_record, records)),
        "assemble": lambda: extractions.extend(
            assemble_extraction(one, ModelResult()) for one in parsed
        ),
        "audit": lambda: [
            audit_extraction(*pair) for pair in zip(parsed, extractions, strict=True)
        ],
        "write": lambda: [one.model_dump_json() for one in extractions],
    }
    seconds = {name: time_work(work) for name, work in stages.items()}
    seconds |= {
        "read + parse": seconds["read"] + seconds["parse"],
        "all": sum(seconds.values()),
    }
    limits = () if limit is None else ("--limit", limit)
    with tempfile.TemporaryDirectory() as folder:
        command = run_command(path, "--out", folder, "--effort", "none", *limits)
        seconds["extractor run, with its start"] = cpu_seconds(command)
    count = len(records)
    return [
        (name, f"{count / spent:,.0f}", f"{1000 * spent / count:.2f}")
        for name, spent in seconds.items()
    ]


if __name__ == "__main__":
    main()
