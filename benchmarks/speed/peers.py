"""The pipeline beside other pipelines, in one run and on the same text: CPU time as multiples of spaCy's tokenizer."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

from extractor.options import Assist, ExtractionOptions
from extractor.parse import parse_record
from extractor.pipeline import extract_by_rules
from extractor.read import read_records
from extractor.schemas import TrialRecord
from extractor.text.book import load_book, read_text
from extractor.text.clean import clean_text

__all__ = ["Peer", "compare_speed", "format_peers"]

_RULES = ExtractionOptions(assist=Assist.NEVER)
_WARM = 20
"""So many records are read before the clock runs. Each other record is read once: spaCy remembers texts it has seen."""


@dataclass(frozen=True)
class Peer:
    """One contestant's CPU milliseconds a record, and as a multiple of spaCy's blank tokenizer."""

    name: str
    milliseconds: float
    ratio: float


def compare_speed(path: Path, limit: int | None = None) -> list[Peer]:
    """Time our stages and the others over the same records. Needs the extra `compare`.

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
    return [Peer(name, 1000 * spent / (len(records) - _WARM), spent / yardstick) for name, spent in seconds.items()]


def format_peers(peers: Sequence[Peer]) -> str:
    """A line a contestant."""
    lines = [f"{'':34}{'ms a record':>12}{'ratio':>8}"]
    return "\n".join([*lines, *(f"{peer.name:34}{peer.milliseconds:>12.2f}{peer.ratio:>8.2f}" for peer in peers)])


def _time(work: Callable[[TrialRecord], object], records: Sequence[TrialRecord]) -> float:
    begun = time.process_time()
    for record in records:
        work(record)
    return time.process_time() - begun


def _texts(record: TrialRecord) -> list[str]:
    return [section.text for section in record.sections]
