"""What each stage costs over real records."""

import gzip
import json
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

from benchmarks.footprint import cpu_seconds
from extractor.assemble import ModelResult, assemble_extraction
from extractor.parse import parse_record
from extractor.read import read_records
from extractor.schemas import TrialRecord

from .counting import count_calls

__all__ = ["Stage", "Stages", "measure_stages"]

_TOKEN = re.compile(r"\w+|[^\w\s]")
_COUNTED = 100
"""How many records' function calls are counted: counting slows the work down several times."""
_STAGES = ("read", "parse", "assemble", "write")


@dataclass(frozen=True)
class Stage:
    """A stage's CPU seconds over all records, and its function calls a record."""

    name: str
    seconds: float
    calls: float


@dataclass(frozen=True)
class Stages:
    """``first`` is what the first record costs on top: what is loaded and compiled when it is needed.

    ``yardstick`` is the CPU time of decoding and tokenising the same records, ``command`` that of the whole
    ``extractor run``.
    """

    records: int
    characters: int
    stages: tuple[Stage, ...]
    first: float
    yardstick: float
    command: float


def measure_stages(path: Path, limit: int | None = None) -> Stages:
    """Run the stages over the records of a JSONL file that is packed with gzip."""
    clock = time.process_time
    begun = clock()
    list(_run_stages(next(read_records(path))))
    first = clock() - begun
    seconds = dict.fromkeys(_STAGES, 0.0)
    records = characters = 0
    reading = islice(read_records(path), limit)
    marks = [clock()]
    for record in reading:
        marks += (clock(), *(clock() for _ in _run_stages(record)))
        for name, (before, after) in zip(_STAGES, pairwise(marks), strict=True):
            seconds[name] += after - before
        records += 1
        characters += sum(len(section.text) for section in record.sections)
        marks = [clock()]
    calls = _count(path)
    stages = tuple(Stage(name, seconds[name], calls[name]) for name in _STAGES)
    return Stages(records, characters, stages, first, _measure_yardstick(path, limit), _measure_command(path, limit))


def _run_stages(record: TrialRecord) -> Iterator[str]:
    """Parse, assemble and write, giving way after each."""
    parsed = parse_record(record)
    yield "parse"
    extraction = assemble_extraction(parsed, ModelResult())
    yield "assemble"
    extraction.model_dump_json()
    yield "write"


def _count(path: Path) -> dict[str, float]:
    """Function calls a record in each stage."""
    records = list(islice(read_records(path), _COUNTED))
    parsed = [parse_record(record) for record in records]
    extractions = [assemble_extraction(one, ModelResult()) for one in parsed]
    work = {
        "read": lambda: list(islice(read_records(path), _COUNTED)),
        "parse": lambda: [parse_record(record) for record in records],
        "assemble": lambda: [assemble_extraction(one, ModelResult()) for one in parsed],
        "write": lambda: [one.model_dump_json() for one in extractions],
    }
    return {name: count_calls(stage) / len(records) for name, stage in work.items()}


def _measure_yardstick(path: Path, limit: int | None) -> float:
    begun = time.process_time()
    with gzip.open(path, "rb") as file:
        for line in islice(file, limit):
            json.loads(line)
            _TOKEN.findall(line.decode("utf-8"))
    return time.process_time() - begun


def _measure_command(path: Path, limit: int | None) -> float:
    limits = [] if limit is None else ["--limit", str(limit)]
    with tempfile.TemporaryDirectory() as folder:
        out = ["--out", folder, "--assist", "never", "--quiet"]
        return cpu_seconds([sys.executable, "-m", "extractor", "run", str(path), *out, *limits])
