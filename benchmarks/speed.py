"""How fast records are read, parsed, assembled and written without a model, on one core.

    python -m benchmarks.speed --data DIR [--records N] [--json]
    python -m benchmarks.speed --data DIR --compare [--records N] [--json]

CPU time of each stage over ``records/ctgov_v2.jsonl.gz`` of the folder, and of the whole command ``extractor run
--assist never``. The yardstick is decoding the same JSON and cutting the same text into tokens with one expression: a
stage's multiple of it can be compared between machines, seconds cannot. Function calls do not depend on the machine's
load at all. ``tests/test_speed.py`` checks how time grows with the text, and texts made to be slow.

``--compare`` times this pipeline, spaCy's blank English tokenizer and medSpaCy's default pipeline on the same records
of all areas, and prints ratios to the tokenizer; it needs the extra `compare` (medSpaCy apart, which asks for an older
numpy, and is timed where it is installed).
"""

import gzip
import json
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice, pairwise
from pathlib import Path

from benchmarks.data import format_table, option_parser

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one core, also for matrices: before anything loads them

from benchmarks.processes import cpu_seconds, run_command
from benchmarks.synthetic import count_calls
from extractor.assemble import ModelResult, assemble_extraction
from extractor.options import Assist, ExtractionOptions
from extractor.parse import parse_record
from extractor.pipeline import extract_by_rules
from extractor.read import read_records
from extractor.schemas import TrialRecord
from extractor.text.book import load_book, read_text
from extractor.text.clean import clean_text

_TOKEN = re.compile(r"\w+|[^\w\s]")
_STAGES = ("read", "parse", "assemble", "write")
_COUNTED = 100
"""How many records' function calls are counted: counting slows the work down several times."""
_WARM = 20
"""Records that are read before the clock runs. Each other record is read once: spaCy remembers texts it has seen."""
_RULES = ExtractionOptions(assist=Assist.NEVER)


def main() -> None:
    """Print the tables."""
    parser = option_parser(__doc__, data=True)
    parser.add_argument("--records", type=int, metavar="N", help="only the first N records")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--compare", action="store_true", help="time other pipelines on the same text, too")
    chosen = parser.parse_args()
    if chosen.compare:
        peers = compare_speed(chosen.data / "records" / "all_areas.jsonl.gz", chosen.records)
        print(json.dumps(peers) if chosen.json else format_table(("", "ms a record", "ratio"), peers))
    else:
        stages = measure_stages(chosen.data / "records" / "ctgov_v2.jsonl.gz", chosen.records)
        print(json.dumps(stages, default=vars) if chosen.json else format_stages(stages))


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
        return cpu_seconds(run_command(path, "--out", folder, "--assist", "never", *limits))


def format_stages(found: Stages) -> str:
    """A row for each stage, one for reading and parsing together, and one for all."""
    named = {stage.name: (stage.seconds, stage.calls) for stage in found.stages}
    sums = {"read + parse": ("read", "parse"), "all": tuple(named)}
    named |= {name: (sum(named[n][0] for n in of), sum(named[n][1] for n in of)) for name, of in sums.items()}
    rows = []
    for name, (seconds, calls) in named.items():
        each = 1000 * seconds / found.records
        rows.append((name, f"{1000 / each:,.0f}", f"{each:.2f}", f"{seconds / found.yardstick:.1f}", f"{calls:,.0f}"))
    return "\n".join(
        (
            f"{found.records} records of {found.characters / found.records:,.0f} characters on average, on one core",
            format_table(("stage", "records/s", "ms/record", "x yardstick", "calls/record"), rows),
            f"yardstick (JSON and tokens): {found.yardstick / found.records * 1000:.2f} ms/record",
            f"first record, with what it loads: {found.first:.2f} s",
            f"extractor run, start included: {found.records / found.command:,.0f} records/s",
        )
    )


def compare_speed(path: Path, limit: int | None = None) -> list[tuple[str, float, float]]:
    """CPU milliseconds a record of our stages and of other pipelines, and their ratios to spaCy's tokenizer.

    Needs the extra `compare`.

    medSpaCy takes part where it is installed: it asks for an older numpy than the extra.
    """
    import spacy  # noqa: PLC0415  # of the extra `compare`

    records = list(islice(read_records(path), limit))
    tokenize = spacy.blank("en")
    contestants: dict[str, Callable[[TrialRecord], object]] = {
        "spaCy, blank English tokenizer": lambda record: [tokenize(text) for text in _texts(record)],
        "ours: clean and lex, all terms": lambda record: [read_text(clean_text(text).text) for text in _texts(record)],
        "ours: parse": parse_record,
        "ours: all, as JSON": lambda record: extract_by_rules(record, _RULES).model_dump_json(),
    }
    if find_spec("medspacy"):
        import medspacy  # noqa: PLC0415

        pipeline = medspacy.load()
        contestants["medSpaCy, default pipeline"] = lambda record: [pipeline(text) for text in _texts(record)]
    for each in load_book().rules.values():
        each.expression  # noqa: B018  # compiled before the clock runs, as spaCy's rules are when it is loaded
    for work in contestants.values():
        _time(work, records[:_WARM])
    seconds = {name: _time(work, records[_WARM:]) for name, work in contestants.items()}
    yardstick = next(iter(seconds.values()))
    count = len(records) - _WARM
    return [(name, 1000 * spent / count, spent / yardstick) for name, spent in seconds.items()]


def _time(work: Callable[[TrialRecord], object], records: Sequence[TrialRecord]) -> float:
    begun = time.process_time()
    for record in records:
        work(record)
    return time.process_time() - begun


def _texts(record: TrialRecord) -> list[str]:
    return [section.text for section in record.sections]


if __name__ == "__main__":
    main()
