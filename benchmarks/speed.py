"""How fast records are read, parsed, assembled and written without a model, on one core.

    python -m benchmarks.speed --data DIR [--records N] [--compare]

CPU time of each stage over ``records/ctgov_v2.jsonl.gz`` of the folder, and of the whole command ``extractor run
--assist never``.

``--compare`` times this pipeline, spaCy's blank English tokenizer and medSpaCy's default pipeline on the same records
of all areas instead, and prints ratios to the tokenizer: these can be compared between machines, seconds cannot. It
needs the extra `compare`. medSpaCy asks for an older numpy, and is timed where it is installed.
"""

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

from benchmarks.data import format_table, option_parser

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one core, also for matrices: before anything loads them

from benchmarks.processes import cpu_seconds, run_command
from extractor.assemble import ModelResult, assemble_extraction
from extractor.options import Assist, ExtractionOptions
from extractor.parse import ParsedRecord, parse_record
from extractor.pipeline import extract_by_rules
from extractor.read import read_records
from extractor.schemas import TrialExtraction, TrialRecord
from extractor.text.book import load_book, read_text
from extractor.text.clean import clean_text

_WARM = 20
"""Records that are read before the clock runs. Each other record is read once: spaCy remembers texts it has seen."""
_RULES = ExtractionOptions(assist=Assist.NEVER)


def main() -> None:
    """Print the table."""
    parser = option_parser(__doc__, data=True)
    parser.add_argument("--records", type=int, metavar="N", help="only the first N records")
    parser.add_argument("--compare", action="store_true", help="time other pipelines on the same text instead")
    chosen = parser.parse_args()
    if chosen.compare:
        peers = compare_speed(chosen.data / "records" / "all_areas.jsonl.gz", chosen.records)
        print(format_table(("", "ms a record", "ratio"), peers))
    else:
        path = chosen.data / "records" / "ctgov_v2.jsonl.gz"
        print(format_table(("stage", "records/s", "ms/record"), measure_stages(path, chosen.records)))


def measure_stages(path: Path, limit: int | None = None) -> list[tuple[str, str, str]]:
    """Records per second and CPU milliseconds per record of each stage, over the first ``limit`` records of a file."""
    records, parsed = list[TrialRecord](), list[ParsedRecord]()
    extractions = list[TrialExtraction]()
    parse_record(next(read_records(path)))  # loads the rules
    stages: dict[str, Callable[[], object]] = {
        "read": lambda: records.extend(islice(read_records(path), limit)),
        "parse": lambda: parsed.extend(map(parse_record, records)),
        "assemble": lambda: extractions.extend(assemble_extraction(one, ModelResult()) for one in parsed),
        "write": lambda: [one.model_dump_json() for one in extractions],
    }
    seconds = {name: time_work(work) for name, work in stages.items()}
    seconds |= {"read + parse": seconds["read"] + seconds["parse"], "all": sum(seconds.values())}
    limits = [] if limit is None else ["--limit", str(limit)]
    with tempfile.TemporaryDirectory() as folder:
        command = run_command(path, "--out", folder, "--assist", "never", *limits)
        seconds["extractor run, with its start"] = cpu_seconds(command)
    count = len(records)
    return [(name, f"{count / spent:,.0f}", f"{1000 * spent / count:.2f}") for name, spent in seconds.items()]


def time_work(work: Callable[[], object]) -> float:
    """CPU seconds of a piece of work."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def compare_speed(path: Path, limit: int | None = None) -> list[tuple[str, float, float]]:
    """CPU milliseconds per record of our stages and of other pipelines, and their ratios to spaCy's tokenizer."""
    import spacy  # noqa: PLC0415  # of the extra `compare`

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
    for rule in load_book().rules.values():
        rule.expression  # noqa: B018  # compiled before the clock runs, as spaCy's rules are when it is loaded
    records = list(islice(read_records(path), limit))

    def run_all(work: Callable[[TrialRecord], object], some: Sequence[TrialRecord]) -> float:
        return time_work(lambda: [work(record) for record in some])

    for work in contestants.values():
        run_all(work, records[:_WARM])
    seconds = {name: run_all(work, records[_WARM:]) for name, work in contestants.items()}
    yardstick, count = next(iter(seconds.values())), len(records) - _WARM
    return [(name, 1000 * spent / count, spent / yardstick) for name, spent in seconds.items()]


def _texts(record: TrialRecord) -> list[str]:
    return [section.text for section in record.sections]


if __name__ == "__main__":
    main()
