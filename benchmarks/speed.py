"""Measure how fast records are read, parsed, assembled and written without a model, on one core.

    python -m benchmarks.speed --data DIR [--records N] [--compare]

CPU time of each stage over the first N records of the folder's ``records/ctgov_v2.jsonl.gz``, and of the whole command
``extractor run --effort none``.

``--compare`` times this pipeline, spaCy's blank English tokenizer and medSpaCy's default pipeline on the same records
of all areas instead, and prints ratios to the tokenizer, which are comparable between machines, unlike seconds. It
needs the extra `compare`. medSpaCy requires an older numpy, and is timed if it is installed.
"""

import os
import tempfile
from collections import deque
from collections.abc import Callable
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.data import RULES, format_table, parse_options

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one core, also for matrices: before anything loads them

from benchmarks.processes import cpu_seconds, run_command, time_work
from extractor.assemble import ModelResult, assemble_extraction
from extractor.parse import parse_record
from extractor.pipeline import extract_by_rules
from extractor.read import read_records
from extractor.schemas import TrialRecord
from extractor.text.book import load_book, read_text
from extractor.text.clean import clean_text

_WARM = 20
"""Warm-up records. Each other record is read once, since spaCy caches texts that it has seen."""


def main() -> None:
    """Print the table."""
    chosen = parse_options(__doc__, data=..., records=int, compare=False)
    if chosen.compare:
        peers = compare_speed(chosen.data / "records" / "all_areas.jsonl.gz", chosen.records)
        print(format_table(("", "ms a record", "ratio"), peers))
    else:
        path = chosen.data / "records" / "ctgov_v2.jsonl.gz"
        print(format_table(("stage", "records/s", "ms/record"), measure_stages(path, chosen.records)))


def measure_stages(path: Path, limit: int | None = None) -> list[tuple[str, str, str]]:
    """Measure records per second and CPU milliseconds per record of each stage, over a file's first records."""
    records, parsed, extractions = list[Any](), list[Any](), list[Any]()
    parse_record(next(read_records(path)))  # loads the rules
    stages: dict[str, Callable[[], object]] = {
        "read": lambda: records.extend(islice(read_records(path), limit)),
        "parse": lambda: parsed.extend(map(parse_record, records)),
        "assemble": lambda: extractions.extend(assemble_extraction(one, ModelResult()) for one in parsed),
        "write": lambda: [one.model_dump_json() for one in extractions],
    }
    seconds = {name: time_work(work) for name, work in stages.items()}
    seconds |= {"read + parse": seconds["read"] + seconds["parse"], "all": sum(seconds.values())}
    limits = () if limit is None else ("--limit", limit)
    with tempfile.TemporaryDirectory() as folder:
        command = run_command(path, "--out", folder, "--effort", "none", *limits)
        seconds["extractor run, with its start"] = cpu_seconds(command)
    count = len(records)
    return [(name, f"{count / spent:,.0f}", f"{1000 * spent / count:.2f}") for name, spent in seconds.items()]


def compare_speed(path: Path, limit: int | None = None) -> list[tuple[str, float, float]]:
    """Measure CPU milliseconds per record of our stages and of other pipelines, and ratios to spaCy's tokenizer."""
    import spacy  # noqa: PLC0415  # of the extra `compare`

    def each_text(work: Callable[[str], object]) -> Callable[[TrialRecord], object]:
        return lambda record: [work(section.text) for section in record.sections]

    contestants: dict[str, Callable[[TrialRecord], object]] = {
        "spaCy, blank English tokenizer": each_text(spacy.blank("en")),
        "ours: clean and lex, all terms": each_text(lambda text: read_text(clean_text(text).text)),
        "ours: parse": parse_record,
        "ours: all, as JSON": lambda record: extract_by_rules(record, RULES).model_dump_json(),
    }
    if find_spec("medspacy"):
        import medspacy  # noqa: PLC0415

        contestants["medSpaCy, default pipeline"] = each_text(medspacy.load())
    for rule in load_book().rules.values():
        rule.expression  # noqa: B018  # compile before the measurement, as spaCy does on loading
    records = list(islice(read_records(path), limit))
    for work in contestants.values():
        list(map(work, records[:_WARM]))
    seconds = {
        name: time_work(lambda work=work: deque(map(work, records[_WARM:]), maxlen=0))  # type: ignore[misc]
        for name, work in contestants.items()
    }  # no result is kept, as in a run: kept ones cost the garbage collector more than the work itself
    yardstick, count = next(iter(seconds.values())), len(records) - _WARM
    return [(name, 1000 * spent / count, spent / yardstick) for name, spent in seconds.items()]


if __name__ == "__main__":
    main()
